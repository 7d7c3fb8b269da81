"""From the detections of a vision backend to observed people: each person once, with the face that is theirs."""

from collections.abc import Iterable
from dataclasses import dataclass

from brain.vision.backend import PERSON, DetectedObject, Face
from brain.vision.geometry import area, overlap
from nerves.messages import Box

__all__ = ["ObservedPerson", "observe"]

# The body of a face that no person's box holds: a standing adult is three faces wide and seven high.
BODY_WIDTHS, BODY_HEIGHTS = 3.0, 7.0
# A face belongs to a person whose box holds at least this share of it.
MIN_FACE_IN_PERSON = 0.6
# A face of which an animal's box holds more than this is the animal's.
MAX_FACE_IN_ANIMAL = 0.3


@dataclass(frozen=True, slots=True)
class ObservedPerson:
    """One person in one frame."""

    box: Box
    """The person, as fractions of the picture."""
    score: float
    """How sure the detector is, 0 to 1."""
    face: Face | None = None
    """The person's face, if one is seen."""


def observe(detected: Iterable[DetectedObject], faces: Iterable[Face], *, sure: float) -> list[ObservedPerson]:
    """Give every person the face that fits best; a face left over is a person of its own.

    A person's box holds one face: two faces in one box are two people. People score at least `sure`. A face outside
    their boxes counts as a person if a person with a lower score holds it and no animal does.
    """
    detected = list(detected)
    weak = [one for one in detected if one.label == PERSON]
    people = [person for person in weak if person.score >= sure]
    animals = [one for one in detected if one.label != PERSON]
    taken, left = _share_out(people, sorted(faces, key=lambda face: -face.score))
    observations = [ObservedPerson(person.box, person.score, taken.get(index)) for index, person in enumerate(people)]
    return observations + [
        ObservedPerson(_body(face.box), face.score, face)
        for face in left
        if any(_holds(person.box, face) for person in weak)
        and not any(_touches(animal.box, face) for animal in animals)
    ]


def _share_out(people: list[DetectedObject], faces: list[Face]) -> tuple[dict[int, Face], list[Face]]:
    """Return each person's face by the person's number, and the faces that are left."""
    pairs = sorted(
        (_misfit(person.box, face.box), index, number)
        for index, person in enumerate(people)
        for number, face in enumerate(faces)
        if _holds(person.box, face)
    )
    taken: dict[int, Face] = {}
    used: set[int] = set()
    for _, index, number in pairs:
        if index not in taken and number not in used:
            taken[index] = faces[number]
            used.add(number)
    return taken, [face for number, face in enumerate(faces) if number not in used]


def _misfit(person: Box, face: Box) -> float:
    """Return how far a face is from where this person's head should be: top middle, in units of the box."""
    across = abs((face.x + face.w / 2) - (person.x + person.w / 2)) / max(person.w, 1e-6)
    down = abs((face.y + face.h / 2) - (person.y + min(person.h * 0.12, person.w * 0.5))) / max(person.h, 1e-6)
    return across + down


def _holds(person: Box, face: Face) -> bool:
    return overlap(person, face.box) >= MIN_FACE_IN_PERSON * area(face.box) > 0


def _touches(animal: Box, face: Face) -> bool:
    return overlap(animal, face.box) > MAX_FACE_IN_ANIMAL * area(face.box)


def _body(face: Box) -> Box:
    """Return the body that hangs from a face, within the picture."""
    left = max(face.x + face.w / 2 - BODY_WIDTHS / 2 * face.w, 0.0)
    right = min(face.x + face.w / 2 + BODY_WIDTHS / 2 * face.w, 1.0)
    top, bottom = max(face.y - face.h / 2, 0.0), min(face.y - face.h / 2 + BODY_HEIGHTS * face.h, 1.0)
    return Box(left, top, max(right - left, 0.0), max(bottom - top, 0.0))
