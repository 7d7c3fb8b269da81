"""Pure: what the detectors share: a picture fitted into a square, and one box for each thing."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from brain.vision.geometry import iou
from brain.vision.picture import Pixels
from nerves.messages import Box

__all__ = ["Floats", "Letterbox", "RawDetection", "letterbox", "suppress"]

Floats = npt.NDArray[np.float32]


class RawDetection(NamedTuple):
    """Something a detector found."""

    label: str
    score: float
    """0 to 1."""
    left: float
    top: float
    right: float
    bottom: float
    """Pixels of the picture the detector was given."""

    @property
    def box(self) -> Box:
        """Where it is, in pixels of the picture the detector was given."""
        return Box(self.left, self.top, self.right - self.left, self.bottom - self.top)

    def moved(self, x: float, y: float) -> "RawDetection":
        """Return it as pixels of a picture in which this one begins at x, y."""
        return RawDetection(self.label, self.score, self.left + x, self.top + y, self.right + x, self.bottom + y)


class Letterbox(NamedTuple):
    """A picture fitted into a square."""

    pixels: Pixels
    """side x side x 3."""
    scale: float
    """Pixels of the square for one of the picture."""
    left: int
    top: int
    """Where the picture begins in the square."""

    def undo(self, boxes: Floats) -> Floats:
        """Return N x 4 boxes (left, top, right, bottom) of the square as pixels of the picture."""
        moved: Floats = (boxes - np.array([self.left, self.top] * 2, np.float32)) / np.float32(self.scale)
        return moved


def letterbox(pixels: Pixels, side: int, *, fill: int, centred: bool) -> Letterbox:
    """Fit a picture into a square, its shape kept; what is left over has the grey value `fill` (0 to 255)."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = ((side - wide) // 2, (side - high) // 2) if centred else (0, 0)
    square = np.full((side, side, 3), fill, np.uint8)
    square[top : top + high, left : left + wide] = cv2.resize(pixels, (wide, high))
    return Letterbox(square, scale, left, top)


def suppress(found: list[RawDetection], overlap: float) -> list[RawDetection]:
    """Return the surest first, without those that overlap a surer one of their label by more than `overlap`.

    Args:
        found: In any order; what has no finite box is left out.
        overlap: Intersection over union, 0 to 1.
    """
    left = sorted((one for one in found if np.isfinite(one[1:]).all()), key=lambda one: -one.score)
    kept: list[RawDetection] = []
    while left:
        best, left = left[0], left[1:]
        kept.append(best)
        left = [one for one in left if one.label != best.label or iou(one.box, best.box) <= overlap]
    return kept
