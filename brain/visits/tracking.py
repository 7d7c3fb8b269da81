"""Pure: which person of a frame is which person of the frames before."""

from collections.abc import Sequence
from dataclasses import dataclass

from brain.vision.geometry import iou
from brain.visits.observe import ObservedPerson
from nerves.messages import Box

__all__ = ["Speed", "Track", "affinity", "match", "speed"]

# How a box's left, top, right and bottom move, in pictures a second: who comes nearer grows at the top first.
Speed = tuple[float, float, float, float]
# After this many seconds unseen, how somebody moved says no more about where they are.
SPEED_FADES_S = 3.0
# A speed is half the new one when this many seconds have passed: boxes tremble.
SPEED_HALF_LIFE_S = 0.8
# A predicted box is at least this wide and high.
MIN_BOX_SIDE = 0.02
# Whoever was seen once may have gone anywhere: so much is allowed for.
NEW_TRACK_LEEWAY = 0.1


@dataclass(frozen=True, slots=True)
class Track:
    """Where somebody was last seen."""

    box: Box
    face: Box | None
    unseen_s: float
    """Seconds since."""
    speed: Speed | None = None
    """How they moved then; None if they were seen once."""


def match(observations: Sequence[ObservedPerson], trails: Sequence[Track]) -> dict[int, int]:
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
        if likely > 0 and number not in found and index not in found.values():
            found[number] = index
    return found


def affinity(observation: ObservedPerson, trail: Track) -> float:
    """Return how likely an observation continues a trail: 1 is the very place where it is expected, above 0 near it.

    Faces are compared too where both have one: they are small, so they tell two people apart who stand close together.
    """
    bodies = _near(observation.box, _expected(trail)) + (
        0.0 if trail.speed else NEW_TRACK_LEEWAY * min(trail.unseen_s, 1.0)
    )
    if observation.face is None or trail.face is None:
        return bodies
    return max(bodies, _near(observation.face.box, trail.face))


def speed(held: Speed | None, before: Box, after: Box, seconds: float) -> Speed | None:
    """Return how a box moves, from how it moved until now and its last two places."""
    if seconds <= 0:
        return held
    share = seconds / (SPEED_HALF_LIFE_S + seconds)
    left, top, right, bottom = (
        old + share * ((b - a) / seconds - old)
        for old, a, b in zip(held or (0.0, 0.0, 0.0, 0.0), _edges(before), _edges(after), strict=True)
    )
    return left, top, right, bottom


def _expected(trail: Track) -> Box:
    """Return where somebody is now, who went on as they did."""
    if trail.speed is None:
        return trail.box
    seconds = min(trail.unseen_s, SPEED_FADES_S)
    left, top, right, bottom = (
        edge + speed * seconds for edge, speed in zip(_edges(trail.box), trail.speed, strict=True)
    )
    if min(right - left, bottom - top) < MIN_BOX_SIDE:
        return trail.box
    return Box(left, top, right - left, bottom - top)


def _near(one: Box, other: Box) -> float:
    """Return the shared part less the distance, in diagonals of the box around both, squared: 1 down to -1.

    It is above 0 for boxes that overlap more than they are apart (Zheng et al., Distance-IoU loss, 2020).
    """
    (left, top, right, bottom), (left2, top2, right2, bottom2) = _edges(one), _edges(other)
    across, down = left + right - left2 - right2, top + bottom - top2 - bottom2
    width, height = max(right, right2) - min(left, left2), max(bottom, bottom2) - min(top, top2)
    around = width * width + height * height
    return iou(one, other) - (across * across + down * down) / 4 / around if around > 0 else 0.0


def _edges(box: Box) -> tuple[float, float, float, float]:
    return box.x, box.y, box.x + box.w, box.y + box.h
