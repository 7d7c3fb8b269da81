"""What has been stored of each visit: an upload-only key cannot look it up."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from nerves.database import Database

__all__ = ["Facts", "StoredFacts"]

Facts = dict[str, Any]
KEEP = timedelta(days=90)
TABLE = """CREATE TABLE IF NOT EXISTS stored (
    visit TEXT NOT NULL, seq INTEGER NOT NULL, at REAL NOT NULL, facts TEXT NOT NULL, PRIMARY KEY (visit, seq))"""


class StoredFacts:
    """The facts that were stored, by visit, for 90 days."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database, self._clock = database, clock
        with database.transaction() as connection:
            connection.execute(TABLE)
            connection.execute("DELETE FROM stored WHERE at < ?", [(clock() - KEEP).timestamp()])

    def of(self, visit: UUID) -> list[Facts]:
        """Return what was stored of a visit, in its order."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT facts FROM stored WHERE visit = ? ORDER BY seq", [str(visit)]).fetchall()
        return [json.loads(facts) for (facts,) in rows]

    def add(self, facts: Facts) -> None:
        """Note that these facts have been stored."""
        row = [facts["visit"], facts["seq"], self._clock().timestamp(), json.dumps(facts)]
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO stored VALUES (?, ?, ?, ?)", row)
