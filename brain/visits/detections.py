"""The message with the detections of one frame, for overlays."""

from collections.abc import Iterable

from brain.vision.backend import PERSON, DetectedObject
from brain.visits.observe import ObservedPerson
from brain.visits.visit import OpenVisit
from nerves.messages import Detection, Detections, Frame

__all__ = ["detections_message"]


def detections_message(
    frame: Frame, detected: Iterable[DetectedObject], present: Iterable[tuple[ObservedPerson, OpenVisit]]
) -> Detections:
    """Return the detections of one frame: each observed person with their visit, then the animals.

    The visit and its verdict are given only if the visit is confirmed.
    """
    people = [
        Detection(
            label=PERSON,
            box=observation.box,
            score=min(observation.score, 1.0),
            visit=visit.id if visit.confirmed else None,
            verdict=visit.verdict if visit.confirmed else None,
            who=visit.who,
        )
        for observation, visit in present
    ]
    animals = [Detection(label=one.label, box=one.box, score=one.score) for one in detected if one.label != PERSON]
    return Detections(place=frame.place, at=frame.at, detections=(*people, *animals))
