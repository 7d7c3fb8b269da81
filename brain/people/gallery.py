"""The people we know: vectors, groups, passes. Grows by a human's word only."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self
from uuid import UUID

import numpy as np

from brain.people.labels import add_label, add_photos, drop_label, labels, last_label, put_person
from brain.people.quality import MAX_STORED_PHOTOS, PhotoStates, assess_photos, match_limits
from brain.people.records import (
    Entry,
    LabelRecord,
    Match,
    Negative,
    Person,
    Photo,
    Reference,
    box_of,
    migrate,
    time_of,
    vector_of,
)
from brain.verdict.evidence import KnownPerson
from brain.vision.backend import Vector
from nerves.database import Database
from nerves.errors import GalleryError
from nerves.messages import Group

__all__ = ["Entry", "Gallery", "KnownPerson", "LabelRecord", "Match", "Negative", "Person", "Photo", "Reference"]


class Gallery:
    """The gallery on disk; whoever has it open sees what another process enrolled, at the next look.

    Raises `KinwatchError` if the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._seen: tuple[int, int] | None = None
        self._known: list[tuple[KnownPerson, datetime | None]] = []
        self._people: list[Person] = []
        self._database = Database(path)
        try:
            with self._database.open() as connection:
                connection.execute("PRAGMA secure_delete = ON")  # what a word took back does not stay readable
            with self._database.transaction() as connection:
                if migrate(connection):
                    _reassess(connection)
        except BaseException:
            self.close()
            raise

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
        return list(self._people)

    def known(self, at: datetime) -> list[KnownPerson]:
        """Return everybody to compare a face with: those whose pass is valid, with the photos that can be trusted."""
        self._refresh()
        return [known for known, until in self._known if until is None or at < until]

    def nearest(self, vector: Vector, at: datetime) -> list[Match]:
        """Return the distance to everybody whose pass is valid, the nearest first."""
        matches = [
            Match(known.name, known.group, float(np.linalg.norm(known.vectors - vector, axis=1).min()))
            for known in self.known(at)
        ]
        return sorted(matches, key=lambda match: match.distance)

    def references(self, name: str | None = None) -> list[Reference]:
        """Return the photos of a person, or of everybody: by name, then as they were added."""
        with self._database.open() as connection:
            rows = connection.execute(
                "SELECT name, vector, sha256, file, added, thumbnail, aside, spare, visit FROM photos "
                "LEFT JOIN words ON words.id = photos.word WHERE ? IN (name, '') ORDER BY name, added, photos.rowid",
                (name or "",),
            ).fetchall()
        return [
            Reference(
                who,
                vector_of(blob),
                sha256,
                file,
                datetime.fromisoformat(added),
                thumbnail,
                aside,
                bool(spare),
                _id(visit),
            )
            for who, blob, sha256, file, added, thumbnail, aside, spare, visit in rows
        ]

    def negatives(self) -> list[Negative]:
        """Return what humans said is not a person."""
        with self._database.open() as connection:
            rows = connection.execute(
                "SELECT vector, place, box, thumbnail, visit, added FROM negatives ORDER BY rowid"
            ).fetchall()
        return [
            Negative(
                vector_of(blob) if blob else None,
                place,
                box_of(box),
                thumbnail,
                UUID(visit),
                datetime.fromisoformat(added),
            )
            for blob, place, box, thumbnail, visit, added in rows
        ]

    def labels(self) -> list[LabelRecord]:
        """Return what humans have said about visits, the newest first."""
        with self._database.open() as connection:
            return labels(connection)

    def learn(
        self, name: str, photos: Sequence[Photo], *, group: Group = "family", until: datetime | None = None
    ) -> int:
        """Add a person, or photos to a person, in one step; return how many photos show something new."""
        return self.learn_all([Entry(name, tuple(photos), group, until)])[0]

    def learn_all(self, entries: Sequence[Entry]) -> list[int]:
        """Add several people in one step; return for each how many photos show something new."""
        with self._changing() as connection:
            learned = []
            for entry in entries:
                put_person(connection, entry.name, entry.group, entry.until)
                # Enrolled by hand: no word that is taken back removes the person, or changes the group, any more.
                connection.execute("UPDATE words SET touched = 0, created = 0 WHERE who = ?", (entry.name,))
                learned.append(add_photos(connection, entry.name, entry.photos, label_id=None))
            return learned

    def learn_label(self, label: LabelRecord, photos: Sequence[Photo]) -> int:
        """Learn from a human's word about a visit, in one step; return how many photos show something new.

        What was said of the same visit before is taken back first.
        """
        with self._changing() as connection:
            drop_label(connection, label.visit)
            return add_label(connection, label, photos)

    def undo(self) -> LabelRecord | None:
        """Take the word that was told last back; return it, or None if there is none."""
        with self._changing() as connection:
            word = last_label(connection)
            if word:
                drop_label(connection, word.visit)
            return word

    def forget(self, name: str) -> None:
        """Erase a person and all that is kept of them; `GalleryError` if there is nobody of that name."""
        with self._changing() as connection:
            tables = (("photos", "name"), ("words", "who"), ("people", "name"))
            gone = [
                connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (name,)).rowcount  # noqa: S608
                for table, column in tables
            ]
        if not any(gone):
            names = ", ".join(person.name for person in self.people())
            message = f"nobody is called {name}: there {'are ' + names if names else 'is nobody yet'}"
            raise GalleryError(message)
        with self._database.open() as connection:  # else the vectors stay readable in free pages and in the log
            connection.execute("VACUUM")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            message = f"{name} is forgotten, but another process reads the old file: its bytes go when that ends"
            raise GalleryError(message)

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """Change the gallery, and look everybody's references over again, in one step."""
        with self._database.transaction() as connection:
            yield connection
            _reassess(connection)

    def _refresh(self) -> None:
        with self._database.open() as connection:
            # What other connections have changed, and what this one has.
            version = connection.execute("PRAGMA data_version").fetchone()[0], connection.total_changes
            if version != self._seen:
                self._load(connection)
                self._seen = version

    def _load(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute(
            "SELECT name, grp, until, count(sha256), count(aside) FROM people "
            "LEFT JOIN photos USING (name) GROUP BY name ORDER BY name"
        )
        self._people = [
            Person(name, group, time_of(until), photos, aside) for name, group, until, photos, aside in rows
        ]
        vectors = _vectors(connection, "WHERE aside IS NULL AND NOT spare")
        limit = match_limits(vectors)
        for one in vectors.values():
            one.flags.writeable = False
        self._known = [
            (KnownPerson(person.name, person.group, vectors[person.name], limit[person.name]), person.until)
            for person in self._people
            if person.name in vectors
        ]


def _vectors(connection: sqlite3.Connection, where: str = "") -> dict[str, Vector]:
    """Return everybody's vectors, n x 128 each."""
    found: dict[str, list[Vector]] = defaultdict(list)
    for name, blob in connection.execute(f"SELECT name, vector FROM photos {where} ORDER BY name, added, rowid"):  # noqa: S608
        found[name].append(vector_of(blob))
    return {name: np.stack(vectors) for name, vectors in found.items()}


def _reassess(connection: sqlite3.Connection) -> None:
    """Write down which references are set aside or at rest; drop the most redundant beyond what is kept."""
    rows: dict[str, list[tuple[int, str | None, int]]] = defaultdict(list)
    for name, *row in connection.execute("SELECT name, rowid, aside, spare FROM photos ORDER BY name, added, rowid"):
        rows[name].append((row[0], row[1], row[2]))
    for name, held in assess_photos(_vectors(connection)).items():
        _write(connection, rows[name], held)


def _write(connection: sqlite3.Connection, rows: Sequence[tuple[int, str | None, int]], held: PhotoStates) -> None:
    drop = held.redundant[: max(0, len(rows) - len(held.excluded) - MAX_STORED_PHOTOS)]
    connection.executemany("DELETE FROM photos WHERE rowid = ?", [(rows[index][0],) for index in drop])
    states = [(held.excluded.get(index), int(index in held.redundant), row) for index, (row, *_) in enumerate(rows)]
    changed = [new for new, (_, aside, spare) in zip(states, rows, strict=True) if new[:2] != (aside, spare)]
    connection.executemany("UPDATE photos SET aside = ?, spare = ? WHERE rowid = ?", changed)


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None
