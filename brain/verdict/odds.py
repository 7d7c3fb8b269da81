"""Pure: how many times likelier are two sets of faces one person's than two people's?

Faces of one person scatter around that person's own point in the space of a face network's vectors, and people's points
scatter around the mean of everybody. With both scatters taken as Gaussian, the likelihood ratio of "one person" against
"two people" has a closed form: the two-covariance model of Brümmer and de Villiers (The speaker partitioning problem,
Odyssey 2010), which is probabilistic LDA (Ioffe, ECCV 2006) with full-rank subspaces.

Averaging is what makes it strong: errors of single looks cancel, so a visit is compared as one mean vector.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np
import numpy.typing as npt

from brain.vision.backend import Vector

__all__ = ["Array", "FaceSpace", "dlib_space", "independent_faces", "same_person_log_odds", "weighted_mean"]

Array = npt.NDArray[np.float64]

# Mean squared distance of two photos of one person, taken at different moments: twice the variance of one person's
# photos, which is 0.099 (45 people, 630 photos).
SAME_PERSON_SQUARED_DISTANCE = 0.20
# What looks of one visit have in common (light, pose, lens) does not average out: ever so many are worth four.
MAX_INDEPENDENT_FACES = 4.0
MIN_INDEPENDENT_FACES = 0.1
# The 128 numbers are worth about a quarter as many independent ones: so scaled, odds of strangers and of family come
# out about as often as they say.
INDEPENDENT_DIMENSIONS_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class FaceSpace:
    """How a face network's vectors scatter; `benchmarks/face_space.py` measures it."""

    centre: Array
    """n numbers: the mean of everybody."""
    axes: Array
    """n x n: makes the scatter of one person's faces round and of size 1, and lines up that of people's points."""
    between: Array
    """n numbers: the variance of people's points along each axis, in units of one person's faces."""

    def project(self, vector: Vector) -> Array:
        """Return where a vector is in this space."""
        return np.asarray(self.axes @ (vector - self.centre), np.float64)


@cache
def dlib_space() -> FaceSpace:
    """Return what is known of dlib's 128 numbers."""
    with np.load(BytesIO(files("brain.verdict").joinpath("face_space.npz").read_bytes())) as kept:
        return FaceSpace(*(kept[name].astype(np.float64) for name in ("centre", "axes", "between")))


def weighted_mean(vectors: Vector, weights: Array) -> Vector:
    """Return the weighted mean of n x 128 vectors."""
    return np.asarray(weights @ vectors / weights.sum(), np.float32)


def independent_faces(vectors: Vector, weights: Array) -> float:
    """Return how many independent looks n x 128 vectors are worth, at least 0.1 and at most the sum of their weights.

    Looks that differ less than photos of different moments do repeat each other: frames that follow each other share
    their errors.
    """
    total = float(weights.sum())
    if total > 1.0:
        total = 1.0 + (total - 1.0) * min(1.0, _spread(vectors, weights) / SAME_PERSON_SQUARED_DISTANCE)
    return max(total, MIN_INDEPENDENT_FACES)


def same_person_log_odds(visit: Array, looks: float, person: Array, photos: float, space: FaceSpace) -> float:
    """Return the natural logarithm of the odds that a visit's mean face and a person's are one person's.

    Args:
        visit: Where the mean of the visit's looks is in the space.
        looks: How many independent looks it is made of; more and more of them tend to `MOST`.
        person: Where the mean of the person's photos is.
        photos: How many independent photos it is made of.
        space: The space.
    """
    between = space.between
    a, c = between + 1 / looks + 1 / MAX_INDEPENDENT_FACES, between + 1 / photos
    determinant = a * c - between**2
    same = (c * visit**2 - 2 * between * visit * person + a * person**2) / determinant
    two = visit**2 / a + person**2 / c
    return float(-INDEPENDENT_DIMENSIONS_SHARE / 2 * (np.log(determinant / (a * c)) + same - two).sum())


def _spread(vectors: Vector, weights: Array) -> float:
    """Return the mean squared distance of two different looks."""
    exact = vectors.astype(np.float64)
    squares = (exact**2).sum(axis=1)
    apart = squares[:, None] + squares[None, :] - 2 * exact @ exact.T
    pairs = np.outer(weights, weights)
    np.fill_diagonal(pairs, 0.0)
    total = float(pairs.sum())
    return float((pairs * np.maximum(apart, 0.0)).sum()) / total if total > 0 else 0.0
