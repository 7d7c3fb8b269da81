"""One SQLite file that survives a power cut, shared by the threads of one process."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Self

from nerves.errors import KinwatchError

__all__ = ["Database"]


class Database:
    """An open file of tables, readable by its owner only; what a transaction has written is on the disk.

    Args:
        path: The file; it is made where it is absent.
        tables: Statements that make what is absent in it, all of them or none.
    """

    def __init__(self, path: Path, tables: Iterable[str] = ()) -> None:
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
        try:
            self._make(tables)
        except BaseException:
            self.close()
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

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Give the connection outside of any transaction, for reading and for pragmas."""
        with self._lock, self._naming_the_file(sqlite3.Error):
            yield self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Have everything inside happen, or nothing; one inside another belongs to the outer one."""
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

    def _make(self, tables: Iterable[str]) -> None:
        statements = tuple(tables)
        if not statements:
            return
        with self.transaction() as connection:
            for statement in statements:
                connection.execute(statement)

    @contextmanager
    def _naming_the_file(self, *errors: type[Exception]) -> Iterator[None]:
        try:
            yield
        except errors as error:
            message = f"{self.path} cannot be used: {error}: check the disk, or move the file away to start anew"
            raise KinwatchError(message) from error
