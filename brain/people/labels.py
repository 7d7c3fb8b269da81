"""What a human's word changes in the gallery's tables, and how it is taken back; inside the gallery's transaction."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import numpy as np

from brain.people.quality import new_photos
from brain.people.records import LabelRecord, Photo, box_of, text_of, time_of, vector_of
from brain.vision.backend import Vector
from nerves.messages import Group, stamp

__all__ = ["add_label", "add_photos", "drop_label", "labels", "last_label", "put_person"]

LABEL_COLUMNS = "visit, place, who, grp, until, at, box"


def labels(connection: sqlite3.Connection) -> list[LabelRecord]:
    """Return all words, the newest first."""
    rows = connection.execute(f"SELECT {LABEL_COLUMNS} FROM words ORDER BY id DESC")  # noqa: S608 - our own constant
    return [_label(row) for row in rows]


def last_label(connection: sqlite3.Connection) -> LabelRecord | None:
    """Return the word told last."""
    row = connection.execute(f"SELECT {LABEL_COLUMNS} FROM words ORDER BY id DESC LIMIT 1").fetchone()  # noqa: S608
    return _label(row) if row else None


def add_label(connection: sqlite3.Connection, label: LabelRecord, photos: Sequence[Photo]) -> int:
    """Keep a word, and learn from its photos; return how many were new."""
    before = connection.execute("SELECT grp, until FROM people WHERE name = ?", (label.who,)).fetchone()
    touched = label.who is not None and (before is not None or bool(photos))
    until = label.until.isoformat() if label.until else None
    number = connection.execute(
        f"INSERT INTO words ({LABEL_COLUMNS}, touched, created, before_grp, before_until) "  # noqa: S608
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(str(label.visit), label.place, label.who, label.group, until, label.at.isoformat(), text_of(label.box)),
            *(touched, touched and before is None, *(before or (None, None))),
        ),
    ).lastrowid
    if label.who is None:
        return _add_negatives(connection, label, photos, number)
    if not touched:
        return 0
    put_person(connection, label.who, label.group, label.until)
    return add_photos(connection, label.who, photos, label_id=number)


def drop_label(connection: sqlite3.Connection, visit: UUID) -> None:
    """Take a word back, with all that it has added; nothing if there is none about this visit."""
    row = connection.execute(
        "SELECT id, who, touched, created, before_grp, before_until FROM words WHERE visit = ?", (str(visit),)
    ).fetchone()
    if row is None:
        return
    number, who, touched, created, group, until = row
    connection.execute("DELETE FROM photos WHERE word = ?", (number,))
    connection.execute("DELETE FROM negatives WHERE word = ?", (number,))
    connection.execute("DELETE FROM words WHERE id = ?", (number,))
    if not touched:
        return
    if created and not connection.execute("SELECT 1 FROM photos WHERE name = ?", (who,)).fetchone():
        connection.execute("DELETE FROM people WHERE name = ?", (who,))
        connection.execute("UPDATE words SET touched = 0 WHERE who = ?", (who,))
        return
    # A later word about the same person has had the last say on the group: what was before is now before that one.
    later = connection.execute(
        "UPDATE words SET created = created OR ?, before_grp = ?, before_until = ? WHERE id = "
        "(SELECT min(id) FROM words WHERE who = ? AND id > ? AND touched)",
        (created, group, until, who, number),
    ).rowcount
    if not later and group:
        connection.execute("UPDATE people SET grp = ?, until = ? WHERE name = ?", (group, until, who))


def put_person(connection: sqlite3.Connection, name: str, group: Group, until: datetime | None) -> None:
    """Make a person, or change the group and the pass of one."""
    connection.execute(
        "INSERT INTO people (name, grp, until) VALUES (?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET grp = excluded.grp, until = excluded.until",
        (name, group, stamp(until) if until else None),
    )


def add_photos(connection: sqlite3.Connection, name: str, photos: Sequence[Photo], *, label_id: int | None) -> int:
    """Add what is new of some photos to a person; return how many were.

    A photo that repeats one that a word has brought makes it enrolled: it stays when the word is taken back.
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
        "INSERT INTO photos (name, sha256, file, added, vector, thumbnail, word) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (name, one.sha256, one.file, stamp(one.added or now), _blob(one.vector), one.thumbnail, label_id)
            for one in new.values()
        ],
    )
    if label_id is None:
        again = {hashes[index] for index in repeated} | ({photo.sha256 for photo in photos} & set(hashes))
        connection.executemany(
            "UPDATE photos SET word = NULL WHERE name = ? AND sha256 = ?", [(name, sha256) for sha256 in sorted(again)]
        )
    return len(new)


def _add_negatives(
    connection: sqlite3.Connection, word: LabelRecord, photos: Sequence[Photo], number: int | None
) -> int:
    """Keep what is not a person; where no face was found in it, its place and box alone."""
    kept: list[tuple[bytes | None, bytes | None]] = [(_blob(photo.vector), photo.thumbnail) for photo in photos]
    if not kept and word.box:
        kept = [(None, None)]
    connection.executemany(
        "INSERT INTO negatives (word, vector, place, box, thumbnail, visit, added) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (number, blob, word.place, text_of(word.box), thumbnail, str(word.visit), stamp(datetime.now(UTC)))
            for blob, thumbnail in kept
        ],
    )
    return len(photos)


def _label(row: tuple[str, str, str | None, Group, str | None, str, str | None]) -> LabelRecord:
    visit, place, who, group, until, at, box = row
    return LabelRecord(UUID(visit), place, who, group, time_of(until), datetime.fromisoformat(at), box_of(box))


def _stacked(vectors: Sequence[Vector]) -> Vector:
    return np.stack(vectors) if vectors else np.zeros((0, 128), np.float32)


def _blob(vector: Vector) -> bytes:
    return vector.astype("<f4").tobytes()
