"""Match the people in a frame to the people in earlier frames. Pure functions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from brain.vision.geometry import iou
from brain.visits.observe import ObservedPerson
from nerves.messages import Box

__all__ = ["Speed", "Track", "affinity", "match", "speed"]

# How fast a box's left, top, right and bottom edges move, in pictures per second. Each edge has its own speed
# because the box of a person who comes nearer grows at the top first.
Speed = tuple[float, float, float, float]
# A person's speed predicts their position for at most this many seconds after they were last seen.
SPEED_FADES_S = 3.0
# Speeds are smoothed because boxes tremble: after this many seconds, the new speed counts half and the old one half.
SPEED_HALF_LIFE_S = 0.8
# A predicted box that is narrower or lower than this, as a fraction of the picture, is not used.
MIN_BOX_SIDE = 0.02
# A person who was seen only once may have moved in any direction: this much is added to the affinity for each second
# unseen, up to one second.
NEW_TRACK_LEEWAY = 0.1


@dataclass(frozen=True, slots=True)
class Track:
    """Where a person was last seen."""

    box: Box
    face: Box | None
    unseen_s: float
    """Seconds since then."""
    speed: Speed | None = None
    """The speed of the box at that time; None if the person was seen only once."""


def match(
    observations: Sequence[ObservedPerson],
    trails: Sequence[Track],
    may_continue: Callable[[int, int], bool] = lambda _observation, _trail: True,
) -> dict[int, int]:
    """Return the index of the track that each observation continues, by the observation's index.

    The likeliest pairs are matched first. An observation that continues no track is left out.

    Args:
        observations: The people in the frame.
        trails: The tracks.
        may_continue: Whether an observation may continue a track, by their indices; asked for near pairs only.
    """
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
        if likely <= 0:
            break
        if number not in found and index not in found.values() and may_continue(number, index):
            found[number] = index
    return found


def affinity(observation: ObservedPerson, trail: Track) -> float:
    """Return how likely an observation continues a track: 1 exactly where it is expected, above 0 near that place.

    The value is above -1, and at most 1.1 for a track that was seen once (`NEW_TRACK_LEEWAY`). If both have a face, the
    faces are compared too: they are small, so they tell apart two people who stand close together.
    """
    bodies = _near(observation.box, _expected(trail)) + (
        0.0 if trail.speed else NEW_TRACK_LEEWAY * min(trail.unseen_s, 1.0)
    )
    if observation.face is None or trail.face is None:
        return bodies
    return max(bodies, _near(observation.face.box, trail.face))


def speed(held: Speed | None, before: Box, after: Box, seconds: float) -> Speed | None:
    """Return the smoothed speed of a box, from its speed so far and its last two positions.

    Args:
        held: The speed so far; None at first.
        before: The earlier box.
        after: The later box.
        seconds: The time between the two. If it is not above 0, `held` is returned.
    """
    if seconds <= 0:
        return held
    share = seconds / (SPEED_HALF_LIFE_S + seconds)
    left, top, right, bottom = (
        old + share * ((b - a) / seconds - old)
        for old, a, b in zip(held or (0.0, 0.0, 0.0, 0.0), _edges(before), _edges(after), strict=True)
    )
    return left, top, right, bottom


def _expected(trail: Track) -> Box:
    """Return the box where a person is now if they kept their speed."""
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
    """Return the Distance-IoU of two boxes, between 1 and -1 (Zheng et al., Distance-IoU loss, 2020).

    It is their intersection over union minus the squared distance of their centres; the unit of that distance is the
    diagonal of the smallest box around both. It is above 0 if the boxes overlap more than they are apart.
    """
    (left, top, right, bottom), (left2, top2, right2, bottom2) = _edges(one), _edges(other)
    across, down = left + right - left2 - right2, top + bottom - top2 - bottom2
    width, height = max(right, right2) - min(left, left2), max(bottom, bottom2) - min(top, top2)
    around = width * width + height * height
    return iou(one, other) - (across * across + down * down) / 4 / around if around > 0 else 0.0


def _edges(box: Box) -> tuple[float, float, float, float]:
    return box.x, box.y, box.x + box.w, box.y + box.h
