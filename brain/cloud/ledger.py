"""The calls, each counted on disk before it is sent, and the switch. Several processes may use it at once.

Setting the clock back does not increase the budget: calls with a later time count too.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection
from typing import NamedTuple, Self
from uuid import UUID

from brain.cloud.errors import BudgetSpent, CloudError, CloudOff, CloudRefused
from brain.cloud.prices import group, price
from brain.settings.rekognition import RekognitionSettings
from nerves.database import Database
from nerves.errors import KinwatchError

__all__ = ["ANSWERED", "About", "Call", "CallLedger", "Spent"]

CREATE_LEDGER_TABLES = (
    """CREATE TABLE calls (
        number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, operation TEXT NOT NULL, grp TEXT,
        micros INTEGER NOT NULL, place TEXT, visit TEXT, size INTEGER NOT NULL, what TEXT NOT NULL, outcome TEXT)""",
    "CREATE INDEX calls_at ON calls (at)",
    "CREATE TABLE switch (off INTEGER PRIMARY KEY CHECK (off = 1))",
    "CREATE TABLE owed (name TEXT PRIMARY KEY)",
    "CREATE TABLE held (collection TEXT, name TEXT, PRIMARY KEY (collection, name))",
)
MICROS_PER_UNIT = 1_000_000
# The outcome of a call whose process ended before the answer.
OUTCOME_UNKNOWN = "unknown"
ANSWERED = "answered"


class About(NamedTuple):
    """The subject of a call, for the list of what was sent."""

    place: str | None = None
    visit: UUID | None = None
    size: int = 0
    """Picture bytes in the request; filled in by the client."""
    what: str = "a picture"
    """`a face`, `a picture`, `a reference photo`."""


class Spent(NamedTuple):
    """The number and the price of the paid calls of a day and a month (UTC)."""

    day_calls: int
    day_usd: float
    month_calls: int
    month_usd: float


class Call(NamedTuple):
    """One call that was made, or was about to be made."""

    number: int
    at: datetime
    operation: str
    usd: float
    place: str | None
    visit: UUID | None
    size: int
    what: str
    outcome: str
    """`answered`, the name of the error, or `unknown`."""


class CallLedger:
    """The calls and the switch on disk. Raises `KinwatchError` if the file cannot be used."""

    def __init__(self, path: Path, settings: RekognitionSettings) -> None:
        self._settings = settings
        self._database = Database(path)
        self._database.migrate("calls", [CREATE_LEDGER_TABLES])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @property
    def on(self) -> bool:
        """Whether the switch allows calls. The settings must allow them too."""
        with self._database.open() as connection:
            return _is_on(connection)

    @on.setter
    def on(self, on: bool) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM switch" if on else "INSERT OR IGNORE INTO switch VALUES (1)")

    def check(self, operation: str, at: datetime, *, times: int = 1) -> None:
        """Raise what `reserve` would raise for `times` calls, and count nothing."""
        with self._counting() as connection:
            self._admit(connection, operation, at, times)

    def reserve(self, operation: str, about: About, at: datetime) -> int:
        """Count a call that is about to leave, and return its number.

        Raises:
            CloudOff: The settings or the switch forbid calls.
            BudgetSpent: The call would exceed a limit. A free operation has no limit.
            CloudRefused: The call cannot be counted.
        """
        with self._counting() as connection:
            micros = self._admit(connection, operation, at, 1)
            row = connection.execute(
                "INSERT INTO calls (at, operation, grp, micros, place, visit, size, what) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    at.timestamp(),
                    operation,
                    group(operation),
                    micros,
                    about.place,
                    str(about.visit) if about.visit else None,
                    about.size,
                    about.what,
                ),
            )
            return int(row.lastrowid or 0)

    def settle(self, number: int, outcome: str) -> None:
        """Store the outcome of a call; it stays counted."""
        with self._counting() as connection:
            connection.execute("UPDATE calls SET outcome = ? WHERE number = ?", (outcome, number))

    def spent(self, at: datetime) -> Spent:
        """Return the calls and dollars spent in the day and the month of `at` (UTC)."""
        with self._database.open() as connection:
            return _spent(connection, at)

    def calls(self, since: datetime | None = None, limit: int = 50) -> list[Call]:
        """Return at most `limit` calls since a time, the newest first."""
        with self._database.open() as connection:
            rows = connection.execute(
                "SELECT number, at, operation, micros, place, visit, size, what, outcome FROM calls WHERE at >= ? "
                "ORDER BY number DESC LIMIT ?",
                (since.timestamp() if since else 0.0, limit),
            ).fetchall()
        return [
            Call(
                number,
                datetime.fromtimestamp(when, UTC),
                operation,
                micros / MICROS_PER_UNIT,
                place,
                UUID(visit) if visit else None,
                size,
                what,
                outcome or OUTCOME_UNKNOWN,
            )
            for number, when, operation, micros, place, visit, size, what, outcome in rows
        ]

    def newest(self) -> int:
        """Return the number of the newest call; 0 if there is none."""
        with self._counting() as connection:
            return int(connection.execute("SELECT COALESCE(MAX(number), 0) FROM calls").fetchone()[0])

    def answered_since(self, number: int) -> bool:
        """Return whether any process got an answer to a call after `number`."""
        with self._counting() as connection:
            row = connection.execute(
                "SELECT 1 FROM calls WHERE number > ? AND outcome = ?", (number, ANSWERED)
            ).fetchone()
            return row is not None

    def held(self, collection: str) -> frozenset[str]:
        """Return the names that were in a collection after the last `sync` of this machine."""
        with self._database.open() as connection:
            rows = connection.execute("SELECT name FROM held WHERE collection = ?", (collection,)).fetchall()
        return frozenset(name for (name,) in rows)

    def hold(self, collection: str, names: Iterable[str]) -> None:
        """Store the names that are in a collection, in place of the former ones."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM held WHERE collection = ?", (collection,))
            connection.executemany(
                "INSERT INTO held VALUES (?, ?)", [(collection, name) for name in sorted(set(names))]
            )

    def let_go(self, name: str) -> None:
        """Delete a name from the stored names of all collections."""
        with self._database.transaction() as connection:
            gone = connection.execute("DELETE FROM held WHERE name = ?", (name,)).rowcount
        if gone:
            with self._database.open() as connection:  # or the name stays readable in free pages and in the WAL
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def owed(self) -> list[str]:
        """Return the entries of people who were forgotten here but not removed from the collection yet."""
        with self._database.open() as connection:
            return [name for (name,) in connection.execute("SELECT name FROM owed ORDER BY name")]

    def owe(self, name: str) -> None:
        """Store that a person's faces must be removed from the collection."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO owed VALUES (?)", (name,))

    def paid(self, name: str) -> None:
        """Delete an entry: the person's faces are no longer in the collection."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM owed WHERE name = ?", (name,))

    @contextmanager
    def _counting(self) -> Iterator[Connection]:
        """Raise `CloudRefused` if the ledger cannot be written, so that no uncounted call is made."""
        try:
            with self._database.transaction() as connection:
                yield connection
        except CloudError:
            raise
        except KinwatchError as error:
            message = f"calls cannot be counted, so none is made: {error}"
            raise CloudRefused(message) from error

    def _admit(self, connection: Connection, operation: str, at: datetime, times: int) -> int:
        """Return the price of the next call in millionths of a dollar. Raises if `times` calls may not be made."""
        if not self._settings.enabled:
            message = "no call may leave the house: brain.rekognition.enabled is false"
            raise CloudOff(message)
        if not _is_on(connection):
            message = "no call may leave the house: the cloud is switched off (kinwatch rekognition on)"
            raise CloudOff(message)
        belongs = group(operation)
        if belongs is None:
            return 0
        spent, calls = _spent(connection, at), _of_group(connection, belongs, at)
        micros = round(price(operation, self._settings.region, calls) * MICROS_PER_UNIT)
        if full := _full(self._settings, spent, times, times * micros / MICROS_PER_UNIT):
            message = f"{full}: the cloud is asked again when a new one begins (UTC)"
            raise BudgetSpent(message)
        return micros


