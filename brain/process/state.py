"""What the brain keeps on disk: messages on their way out and in, visits that have not ended, the house's mode."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self, get_args

from pydantic import TypeAdapter

from brain.visits.visit import OpenVisit
from nerves.database import Database
from nerves.durable_queue import DurableQueue
from nerves.messages import Mode, Visit

__all__ = ["BrainState"]

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS visits (id TEXT PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS house (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
)
VISIT = TypeAdapter(OpenVisit)
# The picture of a visit is not worth a write of 100 KB every few seconds: the next frame brings another.
LEFT_OUT = {"picture", "best", "crops", "asking"}

# A human's word that cannot be learned is tried for about a day, once a minute.
LESSON_TRIES = 1500


class BrainState:
    """A restarted brain goes on with the visits that its predecessor had begun: none is told twice, each ends."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, SCHEMA)
        self.outbox = DurableQueue(self._database, "outbox")
        self.inbox = DurableQueue(self._database, "told", max_tries=LESSON_TRIES)
        self.heard = DurableQueue(self._database, "heard")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def keep(self, messages: Sequence[Visit], visits: Iterable[OpenVisit]) -> None:
        """Keep in one step what is to be sent and the visits that have not ended."""
        with self._database.transaction() as connection:
            for message in messages:
                self.outbox.put(str(message.id), message.topic, message.payload())
            connection.execute("DELETE FROM visits")
            connection.executemany(
                "INSERT INTO visits VALUES (?, ?)",
                [(str(visit.id), VISIT.dump_json(visit, exclude=LEFT_OUT)) for visit in visits],
            )

    def visits(self) -> list[OpenVisit]:
        """Return the visits that had not ended when they were last kept."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT body FROM visits ORDER BY id").fetchall()
        return [VISIT.validate_json(body) for (body,) in rows]

    @property
    def mode(self) -> Mode:
        """The mode the house is in."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT value FROM house WHERE key = 'mode'").fetchone()
        return row[0] if row and row[0] in get_args(Mode) else "home"

    @mode.setter
    def mode(self, mode: Mode) -> None:
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO house VALUES ('mode', ?)", (mode,))
