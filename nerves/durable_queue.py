"""A queue of messages on disk that survives crashes: the inbox and the outbox of a service."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from typing import NamedTuple

from nerves.database import Database
from nerves.messages import Fact
from nerves.services import RawMessage

__all__ = ["DurableQueue", "Row"]

MAX_RETRY_PAUSE_S = 60.0
REMEMBER_DONE_S = 7 * 86400
MAX_DONE = 50_000
KEEP_DONE_BODY_S = 120.0
CLEANUP_EVERY_DONES = 100
UNLIMITED_TRIES = 1 << 62

# QUEUE stands for the name of the table.
CREATE_QUEUE = (
    """CREATE TABLE QUEUE (
        number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, topic TEXT NOT NULL, body BLOB,
        state TEXT NOT NULL DEFAULT 'waiting', due REAL NOT NULL, at REAL NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT '',
        priority INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0)""",
    "CREATE INDEX QUEUE_state ON QUEUE(state, at)",
    # Covers every query on waiting messages: in a row the state comes after the body, which is slow to skip.
    "CREATE INDEX QUEUE_priority ON QUEUE(priority DESC, number, due, size, state) WHERE state = 'waiting'",
    "CREATE INDEX QUEUE_bodies ON QUEUE(at) WHERE state = 'done' AND body IS NOT NULL",
)
INSERT_MESSAGE = "INSERT OR IGNORE INTO QUEUE (key, topic, body, due, at, priority, size) VALUES (?, ?, ?, ?, ?, ?, ?)"
SELECT_DUE = """SELECT key, topic, body, tries FROM QUEUE WHERE number = (
    SELECT number FROM QUEUE INDEXED BY QUEUE_priority WHERE state = 'waiting' AND (due <= ? OR due > ?)
    ORDER BY priority DESC, number LIMIT 1)"""
SELECT_WAITING = """SELECT number, size FROM QUEUE INDEXED BY QUEUE_priority WHERE state = 'waiting'
    ORDER BY priority, number"""
SELECT_WAITING_BYTES = "SELECT total(size) FROM QUEUE INDEXED BY QUEUE_priority WHERE state = 'waiting'"
DROP_MESSAGE = "UPDATE QUEUE SET state = 'done', at = ?, body = NULL, why = 'dropped: no room' WHERE number = ?"
MARK_DONE = "UPDATE QUEUE SET state = 'done', at = ?, why = '' WHERE key = ?"
RETRY_LATER = """UPDATE QUEUE SET tries = tries + 1, why = ?, due = ? + min(?, ? * (1 << min(tries, 16))),
    state = CASE WHEN tries + 1 >= ? THEN 'dead' ELSE 'waiting' END WHERE key = ? AND state = 'waiting'"""
REQUEUE_DONE = "UPDATE QUEUE SET state = 'waiting', due = ? WHERE state = 'done' AND body IS NOT NULL AND at >= ?"
CLEAR_OLD_BODIES = "UPDATE QUEUE SET body = NULL WHERE state = 'done' AND body IS NOT NULL AND at < ?"
DELETE_OLD_DONE = """DELETE FROM QUEUE WHERE state = 'done' AND (at < ? OR number <= (SELECT number FROM QUEUE
    WHERE state = 'done' ORDER BY number DESC LIMIT 1 OFFSET ?))"""


class Row(NamedTuple):
    """A message of a durable queue."""

    key: str
    topic: str
    body: bytes
    tries: int


class DurableQueue:
    """Messages by key, each handled once. A done message is remembered for 7 days, its body for 2 minutes.

    Queues and tables in one `Database` change together inside `transaction()`.

    Args:
        where: The database, or the path of one.
        table: The name of the queue and of its table.
        max_tries: After this many failures a message is dead; None retries for ever.
        base_s: The pause after the first failure; it doubles with each, up to a minute.
        clock: Gives the time in seconds.
    """

    def __init__(
        self,
        where: Database | Path,
        table: str,
        *,
        max_tries: int | None = None,
        base_s: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not table.isidentifier():
            message = f"{table!r} cannot be the name of a table"
            raise ValueError(message)
        self._database = where if isinstance(where, Database) else Database(where)
        self._table, self._max_tries, self._base_s, self.clock = table, max_tries, base_s, clock
        self._filled = Event()
        self._dones = 0
        self._database.migrate(table, [[self._sql(statement) for statement in CREATE_QUEUE]])
        self._delete_old()

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Commit everything inside, or nothing: in this queue, and through the connection it gives."""
        return self._database.transaction()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def put(self, key: str, topic: str, body: bytes, *, priority: int = 0) -> bool:
        """Store a message; return False if its key is known, waiting or done."""
        now = self.clock()
        is_new = self._run(INSERT_MESSAGE, key, topic, body, now, now, priority, len(body)).rowcount == 1
        self._filled.set()
        return is_new

    def put_message(self, message: Fact | RawMessage) -> None:
        """Store a message under its id, unless that is known."""
        self.put(str(message.id), message.topic, message.payload())

    def drop(self, max_bytes: int) -> int:
        """Drop waiting messages until at most `max_bytes` wait; return how many were dropped.

        The lowest priority is dropped first, and the oldest of it. Dropped messages count as done, so they are not
        stored again when the broker repeats them.
        """
        with self.transaction():
            (surplus,) = self._run(SELECT_WAITING_BYTES).fetchone()
            surplus -= max_bytes
            dropped = []
            for number, size in self._run(SELECT_WAITING) if surplus > 0 else ():
                if surplus <= 0:
                    break
                surplus -= size
                dropped.append(number)
            for number in dropped:
                self._run(DROP_MESSAGE, self.clock(), number)
        return len(dropped)

    def wait(self, timeout_s: float) -> bool:
        """Wait for a message; return whether one was put since the last wait, or within the time."""
        filled = self._filled.wait(timeout_s)
        self._filled.clear()
        return filled

    def due(self) -> Row | None:
        """Return the message to try now: the oldest of the highest priority that is due. None if none is due."""
        now = self.clock()
        with self.transaction():  # the second bound: a clock that was set back must not delay a message for hours
            row = self._run(SELECT_DUE, now, now + MAX_RETRY_PAUSE_S).fetchone()
        return Row(*row) if row else None

    def mark_done(self, key: str) -> None:
        """Mark a message as done."""
        now = self.clock()
        with self.transaction():
            self._run(MARK_DONE, now, key)
            self._run(CLEAR_OLD_BODIES, now - KEEP_DONE_BODY_S)
            self._dones += 1
            if self._dones % CLEANUP_EVERY_DONES == 0:
                self._delete_old()

    def retry_later(self, key: str, why: str) -> None:
        """Store why a message failed. It is due again after a pause, or dead after `max_tries`."""
        max_tries = UNLIMITED_TRIES if self._max_tries is None else self._max_tries
        self._run(RETRY_LATER, why, self.clock(), MAX_RETRY_PAUSE_S, self._base_s, max_tries, key)

    def requeue_done(self, since: float) -> int:
        """Let messages that were done at `since` or later wait again, if their bodies are stored; return how many."""
        count = self._run(REQUEUE_DONE, self.clock(), since).rowcount
        if count:
            self._filled.set()
        return count

    def counts(self) -> dict[str, int]:
        """Return how many messages are waiting, dead, and remembered as done."""
        with self.transaction():
            found = dict(self._run("SELECT state, count(*) FROM QUEUE GROUP BY state").fetchall())
        return {state: found.get(state, 0) for state in ("waiting", "dead", "done")}

    def _delete_old(self) -> None:
        self._run(DELETE_OLD_DONE, self.clock() - REMEMBER_DONE_S, MAX_DONE)

    def _run(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Run a statement on this queue's table, inside a transaction."""
        with self.transaction() as connection:
            return connection.execute(self._sql(statement), values)

    def _sql(self, statement: str) -> str:
        return statement.replace("QUEUE", self._table)
