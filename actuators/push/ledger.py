"""What has been told to whom, and what is still to be told: on the disk, so that it outlives everything."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from actuators.push.rules import News, identity
from nerves.database import Database
from nerves.messages import Visit

__all__ = ["Alert", "AlertLedger", "Due", "State", "Stuck"]

State = Literal["open", "welcome", "acknowledged"]

KEEP_S = 7 * 86400.0
GIVE_UP_S = 86400.0
# Nothing is planned this far ahead: the clock was set back, and what waits is due now.
FAR_S = 2.5 * 86400

TABLES = (
    """CREATE TABLE IF NOT EXISTS alerts (
        visit TEXT PRIMARY KEY, place TEXT NOT NULL, identity TEXT NOT NULL, seq INTEGER NOT NULL, facts TEXT,
        picture BLOB, at REAL NOT NULL, starts REAL, step INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS news (
        visit TEXT NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (visit, number))""",
    """CREATE TABLE IF NOT EXISTS letters (
        visit TEXT NOT NULL, service TEXT NOT NULL, told INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL,
        since REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (visit, service))""",
)
BEHIND = "told < (SELECT max(number) FROM news WHERE news.visit = letters.visit)"
RANG = """SELECT 1 FROM alerts WHERE place = ? AND identity = ? AND visit != ? AND starts IS NOT NULL
    AND at BETWEEN ? AND ?"""
# Who is named in two steps rings twice.
AGAIN = """INSERT INTO letters (visit, service, due, since) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET told = 0, due = excluded.due, since = excluded.since WHERE told > 0"""
LATEST = "SELECT coalesce(max(number), 0) FROM news WHERE visit = ?"
OVER = f"""UPDATE alerts SET picture = NULL WHERE picture IS NOT NULL AND (state != 'open' OR step >= ?)
    AND step > 0 AND NOT EXISTS (SELECT 1 FROM letters WHERE letters.visit = alerts.visit AND {BEHIND})"""  # noqa: S608


class Alert(NamedTuple):
    """What is held of one alerted visit."""

    visit: UUID
    seq: int
    facts: Visit | None
    starts: float | None
    step: int
    state: State


class Due(NamedTuple):
    """A letter that is to be sent now."""

    visit: UUID
    service: str
    told: int
    why: str


class Stuck(NamedTuple):
    """A service that does not take its letters."""

    service: str
    letters: int
    why: str


class AlertLedger:
    """The tables in a service's own file; what happens inside `transaction()` happens together."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.transaction = database.transaction
        with self.transaction() as connection:
            for statement in TABLES:
                connection.execute(statement)

    def alert(self, visit: UUID) -> Alert | None:
        """Return what is held of a visit."""
        row = self._one("SELECT seq, facts, starts, step, state FROM alerts WHERE visit = ?", str(visit))
        if row is None:
            return None
        seq, facts, starts, step, state = row
        return Alert(visit, seq, facts and Visit.model_validate_json(facts), starts, step, state)

    def begin(self, visit: Visit, text: str, now: float, starts: float | None) -> None:
        """Keep an alert that rings at `starts`, or not for now."""
        self._run(
            "INSERT INTO alerts (visit, place, identity, seq, at, starts, state) VALUES (?, ?, '', 0, ?, ?, 'open')",
            *(str(visit.visit), visit.place, now, starts),
        )
        self.update(visit)
        self.say(visit.visit, News(text, visit.at), now)

    def stop_early(self, visit: UUID, place: str, now: float) -> None:
        """Keep that a visit needs no alert, whenever it comes."""
        self._run(
            "INSERT INTO alerts (visit, place, identity, seq, at, state) VALUES (?, ?, '', 0, ?, 'acknowledged')",
            *(str(visit), place, now),
        )

    def update(self, visit: Visit) -> None:
        """Keep the newest facts of a visit, and its newest picture."""
        facts = visit.model_copy(update={"picture": None}).model_dump_json(exclude_none=True)
        self._run(
            "UPDATE alerts SET seq = ?, facts = ?, identity = ?, picture = coalesce(?, picture) WHERE visit = ?",
            *(visit.seq, facts, identity(visit), visit.picture, str(visit.visit)),
        )

    def restart(self, visit: Visit, text: str, starts: float | None) -> None:
        """Have an alert that nobody was told of yet say this, and ring then."""
        self._run("UPDATE alerts SET starts = ? WHERE visit = ?", starts, str(visit.visit))
        at = visit.at.timestamp()
        self._run("UPDATE news SET text = ?, at = ? WHERE visit = ? AND number = 1", text, at, str(visit.visit))

    def turn(self, visit: UUID, state: State) -> None:
        """Change what an alert is."""
        self._run("UPDATE alerts SET state = ? WHERE visit = ?", state, str(visit))

    def say(self, visit: UUID, news: News, now: float) -> None:
        """Have all who are told of a visit know this too; who had given up on its last word is tried anew."""
        # A letter that is behind already keeps its place and its failures: this goes along with it.
        self._run(
            f"UPDATE letters SET due = ?, since = ?, tries = 0, why = '' WHERE visit = ? AND NOT {BEHIND}",  # noqa: S608
            *(now, now, str(visit)),
        )
        self._run(
            f"INSERT INTO news SELECT ?, ({LATEST}) + 1, ?, ?",
            *(str(visit), str(visit), news.text, news.at.timestamp()),
        )

    def spare(self, visit: UUID, *, busy: Iterable[str], tried: bool) -> None:
        """Drop the letters of those who know nothing of the visit; unless `tried`, only what was never tried."""
        for (service,) in self._all("SELECT service FROM letters WHERE visit = ? AND told = 0", str(visit)):
            if service not in busy:
                self._run(
                    "DELETE FROM letters WHERE visit = ? AND service = ? AND (? OR tries = 0)",
                    *(str(visit), service, tried),
                )

    def rang(self, visit: Visit, since: float, until: float) -> bool:
        """Whether the same person has rung at the same place between these times."""
        who = identity(visit)
        return bool(who) and self._one(RANG, visit.place, who, str(visit.visit), since, until) is not None

    def steps(self, count: int) -> list[tuple[UUID, float, int]]:
        """Return the visit, the start and the next step of all alerts with fewer steps done than `count`."""
        rows = self._all(
            "SELECT visit, starts, step FROM alerts WHERE state = 'open' AND starts IS NOT NULL AND step < ?", count
        )
        return [(UUID(visit), starts, step) for visit, starts, step in rows]

    def take_step(self, visit: UUID, services: Iterable[str], now: float) -> None:
        """Note that an alert's next step is done: these services have a letter to deliver."""
        self._run("UPDATE alerts SET step = step + 1 WHERE visit = ?", str(visit))
        for service in services:
            self._run(
                AGAIN,
                *(str(visit), service, now, now),
            )

    def due(self, now: float, services: Iterable[str]) -> list[Due]:
        """Return the letters that may be tried now, the oldest first."""
        rows = self._all(
            f"SELECT visit, service, told, why FROM letters WHERE {BEHIND} AND (due <= ? OR due > ?) ORDER BY since",  # noqa: S608
            *(now, now + FAR_S),
        )
        known = set(services)
        return [Due(UUID(visit), *rest) for visit, *rest in rows if rest[0] in known]

    def news(self, visit: UUID, told: int) -> tuple[Sequence[News], int]:
        """Return what somebody who was told so much does not know yet, and how much they were told then."""
        rows = self._all("SELECT number, text, at FROM news WHERE visit = ? ORDER BY number", str(visit))
        every = [News(text, datetime.fromtimestamp(at, UTC)) for _, text, at in rows]
        # Who knows nothing needs the newest word alone, and how long ago it began.
        return (every[told:] if told else [News(every[-1].text, every[0].at)]), rows[-1][0]

    def picture(self, visit: UUID) -> bytes | None:
        """Return a visit's picture."""
        row = self._one("SELECT picture FROM alerts WHERE visit = ?", str(visit))
        return row[0] if row else None

    def told(self, visit: UUID, service: str, number: int, now: float) -> None:
        """Note that a service has delivered so much."""
        self._run(
            "UPDATE letters SET told = ?, tries = 0, why = '', due = ?, since = ? WHERE visit = ? AND service = ?",
            *(number, now, now, str(visit), service),
        )

    def failed(self, visit: UUID, service: str, why: str, pauses: tuple[float, float], now: float) -> None:
        """Note why a letter was not taken; it is due again after a pause, from the shortest to the longest."""
        self._run(
            """UPDATE letters SET why = ?, tries = tries + 1, due = ? + min(?, ? * (1 << min(tries, 16)))
            WHERE visit = ? AND service = ?""",
            *(why, now, pauses[1], pauses[0], str(visit), service),
        )
        self._run(
            "DELETE FROM letters WHERE visit = ? AND told = 0 AND visit IN "
            "(SELECT visit FROM alerts WHERE state = 'acknowledged') AND service = ?",
            *(str(visit), service),
        )

    def stuck(self) -> list[Stuck]:
        """Return the services that have refused something that still waits."""
        rows = self._all(
            f"SELECT service, count(*), max(why) FROM letters WHERE why != '' AND {BEHIND} GROUP BY service"  # noqa: S608
        )
        return [Stuck(*row) for row in rows]

    def tidy(self, now: float, steps: int) -> int:
        """Forget what is a week old and pictures that nobody waits for; return how many letters are given up."""
        given_up = self._run(f"DELETE FROM letters WHERE {BEHIND} AND since < ?", now - GIVE_UP_S)  # noqa: S608
        self._run(OVER, steps)
        self._run("DELETE FROM alerts WHERE at < ?", now - KEEP_S)
        for table in ("news", "letters"):
            self._run(f"DELETE FROM {table} WHERE visit NOT IN (SELECT visit FROM alerts)")  # noqa: S608
        return given_up

    def _run(self, statement: str, *values: object) -> int:
        with self.transaction() as connection:
            return connection.execute(statement, values).rowcount

    def _all(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self.transaction() as connection:
            return connection.execute(statement, values).fetchall()

    def _one(self, statement: str, *values: object) -> tuple[Any, ...] | None:
        return next(iter(self._all(statement, *values)), None)
