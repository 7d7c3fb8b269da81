"""Pure: which photos of a gallery are excluded as doubtful, which are redundant, and how near a match must be.

All distances are Euclidean, between dlib's 128 numbers. They were measured on 630 news photos of 45 people, aligned as
`brain/models/dlib_face.py` does it; for every trial a household of three or four was drawn from them.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brain.settings.matching import MATCH_DISTANCE
from brain.vision.backend import Vector

__all__ = ["MAX_COMPARED_PHOTOS", "MAX_STORED_PHOTOS", "PhotoStates", "assess_photos", "match_limits", "new_photos"]

# The distance to a person is the mean distance to this many of the nearest photos; the worst photo is excluded first.
# One photo of B among 3 or 10 of A was found in 250 of 250 trials each (B enrolled with 1 to 6 photos), 3 among 10 in
# 99.2 % (72 % with the nearest two, 59 % with the nearest one); 0.2 to 0.6 % of right photos were excluded. With the
# single nearest photo, and all exclusions at once, it would be 3 to 5 %: B's own photos are nearest to the one among
# A's.
NEIGHBOUR_COUNT = 3
# A photo that is farther than this from the mean of the other photos of its person shows somebody else. This finds
# 99.2 % of single photos of people who are not enrolled, and excludes 0.2 % of right ones (0.62 from the three nearest
# finds 95.8 %).
MAX_OWN_DISTANCE = 0.54
# With fewer photos it is not decidable which of them is the wrong one.
MIN_PHOTOS_FOR_MEAN = 4
# The same photo, saved again at quality 75, cropped or brightened, is within 0.15 in 9 of 10 cases (median 0.06).
# So are neighbouring frames of a clip. Of 5,242 pairs of different photos of one person none is nearer than 0.19.
DUPLICATE_DISTANCE = 0.15
# The most photos of one person that a face is compared with. More photos make strangers match (0.6 % with 3 photos,
# 2.3 % with 30), and do not help to recognise the person.
MAX_COMPARED_PHOTOS = 40
# The most photos of one person that are stored. Redundant ones count too: they are used again when others are removed.
MAX_STORED_PHOTOS = 120
# A look-alike lowers a match limit to this at the lowest. The nearest photo of the same person is within 0.34 (median)
# or 0.43 (9 of 10).
MIN_MATCH_LIMIT = 0.45

Vectors = npt.NDArray[np.float32]


class PhotoStates(NamedTuple):
    """Which photos of one person are not used, by index."""

    excluded: Mapping[int, str]
    """Doubtful photos, each with the reason in words."""
    redundant: tuple[int, ...]
    """Right photos that add nothing to the others; the most redundant first."""


def assess_photos(people: Mapping[str, Vectors]) -> dict[str, PhotoStates]:
    """Return which photos are not used, for each person.

    A person never loses the last photo. The order of people and photos makes no difference.
    """
    excluded = _excluded({name: people[name] for name in sorted(people) if len(people[name])})
    return {
        name: PhotoStates(excluded.get(name, {}), _redundant(people[name], excluded.get(name, {}))) for name in people
    }


def new_photos(known: Vectors, new: Sequence[Vector]) -> tuple[list[int], list[int]]:
    """Return the indices of new photos that are not duplicates, and of known photos that the others duplicate."""
    kept: list[int] = []
    repeated: set[int] = set()
    for index, vector in enumerate(new):
        near = np.linalg.norm(known - vector, axis=1) if len(known) else np.zeros(0)
        if near.size and near.min() <= DUPLICATE_DISTANCE:
            repeated.add(int(near.argmin()))
        elif all(np.linalg.norm(new[other] - vector) > DUPLICATE_DISTANCE for other in kept):
            kept.append(index)
    return kept, sorted(repeated)


def match_limits(people: Mapping[str, Vectors]) -> dict[str, float]:
    """Return for each person the largest distance of a match.

    It is the distance to the nearest photo of anybody else, at most `MATCH_DISTANCE` and at least `MIN_MATCH_LIMIT`. A
    face that is farther from Alice's photos than a photo of Bob is no evidence for Alice. Only 11 of 990 pairs of news
    people have photos within `MATCH_DISTANCE`, the nearest at 0.44. For the five nearest pairs this limit reduces wrong
    names of single degraded faces from 0.32 to 0.24 % (8 photos each), and right names from 85.7 to 84.2 %. A
    limit that is lower by another 0.05 gives 0.18 % and 75.4 %.
    """
    found: dict[str, float] = {}
    for name, own in people.items():
        others = [vectors for other, vectors in people.items() if other != name and len(vectors)]
        nearest = min((float(_between(own, vectors).min()) for vectors in others if len(own)), default=MATCH_DISTANCE)
        found[name] = max(MIN_MATCH_LIMIT, min(MATCH_DISTANCE, nearest))
    return found


def _between(one: Vectors, other: Vectors) -> npt.NDArray[np.float32]:
    """Return all distances, m x n; the order of the vectors makes no difference to the values."""
    rows = [np.linalg.norm(other - vector, axis=1) for vector in one]
    return np.stack(rows).astype(np.float32, copy=False)


class _Doubt(NamedTuple):
    """The distance of each photo to its own person and to the nearest other person."""

    own: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    """To the mean of the other photos of its own person."""
    other: npt.NDArray[np.float64]
    whose: npt.NDArray[np.intp]
    size: npt.NDArray[np.float64]
    """How doubtful the photo is; up to 0 it is right."""


def _excluded(people: Mapping[str, Vectors]) -> dict[str, dict[int, str]]:
    """Return the doubtful photos, found one by one, the worst first: one wrong photo makes right ones look wrong."""
    names = list(people)
    if not names:
        return {}
    owner = np.repeat(np.arange(len(names)), [len(people[name]) for name in names])
    first = {name: int(np.argmax(owner == number)) for number, name in enumerate(names)}
    everybody = np.concatenate([people[name] for name in names])
    far = _between(everybody, everybody)
    np.fill_diagonal(far, np.inf)
    active = np.ones(len(owner), bool)
    found: dict[str, dict[int, str]] = {}
    while (doubt := _doubt(far, owner, active, len(names))).size.max() > 0:
        ties = np.flatnonzero(doubt.size == doubt.size.max())
        worst = int(max(ties, key=lambda index: everybody[index].tobytes()))
        active[worst] = False
        name = names[owner[worst]]
        found.setdefault(name, {})[worst - first[name]] = _reason(doubt, worst, name, names)
    return found


def _doubt(far: npt.NDArray[np.float32], owner: npt.NDArray[np.intp], active: npt.NDArray[np.bool_], n: int) -> _Doubt:
    means = np.stack([_mean(far[:, active & (owner == person)]) for person in range(n)], axis=1)
    every = np.arange(len(owner))
    own = means[every, owner]
    means[every, owner] = np.inf
    whose = means.argmin(axis=1)
    other = means[every, whose]
    count = np.bincount(owner[active], minlength=n)[owner]
    size = np.full(len(owner), -np.inf)
    can = active & (count > 1)
    size[can] = own[can] - other[can]
    odd = active & (count >= MIN_PHOTOS_FOR_MEAN)
    mean = _from_mean(far, owner, active)
    size[odd] = np.maximum(size[odd], mean[odd] - MAX_OWN_DISTANCE)
    return _Doubt(own, mean, other, whose, size)


def _from_mean(
    far: npt.NDArray[np.float32], owner: npt.NDArray[np.intp], active: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Return how far each photo is from the mean of the other photos of its person; 0 if there are no others."""
    found = np.zeros(len(owner))
    for person in np.unique(owner):
        mine = np.flatnonzero(active & (owner == person))
        others = len(mine) - 1
        if others < 1:
            continue
        squares = far[np.ix_(mine, mine)].astype(np.float64) ** 2
        np.fill_diagonal(squares, 0.0)
        sums = squares.sum(axis=1)
        among = sums.sum() / 2 - sums  # the sum of squared distances between the others
        found[mine] = np.sqrt(np.maximum(sums / others - among / others**2, 0.0))
    return found


