"""Pixels and boxes after quarter turns."""

import numpy as np
import pytest

from brain.vision.turn import turn_box, turn_pixels
from nerves.messages import Box


@pytest.mark.parametrize("quarters", [-1, 0, 1, 2, 3])
def test_a_box_turns_with_its_picture(quarters: int) -> None:
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[10:20, 40:72] = 255  # 0.25 to 0.5 of the height, 0.5 to 0.9 of the width
    turned = turn_pixels(pixels, quarters)
    box = turn_box(Box(0.5, 0.25, 0.4, 0.25), quarters)
    height, width = turned.shape[:2]
    rows, columns = np.nonzero(turned[:, :, 0])
    assert (columns.min() / width, rows.min() / height) == pytest.approx((box.x, box.y))
    assert ((columns.max() + 1) / width, (rows.max() + 1) / height) == pytest.approx((box.x + box.w, box.y + box.h))


def test_one_quarter_is_clockwise() -> None:
    pixels = np.zeros((2, 4, 3), np.uint8)
    pixels[0, 0] = 255  # top left comes to the top right
    assert turn_pixels(pixels, 1)[0, 1, 0] == 255
    assert turn_box(Box(0, 0, 0.25, 0.5), 1) == Box(0.5, 0, 0.5, 0.25)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turning_back_gives_the_box_again(quarters: int) -> None:
    box = Box(0.125, 0.25, 0.5, 0.0625)
    assert turn_box(turn_box(box, quarters), -quarters) == box
