"""Pure: compares the gallery with the collection at AWS, and lists what to add and what to remove there."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from brain.people.records import Person, Reference

if TYPE_CHECKING:
    from brain.cloud.client import Indexed

__all__ = ["CollectionChange", "CollectionPhoto", "Difference", "LeftOut", "differ", "wanted"]

SHA256 = re.compile(r"[0-9a-f]{64}")
# The limit of AWS.
MAX_FACES_PER_USER = 100


class CollectionPhoto(NamedTuple):
    """A photo that belongs in the collection."""

    name: str
    sha256: str
    file: str
    jpeg: bytes


class LeftOut(NamedTuple):
    """A photo of the gallery that is not sent, and the reason."""

    name: str
    file: str
    why: str


@dataclass(frozen=True, slots=True)
class CollectionChange:
    """The work for one person."""

    name: str
    add: tuple[CollectionPhoto, ...] = ()
    """Photos that the collection lacks."""
    remove: tuple[str, ...] = ()
    """Ids of faces whose photo is no longer in the gallery, and of duplicates."""
    part: tuple[str, ...] = ()
    """Those ids of `remove` that belong to the person's user."""
    join: tuple[str, ...] = ()
    """Ids of faces that stay but do not belong to the person's user yet; empty if no users are wanted."""
    has_user: bool = False
    """Whether the collection has a user for the person."""
    gone: bool = False
    """Whether all faces of the person must be removed."""

    @property
    def is_work(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.add or self.remove or self.join or (self.gone and self.has_user))


class Difference(NamedTuple):
    """The work for all people."""

    changes: tuple[CollectionChange, ...]
    """People without any photo in the gallery first, then by name."""
    equal: int
    """The number of photos that are in the collection already."""
    foreign: int
    """The number of faces in the collection that kinwatch did not add."""


def wanted(
    people: Iterable[Person], references: Iterable[Reference], at: datetime, *, users: bool
) -> tuple[list[CollectionPhoto], list[LeftOut]]:
    """Return the photos that belong in the collection, and those of the gallery that do not, with the reason.

    Args:
        people: The people of the gallery.
        references: Their photos.
        at: The time by which a guest's pass may have ended.
        users: Whether each person is to have a user, which limits their photos to 100.
    """
    here = {person.name for person in people if not person.expired(at)}
    photos: list[CollectionPhoto] = []
    left: list[LeftOut] = []
    counts: dict[str, int] = defaultdict(int)
    for one in sorted(references, key=lambda one: (one.name, one.redundant)):
        if one.name not in here:
            continue
        why = _unfit(one) or (
            f"a user at AWS has at most {MAX_FACES_PER_USER} photos"
            if users and counts[one.name] >= MAX_FACES_PER_USER
            else ""
        )
        if why or one.thumbnail is None:
            left.append(LeftOut(one.name, one.file, why))
        else:
            counts[one.name] += 1
            photos.append(CollectionPhoto(one.name, one.sha256, one.file, one.thumbnail))
    return photos, left


def _unfit(one: Reference) -> str:
    if one.excluded:
        return f"excluded: {one.excluded}"
    if not one.thumbnail:
        return "it was enrolled without a picture of the face: enroll it again"
    if not SHA256.fullmatch(one.sha256):
        return "it was imported without the photo's hash: enroll it again"
    return ""


def differ(
    photos: Iterable[CollectionPhoto],
    faces: Iterable["Indexed"],
    users: Collection[str],
    refused: Collection[str],
    *,
    by_user: bool,
) -> Difference:
    """Return the work that makes the collection equal to the gallery.

    Args:
        photos: Those that belong in the collection.
        faces: Those that are in the collection.
        users: The names of the users in the collection.
        refused: The hashes of photos and ids of faces that Rekognition refused. They are not sent again.
        by_user: Whether each person is to have a user with all their faces.
    """
    belongs = {(photo.name, photo.sha256): photo for photo in photos}
    there: dict[tuple[str, str], list[Indexed]] = defaultdict(list)
    foreign = 0
    for face in faces:
        if face.name is None or face.sha256 is None:
            foreign += 1
        else:
            there[face.name, face.sha256].append(face)
    names = {name for name, _ in (*belongs, *there)} | set(users)
    stay = {name for name, _ in belongs}
    changes = [_change(name, belongs, there, users, refused, by_user=by_user) for name in sorted(names)]
    ordered = sorted(changes, key=lambda change: change.name in stay)
    return Difference(
        tuple(change for change in ordered if change.is_work), len(belongs.keys() & there.keys()), foreign
    )


def _change(
    name: str,
    belongs: dict[tuple[str, str], CollectionPhoto],
    there: dict[tuple[str, str], list["Indexed"]],
    users: Collection[str],
    refused: Collection[str],
    *,
    by_user: bool,
) -> CollectionChange:
    own = {key: sorted(faces, key=lambda face: face.user != name) for key, faces in there.items() if key[0] == name}
    kept = [faces[0] for key, faces in own.items() if key in belongs]
    rest = [face for key, faces in own.items() for face in faces[key in belongs :]]
    photos = [photo for key, photo in belongs.items() if key[0] == name]
    return CollectionChange(
        name,
        add=tuple(photo for photo in photos if (name, photo.sha256) not in own and photo.sha256 not in refused),
        remove=tuple(face.face_id for face in rest),
        part=tuple(face.face_id for face in rest if face.user == name),
        join=tuple(face.face_id for face in kept if by_user and face.user != name and face.face_id not in refused),
        has_user=name in users,
        gone=not photos,
    )
