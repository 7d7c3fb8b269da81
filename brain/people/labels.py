"""Store a label in the gallery's tables, and undo it. All functions run inside a transaction of the gallery."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import numpy as np

from brain.people.quality import new_photos
from brain.people.records import LabelRecord, Photo, box_of, hours_of, text_of, text_of_hours, time_of, vector_of
from brain.vision.backend import Vector
from nerves.messages import Group, stamp

__all__ = ["add_label", "add_photos", "drop_label", "labels", "last_label", "put_person"]

LABEL_COLUMNS = "visit, place, who, grp, until, at, box, hours"


def labels(connection: sqlite3.Connection) -> list[LabelRecord]:
    """Return all labels, the newest first."""
    rows = connection.execute(f"SELECT {LABEL_COLUMNS} FROM labels ORDER BY id DESC")  # noqa: S608 - our own constant
    return [_label(row) for row in rows]


def last_label(connection: sqlite3.Connection) -> LabelRecord | None:
    """Return the newest label."""
    row = connection.execute(f"SELECT {LABEL_COLUMNS} FROM labels ORDER BY id DESC LIMIT 1").fetchone()  # noqa: S608
    return _label(row) if row else None


def add_label(connection: sqlite3.Connection, label: LabelRecord, photos: Sequence[Photo]) -> int:
    """Store a label and learn from its photos; return how many of them were new."""
    before = connection.execute("SELECT grp, until, hours FROM people WHERE name = ?", (label.who,)).fetchone()
    touched = label.who is not None and (before is not None or bool(photos))
    until = label.until.isoformat() if label.until else None
    number = connection.execute(
        f"INSERT INTO labels ({LABEL_COLUMNS}, touched, created, before_grp, before_until, before_hours) "  # noqa: S608
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(str(label.visit), label.place, label.who, label.group, until, label.at.isoformat(), text_of(label.box)),
            text_of_hours(label.hours),
            *(touched, touched and before is None, *(before or (None, None, text_of_hours(())))),
        ),
    ).lastrowid
    if label.who is None:
        return _add_negatives(connection, label, photos, number)
    if not touched:
        return 0
    put_person(connection, label.who, label.group, label.until, label.hours)
    return add_photos(connection, label.who, photos, label_id=number)


def drop_label(connection: sqlite3.Connection, visit: UUID) -> None:
    """Undo the label of a visit, if there is one, with everything that it added."""
    row = connection.execute(
        "SELECT id, who, touched, created, before_grp, before_until, before_hours FROM labels WHERE visit = ?",
        (str(visit),),
    ).fetchone()
    if row is None:
        return
    number, who, touched, created, group, until, hours = row
    connection.execute("DELETE FROM photos WHERE label = ?", (number,))
    connection.execute("DELETE FROM negatives WHERE label = ?", (number,))
    connection.execute("DELETE FROM labels WHERE id = ?", (number,))
    if not touched:
        return
    if created and not connection.execute("SELECT 1 FROM photos WHERE name = ?", (who,)).fetchone():
        connection.execute("DELETE FROM people WHERE name = ?", (who,))
        connection.execute("UPDATE labels SET touched = 0 WHERE who = ?", (who,))
        return
    # A later label set the group of the same person. Undoing that one must now restore what was before this one.
    later = connection.execute(
        "UPDATE labels SET created = created OR ?, before_grp = ?, before_until = ?, before_hours = ? WHERE id = "
        "(SELECT min(id) FROM labels WHERE who = ? AND id > ? AND touched)",
        (created, group, until, hours, who, number),
    ).rowcount
    if not later and group:
        connection.execute("UPDATE people SET grp = ?, until = ?, hours = ? WHERE name = ?", (group, until, hours, who))


def put_person(
    connection: sqlite3.Connection, name: str, group: Group, until: datetime | None, hours: Sequence[str]
) -> None:
    """Add a person, or change the group, the pass and the hours of a person."""
    connection.execute(
        "INSERT INTO people (name, grp, until, hours) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET grp = excluded.grp, until = excluded.until, hours = excluded.hours",
        (name, group, stamp(until) if until else None, text_of_hours(hours)),
    )


def add_photos(connection: sqlite3.Connection, name: str, photos: Sequence[Photo], *, label_id: int | None) -> int:
    """Add the new ones of some photos to a person; return how many were new.

    If an enrolled photo duplicates one that a label added, that one counts as enrolled: undoing the label keeps it.
    """
    rows = connection.execute("SELECT sha256, vector FROM photos WHERE name = ? ORDER BY added, sha256", (name,))
    known = rows.fetchall()
    hashes = [sha256 for sha256, _ in known]
    near, repeated = new_photos(_stacked([vector_of(blob) for _, blob in known]), [photo.vector for photo in photos])
    new: dict[str, Photo] = {}
    for index in near:
        if photos[index].sha256 not in hashes:
            new.setdefault(photos[index].sha256, photos[index])
    now = datetime.now(UTC)
    connection.executemany(
        "INSERT INTO photos (name, sha256, file, added, vector, thumbnail, label) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (name, one.sha256, one.file, stamp(one.added or now), _blob(one.vector), one.thumbnail, label_id)
            for one in new.values()
        ],
    )
    if label_id is None:
        again = {hashes[index] for index in repeated} | ({photo.sha256 for photo in photos} & set(hashes))
        connection.executemany(
            "UPDATE photos SET label = NULL WHERE name = ? AND sha256 = ?", [(name, sha256) for sha256 in sorted(again)]
        )
    return len(new)


def _add_negatives(
    connection: sqlite3.Connection, label: LabelRecord, photos: Sequence[Photo], number: int | None
) -> int:
    """Store pictures that are not a person; if no face was found in them, only the place and the box."""
    kept: list[tuple[bytes | None, bytes | None]] = [(_blob(photo.vector), photo.thumbnail) for photo in photos]
    if not kept and label.box:
        kept = [(None, None)]
    connection.executemany(
        "INSERT INTO negatives (label, vector, place, box, thumbnail, visit, added) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (number, blob, label.place, text_of(label.box), thumbnail, str(label.visit), stamp(datetime.now(UTC)))
            for blob, thumbnail in kept
        ],
    )
    return len(photos)


def _label(row: tuple[str, str, str | None, Group, str | None, str, str | None, str]) -> LabelRecord:
    visit, place, who, group, until, at, box, hours = row
    when = datetime.fromisoformat(at)
    return LabelRecord(UUID(visit), place, who, group, time_of(until), when, box_of(box), hours_of(hours))


def _stacked(vectors: Sequence[Vector]) -> Vector:
    return np.stack(vectors) if vectors else np.zeros((0, 128), np.float32)


def _blob(vector: Vector) -> bytes:
    return vector.astype("<f4").tobytes()
