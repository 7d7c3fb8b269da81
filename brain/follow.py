"""Pure: which person of a frame is which person of the frames before."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, log

from brain.observe import Observation, iou
from nerves.messages import Box

__all__ = ["Trail", "affinity", "match"]

# Least affinity for "the same person".
ENOUGH = 0.25
# How far a person moves in a second, in lengths of their own diagonal: a walk past a room camera, with room to spare.
PACE = 0.6
# After this many seconds unseen, where somebody was says no more about where they are.
FADES_S = 3.0


@dataclass(frozen=True, slots=True)
class Trail:
    """Where somebody was last seen."""

    box: Box
    face: Box | None
    unseen_s: float
    """Seconds since."""


def match(observations: Sequence[Observation], trails: Sequence[Trail]) -> dict[int, int]:
    """Return for each observation that continues a trail the trail's index; the likeliest pair first."""
    pairs = sorted(
        (
            (affinity(observation, trail), number, index)
            for number, observation in enumerate(observations)
            for index, trail in enumerate(trails)
        ),
        reverse=True,
    )
    found: dict[int, int] = {}
    for likely, number, index in pairs:
        if likely < ENOUGH:
            break
        if number not in found and index not in found.values():
            found[number] = index
    return found


def affinity(observation: Observation, trail: Trail) -> float:
    """Return how likely an observation continues a trail, 0 to 1.

    Faces are compared where both have one: they are small, so they tell two people apart who stand close together.
    """
    bodies = _near(observation.box, trail.box, trail.unseen_s)
    if observation.face is None or trail.face is None:
        return bodies
    return max(_near(observation.face.box, trail.face, trail.unseen_s, reach=2.0), 0.5 * bodies)


def _near(one: Box, other: Box, unseen_s: float, *, reach: float = 1.0) -> float:
    """Return 1 for the same place and size, falling with distance and with a change of size."""
    size = (hypot(one.w, one.h) + hypot(other.w, other.h)) / 2
    if size <= 0:
        return 0.0
    apart = hypot(one.x + one.w / 2 - other.x - other.w / 2, one.y + one.h / 2 - other.y - other.h / 2) / size
    room = reach * (0.5 + PACE * min(unseen_s, FADES_S))
    grown = abs(log(max(one.w * one.h, 1e-9) / max(other.w * other.h, 1e-9)))
    return max(iou(one, other), 1.0 - apart / room) * max(0.0, 1.0 - grown / 4.0)
