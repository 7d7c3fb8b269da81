"""dlib aligns a face and turns it into 128 numbers. This is the only file that runs dlib."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from brain.models.libraries import library
from brain.vision.picture import Pixels

__all__ = ["AlignedFace", "DlibFace"]

# Side of the square for the 5-point predictor, in mean sides of the face box. Measured best on tilted heads: 100 % of
# the faces are right, 89 % at 0.95.
SQUARE_SCALE = 1.1
SQUARE_SHIFT = 0.02
CHIP_SIDE_PX = 150
CHIP_PADDING = 0.25
# Pixels around the square that dlib gets, in sides of the square. The chip reaches about half a side beyond the square.
CONTEXT_SIDES = 1.0
# In smaller faces the five points are noise.
MIN_BOX_SIDE_PX = 8.0
MIN_EYE_DISTANCE_PX = 2.0


class AlignedFace(NamedTuple):
    """The description of one aligned face."""

    vector: npt.NDArray[np.float32]
    """128 numbers."""
    sharpness: float
    """Variance of the Laplacian of the 150 x 150 grey face."""
    yaw: float
    """0 is straight, 1 is a full profile."""


class DlibFace:
    """Computes the vector, sharpness and yaw of faces.

    Args:
        points: `shape_predictor_5_face_landmarks.dat`.
        network: `dlib_face_recognition_resnet_model_v1.dat`.
    """

    def __init__(self, points: Path, network: Path) -> None:
        self._dlib = library("dlib")
        self._points = self._dlib.shape_predictor(str(points))
        self._network = self._dlib.face_recognition_model_v1(str(network))

    def describe(self, pixels: Pixels, box: tuple[float, float, float, float]) -> AlignedFace | None:
        """Return the description of a face; None if it is too small or its eyes are found at one point.

        Args:
            pixels: The picture, height x width x 3, BGR.
            box: The face as left, top, right, bottom in pixels; it may reach beyond the edge.
        """
        square = _square(box)
        if square is None:
            return None
        part, left, top = _around(pixels, square)
        if part.size == 0:
            return None
        x, y, side = square[0] - left, square[1] - top, square[2]
        shape = self._points(part, self._dlib.rectangle(round(x), round(y), round(x + side), round(y + side)))
        yaw = _yaw(np.array([(point.x, point.y) for point in shape.parts()], np.float64))
        if yaw is None:
            return None
        chip = self._dlib.get_face_chip(part, shape, CHIP_SIDE_PX, CHIP_PADDING)
        vector = np.array(self._network.compute_face_descriptor(chip), np.float32)
        return AlignedFace(vector, _sharpness(chip), yaw) if np.isfinite(vector).all() else None


def _square(box: tuple[float, float, float, float]) -> tuple[float, float, float] | None:
    """Return left, top and side of the square in which dlib finds the points best; None if the box is too small."""
    width, height = box[2] - box[0], box[3] - box[1]
    if not np.isfinite(box).all() or min(width, height) < MIN_BOX_SIDE_PX:
        return None
    side = SQUARE_SCALE * (width + height) / 2
    centre_x, centre_y = box[0] + width / 2, box[1] + height / 2 + SQUARE_SHIFT * height
    return centre_x - side / 2, centre_y - side / 2, side


def _around(pixels: Pixels, square: tuple[float, float, float]) -> tuple[Pixels, int, int]:
    """Return an RGB copy of the part around a square, and its left and top."""
    height, width = pixels.shape[:2]
    left, top, side = square
    more = side * CONTEXT_SIDES
    x, y = max(0, int(left - more)), max(0, int(top - more))
    right, bottom = min(width, int(left + side + more)), min(height, int(top + side + more))
    return np.ascontiguousarray(pixels[y : max(y, bottom), x : max(x, right), ::-1]), x, y


def _yaw(points: npt.NDArray[np.float64]) -> float | None:
    """Return how far the nose is from the middle of the eyes: 0 is the middle, 1 is below an eye.

    It is None if both eyes are at one point.

    Args:
        points: 5 x 2: outer and inner corner of one eye, outer and inner of the other, below the nose.
    """
    one, other = points[:2].mean(axis=0), points[2:4].mean(axis=0)
    axis = other - one
    apart = float(np.linalg.norm(axis))
    if apart < MIN_EYE_DISTANCE_PX:
        return None
    along = float((points[4] - one) @ axis) / apart**2
    return min(1.0, abs(along - 0.5) * 2)


def _sharpness(chip: Pixels) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())
