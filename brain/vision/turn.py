"""Pure: pixels and boxes after quarter turns of a picture."""

import numpy as np

from brain.vision.picture import Pixels
from nerves.messages import Box

__all__ = ["turn_box", "turn_pixels"]


def turn_pixels(pixels: Pixels, quarters: int) -> Pixels:
    """Return height x width x 3 pixels after clockwise quarter turns."""
    return np.ascontiguousarray(np.rot90(pixels, -quarters))


def turn_box(box: Box, quarters: int) -> Box:
    """Return a box, in fractions of the picture, after clockwise quarter turns of the picture (negative: back)."""
    for _ in range(quarters % 4):
        box = Box(1 - box.y - box.h, box.x, box.h, box.w)
    return box
