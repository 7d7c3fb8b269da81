"""Recognise what a human labelled as not a person, so that it never alerts again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from brain.people.alike import distances, mean_vector
from brain.people.gallery import Gallery
from brain.people.records import Negative
from brain.vision.backend import Vector
from brain.vision.geometry import iou
from nerves.messages import Box

__all__ = ["ComparedVisit", "NegativeGallery", "NegativeMatch", "is_known_negative"]

# Measured as docs/album.md describes: the same picture, degraded as by a camera, passes both in 95 of 100 cases. Of
# 234,000 comparisons with visits of other people one passed at 0.35, and none at 0.33.
MAX_NEGATIVE_MEAN_DISTANCE, MAX_NEGATIVE_FACE_DISTANCE = 0.33, 0.50
# What is not a person does not move: its box and the visit's share this much of their joint area in every frame.
MIN_SHARED_AREA = 0.7


@dataclass(frozen=True, slots=True)
class NegativeMatch:
    """The comparison of a visit with something that is not a person."""

    mean: float | None
    """From the mean of the visit's faces to its nearest picture; None if the visit has no usable face."""
    farthest: float
    """The largest distance of any face of the visit to it; infinite if it has no face."""
    known: float | None
    """From the mean of the visit's faces to the nearest person we know; None if we know nobody."""
    overlap: float
    """The smallest intersection over union of the two boxes in any frame so far; 0 at another place."""


def is_known_negative(likeness: NegativeMatch) -> bool:
    """Return whether the visit is what was labelled: by its face if one was seen, else because it has never moved.

    One face that is different, or one step to the side, makes the visit a person.
    """
    if likeness.mean is None:
        return likeness.overlap >= MIN_SHARED_AREA
    nearer = likeness.known is None or likeness.mean < likeness.known
    return likeness.mean <= MAX_NEGATIVE_MEAN_DISTANCE and likeness.farthest <= MAX_NEGATIVE_FACE_DISTANCE and nearer


class ComparedVisit(Protocol):
    """The parts of a visit that are compared."""

    place: str
    box: Box
    hits: int
    overlaps: dict[UUID, float]
    farthest: dict[UUID, float]

    @property
    def weighted_vectors(self) -> list[tuple[Vector, float]]:
        """The vectors of the usable faces, with the weight of each."""
        ...


class NegativeGallery:
    """Compares visits with what humans labelled as not a person."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._version: object = None
        self._negatives: dict[UUID, list[Negative]] = {}

    def compare(self, visit: ComparedVisit, at: datetime) -> str | None:
        """Update a visit with this frame; return why it is not a person, or None if it may be one."""
        negatives = self._known()
        if not negatives:
            return None
        mean = mean_vector(*zip(*visit.weighted_vectors, strict=True)) if visit.weighted_vectors else None
        known = self._gallery.nearest(mean, at) if mean is not None else []
        for negative, pictures in negatives.items():
            self._update(visit, negative, pictures)
            likeness = NegativeMatch(
                mean=_mean(visit, negative, pictures, mean),
                farthest=visit.farthest.get(negative, 0.0),
                known=known[0].distance if known else None,
                overlap=visit.overlaps.get(negative, 0.0),
            )
            if is_known_negative(likeness):
                return _why(likeness, pictures[0])
        return None

    def _update(self, visit: ComparedVisit, negative: UUID, pictures: Sequence[Negative]) -> None:
        """Store the worst values of all frames. Frames before the label cannot be compared."""
        if visit.hits <= 1 or negative in visit.overlaps:
            share = max((_share(picture, visit) for picture in pictures), default=0.0)
            visit.overlaps[negative] = min(share, visit.overlaps.get(negative, 1.0))
        if visit.weighted_vectors:
            far = max(_nearest(pictures, vector) for vector, _ in visit.weighted_vectors)
            visit.farthest[negative] = max(far, visit.farthest.get(negative, 0.0))

    def _known(self) -> dict[UUID, list[Negative]]:
        if self._gallery.version != self._version:
            self._version = self._gallery.version
            self._negatives = {}
            for picture in self._gallery.negatives():
                self._negatives.setdefault(picture.visit, []).append(picture)
        return self._negatives


def _mean(visit: ComparedVisit, negative: UUID, pictures: Sequence[Negative], mean: Vector | None) -> float | None:
    if mean is None:  # the faces before a restart are gone, but their largest distance is stored
        return visit.farthest.get(negative)
    return _nearest(pictures, mean)


def _nearest(pictures: Sequence[Negative], vector: Vector) -> float:
    vectors = [picture.vector for picture in pictures if picture.vector is not None]
    return min(distances(vectors, vector), default=math.inf)


def _share(picture: Negative, visit: ComparedVisit) -> float:
    return iou(picture.box, visit.box) if picture.box and picture.place == visit.place else 0.0


def _why(likeness: NegativeMatch, negative: Negative) -> str:
    how = "has always been where it is" if likeness.mean is None else f"looks like it, at {likeness.mean:.2f}"
    return f"you said on {negative.added.day} {negative.added:%B} that this is not a person: {how}"
