"""The people we know: vectors, groups, passes. Grows by a human's word only."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import numpy as np

from brain.judge import Match
from brain.sights.sight import Vector
from nerves.errors import GalleryError
from nerves.messages import Group, stamp

__all__ = ["Gallery", "Person", "Photo"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS people (
    name TEXT PRIMARY KEY, grp TEXT NOT NULL CHECK (grp IN ('family', 'guest')), until TEXT);
CREATE TABLE IF NOT EXISTS photos (
    name TEXT NOT NULL REFERENCES people (name) ON DELETE CASCADE, sha256 TEXT NOT NULL, file TEXT NOT NULL,
    added TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (name, sha256));
"""


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

    Raises `GalleryError` if the file cannot be read or is not a gallery.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = -1
        self._vectors: dict[str, Vector] = {}
        self._people: dict[str, Person] = {}
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._translated():
            path.touch(mode=0o600, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.executescript(SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

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
        with self._translated(), self._step():
            self._db.execute(
                "INSERT INTO people VALUES (?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET grp = excluded.grp, until = excluded.until",
                (name, group, stamp(until) if until else None),
            )
            before = self._count(name)
            self._db.executemany(
                "INSERT OR IGNORE INTO photos VALUES (?, ?, ?, ?, ?)",
                [(name, photo.sha256, photo.file, added, photo.vector.astype("<f4").tobytes()) for photo in photos],
            )
            return self._count(name) - before

    def forget(self, name: str) -> None:
        """Remove a person and all that is kept of them; `GalleryError` if there is nobody of that name."""
        with self._translated(), self._step():
            gone = self._db.execute("DELETE FROM people WHERE name = ?", (name,)).rowcount
        if not gone:
            names = ", ".join(person.name for person in self.people())
            message = f"nobody is called {name}: there {'are ' + names if names else 'is nobody yet'}"
            raise GalleryError(message)
        with self._translated():
            self._db.execute("VACUUM")  # else the vectors stay readable in the file's free pages

    def _count(self, name: str) -> int:
        count = self._db.execute("SELECT count(*) FROM photos WHERE name = ?", (name,)).fetchone()[0]
        return int(count)

    def _refresh(self) -> None:
        with self._translated():
            version = self._db.execute("PRAGMA data_version").fetchone()[0] + self._db.total_changes * 1_000_003
            if version != self._seen:
                self._load()
                self._seen = version

    def _load(self) -> None:
        rows = self._db.execute("SELECT name, vector FROM photos").fetchall()
        vectors: dict[str, list[Vector]] = {}
        for name, blob in rows:
            vectors.setdefault(name, []).append(np.frombuffer(blob, "<f4"))
        self._vectors = {name: np.stack(found).astype(np.float32) for name, found in vectors.items()}
        self._people = {
            name: Person(name, group, datetime.fromisoformat(until) if until else None, len(vectors.get(name, ())))
            for name, group, until in self._db.execute("SELECT name, grp, until FROM people")
        }

    @contextmanager
    def _step(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            message = f"the gallery {self._path} cannot be used ({error}): check the file, its folder and free space"
            raise GalleryError(message) from error
