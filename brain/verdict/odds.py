"""Pure: how many times likelier two sets of faces belong to one person than to two people.

Faces of one person scatter around that person's own point in the space of a face network's vectors, and people's points
scatter around the mean of everybody. With both scatters taken as Gaussian, the likelihood ratio of "one person" against
"two people" has a closed form: the two-covariance model of Brümmer and de Villiers (The speaker partitioning problem,
Odyssey 2010), which is probabilistic LDA (Ioffe, ECCV 2006) with full-rank subspaces.

A visit is compared as one mean vector, because the errors of single faces cancel in the mean.
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

# Mean squared distance of two photos of one person, taken at different moments. It is twice the variance of the photos
# of one person, which is 0.099 (45 people, 630 photos).
SAME_PERSON_SQUARED_DISTANCE = 0.20
# Faces of one visit share errors (light, pose, lens) that do not average out, so any number of faces counts as four.
MAX_INDEPENDENT_FACES = 4.0
MIN_INDEPENDENT_FACES = 0.1
# The 128 numbers count as about a quarter as many independent ones. With this factor the odds are calibrated, for
# strangers and for family.
INDEPENDENT_DIMENSIONS_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class FaceSpace:
    """How the vectors of a face network scatter; `benchmarks/face_space.py` measures it."""

    centre: Array
    """n numbers: the mean of everybody."""
    axes: Array
    """n x n: scales the scatter of one person's faces to the identity, and makes that of people's points diagonal."""
    between: Array
    """n numbers: the variance of people's points along each axis, in units of one person's faces."""

    def project(self, vector: Vector) -> Array:
        """Return the coordinates of a vector in this space, n numbers."""
        return np.asarray(self.axes @ (vector - self.centre), np.float64)


@cache
def dlib_space() -> FaceSpace:
    """Return the face space of dlib's 128 numbers."""
    with np.load(BytesIO(files("brain.verdict").joinpath("face_space.npz").read_bytes())) as kept:
        return FaceSpace(*(kept[name].astype(np.float64) for name in ("centre", "axes", "between")))


def weighted_mean(vectors: Vector, weights: Array) -> Vector:
    """Return the weighted mean of n x 128 vectors."""
    return np.asarray(weights @ vectors / weights.sum(), np.float32)


def independent_faces(vectors: Vector, weights: Array) -> float:
    """Return as how many independent faces n x 128 vectors count: at least 0.1, at most the sum of their weights.

    Faces that differ less than photos of different moments count less: consecutive frames share their errors.
    """
    total = float(weights.sum())
    if total > 1.0:
        total = 1.0 + (total - 1.0) * min(1.0, _spread(vectors, weights) / SAME_PERSON_SQUARED_DISTANCE)
    return max(total, MIN_INDEPENDENT_FACES)


def same_person_log_odds(
    visit: Array, faces: float, person: Array, photos: float, space: FaceSpace, *, correlation: float = 0.0
) -> float:
    """Return the natural logarithm of the odds that the mean faces of a visit and of a person belong to one person.

    Args:
        visit: The mean of the visit's faces, as coordinates of the space.
        faces: The number of independent faces of the visit. Many faces count as `MAX_INDEPENDENT_FACES`.
        person: The mean of the person's photos, as coordinates of the space.
        photos: The number of independent photos.
        space: The face space.
        correlation: How alike the two people of the other hypothesis are: the correlation of their points, from 0
            (anybody) to below 1 (see `brain/verdict/relatives.py`).
    """
    a, c = space.between + 1 / faces + 1 / MAX_INDEPENDENT_FACES, space.between + 1 / photos

    def log_density(shared: Array) -> Array:
        """Twice the logarithm of the density of both means if their points share this variance; without constants."""
        determinant = a * c - shared**2
        squares = (c * visit**2 - 2 * shared * visit * person + a * person**2) / determinant
        return np.asarray(-np.log(determinant / (a * c)) - squares)

    difference = log_density(space.between) - log_density(correlation * space.between)
    return float(INDEPENDENT_DIMENSIONS_SHARE / 2 * difference.sum())


def _spread(vectors: Vector, weights: Array) -> float:
    """Return the weighted mean squared distance of two different faces."""
    exact = vectors.astype(np.float64)
    squares = (exact**2).sum(axis=1)
    apart = squares[:, None] + squares[None, :] - 2 * exact @ exact.T
    pairs = np.outer(weights, weights)
    np.fill_diagonal(pairs, 0.0)
    total = float(pairs.sum())
    return float((pairs * np.maximum(apart, 0.0)).sum()) / total if total > 0 else 0.0
