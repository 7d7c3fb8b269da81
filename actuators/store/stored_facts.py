"""What has been stored of each visit; an upload-only key cannot ask the server for it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from nerves.database import Database

__all__ = ["Facts", "StoredFacts"]

Facts = dict[str, Any]
REMEMBER_FOR = timedelta(days=90)
CREATE_STORED = """CREATE TABLE stored (
    visit TEXT NOT NULL, seq INTEGER NOT NULL, at REAL NOT NULL, facts TEXT NOT NULL, PRIMARY KEY (visit, seq))"""


class StoredFacts:
    """The facts that were stored in the last 90 days, by visit."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database, self._clock = database, clock
        database.migrate("stored", [[CREATE_STORED]])
        with database.transaction() as connection:
            connection.execute("DELETE FROM stored WHERE at < ?", [(clock() - REMEMBER_FOR).timestamp()])

    def of_visit(self, visit: UUID) -> list[Facts]:
        """Return the facts stored of a visit, in the order of its messages."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT facts FROM stored WHERE visit = ? ORDER BY seq", [str(visit)]).fetchall()
        return [json.loads(facts) for (facts,) in rows]

    def add(self, facts: Facts) -> None:
        """Record that these facts have been stored."""
        row = [facts["visit"], facts["seq"], self._clock().timestamp(), json.dumps(facts)]
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO stored VALUES (?, ?, ?, ?)", row)
