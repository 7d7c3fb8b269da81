"""The people we know: face vectors, groups and passes. Only humans add to it, by enrolling or labelling."""

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
    MIGRATIONS,
    Entry,
    LabelRecord,
    Match,
    Negative,
    Person,
    Photo,
    Reference,
    box_of,
    hours_of,
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
    """The gallery on disk. A process that has it open sees the changes of other processes at its next read.

    Raises:
        KinwatchError: The file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._seen: tuple[int, int] | None = None
        self._known: list[tuple[KnownPerson, datetime | None]] = []
        self._people: list[Person] = []
        self._database = Database(path)
        try:
            with self._database.open() as connection:
                connection.execute("PRAGMA secure_delete = ON")  # deleted faces do not stay readable
            with self._database.transaction() as connection:
                if self._database.migrate("gallery", MIGRATIONS):
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
        """A value that differs after any change of the gallery, by any process."""
        self._refresh()
        return self._seen

    def people(self) -> list[Person]:
        """Return everybody in the gallery, ordered by name."""
        self._refresh()
        return list(self._people)

    def known(self, at: datetime) -> list[KnownPerson]:
        """Return the people to compare a face with: those with a valid pass, with the photos that are in use."""
        self._refresh()
        return [known for known, until in self._known if until is None or at < until]

    def nearest(self, vector: Vector, at: datetime) -> list[Match]:
        """Return the distance to everybody with a valid pass, the nearest first."""
        matches = [
            Match(known.name, known.group, float(np.linalg.norm(known.vectors - vector, axis=1).min()))
            for known in self.known(at)
        ]
        return sorted(matches, key=lambda match: match.distance)

    def references(self, name: str | None = None) -> list[Reference]:
        """Return the photos of a person or of everybody, ordered by name, then by the time they were added."""
        with self._database.open() as connection:
            rows = connection.execute(
                "SELECT name, vector, sha256, file, added, thumbnail, excluded, redundant, visit FROM photos "
                "LEFT JOIN labels ON labels.id = photos.label WHERE ? IN (name, '') ORDER BY name, added, photos.rowid",
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
                excluded,
                bool(redundant),
                _id(visit),
            )
            for who, blob, sha256, file, added, thumbnail, excluded, redundant, visit in rows
        ]

    def negatives(self) -> list[Negative]:
        """Return the pictures that humans labelled as not a person."""
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
        """Return all labels, the newest first."""
        with self._database.open() as connection:
            return labels(connection)

    def learn(
        self,
        name: str,
        photos: Sequence[Photo],
        *,
        group: Group = "family",
        until: datetime | None = None,
        hours: Sequence[str] = (),
    ) -> int:
        """Add a person, or photos to a person, in one transaction; return how many of the photos are new."""
        return self.learn_all([Entry(name, tuple(photos), group, until, tuple(hours))])[0]

    def learn_all(self, entries: Sequence[Entry]) -> list[int]:
        """Add several people in one transaction; return for each how many of the photos are new."""
        with self._changing() as connection:
            learned = []
            for entry in entries:
                put_person(connection, entry.name, entry.group, entry.until, entry.hours)
                # After an enrolment by hand, undoing a label neither removes the person nor changes the group.
                connection.execute("UPDATE labels SET touched = 0, created = 0 WHERE who = ?", (entry.name,))
                learned.append(add_photos(connection, entry.name, entry.photos, label_id=None))
            return learned

    def learn_label(self, label: LabelRecord, photos: Sequence[Photo]) -> int:
        """Learn from a label, in one transaction; return how many of the photos are new.

        An earlier label of the same visit is undone first.
        """
        with self._changing() as connection:
            drop_label(connection, label.visit)
            return add_label(connection, label, photos)

    def undo(self) -> LabelRecord | None:
        """Undo the newest label; return it, or None if there is none."""
        with self._changing() as connection:
            label = last_label(connection)
            if label:
                drop_label(connection, label.visit)
            return label

    def forget(self, name: str) -> None:
        """Erase a person and everything stored about them.

        Raises:
            GalleryError: Nobody has that name, or another process still reads the old file.
        """
        with self._changing() as connection:
            tables = (("photos", "name"), ("labels", "who"), ("people", "name"))
            gone = [
                connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (name,)).rowcount  # noqa: S608
                for table, column in tables
            ]
        if not any(gone):
            names = ", ".join(person.name for person in self.people())
            message = f"nobody is called {name}: there {'are ' + names if names else 'is nobody yet'}"
            raise GalleryError(message)
        with (
            self._database.open() as connection
        ):  # else the vectors stay readable in free pages and in the write-ahead log
            connection.execute("VACUUM")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            message = f"{name} is forgotten, but another process reads the old file: its bytes go when that ends"
            raise GalleryError(message)

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """Change the gallery, and assess everybody's photos again, in one transaction."""
        with self._database.transaction() as connection:
            yield connection
            _reassess(connection)

    def _refresh(self) -> None:
        with self._database.open() as connection:
            # Changes of other connections, and changes of this one.
            version = connection.execute("PRAGMA data_version").fetchone()[0], connection.total_changes
            if version != self._seen:
                self._load(connection)
                self._seen = version

    def _load(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute(
            "SELECT name, grp, until, count(sha256), count(excluded), hours FROM people "
            "LEFT JOIN photos USING (name) GROUP BY name ORDER BY name"
        )
        self._people = [
            Person(name, group, time_of(until), photos, excluded, hours_of(hours))
            for name, group, until, photos, excluded, hours in rows
        ]
        vectors = _vectors(connection, "WHERE excluded IS NULL AND NOT redundant")
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
    """Store which photos are excluded or redundant; delete the most redundant ones above the maximum."""
    rows: dict[str, list[tuple[int, str | None, int]]] = defaultdict(list)
    for name, *row in connection.execute(
        "SELECT name, rowid, excluded, redundant FROM photos ORDER BY name, added, rowid"
    ):
        rows[name].append((row[0], row[1], row[2]))
    for name, states in assess_photos(_vectors(connection)).items():
        _write(connection, rows[name], states)


def _write(connection: sqlite3.Connection, rows: Sequence[tuple[int, str | None, int]], states: PhotoStates) -> None:
    drop = states.redundant[: max(0, len(rows) - len(states.excluded) - MAX_STORED_PHOTOS)]
    connection.executemany("DELETE FROM photos WHERE rowid = ?", [(rows[index][0],) for index in drop])
    wanted = [(states.excluded.get(index), int(index in states.redundant), row) for index, (row, *_) in enumerate(rows)]
    changed = [
        new for new, (_, excluded, redundant) in zip(wanted, rows, strict=True) if new[:2] != (excluded, redundant)
    ]
    connection.executemany("UPDATE photos SET excluded = ?, redundant = ? WHERE rowid = ?", changed)


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None
