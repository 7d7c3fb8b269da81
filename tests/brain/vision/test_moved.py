"""What moved between two pictures, in cells."""

import numpy as np
import pytest

from brain.vision.moved import brightness, moved_cells, share_moved, without
from nerves.messages import Box

SIZE = (360, 640, 3)


def room(grey: int = 100) -> np.ndarray:  # type: ignore[type-arg]
    return np.full(SIZE, grey, np.uint8)


def with_somebody() -> np.ndarray:  # type: ignore[type-arg]
    pixels = room()
    pixels[90:270, 160:320] = 20  # a quarter to three quarters down, a quarter to a half across
    return pixels


SOMEBODY = Box(0.25, 0.25, 0.25, 0.5)


def test_what_comes_into_the_picture_moved_and_nothing_else() -> None:
    cells = moved_cells(brightness(room()), brightness(with_somebody()))
    assert share_moved(cells, SOMEBODY) == 1
    assert cells.mean() == pytest.approx(0.125)
    assert without(cells, [SOMEBODY]).mean() == 0
    assert share_moved(cells, Box(0.6, 0, 0.4, 1)) == 0


def test_a_change_of_the_light_is_no_motion() -> None:
    assert not moved_cells(brightness(room(100)), brightness(room(160))).any()


@pytest.mark.parametrize("changed", [14, 16])
def test_only_a_change_of_more_than_15_grey_levels_counts(changed: int) -> None:
    pixels = room()
    pixels[:90, :160] += np.uint8(changed)
    assert moved_cells(brightness(room()), brightness(pixels)).any() == (changed > 15)


def test_pictures_of_another_size_are_compared_all_the_same() -> None:
    small = np.full((90, 160, 3), 100, np.uint8)
    assert not moved_cells(brightness(room()), brightness(small)).any()


@pytest.mark.parametrize("box", [Box(1, 1, 0, 0), Box(0.5, 0.5, 0, 0)])
def test_a_box_without_an_area_did_not_move(box: Box) -> None:
    assert share_moved(moved_cells(brightness(room()), brightness(room())), box) == 0
