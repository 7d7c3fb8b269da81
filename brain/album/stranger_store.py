"""The tables of the album, and the store of encounters with strangers in the same file."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import numpy as np

from brain.album.strangers import Encounter
from nerves.database import Database
from nerves.messages import stamp

__all__ = ["ADD_WHY_COLUMNS", "CREATE_ALBUM_TABLES", "FIND_VISITS_TABLE", "StrangerStore"]

FIND_VISITS_TABLE = "SELECT 1 FROM sqlite_master WHERE name = 'visits'"
CREATE_ALBUM_TABLES = (
    """CREATE TABLE visits (
        id TEXT PRIMARY KEY, place TEXT NOT NULL, since TEXT NOT NULL, last TEXT NOT NULL, verdict TEXT NOT NULL,
        who TEXT, stranger INTEGER, alert INTEGER NOT NULL, box TEXT, named INTEGER NOT NULL)""",
    "CREATE INDEX visits_age ON visits (named, last)",
    """CREATE TABLE crops (
        visit TEXT NOT NULL REFERENCES visits (id) ON DELETE CASCADE, at TEXT NOT NULL, jpeg BLOB NOT NULL,
        vector BLOB, weight REAL NOT NULL, width REAL NOT NULL, PRIMARY KEY (visit, at))""",
    # AUTOINCREMENT: a number is never used twice, even after all strangers are deleted.
    "CREATE TABLE strangers (number INTEGER PRIMARY KEY AUTOINCREMENT, left TEXT)",
    """CREATE TABLE encounters (
        visit TEXT PRIMARY KEY, number INTEGER NOT NULL REFERENCES strangers (number) ON DELETE CASCADE,
        at TEXT NOT NULL, mean BLOB NOT NULL, weight REAL NOT NULL)""",
    "CREATE INDEX encounters_number ON encounters (number)",
)
# Why a visit alerted, or did not.
ADD_WHY_COLUMNS = (
    "ALTER TABLE visits ADD COLUMN alerted_at TEXT",
    "ALTER TABLE visits ADD COLUMN incident TEXT",
    "ALTER TABLE visits ADD COLUMN probably TEXT",
    "ALTER TABLE visits ADD COLUMN odds INTEGER",
    "ALTER TABLE visits ADD COLUMN is_calm INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE visits ADD COLUMN is_not_a_person INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE visits ADD COLUMN reasons TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE visits ADD COLUMN context_reasons TEXT NOT NULL DEFAULT '[]'",
)
SELECT_ENCOUNTERS = """SELECT visit, number, at, mean, weight FROM encounters JOIN strangers USING (number)
    WHERE strangers.left IS NULL ORDER BY at"""
MARK_AS_NAMED = """UPDATE strangers SET left = ? WHERE left IS NULL AND number IN
    (SELECT number FROM encounters WHERE visit = ? UNION SELECT stranger FROM visits WHERE id = ?)"""
DELETE_UNSEEN_STRANGERS = "DELETE FROM strangers WHERE number NOT IN (SELECT number FROM encounters WHERE at >= ?)"


class StrangerStore:
    """Encounters with strangers, in the album's file. Labelled strangers do not count until the label is undone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def encounters(self) -> Sequence[Encounter]:
        """Return the encounters with those who are still strangers."""
        with self._database.open() as connection:
            rows = connection.execute(SELECT_ENCOUNTERS).fetchall()
        return [
            Encounter(UUID(visit), number, datetime.fromisoformat(at), np.frombuffer(mean, "<f4"), weight)
            for visit, number, at, mean, weight in rows
        ]

    def write(self, encounter: Encounter) -> None:
        """Store an encounter; it replaces an earlier one of the same visit."""
        mean = encounter.mean.astype("<f4").tobytes()
        with self._database.transaction() as connection:
            # A command may have deleted this stranger since the lookup.
            connection.execute("INSERT OR IGNORE INTO strangers VALUES (?, NULL)", (encounter.number,))
            connection.execute(
                "INSERT OR REPLACE INTO encounters VALUES (?, ?, ?, ?, ?)",
                (str(encounter.visit), encounter.number, stamp(encounter.at), mean, encounter.weight),
            )

    def new_number(self) -> int:
        """Return a number that was never used."""
        with self._database.transaction() as connection:
            return int(connection.execute("INSERT INTO strangers (left) VALUES (NULL)").lastrowid or 0)

    def leave(self, visit: str, *, left: bool) -> None:
        """Mark the stranger of a labelled visit as not a stranger any more (`left`), or as a stranger again."""
        with self._database.transaction() as connection:
            if left:
                connection.execute(MARK_AS_NAMED, (visit, visit, visit))
            else:
                connection.execute("UPDATE strangers SET left = NULL WHERE left = ?", (visit,))

    def left(self) -> dict[str, UUID]:
        """Return, for each `stranger-7` that is not a stranger any more, the visit that was labelled."""
        with self._database.open() as connection:
            rows = connection.execute("SELECT number, left FROM strangers WHERE left IS NOT NULL").fetchall()
        return {f"stranger-{number}": UUID(visit) for number, visit in rows}

    def forget_before(self, at: datetime) -> None:
        """Delete the strangers who have not been seen since."""
        with self._database.transaction() as connection:
            connection.execute(DELETE_UNSEEN_STRANGERS, (stamp(at),))
