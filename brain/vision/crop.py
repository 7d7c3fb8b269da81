"""The pictures by which a human can say who somebody was: a few good faces of a visit, from different moments."""

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
# Faces of the same moment are the same picture.
SAME_MOMENT = timedelta(seconds=0.5)
# So are faces nearer to each other than this: of 4,893 pairs of different photos of one person none is.
SAME_POSE_DISTANCE = 0.18
# Room shown around a face, in widths and heights of the face: a human knows people by their hair too.
FACE_MARGIN = 0.45
MAX_CROP_SIDE_PX, CROP_JPEG_QUALITY = 224, 88


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """One picture of a visit."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)

    at: datetime
    jpeg: bytes
    vector: Vector | None
    """The face's vector; None where no face could be used."""
    weight: float
    """How good the face is, 0 to 1."""
    width: float
    """The face's width in the camera's picture, in pixels."""

    @property
    def merit(self) -> tuple[float, float]:
        """What makes one crop better than another."""
        return self.weight, self.width


def is_wanted(crops: Sequence[Crop], at: datetime, vector: Vector | None, merit: tuple[float, float]) -> bool:
    """Whether a new crop would be kept: none as good shows the same, and it is better than the worst."""
    others = [crop for crop in crops if not _is_same(crop, at, vector)]
    if any(crop.merit >= merit for crop in crops if crop not in others):
        return False
    return len(others) < MAX_CROPS or merit > min(crop.merit for crop in others)


def best_crops(crops: Sequence[Crop], new: Crop) -> tuple[Crop, ...]:
    """Return the best crops, at most 5, each of its own moment and its own look, in the order of time."""
    if not is_wanted(crops, new.at, new.vector, new.merit):
        return tuple(crops)
    others = sorted((crop for crop in crops if not _is_same(crop, new.at, new.vector)), key=lambda crop: crop.merit)
    return tuple(sorted([*others[-(MAX_CROPS - 1) :], new], key=lambda crop: crop.at))


def _is_same(crop: Crop, at: datetime, vector: Vector | None) -> bool:
    """Whether a crop is of the same moment, or of a head that has not moved since."""
    if abs(crop.at - at) < SAME_MOMENT or crop.vector is None or vector is None:
        return abs(crop.at - at) < SAME_MOMENT
    return float(np.linalg.norm(crop.vector - vector)) < SAME_POSE_DISTANCE


def portrait(picture: Picture, face: Face) -> bytes:
    """Return a face with some room around as a JPEG of at most 224 pixels a side."""
    wide, high = FACE_MARGIN * face.box.w, FACE_MARGIN * face.box.h
    box = Box(face.box.x - wide, face.box.y - high, face.box.w + 2 * wide, face.box.h + 2 * high)
    pixels = picture.crop(box)
    scale = MAX_CROP_SIDE_PX / max(*pixels.shape[:2], 1)
    if 0 < scale < 1:
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(pixels.dtype)
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, CROP_JPEG_QUALITY])[1].tobytes()
