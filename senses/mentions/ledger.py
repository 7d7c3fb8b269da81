"""What is stored about mentions: the newest published post, the reads that were paid for, the names of authors."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from nerves.database import Database

__all__ = ["MentionLedger"]

CREATE_MENTION_TABLES = (
    "CREATE TABLE mention_facts (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE mention_reads (period TEXT PRIMARY KEY, reads INTEGER NOT NULL)",
    "CREATE TABLE mention_authors (id TEXT PRIMARY KEY, name TEXT NOT NULL)",
)
ADD_READS = """INSERT INTO mention_reads VALUES (?, max(?, 0))
    ON CONFLICT (period) DO UPDATE SET reads = max(reads + ?, 0)"""


class MentionLedger:
    """The tables of the mentions sense, for one account, in the sense's own database."""

    def __init__(self, database: Database, account: str) -> None:
        self.database, self._account = database, account.lower()
        database.migrate("mentions", [CREATE_MENTION_TABLES])

    def stored(self, key: str) -> str | None:
        """Return the value that was stored under a key, or None."""
        with self.database.open() as connection:
            found = connection.execute("SELECT value FROM mention_facts WHERE key = ?", (self._key(key),)).fetchone()
        return str(found[0]) if found else None

    def store(self, key: str, value: str) -> None:
        """Store a value under a key."""
        with self.database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO mention_facts VALUES (?, ?)", (self._key(key), value))

    def left(self, at: datetime, budget: tuple[int, int]) -> int:
        """Return how many reads are left; `budget` is the most for a UTC day and for a UTC month."""
        with self.database.open() as connection:
            spent = dict(connection.execute("SELECT period, reads FROM mention_reads").fetchall())
        return min(most - int(spent.get(period, 0)) for most, period in zip(budget, _periods(at), strict=True))

    def spend(self, at: datetime, reads: int) -> None:
        """Add reads to their day and month; a negative number gives back reads that were counted but not made."""
        with self.database.transaction() as connection:
            for period in _periods(at):
                connection.execute(ADD_READS, (period, reads, reads))

    def names(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the stored names of these authors; authors without one are left out."""
        wanted = set(ids)
        with self.database.open() as connection:
            rows = connection.execute("SELECT id, name FROM mention_authors").fetchall()
        return {int(number): name for number, name in rows if int(number) in wanted}

    def store_names(self, names: Mapping[int, str]) -> None:
        """Store the names of authors."""
        with self.database.transaction() as connection:
            rows = [(str(number), name) for number, name in names.items()]
            connection.executemany("INSERT OR REPLACE INTO mention_authors VALUES (?, ?)", rows)

    def _key(self, key: str) -> str:
        return f"{self._account}/{key}"


def _periods(at: datetime) -> tuple[str, str]:
    return f"{at:%Y-%m-%d}", f"{at:%Y-%m}"
