"""A box of messages that outlives crashes: the inbox and the outbox of a service."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from typing import NamedTuple

from nerves.database import Database

__all__ = ["DurableQueue", "Row"]

LONGEST_S = 60.0
REMEMBER_S = 7 * 86400
REMEMBER = 50_000
KEEP_BODY_S = 120.0
FORGET_EVERY = 100
NEVER = 1 << 62

TABLES = (
    """CREATE TABLE IF NOT EXISTS BOX (
        number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, topic TEXT NOT NULL, body BLOB,
        state TEXT NOT NULL DEFAULT 'waiting', due REAL NOT NULL, at REAL NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT '',
        worth INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0)""",
    "CREATE INDEX IF NOT EXISTS BOX_state ON BOX(state, at)",
    # Covers all that is asked of what waits: a row has its body before its state, and that is long to skip.
    "CREATE INDEX IF NOT EXISTS BOX_worth ON BOX(worth DESC, number, due, size, state) WHERE state = 'waiting'",
    "CREATE INDEX IF NOT EXISTS BOX_bodies ON BOX(at) WHERE state = 'done' AND body IS NOT NULL",
)
# A box of an earlier version has no such columns.
ADDED = (
    "ALTER TABLE BOX ADD COLUMN worth INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE BOX ADD COLUMN size INTEGER NOT NULL DEFAULT 0",
    "UPDATE BOX SET size = length(body) WHERE body IS NOT NULL",
)
PUT = "INSERT OR IGNORE INTO BOX (key, topic, body, due, at, worth, size) VALUES (?, ?, ?, ?, ?, ?, ?)"
NEXT = """SELECT key, topic, body, tries FROM BOX WHERE number = (SELECT number FROM BOX INDEXED BY BOX_worth
    WHERE state = 'waiting' AND (due <= ? OR due > ?) ORDER BY worth DESC, number LIMIT 1)"""
WAITING = "SELECT number, size FROM BOX INDEXED BY BOX_worth WHERE state = 'waiting' ORDER BY worth, number"
FULL = "SELECT total(size) FROM BOX INDEXED BY BOX_worth WHERE state = 'waiting'"
DROP = "UPDATE BOX SET state = 'done', at = ?, body = NULL, why = 'dropped: no room' WHERE number = ?"
DONE = "UPDATE BOX SET state = 'done', at = ?, why = '' WHERE key = ?"
LATER = """UPDATE BOX SET tries = tries + 1, why = ?, due = ? + min(?, ? * (1 << min(tries, 16))),
    state = CASE WHEN tries + 1 >= ? THEN 'dead' ELSE 'waiting' END WHERE key = ? AND state = 'waiting'"""
AGAIN = "UPDATE BOX SET state = 'waiting', due = ? WHERE state = 'done' AND body IS NOT NULL AND at >= ?"
EMPTY = "UPDATE BOX SET body = NULL WHERE state = 'done' AND body IS NOT NULL AND at < ?"
FORGET = """DELETE FROM BOX WHERE state = 'done' AND (at < ? OR number <= (SELECT number FROM BOX
    WHERE state = 'done' ORDER BY number DESC LIMIT 1 OFFSET ?))"""


class Row(NamedTuple):
    """A message in a box."""

    key: str
    topic: str
    body: bytes
    tries: int


class DurableQueue:
    """Messages by key, each to be done once; what was done is remembered for 7 days, its body for 2 minutes.

    Boxes and tables in one `Database` change together inside `transaction()`.
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
            message = f"{table!r} is no name for a table"
            raise ValueError(message)
        self._database = where if isinstance(where, Database) else Database(where)
        self._table, self._max_tries, self._base_s, self.clock = table, max_tries, base_s, clock
        self._filled = Event()
        self._dones = 0
        with self.transaction():
            self._make()
            self._forget()

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Have everything inside happen, or nothing: in this box and through the connection it gives."""
        return self._database.transaction()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def put(self, key: str, topic: str, body: bytes, *, worth: int = 0) -> bool:
        """Keep a message; False if its key is known, waiting or done."""
        now = self.clock()
        is_new = self._run(PUT, key, topic, body, now, now, worth, len(body)).rowcount == 1
        self._filled.set()
        return is_new

    def drop(self, most_bytes: int) -> int:
        """Have no more than so many bytes wait, and return how many messages that cost: the oldest of the least worth.

        They count as done, so that they are not taken for new when they come again.
        """
        with self.transaction():
            (surplus,) = self._run(FULL).fetchone()
            surplus -= most_bytes
            dropped = []
            for number, size in self._run(WAITING) if surplus > 0 else ():
                if surplus <= 0:
                    break
                surplus -= size
                dropped.append(number)
            for number in dropped:
                self._run(DROP, self.clock(), number)
        return len(dropped)

    def wait(self, timeout_s: float) -> bool:
        """Return whether something was put since the last wait, within the time."""
        filled = self._filled.wait(timeout_s)
        self._filled.clear()
        return filled

    def due(self) -> Row | None:
        """Return the message that may be tried now: the oldest of the greatest worth."""
        now = self.clock()
        with self.transaction():  # the second bound: a clock that was set back must not delay anything for hours
            row = self._run(NEXT, now, now + LONGEST_S).fetchone()
        return Row(*row) if row else None

    def done(self, key: str) -> None:
        """Note that a message needs nothing more."""
        now = self.clock()
        with self.transaction():
            self._run(DONE, now, key)
            self._run(EMPTY, now - KEEP_BODY_S)
            self._dones += 1
            if self._dones % FORGET_EVERY == 0:
                self._forget()

    def later(self, key: str, why: str) -> None:
        """Note why a message failed; it is due again after a pause, or dead after `max_tries`."""
        most = NEVER if self._max_tries is None else self._max_tries
        self._run(LATER, why, self.clock(), LONGEST_S, self._base_s, most, key)

    def again(self, since: float) -> int:
        """Let what was done at `since` or later, but not long ago, be done once more; return how many."""
        count = self._run(AGAIN, self.clock(), since).rowcount
        if count:
            self._filled.set()
        return count

    def counts(self) -> dict[str, int]:
        """Return how many messages wait, are dead, and are remembered as done."""
        with self.transaction():
            found = dict(self._run("SELECT state, count(*) FROM BOX GROUP BY state").fetchall())
        return {state: found.get(state, 0) for state in ("waiting", "dead", "done")}

    def _make(self) -> None:
        self._run(TABLES[0])
        columns = {name for _, name, *_ in self._run("PRAGMA table_info(BOX)")}
        for statement in (*(() if "worth" in columns else ADDED), *TABLES[1:]):
            self._run(statement)

    def _forget(self) -> None:
        self._run(FORGET, self.clock() - REMEMBER_S, REMEMBER)

    def _run(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Run a statement on this box's table, inside a transaction."""
        with self.transaction() as connection:
            return connection.execute(statement.replace("BOX", self._table), values)
