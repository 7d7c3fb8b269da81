"""What the context knows of the house, on disk: a row for each visit, written when it changes."""

import logging
from datetime import datetime
from uuid import UUID

from brain.context.memory import HouseMemory
from brain.process.packed_memory import SightingRow, pack_house, pack_sighting, sighting_row, unpack
from nerves.database import Database
from nerves.errors import KinwatchError

__all__ = ["HouseMemoryStore"]

log = logging.getLogger(__name__)

MEMORY_TABLES = (
    "CREATE TABLE IF NOT EXISTS sightings (visit TEXT PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS memory (key TEXT PRIMARY KEY, value BLOB NOT NULL)",
)
# An update leaves the order of the rows as it is.
PUT_SIGHTING = "INSERT INTO sightings VALUES (?, ?) ON CONFLICT (visit) DO UPDATE SET body = excluded.body"
PUT_VALUE = "INSERT OR REPLACE INTO memory VALUES (?, ?)"


class HouseMemoryStore:
    """Stores what the context knows. Only what has changed is written.

    Args:
        database: The file of the brain's state.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sightings: dict[UUID, SightingRow] = {}
        self._house = b""
        with database.transaction() as connection:
            for statement in MEMORY_TABLES:
                connection.execute(statement)

    def store(self, memory: HouseMemory) -> None:
        """Store what has changed since the last call."""
        rows = {visit: sighting_row(memory.log, visit) for visit in memory.log.sightings}
        changed = [row for visit, row in rows.items() if row != self._sightings.get(visit)]
        gone, house = self._sightings.keys() - rows.keys(), pack_house(memory)
        with self._database.transaction() as connection:
            connection.executemany(PUT_SIGHTING, [(str(row.sighting.visit), pack_sighting(row)) for row in changed])
            connection.executemany("DELETE FROM sightings WHERE visit = ?", [(str(visit),) for visit in gone])
            if house != self._house:
                connection.execute(PUT_VALUE, ("house", house))
            connection.execute(PUT_VALUE, ("at", memory.at.isoformat()))
        self._sightings, self._house = rows, house

    def load(self) -> HouseMemory | None:
        """Return what was stored last; None if nothing was, or if it cannot be read."""
        try:
            return self._load()
        except (KinwatchError, ValueError) as error:
            why = str(error).splitlines()[0]
            log.warning("%s: who was seen and who is in cannot be read and is forgotten: %s", self._database.path, why)
            self._start_empty()
            return None

    def _load(self) -> HouseMemory | None:
        with self._database.transaction() as connection:
            values = dict(connection.execute("SELECT key, value FROM memory"))
            rows = connection.execute("SELECT visit, body FROM sightings ORDER BY rowid").fetchall()
        if "house" not in values or "at" not in values:
            return None
        memory = unpack([body for _, body in rows], values["house"], datetime.fromisoformat(str(values["at"])))
        self._sightings = {visit: sighting_row(memory.log, visit) for visit in memory.log.sightings}
        self._house = pack_house(memory)
        return memory

    def _start_empty(self) -> None:
        with self._database.transaction() as connection:
            connection.execute("DROP TABLE IF EXISTS sightings")
            connection.execute("DROP TABLE IF EXISTS memory")
            for statement in MEMORY_TABLES:
                connection.execute(statement)
