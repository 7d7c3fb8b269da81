import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from benchmarks.appearance_scenes import people
from brain.models import packs
from brain.models.local import LocalBackend
from brain.vision.appearance import APPEARANCE_NUMBERS, Appearance, describe_appearance
from brain.vision.picture import Picture, Pixels
from nerves.messages import Box

WIDTH, HEIGHT = 640, 360
BODY = Box(0.4, 0.1, 0.15, 0.8)
RED, BLUE, BLACK, WHITE, GREEN = (40, 40, 190), (170, 60, 40), (25, 25, 25), (225, 225, 225), (60, 150, 60)
Colour = tuple[int, int, int]


def scene(torso: Colour, legs: Colour, *, seed: int = 0, stripes: int = 0, box: Box = BODY) -> Pixels:
    """Return a room of two colours and some noise, with a person who is a head, a torso and legs."""
    pixels = np.full((HEIGHT, WIDTH, 3), (170, 180, 185), np.float64)
    pixels[240:] = (60, 90, 140)
    x, y, w, h = box.x * WIDTH, box.y * HEIGHT, box.w * WIDTH, box.h * HEIGHT
    for colour, top, bottom in (((110, 140, 190), 0.0, 0.16), (torso, 0.16, 0.5), (legs, 0.5, 1.0)):
        pixels[round(y + top * h) : round(y + bottom * h), round(x + 0.15 * w) : round(x + 0.85 * w)] = colour
    if stripes:
        pixels[round(y + 0.16 * h) : round(y + 0.5 * h) : stripes, round(x) : round(x + w)] = WHITE
    noise = np.random.default_rng(seed).normal(0, 4, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def picture(pixels: Pixels) -> Picture:
    return Picture(cv2.imencode(".jpg", pixels)[1].tobytes())


def look(pixels: Pixels, box: Box = BODY) -> Appearance:
    found = describe_appearance(picture(pixels), box)
    assert found is not None
    return found


def apart(one: Appearance, other: Appearance) -> float:
    return float(np.linalg.norm(one.vector - other.vector))


def test_an_appearance_has_a_fixed_length_and_bounded_distances() -> None:
    one, other = look(scene(RED, BLACK)), look(scene(BLUE, WHITE))
    assert one.vector.shape == other.vector.shape == (APPEARANCE_NUMBERS,)
    assert one.vector.dtype == np.float32
    assert 0 < apart(one, other) <= 2**0.5
    assert float(np.linalg.norm(one.vector)) == pytest.approx(1.0, abs=0.01)


def test_the_same_clothes_are_nearer_than_other_clothes() -> None:
    first, again = look(scene(RED, BLACK)), look(scene(RED, BLACK, seed=1))
    for torso, legs in ((BLUE, BLACK), (BLACK, RED), (WHITE, GREEN)):
        assert apart(first, again) < 0.5 * apart(first, look(scene(torso, legs)))


def test_stripes_are_no_plain_shirt() -> None:
    plain, striped = look(scene(BLUE, BLACK)), look(scene(BLUE, BLACK, stripes=8))
    assert apart(plain, striped) > 2 * apart(plain, look(scene(BLUE, BLACK, seed=1)))


@pytest.mark.parametrize("gains", [(0.85, 1.0, 1.1), (1.15, 1.0, 0.9), (0.75, 0.75, 0.75)])
def test_another_white_balance_or_exposure_changes_less_than_other_clothes(gains: Colour) -> None:
    pixels = scene(RED, BLACK)
    other_camera = look(np.clip(pixels * np.array(gains), 0, 255).astype(np.uint8))
    assert apart(look(pixels), other_camera) < apart(look(pixels), look(scene(BLUE, BLACK)))


def test_a_box_that_trembles_changes_little() -> None:
    pixels = scene(RED, BLUE)
    trembling = look(pixels, Box(BODY.x - 0.006, BODY.y + 0.02, BODY.w * 1.05, BODY.h * 0.96))
    assert apart(look(pixels), trembling) < 0.5 * apart(look(pixels), look(scene(BLUE, RED)))


def test_legs_that_are_hidden_do_not_hide_the_shirt() -> None:
    upper = Box(BODY.x, BODY.y, BODY.w, 0.45 * BODY.h)
    hidden, whole = look(scene(RED, RED), upper), look(scene(RED, RED))
    assert apart(hidden, whole) < apart(hidden, look(scene(BLUE, BLUE)))


def test_the_size_of_the_picture_hardly_matters() -> None:
    small = scene(GREEN, BLUE)
    large = cv2.resize(small, (1920, 1080)).astype(np.uint8)
    assert apart(look(small), look(large)) < 0.5 * apart(look(small), look(scene(BLUE, GREEN)))


def test_a_coloured_picture_has_full_chroma_whatever_the_person_wears() -> None:
    assert look(scene(BLACK, BLACK)).chroma == 1.0


@pytest.mark.parametrize("cast", [(1.0, 1.0, 1.0), (0.9, 0.8, 1.0)])
def test_an_infrared_picture_has_no_chroma_whatever_its_cast(cast: tuple[float, float, float]) -> None:
    grey = cv2.cvtColor(scene(RED, BLUE), cv2.COLOR_BGR2GRAY)
    pixels = np.clip(grey[..., None] * np.array(cast), 0, 255).astype(np.uint8)
    assert look(pixels).chroma == 0.0


def test_a_black_picture_has_no_chroma() -> None:
    assert look(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).chroma == 0.0


@pytest.mark.parametrize(
    "box",
    [
        Box(0.4, 0.1, 0.01, 0.4),
        Box(0.4, 0.1, 0.1, 0.05),
        Box(0.1, 0.5, 0.8, 0.4),
        Box(0.4, 0.96, 0.1, 0.5),
        Box(1.2, 0.1, 0.1, 0.5),
        Box(-0.5, -0.9, 0.3, 0.5),
    ],
    ids=["narrow", "low", "lying", "below the edge", "outside", "outside, above"],
)
def test_a_box_that_shows_too_little_has_no_appearance(box: Box) -> None:
    assert describe_appearance(picture(scene(RED, BLUE)), box) is None


@dataclass(frozen=True, slots=True)
class Holder:
    looks: tuple[Appearance, ...] = ()
    last: Appearance | None = None


def test_an_appearance_survives_json() -> None:
    adapter = TypeAdapter(Holder)
    one = look(scene(RED, BLUE))
    held = adapter.validate_json(adapter.dump_json(Holder((one,), one)))
    assert held.last is not None
    for back in (held.looks[0], held.last):
        assert np.array_equal(back.vector, one.vector)
        assert back.vector.dtype == np.float32
        assert back.chroma == one.chroma
    with pytest.raises(ValidationError):
        adapter.validate_json('{"last": {"vector": "no hexadecimal", "chroma": 1}}')


@pytest.mark.timeout(90)
@pytest.mark.media
@pytest.mark.models
def test_people_of_the_clips_look_like_themselves(media: Path) -> None:
    vision = LocalBackend(packs.STANDARD, [Path(os.environ["KINWATCH_MODELS"])])
    found = [[look(one.pixels, one.box) for one in moments] for _, moments in people(media / "clips", vision)]
    assert len(found) == 8
    assert all(one.chroma == 1.0 for looks in found for one in looks)
    same = [apart(looks[2], looks[7]) for looks in found]
    other = [apart(one[2], two[7]) for one in found for two in found if one is not two]
    assert float(np.mean(same)) < 0.25
    assert float(np.mean(other)) > 0.5
