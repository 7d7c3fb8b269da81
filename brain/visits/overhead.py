"""Look at turned pictures of a camera on the ceiling: there, people lie in the picture at any turn."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from brain.settings.context import PlaceSettings
from brain.vision.backend import PERSON, DetectedObject
from brain.vision.geometry import area, iou, overlap
from brain.vision.moved import Brightness, Moved, moved_cells, share_moved, without
from brain.visits.frame_analysis import FrameAnalysis
from nerves.messages import Box

__all__ = ["OverheadSearch"]

LOOK_QUARTER_TURNS = (1, 2, 3)
# A picture is turned if at least this share of it moved outside everybody who was found. From frame to frame, people
# who come and go in the labelled clip change 0.8 to 21 % of it, an empty room nothing (2.5 frames a second).
MIN_MOVED_SHARE = 0.005
# Light was switched, or the camera moved, if more than this share moved: a person from the ceiling is smaller.
MAX_MOVED_SHARE = 0.5
# Furniture that looks like a turned person does not move: at least this share of a person's box has to.
MIN_PERSON_MOVED_SHARE = 0.1
# Boxes at two turns of a picture show one person if the smaller one lies in the other by more than this share.
SAME_PERSON_SHARE = 0.5
# Boxes at two turns of a picture show one thing, and not an animal in somebody's arms, from this overlap on.
SAME_THING_IOU = 0.45
# Somebody is followed to the next frame at this overlap, and through this many looks without them: one at every turn.
FOLLOWED_IOU, MAX_MISSED_LOOKS = 0.2, 3


@dataclass(frozen=True, slots=True)
class _Last:
    """What the last frame of a place showed."""

    brightness: Brightness
    people: tuple[Box, ...] = ()
    """The people who were found in it, and those who were lost a moment ago."""
    quarters: int = 1
    """The clockwise quarter turns of the next look."""
    missed: int = 0
    """The looks in turned pictures since somebody was lost."""


class OverheadSearch:
    """Finds people whom the picture as it is does not show, mostly in one turned picture a frame.

    Args:
        places: What the brain knows about places. Only those with `overhead: true` are searched.
    """

    def __init__(self, places: Mapping[str, PlaceSettings]) -> None:
        self._places = {place for place, settings in places.items() if settings.overhead}
        self._last: dict[str, _Last] = {}

    def detected(self, place: str, analysis: FrameAnalysis, *, sure: float) -> list[DetectedObject]:
        """Return the people and animals of a frame, with the people that only a turned picture of it shows.

        A picture is turned if something moved that is no person, or if somebody was found a moment ago and is not found
        now. Whoever is new is looked at in every turn: who looks more like an animal in one of them is left out.

        Args:
            place: Where the frame is from.
            analysis: The frame.
            sure: The lowest score of a person in the picture as it is, 0 to 1.
        """
        if place not in self._places or not analysis.can_turn:
            return analysis.detected
        last = self._last.get(place) or _Last(analysis.brightness)
        cells = moved_cells(last.brightness, analysis.brightness)
        upright = [one for one in analysis.detected if one.label == PERSON and one.score >= sure]
        lost = [box for box in last.people if not _is_any(box, upright)]
        looks = bool(lost) or _is_unexplained(cells, upright)
        lying = _lying(analysis.turned(last.quarters), upright, cells, lost) if looks else []
        animals = [
            one for one in (*upright, *lying) if not _is_followed(one.box, last.people) and _is_animal(one, analysis)
        ]
        found = [one for one in lying if one not in animals]
        people = tuple(one.box for one in (*upright, *found) if one not in animals)
        self._last[place] = _after(last, analysis.brightness, people, lost if looks and not found else None)
        return [one for one in (*analysis.detected, *found) if one not in animals]


def _after(last: _Last, brightness: Brightness, people: tuple[Box, ...], missed: Sequence[Box] | None) -> _Last:
    """Return what is remembered of a frame; `missed` are the lost people of a look that showed nobody, else None."""
    if missed is None:
        return _Last(brightness, people, last.quarters)
    looks = last.missed + 1 if missed else 0
    remembered = (*people, *missed) if looks <= MAX_MISSED_LOOKS else people
    return _Last(brightness, remembered, last.quarters % len(LOOK_QUARTER_TURNS) + 1, looks)


def _is_unexplained(cells: Moved, people: Iterable[DetectedObject]) -> bool:
    """Return whether something as large as a person moved outside all people."""
    outside = without(cells, [one.box for one in people])
    return float(outside.mean()) >= MIN_MOVED_SHARE and float(cells.mean()) <= MAX_MOVED_SHARE


def _lying(
    turned: Iterable[DetectedObject], upright: Sequence[DetectedObject], cells: Moved, lost: Sequence[Box]
) -> list[DetectedObject]:
    """Return the people of a turned picture who are not found upright, and who move or were there a moment ago."""
    return [
        one
        for one in turned
        if one.label == PERSON
        and not _is_any(one.box, upright)
        and (share_moved(cells, one.box) >= MIN_PERSON_MOVED_SHARE or _is_followed(one.box, lost))
    ]


def _is_animal(person: DetectedObject, analysis: FrameAnalysis) -> bool:
    """Return whether an animal at one of the turns is as likely as a person at another, at the same place."""
    looks = (analysis.detected, *(analysis.turned(quarters) for quarters in LOOK_QUARTER_TURNS))
    same = [one for look in looks for one in look if iou(one.box, person.box) >= SAME_THING_IOU]
    likeliest = max(one.score for one in (person, *same) if one.label == PERSON)
    return any(one.score >= likeliest for one in same if one.label != PERSON)


def _is_any(box: Box, others: Iterable[DetectedObject]) -> bool:
    """Return whether a box shows the same person as one of the others."""
    return any(overlap(box, one.box) > SAME_PERSON_SHARE * min(area(box), area(one.box)) for one in others)


def _is_followed(box: Box, people: Iterable[Box]) -> bool:
    return any(iou(box, one) >= FOLLOWED_IOU for one in people)
