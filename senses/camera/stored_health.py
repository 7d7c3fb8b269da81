"""The camera state that was reported last, stored so that a restarted sense reports when it has changed."""

from typing import get_args

from nerves.services import Context
from senses.camera.health import CameraState

__all__ = ["StoredHealth"]

CREATE_HEALTH_TABLE = "CREATE TABLE health (id INTEGER PRIMARY KEY CHECK (id = 1), what TEXT NOT NULL)"
UPSERT_HEALTH = "INSERT INTO health VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET what = excluded.what"


class StoredHealth:
    """Stores the state in the sense's database; without a context, stores nothing."""

    def __init__(self, context: Context | None) -> None:
        self._context = context

    def last_reported(self) -> CameraState:
        """Return the state that was reported last; `recovered` if none was."""
        if self._context is None:
            return "recovered"
        self._context.database.migrate("health", [[CREATE_HEALTH_TABLE]])
        with self._context.database.transaction() as connection:
            row = connection.execute("SELECT what FROM health").fetchone()
        return next((what for what in get_args(CameraState) if row and what == row[0]), "recovered")

    def store(self, what: str) -> None:
        """Store the state that has been reported."""
        if self._context:
            with self._context.database.transaction() as connection:
                connection.execute(UPSERT_HEALTH, (what,))
