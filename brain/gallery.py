"""The people we know: vectors, groups, passes. Grows by a human's word only."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import numpy as np

from brain.judge import Match
from brain.sights.sight import Vector
from nerves.database import Database
from nerves.errors import GalleryError
from nerves.messages import Group, stamp

__all__ = ["Gallery", "Person", "Photo"]

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS people (
        name TEXT PRIMARY KEY, grp TEXT NOT NULL CHECK (grp IN ('family', 'guest')), until TEXT)""",
    """CREATE TABLE IF NOT EXISTS photos (
        name TEXT NOT NULL REFERENCES people (name), sha256 TEXT NOT NULL, file TEXT NOT NULL,
        added TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (name, sha256))""",
)


@dataclass(frozen=True, slots=True)
class Photo:
    """One enrolled photo: its face's vector, its file's hash and name."""

    vector: Vector
    sha256: str
    file: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody we know by name."""

    name: str
    group: Group
    until: datetime | None
    """When a guest's pass ends; None for never."""
    photos: int


class Gallery:
    """The gallery on disk; whoever has it open sees what another process enrolled, at the next look.

    Raises `KinwatchError` if the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._seen: tuple[int, int] | None = None
        self._vectors: dict[str, Vector] = {}
        self._people: dict[str, Person] = {}
        self._database = Database(path)
        with self._database.transaction() as connection:
            for statement in SCHEMA:
                connection.execute(statement)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @property
    def version(self) -> object:
        """Another value whenever anybody has changed the gallery."""
        self._refresh()
        return self._seen

    def people(self) -> list[Person]:
        """Return everybody in the gallery, by name."""
        self._refresh()
        return [self._people[name] for name in sorted(self._people)]

    def nearest(self, vector: Vector, at: datetime) -> list[Match]:
        """Return the distance to everybody whose pass is valid, the nearest first."""
        self._refresh()
        matches = [
            Match(name, person.group, float(np.linalg.norm(self._vectors[name] - vector, axis=1).min()))
            for name, person in self._people.items()
            if name in self._vectors and (person.until is None or at < person.until)
        ]
        return sorted(matches, key=lambda match: match.distance)

    def learn(self, name: str, photos: list[Photo], *, group: Group = "family", until: datetime | None = None) -> int:
        """Add a person, or photos to a person, in one step; return how many photos are new."""
        added = stamp(datetime.now(UTC))
        rows = [(name, photo.sha256, photo.file, added, photo.vector.astype("<f4").tobytes()) for photo in photos]
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO people VALUES (?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET grp = excluded.grp, until = excluded.until",
                (name, group, stamp(until) if until else None),
            )
            before = connection.total_changes
            connection.executemany("INSERT OR IGNORE INTO photos VALUES (?, ?, ?, ?, ?)", rows)
            return connection.total_changes - before

    def forget(self, name: str) -> None:
        """Remove a person and all that is kept of them; `GalleryError` if there is nobody of that name."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM photos WHERE name = ?", (name,))
            gone = connection.execute("DELETE FROM people WHERE name = ?", (name,)).rowcount
        if not gone:
            names = ", ".join(person.name for person in self.people())
            message = f"nobody is called {name}: there {'are ' + names if names else 'is nobody yet'}"
            raise GalleryError(message)
        with self._database.open() as connection:  # else the vectors stay readable in free pages and in the log
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _refresh(self) -> None:
        with self._database.open() as connection:
            # What other connections have changed, and what this one has.
            version = connection.execute("PRAGMA data_version").fetchone()[0], connection.total_changes
            if version != self._seen:
                self._load(connection)
                self._seen = version

    def _load(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT name, vector FROM photos").fetchall()
        vectors: dict[str, list[Vector]] = {}
        for name, blob in rows:
            vectors.setdefault(name, []).append(np.frombuffer(blob, "<f4"))
        self._vectors = {name: np.stack(found).astype(np.float32) for name, found in vectors.items()}
        self._people = {
            name: Person(name, group, datetime.fromisoformat(until) if until else None, len(vectors.get(name, ())))
            for name, group, until in connection.execute("SELECT name, grp, until FROM people")
        }
