"""Recognise strangers: group the visits of people we do not know by their faces."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Protocol
from uuid import UUID

from brain.people.alike import agreeing, distances, mean_vector
from brain.vision.backend import Vector

__all__ = [
    "Encounter",
    "EncounterStore",
    "MemoryEncounterStore",
    "RecogniseStranger",
    "Stranger",
    "Strangers",
    "number_of",
    "stranger_reason",
]

# Merging two people is worse than splitting one, so a visit must be near the mean of all visits of a stranger and near
# every single one. Of 4,782 camera-like visits of 45 people none joined another person's (docs/album.md); the first one
# does at 0.32 and 0.36. Of 100 returning strangers 8 are not recognised, and 31 if a visit is one photo.
MAX_STRANGER_MEAN_DISTANCE, MAX_STRANGER_VISIT_DISTANCE = 0.30, 0.34
# The faces that are needed to store a stranger, and to recognise one: of 4,062 pairs of faces none was taken for
# another person. An alert comes as soon as two faces belong to nobody we know.
MIN_FACES_TO_STORE, MIN_FACES_TO_RECOGNISE = 3, 2
# Whoever is seen again within this time has not come again: it walks through the rooms (assumed).
SAME_COMING = timedelta(minutes=15)
# After a week a weekday without its date would mislead.
ONE_WEEK = timedelta(days=7)
STRANGER_PREFIX = "stranger-"


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody without a name who has visited before, or visits now."""

    name: str
    """`stranger-7`; a number is never used again."""
    times: int
    """How often they came, this time included: visits in several rooms soon after each other are one coming."""
    first: datetime
    """The time of the first visit."""


@dataclass(frozen=True, slots=True, eq=False)
class Encounter:
    """One visit of a stranger."""

    visit: UUID
    number: int
    at: datetime
    mean: Vector
    weight: float


class EncounterStore(Protocol):
    """Stores encounters."""

    def encounters(self) -> Sequence[Encounter]:
        """Return the encounters with those who are strangers still."""
        ...

    def write(self, encounter: Encounter) -> None:
        """Store an encounter; it replaces an earlier one of the same visit."""
        ...

    def new_number(self) -> int:
        """Return a number that was never used."""
        ...


class MemoryEncounterStore:
    """Encounters in memory, for recordings; they end with the process."""

    def __init__(self) -> None:
        self._encounters: dict[UUID, Encounter] = {}
        self._last = 0

    def encounters(self) -> Sequence[Encounter]:
        """Return every encounter."""
        return list(self._encounters.values())

    def write(self, encounter: Encounter) -> None:
        """Store an encounter."""
        self._encounters[encounter.visit] = encounter

    def new_number(self) -> int:
        """Return the next number."""
        self._last += 1
        return self._last


RecogniseStranger = Callable[[UUID, Sequence[Vector], Sequence[float], datetime], Stranger | None]
"""Gets the id of a visit, the vectors and weights of its faces, and its start; returns the stranger."""


class Strangers:
    """Recognises strangers by the faces of their visits."""

    def __init__(self, store: EncounterStore | None = None) -> None:
        self._store = store or MemoryEncounterStore()

    def recognise(
        self, visit: UUID, vectors: Sequence[Vector], weights: Sequence[float], at: datetime
    ) -> Stranger | None:
        """Return the stranger, recognised or new; None if too few faces agree.

        Two faces are needed to recognise a stranger, three to store one. The same visit is always the same stranger and
        counts once; its new faces replace the earlier ones. So do the visits of one coming, room by room.
        """
        alike = agreeing(vectors, weights)
        known = list(self._store.encounters())
        before = next((encounter for encounter in known if encounter.visit == visit), None)
        if len(alike) < MIN_FACES_TO_RECOGNISE:
            return _stranger(before.number, known) if before else None
        agreeing_weights = [weights[number] for number in alike]
        mean = mean_vector([vectors[number] for number in alike], agreeing_weights)
        number = before.number if before else nearest_stranger(mean, known)
        if len(alike) >= MIN_FACES_TO_STORE:
            number = number or self._store.new_number()
        if number is None:
            return None
        now = Encounter(visit, number, before.at if before else at, mean, float(sum(agreeing_weights)))
        if len(alike) >= MIN_FACES_TO_STORE:
            self._store.write(now)
        return _stranger(number, [*(encounter for encounter in known if encounter.visit != visit), now])


def nearest_stranger(mean: Vector, known: Iterable[Encounter]) -> int | None:
    """Return the number of the nearest stranger whose visits are all near a face; None if there is none."""
    found = []
    for number, group in groupby(sorted(known, key=lambda one: one.number), key=lambda one: one.number):
        visits = list(group)
        whole = mean_vector([visit.mean for visit in visits], [visit.weight for visit in visits])
        (apart,) = distances([whole], mean)
        if (
            apart <= MAX_STRANGER_MEAN_DISTANCE
            and max(distances([visit.mean for visit in visits], mean)) <= MAX_STRANGER_VISIT_DISTANCE
        ):
            found.append((apart, number))
    return min(found)[1] if found else None


def stranger_reason(stranger: Stranger, at: datetime) -> str:
    """Return a reason in words: `stranger-7: seen 3 times since Monday`."""
    if stranger.times == 1:
        return f"{stranger.name}: not seen before"
    first, today = stranger.first.astimezone(), at.astimezone()
    if first.date() == today.date():
        since = "today"
    elif today - first < ONE_WEEK and first.weekday() != today.weekday():
        since = f"since {first:%A}"
    else:
        since = f"since {first.day} {first:%B %Y}"
    return f"{stranger.name}: seen {stranger.times} times {since}"


def number_of(name: str) -> int | None:
    """Return the number in `stranger-7`; None for any other name."""
    digits = name.removeprefix(STRANGER_PREFIX)
    return int(digits) if name.startswith(STRANGER_PREFIX) and digits.isdecimal() else None


def _stranger(number: int, known: Iterable[Encounter]) -> Stranger:
    seen = sorted(encounter.at for encounter in known if encounter.number == number)
    comings = 1 + sum(after - before > SAME_COMING for before, after in pairwise(seen))
    return Stranger(f"{STRANGER_PREFIX}{number}", comings, seen[0])
