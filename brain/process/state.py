"""What the brain stores on disk: its inboxes and outbox, open visits, what the context knows, the mode."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self, get_args

from pydantic import TypeAdapter

from brain.context.memory import HouseMemory, resumed
from brain.process.house_memory import HouseMemoryStore
from brain.process.visit_pictures import VisitPictures
from brain.visits.visit import OpenVisit
from nerves.database import Database
from nerves.durable_queue import DurableQueue
from nerves.messages import Mode, Visit

__all__ = ["BrainState"]

BRAIN_TABLES = (
    (
        "CREATE TABLE visits (id TEXT PRIMARY KEY, body BLOB NOT NULL)",
        "CREATE TABLE house (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    ),
)
VISIT = TypeAdapter(OpenVisit)
# Not stored: 100 KB every few seconds, and the next frame brings others. `VisitPictures` stores the one of an alert.
OMITTED_FIELDS = {"picture", "crops", "asking"}

# A label that cannot be learned is tried for about a day, once a minute.
MAX_LABEL_TRIES = 1500


class BrainState:
    """The stored state. A restarted brain continues the open visits: none is published twice, and each ends."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self._database.migrate("brain", BRAIN_TABLES)
        self.outbox = DurableQueue(self._database, "outbox")
        self.inbox = DurableQueue(self._database, "labels", max_tries=MAX_LABEL_TRIES)
        self.heard = DurableQueue(self._database, "heard")
        self._memory, self._pictures = HouseMemoryStore(self._database), VisitPictures(self._database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def store(self, messages: Sequence[Visit], visits: Iterable[OpenVisit], memory: HouseMemory | None = None) -> None:
        """In one transaction, put messages into the outbox, and store the open visits and what the context knows."""
        visits = list(visits)
        with self._database.transaction() as connection:
            for message in messages:
                self.outbox.put_message(message)
            connection.execute("DELETE FROM visits")
            connection.executemany(
                "INSERT INTO visits VALUES (?, ?)",
                [(str(visit.id), VISIT.dump_json(visit, exclude=OMITTED_FIELDS)) for visit in visits],
            )
            self._pictures.store(visits)
            if memory:
                self._memory.store(memory)

    def visits(self) -> list[OpenVisit]:
        """Return the visits that were open when the state was last stored."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT body FROM visits ORDER BY id").fetchall()
        visits = [VISIT.validate_json(body) for (body,) in rows]
        self._pictures.restore(visits)
        return visits

    def memory(self, at: datetime, entrances: Collection[str]) -> HouseMemory | None:
        """Return what the context knew when the state was last stored, as far as it still holds; None if nothing is.

        Args:
            at: Now.
            entrances: The places where people come in and leave.
        """
        memory = self._memory.load()
        is_open = {visit.id for visit in self.visits() if visit.ended is None}
        return resumed(memory, at, open_visits=is_open, entrances=entrances) if memory else None

    @property
    def mode(self) -> Mode:
        """The mode of the house."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT value FROM house WHERE key = 'mode'").fetchone()
        return row[0] if row and row[0] in get_args(Mode) else "home"

    @mode.setter
    def mode(self, mode: Mode) -> None:
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO house VALUES ('mode', ?)", (mode,))
