"""What was said last of a camera's health, kept so that who starts anew takes it back once it is no longer so."""

from typing import get_args

from nerves.services import Context
from senses.camera.health import What

__all__ = ["StoredHealth"]

TABLE = "CREATE TABLE IF NOT EXISTS health (id INTEGER PRIMARY KEY CHECK (id = 1), what TEXT NOT NULL)"
KEEP = "INSERT INTO health VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET what = excluded.what"


class StoredHealth:
    """Remembers at a desk; without one, for as long as the process lives, which needs no memory."""

    def __init__(self, desk: Context | None) -> None:
        self._desk = desk

    def said(self) -> What:
        """Return what was said last; that it sees, where nothing was."""
        if self._desk is None:
            return "recovered"
        with self._desk.database.transaction() as connection:
            connection.execute(TABLE)
            row = connection.execute("SELECT what FROM health").fetchone()
        return next((what for what in get_args(What) if row and what == row[0]), "recovered")

    def keep(self, what: str) -> None:
        """Remember what has been said."""
        if self._desk:
            with self._desk.database.transaction() as connection:
                connection.execute(KEEP, (what,))
