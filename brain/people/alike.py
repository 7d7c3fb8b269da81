"""Pure: faces that are one person's, and what they say together."""

from collections.abc import Sequence

import numpy as np

from brain.vision.backend import Vector

__all__ = ["agreeing", "distances", "mean_vector"]

# Faces of a visit that are farther from its most typical face are somebody else's: two people who crossed. Of two
# foreign faces among five, camera-like, 1 in 100 is nearer; of the person's own 98 in 100 are if they are of one
# moment, 75 if each is of another day.
ONE_PERSON = 0.5


def agreeing(vectors: Sequence[Vector], weights: Sequence[float], *, within: float = ONE_PERSON) -> list[int]:
    """Return which vectors are near the most typical one, by their numbers."""
    if not len(vectors):
        return []
    stacked, worth = np.stack(vectors), np.asarray(weights, np.float32)
    apart = np.linalg.norm(stacked[:, None] - stacked[None], axis=2)
    typical = int(np.argmin(apart @ worth))
    return [int(number) for number in np.flatnonzero(apart[typical] <= within)]


def mean_vector(vectors: Sequence[Vector], weights: Sequence[float]) -> Vector:
    """Return the weighted mean of some vectors."""
    mean: Vector = np.average(np.stack(vectors), axis=0, weights=np.asarray(weights)).astype(np.float32)
    return mean


def distances(vectors: Sequence[Vector], vector: Vector) -> list[float]:
    """Return how far each vector is from one."""
    return [float(np.linalg.norm(other - vector)) for other in vectors]
