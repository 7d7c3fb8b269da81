"""The ledger of alerts: what was delivered to whom, and what is still due. It lies on disk and survives a crash."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from actuators.push.rules import VisitUpdate, cooldown_identity
from nerves.database import Database
from nerves.messages import Visit

__all__ = ["Alert", "AlertLedger", "AlertState", "DueDelivery", "FailingService"]

AlertState = Literal["open", "welcome", "acknowledged"]

FORGET_AFTER_S = 7 * 86400.0
GIVE_UP_AFTER_S = 86400.0
# Nothing is planned this far ahead. A later time means that the clock was set back: such a delivery is due now.
MAX_PLAN_AHEAD_S = 2.5 * 86400

CREATE_ALERT_TABLES = (
    """CREATE TABLE alerts (
        visit TEXT PRIMARY KEY, place TEXT NOT NULL, identity TEXT NOT NULL, seq INTEGER NOT NULL, facts TEXT,
        picture BLOB, at REAL NOT NULL, starts REAL, step INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL)""",
    """CREATE TABLE updates (
        visit TEXT NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (visit, number))""",
    """CREATE TABLE deliveries (
        visit TEXT NOT NULL, service TEXT NOT NULL, delivered INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL,
        since REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (visit, service))""",
)
# `delivered` is the number of the last update that the service has taken.
IS_BEHIND = "delivered < (SELECT max(number) FROM updates WHERE updates.visit = deliveries.visit)"
SELECT_SAME_PERSON = """SELECT 1 FROM alerts WHERE place = ? AND identity = ? AND visit != ? AND starts IS NOT NULL
    AND at BETWEEN ? AND ?"""
# A service that is named in two steps is sent the alert twice.
INSERT_DELIVERY = """INSERT INTO deliveries (visit, service, due, since) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET delivered = 0, due = excluded.due, since = excluded.since WHERE delivered > 0"""
SELECT_LAST_NUMBER = "SELECT coalesce(max(number), 0) FROM updates WHERE visit = ?"
FORGET_PICTURES = f"""UPDATE alerts SET picture = NULL WHERE picture IS NOT NULL AND (state != 'open' OR step >= ?)
    AND step > 0 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.visit = alerts.visit AND {IS_BEHIND})"""  # noqa: S608


class Alert(NamedTuple):
    """What the ledger has of one alerted visit."""

    visit: UUID
    seq: int
    facts: Visit | None
    """The newest message, without its picture."""
    starts: float | None
    """When it rings, in Unix seconds; None if it does not ring."""
    step: int
    """How many escalation steps are done."""
    state: AlertState


class DueDelivery(NamedTuple):
    """A delivery that is to be tried now."""

    visit: UUID
    service: str
    delivered: int
    """The number of the last update that the service has taken; 0 for none."""
    reason: str
    """Why the last try failed; empty if it did not."""


class FailingService(NamedTuple):
    """A service whose deliveries fail."""

    service: str
    waiting: int
    reason: str


class AlertLedger:
    """The tables in the service's own file. Changes inside one `transaction()` are written together or not at all."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.transaction = database.transaction
        database.migrate("alerts", [CREATE_ALERT_TABLES])

    def find(self, visit: UUID) -> Alert | None:
        """Return the alert of a visit, or None."""
        row = self._one("SELECT seq, facts, starts, step, state FROM alerts WHERE visit = ?", str(visit))
        if row is None:
            return None
        seq, facts, starts, step, state = row
        return Alert(visit, seq, facts and Visit.model_validate_json(facts), starts, step, state)

    def add_alert(self, visit: Visit, text: str, now: float, starts: float | None) -> None:
        """Add an alert that rings at `starts` (Unix seconds), or not yet if that is None."""
        self._run(
            "INSERT INTO alerts (visit, place, identity, seq, at, starts, state) VALUES (?, ?, '', 0, ?, ?, 'open')",
            *(str(visit.visit), visit.place, now, starts),
        )
        self.update_facts(visit)
        self.add_update(visit.visit, VisitUpdate(text, visit.at), now)

    def add_acknowledged(self, visit: UUID, place: str, now: float) -> None:
        """Record that a visit is acknowledged before its alert has come: the alert will not ring."""
        self._run(
            "INSERT INTO alerts (visit, place, identity, seq, at, state) VALUES (?, ?, '', 0, ?, 'acknowledged')",
            *(str(visit), place, now),
        )

    def update_facts(self, visit: Visit) -> None:
        """Store the newest facts of a visit, and its picture if the message has one."""
        facts = visit.model_copy(update={"picture": None}).model_dump_json(exclude_none=True)
        self._run(
            "UPDATE alerts SET seq = ?, facts = ?, identity = ?, picture = coalesce(?, picture) WHERE visit = ?",
            *(visit.seq, facts, cooldown_identity(visit), visit.picture, str(visit.visit)),
        )

    def reschedule(self, visit: Visit, text: str, starts: float | None) -> None:
        """Change the text and the time of an alert that has not rung yet."""
        self._run("UPDATE alerts SET starts = ? WHERE visit = ?", starts, str(visit.visit))
        at = visit.at.timestamp()
        self._run("UPDATE updates SET text = ?, at = ? WHERE visit = ? AND number = 1", text, at, str(visit.visit))

    def set_state(self, visit: UUID, state: AlertState) -> None:
        """Set the state of an alert."""
        self._run("UPDATE alerts SET state = ? WHERE visit = ?", state, str(visit))

    def add_update(self, visit: UUID, update: VisitUpdate, now: float) -> None:
        """Add an update for every service that was sent the alert, and restart its tries."""
        # A delivery that is already behind keeps its age and its failures: it takes the new update along.
        self._run(
            f"UPDATE deliveries SET due = ?, since = ?, tries = 0, reason = '' WHERE visit = ? AND NOT {IS_BEHIND}",  # noqa: S608
            *(now, now, str(visit)),
        )
        self._run(
            f"INSERT INTO updates SELECT ?, ({SELECT_LAST_NUMBER}) + 1, ?, ?",
            *(str(visit), str(visit), update.text, update.at.timestamp()),
        )

    def cancel_deliveries(self, visit: UUID, *, busy: Iterable[str], tried: bool) -> None:
        """Cancel the deliveries of which nothing has arrived, except to `busy` services.

        Deliveries that were tried before are cancelled only if `tried` is true.
        """
        for (service,) in self._all("SELECT service FROM deliveries WHERE visit = ? AND delivered = 0", str(visit)):
            if service not in busy:
                self._run(
                    "DELETE FROM deliveries WHERE visit = ? AND service = ? AND (? OR tries = 0)",
                    *(str(visit), service, tried),
                )

    def has_rung(self, visit: Visit, since: float, until: float) -> bool:
        """Whether an alert of the same person rang at the same place between these Unix times."""
        who = cooldown_identity(visit)
        return bool(who) and self._one(SELECT_SAME_PERSON, visit.place, who, str(visit.visit), since, until) is not None

    def pending_steps(self, count: int) -> list[tuple[UUID, float, int]]:
        """Return the visit, the start time and the next step of each open alert with fewer than `count` steps done."""
        rows = self._all(
            "SELECT visit, starts, step FROM alerts WHERE state = 'open' AND starts IS NOT NULL AND step < ?", count
        )
        return [(UUID(visit), starts, step) for visit, starts, step in rows]

    def complete_step(self, visit: UUID, services: Iterable[str], now: float) -> None:
        """Record that the next step of an alert is done: add a delivery to each of these services."""
        self._run("UPDATE alerts SET step = step + 1 WHERE visit = ?", str(visit))
        for service in services:
            self._run(INSERT_DELIVERY, str(visit), service, now, now)

    def due_deliveries(self, now: float, services: Iterable[str]) -> list[DueDelivery]:
        """Return the deliveries to these services that may be tried now, the oldest first."""
        rows = self._all(
            f"""SELECT visit, service, delivered, reason FROM deliveries WHERE {IS_BEHIND} AND (due <= ? OR due > ?)
            ORDER BY since""",  # noqa: S608
            *(now, now + MAX_PLAN_AHEAD_S),
        )
        known = set(services)
        return [DueDelivery(UUID(visit), *rest) for visit, *rest in rows if rest[0] in known]

    def updates_since(self, visit: UUID, delivered: int) -> tuple[Sequence[VisitUpdate], int]:
        """Return the updates after number `delivered`, and the number of the last one."""
        rows = self._all("SELECT number, text, at FROM updates WHERE visit = ? ORDER BY number", str(visit))
        every = [VisitUpdate(text, datetime.fromtimestamp(at, UTC)) for _, text, at in rows]
        # A first message needs only the newest text, with the time of the first: it says how old the alert is.
        return (every[delivered:] if delivered else [VisitUpdate(every[-1].text, every[0].at)]), rows[-1][0]

    def picture(self, visit: UUID) -> bytes | None:
        """Return the picture of a visit as JPEG, or None."""
        row = self._one("SELECT picture FROM alerts WHERE visit = ?", str(visit))
        return row[0] if row else None

    def mark_delivered(self, visit: UUID, service: str, number: int, now: float) -> None:
        """Record that a service has taken all updates up to `number`."""
        self._run(
            """UPDATE deliveries SET delivered = ?, tries = 0, reason = '', due = ?, since = ?
            WHERE visit = ? AND service = ?""",
            *(number, now, now, str(visit), service),
        )

    def mark_failed(self, visit: UUID, service: str, reason: str, pauses: tuple[float, float], now: float) -> None:
        """Record why a delivery failed.

        It is due again after a pause in seconds, which doubles from `pauses[0]` up to `pauses[1]`. A delivery of which
        nothing has arrived is dropped once its alert is acknowledged.
        """
        self._run(
            """UPDATE deliveries SET reason = ?, tries = tries + 1, due = ? + min(?, ? * (1 << min(tries, 16)))
            WHERE visit = ? AND service = ?""",
            *(reason, now, pauses[1], pauses[0], str(visit), service),
        )
        self._run(
            "DELETE FROM deliveries WHERE visit = ? AND delivered = 0 AND visit IN "
            "(SELECT visit FROM alerts WHERE state = 'acknowledged') AND service = ?",
            *(str(visit), service),
        )

    def failing_services(self) -> list[FailingService]:
        """Return the services of which a failed delivery still waits."""
        rows = self._all(
            f"SELECT service, count(*), max(reason) FROM deliveries WHERE reason != '' AND {IS_BEHIND} GROUP BY service"  # noqa: S608
        )
        return [FailingService(*row) for row in rows]

    def clean_up(self, now: float, steps: int) -> int:
        """Delete alerts of more than a week and unneeded pictures; return how many deliveries are given up."""
        given_up = self._run(f"DELETE FROM deliveries WHERE {IS_BEHIND} AND since < ?", now - GIVE_UP_AFTER_S)  # noqa: S608
        self._run(FORGET_PICTURES, steps)
        self._run("DELETE FROM alerts WHERE at < ?", now - FORGET_AFTER_S)
        for table in ("updates", "deliveries"):
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
