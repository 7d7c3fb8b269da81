"""Pure: who is where, and when, in the house of the household benchmark.

Four family members, a guest and a cleaner live their days; intruders come on a schedule of their own. Times are seconds
from the first midnight. Each purpose has its own random generator, so the family's days are the same whatever intruders
come.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from benchmarks.household_plans import FAMILY, DayPlan, plans_of

__all__ = [
    "DAY_S",
    "DOORS",
    "FAMILY",
    "HELPERS",
    "HOUR_S",
    "MISSED_SHARE",
    "NIGHT_FROM_H",
    "NIGHT_UNTIL_H",
    "PLACES",
    "Activity",
    "Life",
    "Moved",
    "Phone",
    "Stretch",
    "family_life",
    "gap",
    "path",
    "phones",
]

Rng = np.random.Generator
Activity = Literal["pass", "stay"]

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86400.0
HELPERS = ("guest", "cleaner")
PLACES = ("entrance", "hall", "kitchen", "living")
# Where one can walk. `bedroom`, `bathroom` and `out` have no camera.
DOORS = {
    "out": ("entrance",),
    "entrance": ("out", "hall"),
    "hall": ("entrance", "kitchen", "living", "bedroom", "bathroom"),
    "kitchen": ("hall", "living"),
    "living": ("hall", "kitchen"),
    "bedroom": ("hall",),
    "bathroom": ("hall",),
}

# The numbers of the life, each with what it means. They are assumptions, not measurements; together they give about 150
# passes of family a day.
PASS_S = (5.0, 15.0)  # how long a pass through a room takes
DOOR_PASS_S = (8.0, 20.0)  # a pass through the entrance: shoes and keys take longer
GAP_S = (2.0, 10.0)  # between the pictures of two places
SLOW_GAP_S, SLOW_SHARE = (10.0, 30.0), 0.1  # somebody stops on the way, out of view
BOTH_IN_VIEW_S, BOTH_SHARE = (-2.0, 0.0), 0.1  # two cameras see the person at once
MISSED_SHARE = 0.02  # passes that the detector misses altogether
# While nobody has a plan: how likely each room is next, and the median stay in minutes (log-normal, deviation 0.7).
WANDER = {"kitchen": (0.3, 6.0), "living": (0.25, 18.0), "bedroom": (0.25, 22.0), "bathroom": (0.2, 5.0)}
WANDER_DEVIATION = 0.7
CLEANING = {"kitchen": (0.25, 12.0), "living": (0.25, 12.0), "hall": (0.15, 6.0), "bathroom": (0.15, 12.0)}
GUEST_ROOMS = {"living": (0.6, 35.0), "kitchen": (0.25, 10.0), "bathroom": (0.15, 4.0)}
NEW_OUTFIT_SHARE = 0.15  # somebody comes home in other clothes
COAT_SHARE = 0.4  # a coat is worn in the entrance
BATHROOM_NIGHT_SHARE, WATER_NIGHT_SHARE = 0.45, 0.15  # of the nights, for each person
LIGHTS_OFF_SHARE = 0.7  # of the nightly ways: the cameras see infrared
HOME_TO_KITCHEN_SHARE = 0.4  # somebody who comes home goes to the kitchen first
NIGHT_FROM_H, NIGHT_UNTIL_H = 23.0, 6.5
# The phone: how late a message comes after an arrival, and after a departure.
PHONE_ON_TIME_S, PHONE_LATE_S = (-60.0, 90.0), (90.0, 600.0)
PHONE_LATE_SHARE, PHONE_NEVER_SHARE = 0.08, 0.02
PHONE_LEAVES_S, PHONE_FLAPS_S = (60.0, 300.0), (60.0, 300.0)
PHONE_FLAPS_A_DAY = 1 / 7


@dataclass(frozen=True, slots=True)
class Stretch:
    """One person in view of one camera, from appearing to leaving."""

    who: str
    place: str
    start: float
    end: float
    activity: Activity
    outfit: str
    """The name of the clothes; the same name is the same clothes."""
    is_dark: bool = False
    """Whether the camera sees infrared."""
    is_missed: bool = False
    """Whether the detector misses the whole stretch."""
    hides_face: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """A family member comes home or goes out."""

    who: str
    at: float
    home: bool


@dataclass(frozen=True, slots=True)
class Phone:
    """What a phone says of its owner."""

    who: str
    at: float
    home: bool


@dataclass(slots=True)
class Life:
    """The days of the household."""

    days: int
    stretches: list[Stretch] = field(default_factory=list)
    moves: list[Moved] = field(default_factory=list)

    def empty(self, until: float) -> list[tuple[float, float]]:
        """Return when no family member is at home, as pairs of times."""
        home, since, found = set(FAMILY), None, []
        for move in sorted(self.moves, key=lambda move: move.at):
            (home.add if move.home else home.discard)(move.who)
            if not home and since is None:
                since = move.at
            elif home and since is not None:
                found.append((since, move.at))
                since = None
        return found if since is None else [*found, (since, until)]


def path(start: str, goal: str) -> list[str]:
    """Return the rooms on the way, without the first and with the last."""
    before: dict[str, str] = {start: ""}
    left = deque([start])
    while left:
        here = left.popleft()
        for room in DOORS[here]:
            if room not in before:
                before[room] = here
                left.append(room)
    way = [goal]
    while before[way[-1]]:
        way.append(before[way[-1]])
    return way[-2::-1]


def gap(rng: Rng) -> float:
    """Return the seconds between the pictures of two places; below 0 if both cameras see the person at once."""
    chance = rng.random()
    if chance < SLOW_SHARE:
        return float(rng.uniform(*SLOW_GAP_S))
    return float(rng.uniform(*(BOTH_IN_VIEW_S if chance < SLOW_SHARE + BOTH_SHARE else GAP_S)))


class _Walker:
    """One person on their way through the house."""

    def __init__(self, life: Life, who: str, rng: Rng, room: str) -> None:
        self.life, self.who, self.rng, self.room = life, who, rng, room
        self.now = self.since = 0.0
        self.dark_share = 0.0
        self._outfits = 0

    def dress(self) -> None:
        self._outfits += 1

    def go(self, room: str, at: float) -> None:
        """Leave for a room at a time, or as soon as the last way is done."""
        if room == self.room:
            return
        at = max(at, self.now + 1.0)
        is_dark = bool(self.rng.random() < self.dark_share)
        coat = bool(self.rng.random() < COAT_SHARE) and "out" in (room, self.room)
        self._end_stay(at, is_dark=is_dark)
        if self.room == "out":
            self._step_in(at)
        elif self.room in PLACES:
            at = max(at + gap(self.rng), at - (at - self.since) / 2)
        for number, place in enumerate(way := path(self.room, room)):
            if place not in PLACES:
                continue
            if number == len(way) - 1:
                self.now = self.since = at
                continue
            end = at + float(self.rng.uniform(*(DOOR_PASS_S if place == "entrance" else PASS_S)))
            self._add(place, at, end, "pass", (is_dark, coat and place == "entrance"))
            self.now, at = end, end + gap(self.rng)
        if room == "out":
            self.life.moves.append(Moved(self.who, self.now, home=False)) if self.who in FAMILY else None
        self.room, self.since = room, max(at, self.now) if room not in PLACES else at
        self.now = max(self.now, self.since)

    def wander(self, until: float, rooms: dict[str, tuple[float, float]]) -> None:
        """Go from room to room until a time."""
        names, shares = list(rooms), np.array([share for share, _ in rooms.values()])
        while self.now < until:
            room = str(self.rng.choice(names, p=shares / shares.sum()))
            self.go(room, self.now)
            median = rooms[room][1] * MINUTE_S
            self.now += float(median * np.exp(self.rng.normal(0.0, WANDER_DEVIATION)))

    def _step_in(self, at: float) -> None:
        if self.rng.random() < NEW_OUTFIT_SHARE:
            self.dress()
        if self.who in FAMILY:
            self.life.moves.append(Moved(self.who, at, home=True))

    def _end_stay(self, at: float, *, is_dark: bool) -> None:
        if self.room in PLACES and at > self.since:
            self._add(self.room, self.since, at, "stay" if at - self.since > PASS_S[1] else "pass", (is_dark, False))

    def _add(self, place: str, start: float, end: float, activity: Activity, how: tuple[bool, bool]) -> None:
        is_missed = activity == "pass" and bool(self.rng.random() < MISSED_SHARE)
        outfit = f"{self.who} {self._outfits}{' coat' if how[1] else ''}"
        self.life.stretches.append(Stretch(self.who, place, start, end, activity, outfit, how[0], is_missed))


def family_life(days: int, seed: Sequence[int]) -> Life:
    """Return the days of the family, the guest and the cleaner."""
    life = Life(days)
    joint, *own = (np.random.default_rng([*seed, number]) for number in range(1 + len(FAMILY) + len(HELPERS)))
    walkers = {
        who: _Walker(life, who, rng, "bedroom" if who in FAMILY else "out")
        for who, rng in zip(FAMILY + HELPERS, own, strict=True)
    }
    for day in range(days):
        plans = plans_of(day, joint)
        for who in FAMILY:
            _family_day(walkers[who], day * DAY_S, plans[who])
        for who in HELPERS:
            if who in plans:
                _helper_day(walkers[who], day * DAY_S, plans[who])
    life.stretches.sort(key=lambda stretch: (stretch.start, stretch.who))
    life.moves.sort(key=lambda move: move.at)
    return life


def _family_day(walker: _Walker, midnight: float, plan: DayPlan) -> None:
    _night(walker, midnight)
    walker.dress()
    fixed = [("out", *one) for one in plan.outings] + [("kitchen", *one) for one in plan.meals]
    if plan.television:
        fixed.append(("living", *plan.television))
    walker.now = max(walker.now, midnight + plan.wakes * HOUR_S)
    for room, start, end in sorted(fixed, key=lambda one: one[1]):
        start_s, end_s = midnight + start * HOUR_S, midnight + end * HOUR_S
        if walker.now > end_s - 5 * MINUTE_S:
            continue
        walker.wander(start_s - 6 * MINUTE_S, WANDER)
        walker.go(room, start_s)
        walker.now = max(walker.now, end_s)
        if room == "out":
            walker.go("kitchen" if walker.rng.random() < HOME_TO_KITCHEN_SHARE else "bedroom", end_s)
    walker.wander(midnight + (plan.bed - 0.3) * HOUR_S, WANDER)
    walker.go("bathroom", walker.now)
    walker.now += 6 * MINUTE_S
    walker.go("bedroom", walker.now)


def _night(walker: _Walker, midnight: float) -> None:
    """Let somebody get up at night."""
    walker.dark_share = LIGHTS_OFF_SHARE
    for room, share in (("bathroom", BATHROOM_NIGHT_SHARE), ("kitchen", WATER_NIGHT_SHARE)):
        at = midnight + float(walker.rng.uniform(0.5, 5.8)) * HOUR_S
        if walker.rng.random() < share and at > walker.now:
            walker.go(room, at)
            walker.now += float(walker.rng.uniform(1, 4)) * MINUTE_S
            walker.go("bedroom", walker.now)
    walker.dark_share = 0.0


def _helper_day(walker: _Walker, midnight: float, plan: DayPlan) -> None:
    walker.dress()
    start, end = (midnight + hour * HOUR_S for hour in plan.outings[0])
    walker.go("living" if walker.who == "guest" else "kitchen", start)
    walker.wander(end, GUEST_ROOMS if walker.who == "guest" else CLEANING)
    walker.go("out", walker.now)


def phones(life: Life, rng: Rng) -> Iterator[Phone]:
    """Yield what the phones of the family say, ordered by time. At the start all are at home."""
    facts = [Phone(who, 0.0, home=True) for who in FAMILY]
    for move in life.moves:
        chance = rng.random()
        if not move.home:
            facts.append(Phone(move.who, move.at + float(rng.uniform(*PHONE_LEAVES_S)), home=False))
        elif chance >= PHONE_NEVER_SHARE:
            late = chance < PHONE_NEVER_SHARE + PHONE_LATE_SHARE
            delay = float(rng.uniform(*(PHONE_LATE_S if late else PHONE_ON_TIME_S)))
            facts.append(Phone(move.who, move.at + delay, home=True))
    for who in FAMILY:
        for at in rng.uniform(0, life.days * DAY_S, int(rng.poisson(PHONE_FLAPS_A_DAY * life.days))):
            moves = [move for move in life.moves if move.who == who and move.at <= at]
            if not moves or moves[-1].home:
                facts.append(Phone(who, float(at), home=False))
                facts.append(Phone(who, float(at + rng.uniform(*PHONE_FLAPS_S)), home=True))
    yield from sorted(facts, key=lambda fact: fact.at)