def _is_on(connection: Connection) -> bool:
    return connection.execute("SELECT 1 FROM switch").fetchone() is None


def _spent(connection: Connection, at: datetime) -> Spent:
    month, day = _month(at), _day(at)
    row = connection.execute(
        "SELECT COUNT(*), COALESCE(SUM(micros), 0), COALESCE(SUM(at >= :day), 0), "
        "COALESCE(SUM(micros * (at >= :day)), 0) FROM calls WHERE at >= :month AND grp IS NOT NULL",
        {"day": day, "month": month},
    ).fetchone()
    return Spent(row[2], row[3] / MICROS_PER_UNIT, row[0], row[1] / MICROS_PER_UNIT)


def _of_group(connection: Connection, belongs: str, at: datetime) -> int:
    row = connection.execute("SELECT COUNT(*) FROM calls WHERE at >= ? AND grp = ?", (_month(at), belongs)).fetchone()
    return int(row[0])


def _full(settings: RekognitionSettings, spent: Spent, times: int, usd: float) -> str | None:
    """Return which limit would be exceeded; None if none would be."""
    dollars = 0.5 / MICROS_PER_UNIT  # tolerance for the rounding of float sums
    if spent.month_calls + times > settings.monthly_calls:
        return f"the month's {settings.monthly_calls} calls are spent"
    if spent.month_usd + usd > settings.monthly_usd + dollars:
        return f"the month's ${settings.monthly_usd:.2f} are spent"
    if spent.day_calls + times > settings.daily_calls:
        return f"the day's {settings.daily_calls} calls are spent"
    if spent.day_usd + usd > settings.daily_usd + dollars:
        return f"the day's ${settings.daily_usd:.2f} are spent"
    return None


def _day(at: datetime) -> float:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _month(at: datetime) -> float:
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()
