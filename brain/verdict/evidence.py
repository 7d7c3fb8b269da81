"""Pure: what is kept of the faces of a visit, what each of them counts, and what is known of a person."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import PlainSerializer, PlainValidator

from brain.settings.matching import MATCH_DISTANCE
from brain.verdict import odds
from brain.vision.backend import CloudSimilarity, Guess, Vector
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

# A face counts fully from 48 pixels, not at all below 18: what dlib's 150-pixel chip can be made of.
WIDTH_NO_WEIGHT_PX, WIDTH_FULL_WEIGHT_PX = 18.0, 48.0
# Variance of the Laplacian of the chip, and share of a full profile.
SHARPNESS_NO_WEIGHT, SHARPNESS_FULL_WEIGHT = 3.0, 12.0
YAW_FULL_WEIGHT, YAW_NO_WEIGHT = 0.6, 1.2
# A face that counts less than this is not called usable.
MIN_USABLE_WEIGHT = 0.1
# The newest faces that are kept.
MAX_FACE_SAMPLES = 24


def _packed(vector: Vector) -> str:
    return vector.astype("<f4").tobytes().hex()


def _unpacked(value: object) -> Vector:
    return value if isinstance(value, np.ndarray) else np.frombuffer(bytes.fromhex(str(value)), "<f4")


Packed = Annotated[Vector, PlainValidator(_unpacked), PlainSerializer(_packed, when_used="json")]


@dataclass(frozen=True, slots=True)
class FaceSample:
    """One face of a visit."""

    vector: Packed
    weight: float
    """How far the vector can be trusted, 0 to 1 (see `weight`)."""
    face_confidence: float = 1.0
    """How surely it is a face at all, 0 to 1: what is none is nobody we know either."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The faces of a visit: how many could be used, and the newest of them."""

    faces: int = 0
    samples: tuple[FaceSample, ...] = ()
    guesses: tuple[Guess, ...] = ()
    """What a sight that knows people itself has said, the newest."""
    cloud_answers: tuple[CloudSimilarity, ...] = ()
    """What the cloud has said of single faces, the newest."""


@dataclass(frozen=True)
class KnownPerson:
    """Somebody we know, and the vectors of the photos that count."""

    name: str
    group: Group
    vectors: Vector
    """n x 128; none of somebody whom only the cloud knows."""
    limit: float = MATCH_DISTANCE
    """Below 0.5, because two people look alike: a name needs a face as near as this to a photo."""

    @cached_property
    def independent_photos(self) -> float:
        """How many independent photos there are."""
        return odds.independent_faces(self.vectors, np.ones(len(self.vectors)))

    @cached_property
    def point(self) -> odds.Array:
        """Where the mean of the photos is among faces."""
        return odds.dlib_space().project(np.asarray(self.vectors.mean(axis=0), np.float32))


def face_weight(width: float, sharpness: float, yaw: float) -> float:
    """Return how much a face counts, 0 to 1: its width in pixels, its chip's sharpness, its share of a full profile."""
    return (
        ramp(width, WIDTH_NO_WEIGHT_PX, WIDTH_FULL_WEIGHT_PX)
        * ramp(sharpness, SHARPNESS_NO_WEIGHT, SHARPNESS_FULL_WEIGHT)
        * (1.0 - ramp(yaw, YAW_FULL_WEIGHT, YAW_NO_WEIGHT))
    )


def add_face(evidence: Evidence, sample: FaceSample) -> Evidence:
    """Return the evidence with one more face in it, if that is usable."""
    if max(sample.weight, sample.face_confidence) <= MIN_USABLE_WEIGHT:
        return evidence
    usable = sample.weight * sample.face_confidence > MIN_USABLE_WEIGHT
    return replace(evidence, faces=evidence.faces + usable, samples=(*evidence.samples, sample)[-MAX_FACE_SAMPLES:])


def add_answer(evidence: Evidence, answer: Guess | CloudSimilarity) -> Evidence:
    """Return the evidence with what a sight, or the cloud, says of one more picture."""
    if isinstance(answer, CloudSimilarity):
        return replace(evidence, cloud_answers=(*evidence.cloud_answers, answer)[-MAX_FACE_SAMPLES:])
    return replace(evidence, guesses=(*evidence.guesses, answer)[-MAX_FACE_SAMPLES:])


def ramp(value: float, none: float, full: float) -> float:
    """Return 0 up to `none`, 1 from `full`, and what lies between in between."""
    return min(max((value - none) / (full - none), 0.0), 1.0)
