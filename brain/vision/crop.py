"""The album's pictures of a visit: a few good faces from different moments, for a human to label."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import cv2
import numpy as np
from pydantic import ConfigDict

from brain.vision.backend import Face, Vector
from brain.vision.picture import Picture
from nerves.messages import Box

__all__ = ["Crop", "best_crops", "is_wanted", "portrait"]

MAX_CROPS = 5
# Faces that are closer in time than this count as the same picture.
SAME_MOMENT = timedelta(seconds=0.5)
# Embeddings nearer than this count as the same picture: none of 4,893 pairs of different photos of one person is.
SAME_POSE_DISTANCE = 0.18
# Margin around a face, in widths and heights of the face. Humans recognise people by their hair too.
FACE_MARGIN = 0.45
MAX_CROP_SIDE_PX, CROP_JPEG_QUALITY = 224, 88


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """One picture of a visit."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)

    at: datetime
    jpeg: bytes
    vector: Vector | None
    """The vector of the face; None if no face was usable."""
    weight: float
    """How much the face counts, 0 to 1."""
    width: float
    """The width of the face in the camera's picture, in pixels."""

    @property
    def merit(self) -> tuple[float, float]:
        """The sort key of crops: the larger, the better."""
        return self.weight, self.width


def is_wanted(crops: Sequence[Crop], at: datetime, vector: Vector | None, merit: tuple[float, float]) -> bool:
    """Return whether a new crop would be stored.

    It must be better than every crop of the same moment or pose, and better than the worst crop if there are 5 already.
    """
    others = [crop for crop in crops if not _is_same(crop, at, vector)]
    if any(crop.merit >= merit for crop in crops if crop not in others):
        return False
    return len(others) < MAX_CROPS or merit > min(crop.merit for crop in others)


def best_crops(crops: Sequence[Crop], new: Crop) -> tuple[Crop, ...]:
    """Return the best crops, at most 5, each of another moment and another pose, ordered by time."""
    if not is_wanted(crops, new.at, new.vector, new.merit):
        return tuple(crops)
    others = sorted((crop for crop in crops if not _is_same(crop, new.at, new.vector)), key=lambda crop: crop.merit)
    return tuple(sorted([*others[-(MAX_CROPS - 1) :], new], key=lambda crop: crop.at))


def _is_same(crop: Crop, at: datetime, vector: Vector | None) -> bool:
    """Return whether a crop shows the same moment, or a head that has not moved since."""
    if abs(crop.at - at) < SAME_MOMENT or crop.vector is None or vector is None:
        return abs(crop.at - at) < SAME_MOMENT
    return float(np.linalg.norm(crop.vector - vector)) < SAME_POSE_DISTANCE


def portrait(picture: Picture, face: Face) -> bytes:
    """Return a face with some margin as a JPEG of at most 224 x 224 pixels."""
    wide, high = FACE_MARGIN * face.box.w, FACE_MARGIN * face.box.h
    box = Box(face.box.x - wide, face.box.y - high, face.box.w + 2 * wide, face.box.h + 2 * high)
    pixels = picture.crop(box)
    scale = MAX_CROP_SIDE_PX / max(*pixels.shape[:2], 1)
    if 0 < scale < 1:
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(pixels.dtype)
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, CROP_JPEG_QUALITY])[1].tobytes()
