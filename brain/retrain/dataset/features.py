"""Turns labelled pictures into rows of features; uses the cache if possible."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brain.models.litert import Extractor
from brain.people.enroll import to_upright_image
from brain.retrain.dataset.cache import FeatureCache
from brain.retrain.dataset.distort import Distortion
from brain.retrain.dataset.labelled import LabelledPicture
from brain.vision.boxes import Floats
from brain.vision.picture import Pixels
from nerves.errors import BadPicture

__all__ = ["PictureFeatures", "Progress", "Reader"]

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class PictureFeatures:
    """A usable picture with its features."""

    sample: LabelledPicture
    sha256: str
    row: Floats
    """The features that the extractor returned, one row."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns pictures into the features of one extractor."""

    extractor: Extractor
    key: str
    """What decides the features: the sha256 of the extractor's file, and the input values of black and white."""
    cache: FeatureCache

    def see(self, sample: LabelledPicture) -> PictureFeatures:
        """Return a picture with its features. Raises `BadPicture`, which names the file, if it cannot be read."""
        data = _bytes(sample.path)
        sha256 = hashlib.sha256(data).hexdigest()
        key = f"{self.key} {sha256}"
        return PictureFeatures(
            sample, sha256, self.cache.row(key, lambda: self.extractor.features(_pixels(sample.path, data)))
        )

    def copies(self, seen: PictureFeatures, distortion: Distortion) -> list[Floats]:
        """Return the features of a picture's distorted copies."""
        decoded: list[Pixels] = []

        def make(number: int) -> Floats:
            if not decoded:
                decoded.append(_pixels(seen.sample.path, _bytes(seen.sample.path)))
            return self.extractor.features(distortion.apply(decoded[0], seen.sha256, number))

        return [
            self.cache.row(f"{self.key} {seen.sha256} {distortion.key(number)}", lambda number=number: make(number))  # type: ignore[misc]
            for number in range(distortion.count)
        ]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise BadPicture(message) from error


def _pixels(path: Path, data: bytes) -> Pixels:
    try:
        return np.ascontiguousarray(np.asarray(to_upright_image(data))[:, :, ::-1])
    except BadPicture as error:
        message = f"{path}: {error}"
        raise BadPicture(message) from error
