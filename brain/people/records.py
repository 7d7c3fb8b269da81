"""The records of the gallery and the database tables that store them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import numpy as np

from brain.vision.backend import Vector
from nerves.hours import outside_hours_reason, read_weekly
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
    "hours_of",
    "text_of",
    "text_of_hours",
    "time_of",
    "vector_of",
]

# Each step takes the tables from one version to the next.
MIGRATIONS = (
    (
        """CREATE TABLE IF NOT EXISTS people (
            name TEXT PRIMARY KEY, grp TEXT NOT NULL CHECK (grp IN ('family', 'guest')), until TEXT)""",
        """CREATE TABLE IF NOT EXISTS photos (
            name TEXT NOT NULL REFERENCES people (name), sha256 TEXT NOT NULL, file TEXT NOT NULL,
            added TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (name, sha256))""",
        "ALTER TABLE photos ADD COLUMN thumbnail BLOB",
        "ALTER TABLE photos ADD COLUMN excluded TEXT",
        "ALTER TABLE photos ADD COLUMN redundant INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE photos ADD COLUMN label INTEGER",
        # `touched`: the label set the group; `before_*` is the earlier group, for undoing; `created`: it added them.
        """CREATE TABLE labels (
            id INTEGER PRIMARY KEY AUTOINCREMENT, visit TEXT NOT NULL UNIQUE, place TEXT NOT NULL, who TEXT,
            grp TEXT NOT NULL, until TEXT, at TEXT NOT NULL, box TEXT,
            touched INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL DEFAULT 0,
            before_grp TEXT, before_until TEXT)""",
        """CREATE TABLE negatives (
            label INTEGER NOT NULL, vector BLOB, place TEXT NOT NULL, box TEXT, thumbnail BLOB,
            visit TEXT NOT NULL, added TEXT NOT NULL)""",
    ),
    (
        # SQLite cannot change a check: the table is written anew. `hours` is a JSON list of texts.
        """CREATE TABLE people_of_today (
            name TEXT PRIMARY KEY, grp TEXT NOT NULL CHECK (grp IN ('family', 'guest', 'known')), until TEXT,
            hours TEXT NOT NULL DEFAULT '[]')""",
        "INSERT INTO people_of_today (name, grp, until) SELECT name, grp, until FROM people",
        "DROP TABLE people",
        "ALTER TABLE people_of_today RENAME TO people",
        "ALTER TABLE labels ADD COLUMN hours TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE labels ADD COLUMN before_hours TEXT NOT NULL DEFAULT '[]'",
    ),
)


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of one face, to be learned."""

    vector: Vector
    sha256: str
    """Of the photo's file; the same photo is learned only once."""
    file: str
    thumbnail: bytes | None = None
    """The face as a small JPEG, for people to look at."""
    added: datetime | None = None
    """When it was first learned; None means now."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A person with photos, to be learned."""

    name: str
    photos: tuple[Photo, ...]
    group: Group = "family"
    until: datetime | None = None
    hours: tuple[str, ...] = ()
    """When somebody of the group known is expected, as `nerves.hours.read_weekly` reads it; empty means at any time."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody we know by name."""

    name: str
    group: Group
    until: datetime | None
    """When a guest's pass ends; None means never."""
    photos: int
    """The number of all stored photos."""
    excluded: int = 0
    """The number of photos that are excluded as doubtful."""
    hours: tuple[str, ...] = ()
    """When somebody of the group known is expected; empty means at any time."""

    def expired(self, at: datetime) -> bool:
        """Return whether the pass has ended."""
        return self.until is not None and at >= self.until

    def belongs(self, at: datetime) -> bool:
        """Return whether this person may be inside: family, a guest with a pass, somebody known in the agreed hours."""
        return not self.expired(at) and (self.group != "known" or bool(self.hours and not self.unexpected(at)))

    def unexpected(self, at: datetime) -> str:
        """Return why this person is not expected now: it is outside the agreed hours. Empty if the person is."""
        local = at.astimezone().replace(tzinfo=None)
        expected = not self.hours or any(read_weekly(text).contain(local) for text in self.hours)
        return "" if self.group != "known" or expected else outside_hours_reason(self.name, self.hours)


@dataclass(frozen=True, slots=True)
class Reference:
    """One photo in the gallery, and whether it is used."""

    name: str
    vector: Vector = field(repr=False)
    sha256: str
    file: str
    added: datetime
    thumbnail: bytes | None = field(repr=False)
    excluded: str | None
    """Why the photo is not used; None if it is not excluded."""
    redundant: bool
    """Whether the photo is right, but not used because it adds nothing to the others."""
    visit: UUID | None
    """The visit whose label added the photo; None if it was enrolled."""


@dataclass(frozen=True, slots=True)
class Match:
    """One person we know, compared with one face."""

    name: str
    group: Group
    distance: float
    """To the nearest photo of this person; the smaller, the likelier it is the same person."""


@dataclass(frozen=True, slots=True)
class Negative:
    """A picture that a human labelled as not a person: of a poster, a statue, a coat rack."""

    vector: Vector | None = field(repr=False)
    """None if no face was found in it."""
    place: str
    box: Box | None
    thumbnail: bytes | None = field(repr=False)
    visit: UUID
    added: datetime


@dataclass(frozen=True, slots=True)
class LabelRecord:
    """A human's label of a visit."""

    visit: UUID
    place: str
    who: str | None
    """None means not a person."""
    group: Group
    until: datetime | None
    at: datetime
    box: Box | None
    hours: tuple[str, ...] = ()
    """When somebody of the group known is expected; empty means at any time."""


def vector_of(blob: bytes) -> Vector:
    """Return a stored vector."""
    return np.frombuffer(blob, "<f4").astype(np.float32, copy=False)


def time_of(text: str | None) -> datetime | None:
    """Return a stored time."""
    return datetime.fromisoformat(text) if text else None


def box_of(text: str | None) -> Box | None:
    """Return a stored box."""
    return Box(*json.loads(text)) if text else None


def hours_of(text: str) -> tuple[str, ...]:
    """Return stored hours."""
    return tuple(json.loads(text))


def text_of_hours(hours: Sequence[str]) -> str:
    """Return hours as they are stored."""
    return json.dumps(list(hours))


def text_of(box: Box | None) -> str | None:
    """Return a box as it is stored."""
    return json.dumps(list(box)) if box else None
