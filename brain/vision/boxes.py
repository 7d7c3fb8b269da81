"""Pure: functions that all detectors use: fit a picture into a square, and keep one box for each object."""

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
    """One object that a detector found."""

    label: str
    score: float
    """0 to 1."""
    left: float
    top: float
    right: float
    bottom: float
    """In pixels of the detector's input picture."""

    @property
    def box(self) -> Box:
        """The box, in pixels of the detector's input picture."""
        return Box(self.left, self.top, self.right - self.left, self.bottom - self.top)

    def moved(self, x: float, y: float) -> "RawDetection":
        """Return it in pixels of a larger picture, of which the input picture is the part that begins at x, y."""
        return RawDetection(self.label, self.score, self.left + x, self.top + y, self.right + x, self.bottom + y)


class Letterbox(NamedTuple):
    """A picture fitted into a square."""

    pixels: Pixels
    """side x side x 3."""
    scale: float
    """Pixels of the square for one pixel of the picture."""
    left: int
    top: int
    """The pixel of the square at which the picture begins."""

    def undo(self, boxes: Floats) -> Floats:
        """Convert N x 4 boxes (left, top, right, bottom) from pixels of the square to pixels of the picture."""
        moved: Floats = (boxes - np.array([self.left, self.top] * 2, np.float32)) / np.float32(self.scale)
        return moved


def letterbox(pixels: Pixels, side: int, *, fill: int, centred: bool) -> Letterbox:
    """Fit a picture into a square without distortion; the rest is filled with the grey value `fill` (0 to 255)."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = ((side - wide) // 2, (side - high) // 2) if centred else (0, 0)
    square = np.full((side, side, 3), fill, np.uint8)
    square[top : top + high, left : left + wide] = cv2.resize(pixels, (wide, high))
    return Letterbox(square, scale, left, top)


def suppress(found: list[RawDetection], overlap: float) -> list[RawDetection]:
    """Return the detections, the highest score first, without duplicates.

    A duplicate overlaps a detection of the same label and a higher score by more than `overlap`.

    Args:
        found: In any order. Detections without a finite box are dropped.
        overlap: Intersection over union, 0 to 1.
    """
    left = sorted((one for one in found if np.isfinite(one[1:]).all()), key=lambda one: -one.score)
    kept: list[RawDetection] = []
    while left:
        best, left = left[0], left[1:]
        kept.append(best)
        left = [one for one in left if one.label != best.label or iou(one.box, best.box) <= overlap]
    return kept