def _mean(far: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the mean of the nearest distances of each row. Infinite distances do not count."""
    near = np.sort(far, axis=1)[:, :NEIGHBOUR_COUNT].astype(np.float64)
    there = np.isfinite(near)
    counts = there.sum(axis=1)
    sums = np.where(there, near, 0.0).sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)


def _reason(doubt: _Doubt, index: int, name: str, names: Sequence[str]) -> str:
    own, other = doubt.own[index], doubt.other[index]
    if other < own:
        return f"looks more like {names[doubt.whose[index]]} ({other:.2f}) than like the others of {name} ({own:.2f})"
    unlike = f"{doubt.mean[index]:.2f} from their mean; the same person is within {MAX_OWN_DISTANCE:.2f}"
    return f"does not resemble the other photos of {name} ({unlike})"


def _redundant(vectors: Vectors, excluded: Mapping[int, str]) -> tuple[int, ...]:
    """Return the photos above the maximum of compared ones: repeatedly, the photo with the nearest neighbours."""
    used = [index for index in range(len(vectors)) if index not in excluded]
    if len(used) <= MAX_COMPARED_PHOTOS:
        return ()
    far = _between(vectors, vectors)
    np.fill_diagonal(far, np.inf)
    redundant: list[int] = []
    while len(used) > MAX_COMPARED_PHOTOS:
        near = np.sort(far[np.ix_(used, used)], axis=1)[:, :NEIGHBOUR_COUNT]
        first = min(range(len(used)), key=lambda row: (*near[row].tolist(), vectors[used[row]].tobytes()))
        redundant.append(used.pop(first))
    return tuple(redundant)
