"""A human's word on a visit -> a better gallery, in one step."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from brain.album.album import Album
from brain.people.alike import agreeing
from brain.people.gallery import Gallery
from brain.people.records import LabelRecord, Photo
from brain.vision.backend import Vector
from brain.vision.crop import Crop
from nerves.messages import Label, now

__all__ = ["LearnResult", "learn", "word_of"]

# A face below this is small, blurred or turned: as a reference it would match too many.
GOOD = 0.3


@dataclass(frozen=True, slots=True)
class LearnResult:
    """What came of a human's word."""

    word: LabelRecord
    photos: int
    """Pictures that were learned."""
    left_out: int
    """Pictures of the visit that were not: too poor, or of somebody else who crossed."""
    why: str = ""
    """Why nothing was learned; empty if something was."""


def learn(word: LabelRecord, album: Album, gallery: Gallery) -> LearnResult:
    """Learn from a visit's pictures who it was, or that it is not a person: all of it at once, or nothing.

    Where there is no picture to learn from, the word itself is kept. The same word again changes nothing.
    """
    past = album.visit(word.visit)
    if past:
        word = replace(word, place=past.place, box=past.box)
    crops = album.crops(word.visit)
    photos = [_photo(word, crop.at.strftime("%Y%m%d-%H%M%S"), crop.jpeg, vector) for crop, vector in usable(crops)]
    if not photos and _is_said(word, gallery):  # the pictures it was learned from have gone: it must not be unlearned
        return LearnResult(word, 0, len(crops), "it was said before, and its pictures have gone since")
    learned = gallery.tell(word, photos)
    album.mark([word.visit], named=True)
    return LearnResult(word, learned, len(crops) - len(photos), "" if photos else _why(past is not None))


def usable(crops: Sequence[Crop]) -> list[tuple[Crop, Vector]]:
    """Return the good faces that are one person's, whoever was there most: a visit may pass from one to another."""
    good = [(crop, crop.vector) for crop in crops if crop.vector is not None and crop.weight >= GOOD]
    return [good[number] for number in agreeing([vector for _, vector in good], [crop.weight for crop, _ in good])]


def word_of(told: Label, gallery: Gallery) -> LabelRecord:
    """Return a message as a word; a person we know stays what they are to the household unless it says otherwise."""
    group, until = told.group, told.until
    if "group" not in told.model_fields_set:
        known = next((person for person in gallery.people() if person.name == told.who), None)
        group, until = (known.group, known.until) if known else (group, until)
    return LabelRecord(told.visit, told.place, told.who, group, until, now(), None)


def _is_said(word: LabelRecord, gallery: Gallery) -> bool:
    said = next((said for said in gallery.words() if said.visit == word.visit), None)
    return said is not None and (said.who, said.group, said.until) == (word.who, word.group, word.until)


def _photo(word: LabelRecord, when: str, jpeg: bytes, vector: Vector) -> Photo:
    return Photo(vector, hashlib.sha256(jpeg).hexdigest(), f"{word.place} {when}", jpeg)


def _why(is_here: bool) -> str:  # noqa: FBT001
    return "no face of this visit is good enough to learn" if is_here else "this visit is not in the album"
