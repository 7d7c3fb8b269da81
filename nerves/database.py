"""One SQLite file that survives a power cut, shared by the threads of one process."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Self

from nerves.errors import KinwatchError

__all__ = ["Database"]

CREATE_VERSIONS = "CREATE TABLE IF NOT EXISTS versions (component TEXT PRIMARY KEY, version INTEGER NOT NULL)"


class Database:
    """An open SQLite file that only its owner can read. A committed transaction is on the disk.

    Opening makes the file if there is none. Every method raises `KinwatchError`, with the file's name, if the file
    cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = RLock()
        self._depth = 0
        with self._naming_the_file(OSError, sqlite3.Error):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            path.chmod(0o600)
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._connection.execute("PRAGMA journal_mode=WAL")
                self._connection.execute("PRAGMA synchronous=FULL")
            except sqlite3.Error:
                self._connection.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def migrate(self, component: str, steps: Sequence[Sequence[str]]) -> bool:
        """Create the tables of one component of the file, or bring them up to date.

        Args:
            component: Its name; several components share a file, each with its own version.
            steps: The SQL statements from each version to the next. Append to them, and never change an old one.

        Returns:
            Whether anything had to be done.

        Raises:
            KinwatchError: A newer kinwatch wrote the tables, or the file cannot be used.
        """
        with self.transaction() as connection:
            connection.execute(CREATE_VERSIONS)
            found = connection.execute("SELECT version FROM versions WHERE component = ?", (component,)).fetchone()
            version = found[0] if found else 0
            if version > len(steps):
                message = f"{self.path}: a newer kinwatch wrote its {component} (version {version}): update kinwatch"
                raise KinwatchError(message)
            for statement in (statement for step in steps[version:] for statement in step):
                connection.execute(statement)
            if version < len(steps):
                connection.execute("INSERT OR REPLACE INTO versions VALUES (?, ?)", (component, len(steps)))
        return bool(version < len(steps))

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Give the connection outside of any transaction, for reading and for pragmas."""
        with self._lock, self._naming_the_file(sqlite3.Error):
            yield self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit everything inside, or nothing if it raises. A transaction inside another is part of the outer one."""
        with self._lock, self._naming_the_file(sqlite3.Error):
            if self._depth:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk may have ended it already
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    @contextmanager
    def _naming_the_file(self, *errors: type[Exception]) -> Iterator[None]:
        try:
            yield
        except errors as error:
            message = f"{self.path} cannot be used: {error}: check the disk, or move the file away to start anew"
            raise KinwatchError(message) from error
