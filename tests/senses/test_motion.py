"""What moved between two pictures."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from senses.motion import Grey, Motion

HEIGHT, WIDTH = 180, 320
sensitivities = st.floats(0, 1)
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=30, deadline=None)


def room(seed: int, *, darkest: int = 0, brightest: int = 255) -> Grey:
    """Make a picture of soft shapes, like a room, with every grey from dark to bright."""
    coarse = np.random.default_rng(seed).integers(darkest, brightest + 1, (9, 16), np.uint8)
    return np.kron(coarse, np.ones((20, 20), np.uint8))


def noisy(grey: Grey, seed: int, sigma: float) -> Grey:
    noise = np.random.default_rng(seed).normal(0, sigma, grey.shape)
    return np.clip(grey + noise, 0, 255).astype(np.uint8)


@few
@given(seed=seeds, sensitivity=sensitivities, times=st.integers(2, 8))
def test_a_still_picture_never_moves(seed: int, sensitivity: float, times: int) -> None:
    motion = Motion(sensitivity=sensitivity)
    assert not any(motion.moved(room(seed)) for _ in range(times))


@few
@given(seed=seeds, sensitivity=sensitivities, shift=st.integers(-60, 60))
def test_the_same_picture_in_another_light_has_not_moved(seed: int, sensitivity: float, shift: int) -> None:
    motion = Motion(sensitivity=sensitivity)
    before = room(seed, darkest=60, brightest=195)
    motion.moved(before)
    assert motion.share((before.astype(np.int16) + shift).astype(np.uint8)) == 0


@few
@given(seed=seeds, shift=st.integers(-60, 60))
def test_a_lamp_and_a_dark_corner_that_cannot_change_further_have_not_moved(seed: int, shift: int) -> None:
    motion = Motion()
    before = room(seed, darkest=60, brightest=195)
    before[:40, :60], before[140:, 260:] = 255, 0
    motion.moved(before)
    assert not motion.moved(np.clip(before.astype(np.int16) + shift, 0, 255).astype(np.uint8))


@few
@given(
    seed=seeds,
    sensitivity=sensitivities,
    x=st.integers(0, WIDTH - 140),
    y=st.integers(0, HEIGHT - 100),
    step=st.integers(20, 60),
)
def test_a_big_moving_block_moves(seed: int, sensitivity: float, x: int, y: int, step: int) -> None:
    motion = Motion(sensitivity=sensitivity)
    empty = room(seed, darkest=60, brightest=120)
    motion.moved(empty)
    for left in (x, x + step):
        picture = empty.copy()
        picture[y : y + 100, left : left + 80] = 250
        assert motion.moved(picture)


def test_somebody_who_fills_the_picture_moves() -> None:
    motion = Motion()
    motion.moved(room(1))
    assert motion.moved(room(2))


@pytest.mark.parametrize("sigma", [2, 5, 10])
def test_the_noise_of_a_dark_room_does_not_move(sigma: float) -> None:
    motion = Motion()
    dark = room(3, darkest=20, brightest=70)
    assert not any(motion.moved(noisy(dark, seed, sigma)) for seed in range(30))


def test_a_clock_in_the_picture_does_not_move() -> None:
    motion = Motion()
    for second in range(30):
        picture = room(4, darkest=100, brightest=200)
        picture[2:9, 2:8] = 255 * (second % 2)
        assert not motion.moved(picture)


def test_a_slow_walker_moves() -> None:
    motion = Motion(memory=5)
    seen = []
    for step in range(40):
        picture = room(5, darkest=100, brightest=140)
        picture[60:120, 20 + step : 50 + step] = 20
        seen.append(motion.moved(picture))
    assert all(seen[10:])


def test_a_person_who_has_left_is_no_motion_after_seconds() -> None:
    motion = Motion(memory=5)
    empty = room(6)
    with_somebody = empty.copy()
    with_somebody[40:160, 100:150] = 0
    for picture in (empty, with_somebody, with_somebody):
        motion.moved(picture)
    after = [motion.moved(empty) for _ in range(25)]
    assert after[0]
    assert not any(after[15:])


@few
@given(low=sensitivities, high=sensitivities, seed=seeds, grey=st.integers(0, 255), side=st.integers(1, 60))
def test_higher_sensitivity_never_finds_less_motion(low: float, high: float, seed: int, grey: int, side: int) -> None:
    low, high = min(low, high), max(low, high)
    picture = room(seed).copy()
    dull, keen = Motion(sensitivity=low), Motion(sensitivity=high)
    dull.moved(picture), keen.moved(picture)
    picture[50 : 50 + side, 50 : 50 + side] = grey
    assert keen.moved(picture) or not dull.moved(picture)


def test_a_new_picture_size_resets_the_average() -> None:
    motion = Motion()
    assert motion.share(np.zeros((180, 320), np.uint8)) == 0
    assert motion.share(np.zeros((240, 320), np.uint8)) == 1
    assert motion.share(np.zeros((240, 320), np.uint8)) == 0


@pytest.mark.parametrize("shape", [(1, 1), (3, 320), (5, 5), (0, 0)])
def test_very_small_pictures_are_accepted(shape: tuple[int, int]) -> None:
    motion = Motion()
    assert not motion.moved(np.zeros(shape, np.uint8))
    assert motion.share(np.zeros(shape, np.uint8)) == 0


@pytest.mark.media
def test_walking_people_are_motion_and_an_empty_room_is_not(media: Path) -> None:
    from senses.camera import video  # noqa: PLC0415

    motion = Motion(memory=5)
    with video.clip(media / "clips" / "visits_1_4.mp4") as clip:
        looks = [(number, motion.moved(video.grey(image))) for number, _, image in clip.frames(5)]
    with (media / "clips_ground_truth.csv").open() as file:
        truth = [row for row in csv.DictReader(file) if row["file"] == "clips/visits_1_4.mp4"]
    passed: dict[str, list[bool]] = {"person": [], "none": [], "unsure": []}
    for row in truth:
        between = range(int(row["first_frame"]), int(row["last_frame"]) + 1)
        here = [moved for number, moved in looks if number in between]
        passed[row["label"]] += here
        assert row["label"] != "person" or any(here)
    assert sum(moved for number, moved in looks if 70 <= number <= 190) >= 15
    assert sum(passed["none"]) <= 2
    assert sum(passed["person"]) > 0.4 * len(passed["person"])
