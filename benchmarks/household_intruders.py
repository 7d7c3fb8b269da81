"""Pure: when intruders come to the house of the household benchmark, and which way they take.

The schedule looks at the family's days, to find an empty house or an arrival, but never changes them: it has its own
random generator.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.household_life import (
    DAY_S,
    DOORS,
    HOUR_S,
    MISSED_SHARE,
    NIGHT_FROM_H,
    NIGHT_UNTIL_H,
    PLACES,
    Activity,
    Life,
    Stretch,
    gap,
)

__all__ = ["KINDS", "Intrusion", "Modes", "intrusions"]

Rng = np.random.Generator

# Each kind: when it happens, and the first place.
KINDS: dict[str, tuple[str, str]] = {
    "door, house empty": ("away", "entrance"),
    "door, all asleep": ("night", "entrance"),
    "door, family at home": ("home", "entrance"),
    "follows somebody in": ("arrival", "entrance"),
    "dressed like the father": ("home", "entrance"),
    "terrace": ("any", "living"),
    "kitchen window": ("any", "kitchen"),
}
INTRUDERS_A_DAY = 1.5
STAYS_S = (60.0, 300.0)  # how long an intruder is in the house
ROOMS = (2, 5)  # through how many places
FOLLOWS_S = (1.0, 20.0)  # after the family member whom she follows in
BETWEEN_INTRUDERS_S = 1200.0  # two are never there at once
SETTLED_S = 600.0  # the house is empty, or somebody is at home, at least this long before
NIGHT_H, DAY_H = (0.5, 5.5), (8.0, 22.5)  # the hours in which all sleep, and in which somebody comes by day
LIGHTS_OFF_SHARE = 0.8  # of the nightly intruders: the cameras see infrared
HIDES_FACE_SHARE = 0.5
LONGEST_PASS_S = 15.0
TRIES = 400


@dataclass(frozen=True, slots=True)
class Intrusion:
    """One intruder's way through the house."""

    who: str
    kind: str
    mode: str
    """The mode of the house when she came: away, night or home."""
    hides_face: bool
    stretches: tuple[Stretch, ...]


class Modes:
    """The mode of the house as its people set it: `away` without family, `night` from 23:00 to 6:30, else `home`."""

    def __init__(self, life: Life) -> None:
        self._empty = life.empty(life.days * DAY_S)

    def at(self, at: float) -> str:
        """Return the mode at a time."""
        hour = at % DAY_S / HOUR_S
        if self.is_empty(at):
            return "away"
        return "night" if hour >= NIGHT_FROM_H or hour < NIGHT_UNTIL_H else "home"

    def is_empty(self, at: float, settled_s: float = 0.0) -> bool:
        """Return whether no family member is at home, for at least `settled_s` already and still as long."""
        return any(start + settled_s <= at < end - settled_s for start, end in self._empty)

    def is_lived_in(self, at: float, settled_s: float) -> bool:
        """Return whether somebody of the family is at home, for at least `settled_s` already and still as long."""
        return all(end + settled_s <= at or at < start - settled_s for start, end in self._empty)


def intrusions(life: Life, rng: Rng) -> list[Intrusion]:
    """Return the intrusions of all days: every kind equally often, half of them with a hidden face."""
    modes = Modes(life)
    found: list[Intrusion] = []
    deck: list[str] = []
    for number in range(int(rng.binomial(2 * life.days, INTRUDERS_A_DAY / 2))):
        deck = deck or [str(kind) for kind in rng.permutation(list(KINDS))]
        kind = deck.pop()
        start = _start(life, modes, kind, rng, [one.stretches[0].start for one in found])
        if start is not None:
            found.append(_intrusion(f"intruder-{number}", kind, modes.at(start), start, rng))
    return sorted(found, key=lambda one: one.stretches[0].start)


def _start(life: Life, modes: Modes, kind: str, rng: Rng, others: Sequence[float]) -> float | None:
    """Return when an intruder of a kind comes; None if the days have no such time."""
    when = KINDS[kind][0]
    if when == "any":
        when = str(rng.choice(["away", "night", "home"]))
    arrivals = [move.at for move in life.moves if move.home]
    if when == "arrival" and not arrivals:
        return None
    draw: dict[str, Callable[[], float]] = {
        "arrival": lambda: float(rng.choice(arrivals) + rng.uniform(*FOLLOWS_S)),
        "night": lambda: float((rng.integers(life.days) * 24 + rng.uniform(*NIGHT_H)) * HOUR_S),
    }
    by_day: Callable[[], float] = lambda: float((rng.integers(life.days) * 24 + rng.uniform(*DAY_H)) * HOUR_S)  # noqa: E731

    def always(_: float) -> bool:
        return True

    fits: dict[str, Callable[[float], bool]] = {
        "away": lambda at: modes.is_empty(at, SETTLED_S),
        "home": lambda at: modes.is_lived_in(at, SETTLED_S),
    }
    for _ in range(TRIES):
        at = draw.get(when, by_day)()
        if fits.get(when, always)(at) and all(abs(at - other) > BETWEEN_INTRUDERS_S for other in others):
            return at
    return None


def _intrusion(who: str, kind: str, mode: str, start: float, rng: Rng) -> Intrusion:
    hides_face = bool(rng.random() < HIDES_FACE_SHARE)
    is_dark = mode == "night" and bool(rng.random() < LIGHTS_OFF_SHARE)
    outfit = "like the father" if kind == "dressed like the father" else who
    rooms = [KINDS[kind][1]]
    for _ in range(int(rng.integers(ROOMS[0], ROOMS[1] + 1)) - 1):
        rooms.append(str(rng.choice([room for room in DOORS[rooms[-1]] if room in PLACES])))
    shares = rng.dirichlet(np.full(len(rooms), 3.0)) * rng.uniform(*STAYS_S)
    stretches, at = [], start
    for room, share in zip(rooms, shares, strict=True):
        end = at + max(float(share), 4.0)
        is_pass = end - at <= LONGEST_PASS_S
        is_missed = is_pass and bool(rng.random() < MISSED_SHARE)
        activity: Activity = "pass" if is_pass else "stay"
        stretches.append(Stretch(who, room, at, end, activity, outfit, is_dark, is_missed, hides_face))
        at = end + gap(rng)
    return Intrusion(who, kind, mode, hides_face, tuple(stretches))
