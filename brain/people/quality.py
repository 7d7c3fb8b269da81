"""Pure: which references of a gallery can be trusted, which say nothing new, and how near a match must be.

All distances are Euclid's, between dlib's 128 numbers. Measured on 630 news photos of 45 people, aligned as
`brain.sights` does it; a household of three or four was drawn from them for every trial.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brain.settings.matching import MATCH_DISTANCE
from brain.vision.backend import Vector

__all__ = ["MAX_COMPARED_PHOTOS", "MAX_STORED_PHOTOS", "PhotoStates", "assess_photos", "match_limits", "new_photos"]

# "Close to a person" is the mean distance to this many of the nearest photos; the worst is set aside first. One photo
# of B among 3 or 10 of A was found in 250 of 250 trials each (B enrolled with 1 to 6 photos), 3 among 10 in 99.2 %
# (72 % with the nearest two, 59 % with the nearest one); 0.2 to 0.6 % of right photos were set aside. By the single
# nearest, all at once, it would be 3 to 5 %: B's own photos are nearest to the one among A's.
NEIGHBOUR_COUNT = 3
# Farther than this from the mean of its own others, a photo is somebody else's. Of single photos of somebody who is not
# enrolled it finds 99.2 % and sets aside 0.2 % of right ones (0.62 from the three nearest finds 95.8 %).
MAX_OWN_DISTANCE = 0.54
# With fewer photos than this nobody can say which of them is the odd one.
MIN_PHOTOS_FOR_MEAN = 4
# The same photo saved again at quality 75, cropped or brightened is within 0.15 in 9 of 10 cases (median 0.06); of
# 5,242 pairs of different photos of one person none is nearer than 0.19. Neighbouring frames of a clip are.
DUPLICATE_DISTANCE = 0.15
# A face is compared with so many at most; more make strangers match (0.6 % with 3 photos, 2.3 % with 30) and no face
# of their own.
MAX_COMPARED_PHOTOS = 40
# So many are stored at most, those at rest included: they come back when others go.
MAX_STORED_PHOTOS = 120
# No look-alike may lower a limit below this: a good photo's nearest of its own is within 0.34 (median), 0.43 (9 of 10).
MIN_MATCH_LIMIT = 0.45

Vectors = npt.NDArray[np.float32]


class PhotoStates(NamedTuple):
    """What is held of one person's references, each named by its index."""

    excluded: Mapping[int, str]
    """Not to be trusted, with the reason for a person."""
    redundant: tuple[int, ...]
    """Right, and at rest because others say the same; the most redundant first."""


def assess_photos(people: Mapping[str, Vectors]) -> dict[str, PhotoStates]:
    """Return what is held of everybody's references; nobody loses the last one, and the order makes no difference."""
    aside = _excluded({name: people[name] for name in sorted(people) if len(people[name])})
    return {name: PhotoStates(aside.get(name, {}), _redundant(people[name], aside.get(name, {}))) for name in people}


def new_photos(known: Vectors, new: Sequence[Vector]) -> tuple[list[int], list[int]]:
    """Return which new photos show something new, and which of the known ones the others repeat."""
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
    """Return for each person the largest distance that may be called a match.

    It is the distance to the nearest reference of anybody else, at most `MATCH_DISTANCE` and at least `LEAST_LIMIT`: a
    face farther from Alice than Bob's own photo is says nothing for Alice. 11 of 990 pairs of news people have photos
    within `MATCH_DISTANCE` at all, the nearest at 0.44; for the five nearest pairs it takes wrong names of single
    degraded faces from 0.32 to 0.24 % (8 photos each), right names from 85.7 to 84.2 %. Lowering it by a further 0.05
    leaves 0.18 % and 75.4 %.
    """
    found: dict[str, float] = {}
    for name, own in people.items():
        others = [vectors for other, vectors in people.items() if other != name and len(vectors)]
        nearest = min((float(_between(own, vectors).min()) for vectors in others if len(own)), default=MATCH_DISTANCE)
        found[name] = max(MIN_MATCH_LIMIT, min(MATCH_DISTANCE, nearest))
    return found


def _between(one: Vectors, other: Vectors) -> npt.NDArray[np.float32]:
    """Return the distance of each to each, the same whatever the order."""
    rows = [np.linalg.norm(other - vector, axis=1) for vector in one]
    return np.stack(rows).astype(np.float32, copy=False)


class _Doubt(NamedTuple):
    """How near each reference is to its own person and to the nearest other one."""

    own: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    """To the mean of the others of its own person."""
    other: npt.NDArray[np.float64]
    whose: npt.NDArray[np.intp]
    size: npt.NDArray[np.float64]
    """How much speaks against it; it is right if that is not more than 0."""


def _excluded(people: Mapping[str, Vectors]) -> dict[str, dict[int, str]]:
    """Set references aside one by one, the worst first: without it, those that it made look wrong are right again."""
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
    """Return how far each reference is from the mean of the others of its own; 0 for one without others."""
    found = np.zeros(len(owner))
    for person in np.unique(owner):
        mine = np.flatnonzero(active & (owner == person))
        others = len(mine) - 1
        if others < 1:
            continue
        squares = far[np.ix_(mine, mine)].astype(np.float64) ** 2
        np.fill_diagonal(squares, 0.0)
        sums = squares.sum(axis=1)
        among = sums.sum() / 2 - sums  # of the squared distances between those others
        found[mine] = np.sqrt(np.maximum(sums / others - among / others**2, 0.0))
    return found


def _mean(far: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return each row's mean of its nearest; a reference is infinitely far from itself, and so not counted."""
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


def _redundant(vectors: Vectors, aside: Mapping[int, str]) -> tuple[int, ...]:
    """Return those beyond the most that are compared: time and again one of the nearest pair, the one in the crowd."""
    used = [index for index in range(len(vectors)) if index not in aside]
    if len(used) <= MAX_COMPARED_PHOTOS:
        return ()
    far = _between(vectors, vectors)
    np.fill_diagonal(far, np.inf)
    spare: list[int] = []
    while len(used) > MAX_COMPARED_PHOTOS:
        near = np.sort(far[np.ix_(used, used)], axis=1)[:, :NEIGHBOUR_COUNT]
        first = min(range(len(used)), key=lambda row: (*near[row].tolist(), vectors[used[row]].tobytes()))
        spare.append(used.pop(first))
    return tuple(spare)
