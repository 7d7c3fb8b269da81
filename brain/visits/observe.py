"""From the detections of a vision backend to observed people: each person once, with their own face."""

from collections.abc import Iterable
from dataclasses import dataclass

from brain.vision.backend import PERSON, DetectedObject, Face
from brain.vision.geometry import area, overlap
from nerves.messages import Box

__all__ = ["ObservedPerson", "observe"]

# The body that is assumed for a face outside all person boxes, in face widths and face heights: a standing adult is
# three faces wide and seven faces high.
BODY_WIDTHS, BODY_HEIGHTS = 3.0, 7.0
# A face belongs to a person whose box holds at least this share of it.
MIN_FACE_IN_PERSON = 0.6
# If an animal's box holds more than this share of a face, the face is the animal's.
MAX_FACE_IN_ANIMAL = 0.3


@dataclass(frozen=True, slots=True)
class ObservedPerson:
    """One person in one frame."""

    box: Box
    """The person's box, as fractions of the picture."""
    score: float
    """How sure the detector is, 0 to 1."""
    face: Face | None = None
    """The person's face, if one is seen."""


def observe(detected: Iterable[DetectedObject], faces: Iterable[Face], *, sure: float) -> list[ObservedPerson]:
    """Return the observed people: each detected person with the face that fits best.

    Each person has at most one face, so two faces in one box are two people. A face that no person gets becomes a
    person of its own if it lies in a person's box, even one with a low score, and no animal's box holds it.

    Args:
        detected: The detected people and animals.
        faces: The faces found in the frame.
        sure: The lowest score of a person, 0 to 1.
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
    """Return the face of each person, by the person's index in `people`, and the faces that nobody gets."""
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
    """Return how far a face is from where the person's head should be (top middle), in units of the box."""
    across = abs((face.x + face.w / 2) - (person.x + person.w / 2)) / max(person.w, 1e-6)
    down = abs((face.y + face.h / 2) - (person.y + min(person.h * 0.12, person.w * 0.5))) / max(person.h, 1e-6)
    return across + down


def _holds(person: Box, face: Face) -> bool:
    return overlap(person, face.box) >= MIN_FACE_IN_PERSON * area(face.box) > 0


def _touches(animal: Box, face: Face) -> bool:
    return overlap(animal, face.box) > MAX_FACE_IN_ANIMAL * area(face.box)


def _body(face: Box) -> Box:
    """Return the box of the body that is assumed below a face, cut off at the edges of the picture."""
    left = max(face.x + face.w / 2 - BODY_WIDTHS / 2 * face.w, 0.0)
    right = min(face.x + face.w / 2 + BODY_WIDTHS / 2 * face.w, 1.0)
    top, bottom = max(face.y - face.h / 2, 0.0), min(face.y - face.h / 2 + BODY_HEIGHTS * face.h, 1.0)
    return Box(left, top, max(right - left, 0.0), max(bottom - top, 0.0))
