"""What this machine stores about the collection: whether it was ever filled, and what Rekognition refused."""

from pathlib import Path
from typing import Self

from nerves.database import Database

__all__ = ["Remembered"]

CREATE_SYNC_TABLES = (
    "CREATE TABLE filled (collection TEXT PRIMARY KEY)",
    "CREATE TABLE refused (collection TEXT, what TEXT, PRIMARY KEY (collection, what))",
)


class Remembered:
    """The stored state, in the file of the call ledger. Raises `KinwatchError` if the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self._database.migrate("sync_state", [CREATE_SYNC_TABLES])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def is_filled(self) -> bool:
        """Return whether this machine ever added faces to a collection."""
        with self._database.open() as connection:
            return connection.execute("SELECT 1 FROM filled").fetchone() is not None

    def fill(self, collection: str) -> None:
        """Store that faces are added to a collection."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO filled VALUES (?)", (collection,))

    def refused(self, collection: str) -> set[str]:
        """Return the hashes of the photos and the ids of the faces that Rekognition refused."""
        with self._database.open() as connection:
            rows = connection.execute("SELECT what FROM refused WHERE collection = ?", (collection,))
            return {what for (what,) in rows}

    def refuse(self, collection: str, what: str) -> None:
        """Store that Rekognition refused a photo or a face, because sending it again would cost again."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO refused VALUES (?, ?)", (collection, what))

    def pardon(self, collection: str, kept: set[str]) -> None:
        """Delete all stored refusals of a collection except those in `kept`."""
        with self._database.transaction() as connection:
            for what in self.refused(collection) - kept:
                connection.execute("DELETE FROM refused WHERE collection = ? AND what = ?", (collection, what))
