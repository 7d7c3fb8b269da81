"""Pure: which face vectors belong to one person, their mean and their distances."""

from collections.abc import Sequence

import numpy as np

from brain.vision.backend import Vector

__all__ = ["agreeing", "distances", "mean_vector"]

# Faces of a visit that are farther than this from its most typical face belong to somebody else: two people crossed.
# Measured with two foreign faces among five, camera-like: 1 in 100 of the foreign faces is nearer. Of the person's own
# faces 98 in 100 are nearer if all are of one moment, and 75 in 100 if each is of another day.
ONE_PERSON = 0.5


def agreeing(vectors: Sequence[Vector], weights: Sequence[float], *, within: float = ONE_PERSON) -> list[int]:
    """Return the indices of the vectors that are near the most typical one."""
    if not len(vectors):
        return []
    stacked, weighting = np.stack(vectors), np.asarray(weights, np.float32)
    apart = np.linalg.norm(stacked[:, None] - stacked[None], axis=2)
    typical = int(np.argmin(apart @ weighting))
    return [int(number) for number in np.flatnonzero(apart[typical] <= within)]


def mean_vector(vectors: Sequence[Vector], weights: Sequence[float]) -> Vector:
    """Return the weighted mean of some vectors, 128 numbers."""
    mean: Vector = np.average(np.stack(vectors), axis=0, weights=np.asarray(weights)).astype(np.float32)
    return mean


def distances(vectors: Sequence[Vector], vector: Vector) -> list[float]:
    """Return the Euclidean distance of each vector from one vector."""
    return [float(np.linalg.norm(other - vector)) for other in vectors]
