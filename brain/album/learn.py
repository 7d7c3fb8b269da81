"""A human's label of a visit -> a better gallery, in one transaction."""

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

__all__ = ["LearnResult", "label_record", "learn"]

# A face of less weight is small, blurred or turned; as a photo of the gallery it would match too many faces.
MIN_REFERENCE_WEIGHT = 0.3


@dataclass(frozen=True, slots=True)
class LearnResult:
    """The result of learning from a label."""

    label: LabelRecord
    photos: int
    """The number of pictures that were learned."""
    left_out: int
    """The number of pictures that were not: too poor, or of somebody else who crossed."""
    why: str = ""
    """Why nothing was learned; empty if something was."""


def learn(label: LabelRecord, album: Album, gallery: Gallery) -> LearnResult:
    """Learn from the pictures of a visit who it was, or that it is not a person, in one transaction.

    If there is no picture to learn from, only the label is stored. The same label again changes nothing.
    """
    past = album.visit(label.visit)
    if past:
        label = replace(label, place=past.place, box=past.box)
    crops = album.crops(label.visit)
    photos = [
        _photo(label, crop.at.strftime("%Y%m%d-%H%M%S"), crop.jpeg, vector) for crop, vector in reference_faces(crops)
    ]
    if not photos and _is_known(label, gallery):  # its pictures are deleted, so learning it again would unlearn them
        return LearnResult(label, 0, len(crops), "it was said before, and its pictures have gone since")
    learned = gallery.learn_label(label, photos)
    album.mark([label.visit], named=True)
    return LearnResult(label, learned, len(crops) - len(photos), "" if photos else _why(past is not None))


def reference_faces(crops: Sequence[Crop]) -> list[tuple[Crop, Vector]]:
    """Return the good faces of the person who was there most: a visit may pass from one person to another."""
    good = [(crop, crop.vector) for crop in crops if crop.vector is not None and crop.weight >= MIN_REFERENCE_WEIGHT]
    return [good[number] for number in agreeing([vector for _, vector in good], [crop.weight for crop, _ in good])]


def label_record(label: Label, gallery: Gallery) -> LabelRecord:
    """Return the record of a label message.

    Whoever we know by name keeps group, pass and hours unless the message has another group. A message that repeats the
    group, as the buttons of the page do, changes a pass only if it has an end or the pass has ended.
    """
    group, until, hours = label.group, label.until, tuple[str, ...]()
    known = next((person for person in gallery.people() if person.name == label.who), None)
    if known and "group" not in label.model_fields_set:
        group, until, hours = known.group, known.until, known.hours
    elif known and group == known.group:
        until = known.until if until is None and not known.expired(label.at) else until
        hours = known.hours
    return LabelRecord(label.visit, label.place, label.who, group, until, now(), None, hours)


def _is_known(label: LabelRecord, gallery: Gallery) -> bool:
    stored = next((one for one in gallery.labels() if one.visit == label.visit), None)
    return stored is not None and _told_facts(stored) == _told_facts(label)


def _told_facts(label: LabelRecord) -> tuple[object, ...]:
    return label.who, label.group, label.until, label.hours


def _photo(label: LabelRecord, when: str, jpeg: bytes, vector: Vector) -> Photo:
    return Photo(vector, hashlib.sha256(jpeg).hexdigest(), f"{label.place} {when}", jpeg)


def _why(is_here: bool) -> str:  # noqa: FBT001
    return "no face of this visit is good enough to learn" if is_here else "this visit is not in the album"
