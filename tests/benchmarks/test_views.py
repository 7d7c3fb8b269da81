"""The pictures of the benchmark of odd views show what their names say."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.views_scenes import CROSSING_FRAMES, TABLE, crossing_scenes, partial_views, turned_scene, turned_views

PERSON = (60, 20, 100, 220)  # left, top, right, bottom in pixels


def picture() -> np.ndarray:  # type: ignore[type-arg]
    """A picture of 320 x 240 pixels with a white person in front of black."""
    pixels = np.zeros((240, 320, 3), np.uint8)
    pixels[20:220, 60:100] = 255
    return pixels


def seen(view: np.ndarray) -> int:  # type: ignore[type-arg]
    """Return how many pixels of the person are seen."""
    return int((view == 255).all(axis=2).sum())


def test_turned_views_have_the_whole_person_at_every_turn() -> None:
    views = turned_views(picture())
    assert views["turned by 90°"].shape == views["turned by 270°"].shape == (320, 240, 3)
    assert views["60 % as high, turned by 180°"].shape == (144, 320, 3)
    assert {seen(views[f"turned by {angle}°"]) for angle in (90, 180, 270)} == {40 * 200}
    assert (views["turned by 180°"] == picture()[::-1, ::-1]).all()


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("cut below the hips: legs only", 0.45),
        ("cut below the knees: feet only", 0.25),
        ("cut above the hips", 0.5),
        ("behind a table, from the waist down", 0.45),
        ("behind a table, from the chest down", 0.3),
        ("legs below something that hides the rest", 0.45),
        ("left half hidden", 0.5),
        ("right half hidden", 0.5),
    ],
)
def test_partial_views_show_a_part_of_the_person(name: str, share: float) -> None:
    views = partial_views(picture(), PERSON)
    assert seen(views[name]) == pytest.approx(share * 40 * 200, rel=0.02)
    assert seen(picture()) == 40 * 200  # the picture itself stays


def test_a_table_hides_what_is_below_its_edge() -> None:
    view = partial_views(picture(), PERSON)["behind a table, from the waist down"]
    assert (view[200, 80] == TABLE).all()
    assert (view[60, 80] == 255).all()


@pytest.mark.media
def test_scenes_are_turned_and_made_less_high(media: Path) -> None:
    scene = turned_scene(media, quarters=1, height=0.5, step=200)
    shapes = [pixels.shape for _, pixels in scene.pictures]
    assert set(shapes) == {(768, 216, 3)}
    assert len(shapes) == 5


@pytest.mark.media
def test_what_crosses_the_room_moves_in_every_frame(media: Path) -> None:
    scenes = list(crossing_scenes(media, 0, labels={"cat"}))
    assert len(scenes) == 3
    pictures = [pixels for _, pixels in scenes[0].pictures]
    assert len(pictures) == CROSSING_FRAMES
    assert all((one != other).any() for one, other in pairwise(pictures))
