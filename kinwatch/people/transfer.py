"""`kinwatch export` and `import`: people from one house to another, in one file."""

import json as text
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, AwareDatetime, Base64Bytes, BaseModel, Field, ValidationError

from brain.people.gallery import Entry, Gallery, Person, Photo, Reference
from brain.vision.backend import Vector
from kinwatch.console import emit, err, print_line
from kinwatch.files import write_private
from kinwatch.opening import open_gallery
from kinwatch.people.enroll import check_name, excluded_photos, newly_excluded
from nerves.errors import GalleryError, SettingsError
from nerves.hours import read_weekly
from nerves.messages import Group, stamp
from nerves.settings import HouseSettings

__all__ = ["entries", "exported", "run_export", "run_import"]

FILE_FORMAT, FILE_VERSION = "kinwatch people", 1
# Embeddings of another network cannot be compared with ours.
EMBEDDING_MODEL = "dlib_face_recognition_resnet_model_v1"
EMBEDDING_NUMBERS = 128
# A thousand photos are 10 MB.
MAX_FILE_BYTES, MAX_THUMBNAIL_BYTES = 200_000_000, 200_000


def exported(people: Sequence[Person], references: Sequence[Reference]) -> bytes:
    """Return people as a file. Excluded photos are part of it: the house that imports them checks all photos again."""
    file = {
        "format": FILE_FORMAT,
        "version": FILE_VERSION,
        "model": EMBEDDING_MODEL,
        "people": [
            {
                "name": person.name,
                "group": person.group,
                "until": stamp(person.until) if person.until else None,
                "hours": list(person.hours),
                "photos": [_photo(one) for one in references if one.name == person.name],
            }
            for person in people
        ],
    }
    return text.dumps(file, ensure_ascii=False, indent=1).encode()


def entries(data: bytes) -> list[Entry]:
    """Read an exported file; `GalleryError` says why it cannot be used."""
    try:
        fields = text.loads(data)
    except (ValueError, RecursionError) as error:
        message = "not a file that `kinwatch export` wrote, or a damaged one"
        raise GalleryError(message) from error
    if not isinstance(fields, dict) or fields.get("format") != FILE_FORMAT:
        message = "not a file that `kinwatch export` wrote"
        raise GalleryError(message)
    if fields.get("version") != FILE_VERSION:
        message = (
            f"written by another kinwatch (version {fields.get('version')!s:.20}, here {FILE_VERSION}): update both"
        )
        raise GalleryError(message)
    if fields.get("model") != EMBEDDING_MODEL:
        message = (
            f"its faces are from the model {fields.get('model')!s:.60}, not {EMBEDDING_MODEL}: enroll the photos here"
        )
        raise GalleryError(message)
    try:
        people = _File.model_validate(fields).people
        return [
            Entry(one.name, tuple(_learned(photo) for photo in one.photos), one.group, one.until, one.hours)
            for one in people
        ]
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"a damaged file: {where}: {first['msg']}"
        raise GalleryError(message) from error


def run_export(house: HouseSettings, file: Path, names: Sequence[str], *, json: bool) -> None:
    """Do `kinwatch export`."""
    with open_gallery(house) as gallery:
        people = _chosen(gallery, names)
        references = [one for one in gallery.references() if one.name in {person.name for person in people}]
    write_private(file, exported(people, references))
    if json:
        emit({"file": str(file), "people": [person.name for person in people], "photos": len(references)})
    else:
        print_line(f"{', '.join(person.name for person in people)}: {len(references)} photos in {file}")


def run_import(house: HouseSettings, file: Path, *, json: bool) -> None:
    """Do `kinwatch import`."""
    try:
        found = entries(_read(file))
    except GalleryError as error:
        message = f"{file}: {error}"
        raise GalleryError(message) from error
    with open_gallery(house) as gallery:
        before = excluded_photos(gallery)
        learned = gallery.learn_all(found)
        excluded = newly_excluded(gallery, before)
    for line in excluded:
        err.print(f"excluded: {line}", markup=False, style="yellow", soft_wrap=True)
    for entry, new in zip(found, learned, strict=True):
        known = len(entry.photos) - new
        if json:
            emit({"name": entry.name, "learned": new, "known": known})
        else:
            print_line(
                f"{entry.name}: learned {new} photo{'s' * (new != 1)}{f', {known} known already' if known else ''}"
            )


def _read(file: Path) -> bytes:
    try:
        size = file.stat().st_size
        if size > MAX_FILE_BYTES:
            message = f"{size // 1_000_000} MB: more than {MAX_FILE_BYTES // 1_000_000}"
            raise GalleryError(message)
        return file.read_bytes()
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise GalleryError(message) from error


def _chosen(gallery: Gallery, names: Sequence[str]) -> list[Person]:
    people = gallery.people()
    known = [person.name for person in people]
    absent = [name for name in names if name not in known]
    if absent or not people:
        message = f"nobody is called {absent[0]}" if absent else "nobody is enrolled: there is nothing to export"
        raise GalleryError(message)
    return [person for person in people if not names or person.name in names]


def _photo(one: Reference) -> dict[str, Any]:
    return {
        "sha256": one.sha256,
        "file": one.file,
        "added": stamp(one.added),
        "vector": b64encode(one.vector.astype("<f4").tobytes()).decode(),
        "thumbnail": b64encode(one.thumbnail).decode() if one.thumbnail else None,
    }


def _named(name: str) -> str:
    try:
        check_name(name)
    except SettingsError as error:
        raise ValueError(str(error)) from error
    return name


def _measured(blob: bytes) -> bytes:
    if len(blob) != 4 * EMBEDDING_NUMBERS or not np.isfinite(np.frombuffer(blob, "<f4")).all():
        why = f"not {EMBEDDING_NUMBERS} numbers"
        raise ValueError(why)
    return blob


def _learned(photo: "_Photo") -> Photo:
    vector: Vector = np.frombuffer(photo.vector, "<f4").astype(np.float32)
    return Photo(vector, photo.sha256, photo.file, photo.thumbnail, photo.added)


class _Photo(BaseModel):
    sha256: str = Field(min_length=1, max_length=64)
    file: str = Field(max_length=255)
    added: AwareDatetime
    vector: Annotated[Base64Bytes, AfterValidator(_measured)]
    thumbnail: Annotated[Base64Bytes, Field(max_length=MAX_THUMBNAIL_BYTES)] | None = None


class _Person(BaseModel):
    name: Annotated[str, AfterValidator(_named)]
    group: Group
    until: AwareDatetime | None = None
    hours: tuple[Annotated[str, AfterValidator(lambda text: read_weekly(text).text)], ...] = ()
    photos: list[_Photo]


class _File(BaseModel):
    people: list[_Person]
