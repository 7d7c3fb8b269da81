"""What the gallery holds, and the tables it is kept in."""

import json
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import numpy as np

from brain.vision.backend import Vector
from nerves.errors import GalleryError
from nerves.messages import Box, Group

__all__ = [
    "Entry",
    "LabelRecord",
    "Match",
    "Negative",
    "Person",
    "Photo",
    "Reference",
    "box_of",
    "migrate",
    "text_of",
    "time_of",
    "vector_of",
]

# Each step takes a file from one version (PRAGMA user_version) to the next; the first has been without a number.
MIGRATIONS = (
    (
        """CREATE TABLE IF NOT EXISTS people (
            name TEXT PRIMARY KEY, grp TEXT NOT NULL CHECK (grp IN ('family', 'guest')), until TEXT)""",
        """CREATE TABLE IF NOT EXISTS photos (
            name TEXT NOT NULL REFERENCES people (name), sha256 TEXT NOT NULL, file TEXT NOT NULL,
            added TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (name, sha256))""",
        "ALTER TABLE photos ADD COLUMN thumbnail BLOB",
        "ALTER TABLE photos ADD COLUMN aside TEXT",
        "ALTER TABLE photos ADD COLUMN spare INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE photos ADD COLUMN word INTEGER",
        # `touched`: the word set the group; `before` is what it was, to be put back; `created`: it made the person.
        """CREATE TABLE words (
            id INTEGER PRIMARY KEY AUTOINCREMENT, visit TEXT NOT NULL UNIQUE, place TEXT NOT NULL, who TEXT,
            grp TEXT NOT NULL, until TEXT, at TEXT NOT NULL, box TEXT,
            touched INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL DEFAULT 0,
            before_grp TEXT, before_until TEXT)""",
        """CREATE TABLE negatives (
            word INTEGER NOT NULL, vector BLOB, place TEXT NOT NULL, box TEXT, thumbnail BLOB,
            visit TEXT NOT NULL, added TEXT NOT NULL)""",
    ),
)


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of one face, to be learned."""

    vector: Vector
    sha256: str
    """Of the photo's file; the same photo is learned once."""
    file: str
    thumbnail: bytes | None = None
    """The face as a small JPEG, for people to look at."""
    added: datetime | None = None
    """When it was first learned; None for now."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A person with photos, to be learned."""

    name: str
    photos: tuple[Photo, ...]
    group: Group = "family"
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody we know by name."""

    name: str
    group: Group
    until: datetime | None
    """When a guest's pass ends; None for never."""
    photos: int
    """All that are kept."""
    excluded: int = 0
    """Of these, set aside as doubtful."""

    def expired(self, at: datetime) -> bool:
        """Return whether the pass has ended."""
        return self.until is not None and at >= self.until


@dataclass(frozen=True, slots=True)
class Reference:
    """One photo in the gallery, and what is held of it."""

    name: str
    vector: Vector = field(repr=False)
    sha256: str
    file: str
    added: datetime
    thumbnail: bytes | None = field(repr=False)
    excluded: str | None
    """Why it is not compared with anybody; None if it is."""
    redundant: bool
    """Right, and not compared because enough others say the same."""
    visit: UUID | None
    """The visit that a human's word added it from; None if it was enrolled."""


@dataclass(frozen=True, slots=True)
class Match:
    """One person we know, compared with one face."""

    name: str
    group: Group
    distance: float
    """To the nearest photo of this person; the nearer, the likelier the same."""


@dataclass(frozen=True, slots=True)
class Negative:
    """What a human said is not a person: a poster, a statue, a coat rack."""

    vector: Vector | None = field(repr=False)
    """None where no face was found in it."""
    place: str
    box: Box | None
    thumbnail: bytes | None = field(repr=False)
    visit: UUID
    added: datetime


@dataclass(frozen=True, slots=True)
class LabelRecord:
    """A human's word about a visit."""

    visit: UUID
    place: str
    who: str | None
    """None: not a person."""
    group: Group
    until: datetime | None
    at: datetime
    box: Box | None


def migrate(connection: sqlite3.Connection) -> bool:
    """Bring the tables up to date, inside a transaction; return whether anything had to be done.

    Raises `GalleryError` for a file that a newer kinwatch has written.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        message = f"the gallery was written by a newer kinwatch (version {version}): update kinwatch here"
        raise GalleryError(message)
    for step in MIGRATIONS[version:]:
        for statement in step:
            connection.execute(statement)
    if version == len(MIGRATIONS):
        return False
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    return True


def vector_of(blob: bytes) -> Vector:
    """Read a vector as it is kept."""
    return np.frombuffer(blob, "<f4").astype(np.float32, copy=False)


def time_of(text: str | None) -> datetime | None:
    """Read a time as it is kept."""
    return datetime.fromisoformat(text) if text else None


def box_of(text: str | None) -> Box | None:
    """Read a box as it is kept."""
    return Box(*json.loads(text)) if text else None


def text_of(box: Box | None) -> str | None:
    """Write a box as it is kept."""
    return json.dumps(list(box)) if box else None
