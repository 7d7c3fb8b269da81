"""Pure: the stored faces of a visit, the weight of each face, and the people to compare them with."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from brain.settings.matching import MATCH_DISTANCE
from brain.verdict import odds
from brain.vision.backend import CloudSimilarity, Guess, Vector
from brain.vision.packed import PackedVector
from nerves.messages import Group

__all__ = [
    "MIN_USABLE_WEIGHT",
    "Evidence",
    "FaceSample",
    "KnownPerson",
    "add_answer",
    "add_face",
    "face_weight",
    "ramp",
]

# A face counts fully from 48 pixels of width, and not at all below 18: dlib needs them for its 150-pixel chip.
WIDTH_NO_WEIGHT_PX, WIDTH_FULL_WEIGHT_PX = 18.0, 48.0
# The variance of the Laplacian of the chip; the share of a full profile.
SHARPNESS_NO_WEIGHT, SHARPNESS_FULL_WEIGHT = 3.0, 12.0
YAW_FULL_WEIGHT, YAW_NO_WEIGHT = 0.6, 1.2
# A face of less weight is not usable.
MIN_USABLE_WEIGHT = 0.1
# Only this many faces of a visit are stored, the newest; of poor ones only as many as good ones leave room for.
MAX_FACE_SAMPLES = 24


@dataclass(frozen=True, slots=True)
class FaceSample:
    """One face of a visit."""

    vector: PackedVector
    weight: float
    """How much the vector counts, 0 to 1 (see `face_weight`)."""
    face_confidence: float = 1.0
    """Confidence that this is a face, 0 to 1. A false detection must not count as evidence for a stranger."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of a visit: the number of usable faces, and the newest faces."""

    faces: int = 0
    samples: tuple[FaceSample, ...] = ()
    guesses: tuple[Guess, ...] = ()
    """The newest answers of a vision backend that knows people itself."""
    cloud_answers: tuple[CloudSimilarity, ...] = ()
    """The newest answers of the cloud about single faces."""


@dataclass(frozen=True)
class KnownPerson:
    """A person we know, with the vectors of the photos in use."""

    name: str
    group: Group
    vectors: Vector
    """n x 128; 0 x 128 for a person whom only the cloud knows."""
    limit: float = MATCH_DISTANCE
    """The largest distance of a match. Below 0.5, because two people look alike, a name needs a face this near."""

    @cached_property
    def independent_photos(self) -> float:
        """The number of independent photos."""
        return odds.independent_faces(self.vectors, np.ones(len(self.vectors)))

    @cached_property
    def point(self) -> odds.Array:
        """The mean of the photos, projected into the face space."""
        return odds.dlib_space().project(np.asarray(self.vectors.mean(axis=0), np.float32))


def face_weight(width: float, sharpness: float, yaw: float) -> float:
    """Return how much a face counts, 0 to 1.

    Args:
        width: In pixels of the full picture.
        sharpness: Variance of the Laplacian of the chip.
        yaw: Share of a full profile, from 0.
    """
    return (
        ramp(width, WIDTH_NO_WEIGHT_PX, WIDTH_FULL_WEIGHT_PX)
        * ramp(sharpness, SHARPNESS_NO_WEIGHT, SHARPNESS_FULL_WEIGHT)
        * (1.0 - ramp(yaw, YAW_FULL_WEIGHT, YAW_NO_WEIGHT))
    )


def add_face(evidence: Evidence, sample: FaceSample) -> Evidence:
    """Return the evidence with one more face; the same evidence if the face is not usable."""
    if max(sample.weight, sample.face_confidence) <= MIN_USABLE_WEIGHT:
        return evidence
    samples = (*evidence.samples, sample)
    if len(samples) > MAX_FACE_SAMPLES:
        poor = next((number for number, one in enumerate(samples) if not _is_usable(one)), 0)
        samples = samples[:poor] + samples[poor + 1 :]
    return replace(evidence, faces=evidence.faces + _is_usable(sample), samples=samples)


def _is_usable(sample: FaceSample) -> bool:
    return sample.weight * sample.face_confidence > MIN_USABLE_WEIGHT


def add_answer(evidence: Evidence, answer: Guess | CloudSimilarity) -> Evidence:
    """Return the evidence with one more answer of a vision backend or of the cloud."""
    if isinstance(answer, CloudSimilarity):
        return replace(evidence, cloud_answers=(*evidence.cloud_answers, answer)[-MAX_FACE_SAMPLES:])
    return replace(evidence, guesses=(*evidence.guesses, answer)[-MAX_FACE_SAMPLES:])


def ramp(value: float, none: float, full: float) -> float:
    """Return 0 for values up to `none`, 1 from `full` on, and linear values in between."""
    return min(max((value - none) / (full - none), 0.0), 1.0)
