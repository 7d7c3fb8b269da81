"""The part of the ledger that says which service is behind with which alert, and when it is tried again."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from actuators.push.ledger import MAX_PLAN_AHEAD_S
from nerves.database import Database

__all__ = ["DeliveryLedger", "DueDelivery", "FailingService"]

GIVE_UP_AFTER_S = 86400.0
# A phone that shows each update as a message of its own gets at most one in this time: somebody who walks through three
# rooms is a line or two on it.
SILENT_PAUSE_S = 15.0

# `delivered` is the number of the last update that the service has taken.
IS_BEHIND = "delivered < (SELECT max(number) FROM updates WHERE updates.incident = deliveries.incident)"
# The update after the last delivered one, or a later one, rings.
RINGS = """EXISTS (SELECT 1 FROM updates WHERE updates.incident = deliveries.incident AND number > delivered
    AND NOT summary)"""
# A service that is named in two steps is sent the alert twice.
START_DELIVERY = """INSERT INTO deliveries (incident, service, due, since) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET delivered = 0, due = excluded.due, since = excluded.since WHERE delivered > 0"""
RESTORE_DELIVERY = """INSERT INTO deliveries (incident, service, due, since) VALUES (?, ?, ?, ?)
    ON CONFLICT DO NOTHING"""
FORGET_PICTURES = f"""UPDATE visits SET picture = NULL WHERE picture IS NOT NULL AND EXISTS (SELECT 1 FROM alerts
    WHERE alerts.incident = visits.incident AND (state != 'open' OR step >= ?) AND step > 0)
    AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.incident = visits.incident AND {IS_BEHIND})"""  # noqa: S608


class DueDelivery(NamedTuple):
    """A delivery that is to be tried now."""

    alert: str
    """The key of the alert."""
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


class DeliveryLedger:
    """The table of deliveries, beside the tables of alerts.

    Args:
        database: The service's own file; its tables exist.
        unpaused: The services that need no pause between updates.
    """

    def __init__(self, database: Database, unpaused: Collection[str]) -> None:
        self.transaction = database.transaction
        self._unpaused = unpaused

    def start(self, alert: str, services: Iterable[str], now: float) -> None:
        """Send an alert to these services, whatever they have of it."""
        for service in services:
            self._run(START_DELIVERY, alert, service, now, now)

    def restore(self, alert: str, services: Iterable[str], now: float) -> None:
        """Send an alert to those of these services whose delivery was cancelled."""
        for service in services:
            self._run(RESTORE_DELIVERY, alert, service, now, now)

    def before_update(self, alert: str, now: float) -> None:
        """Restart the tries of every service that has all updates of an alert. Then an update may be added."""
        # A delivery that is already behind keeps its age and its failures: it takes the new update along.
        self._run(
            f"UPDATE deliveries SET since = ?, due = ?, tries = 0, reason = '' WHERE incident = ? AND NOT {IS_BEHIND}",  # noqa: S608
            *(now, now, alert),
        )

    def after_update(self, alert: str, now: float) -> None:
        """Set when the services are due that have not failed: at once if it rings, else after the pause."""
        for (service,) in self._all("SELECT service FROM deliveries WHERE incident = ?", alert):
            pause_s = 0 if service in self._unpaused else SILENT_PAUSE_S
            self._run(
                f"""UPDATE deliveries SET due = CASE WHEN {RINGS} THEN ? ELSE max(?, min(?, sent) + ?) END
                WHERE incident = ? AND service = ? AND tries = 0 AND {IS_BEHIND}""",  # noqa: S608
                *(now, now, now, pause_s, alert, service),
            )

    def cancel(self, alert: str, *, busy: Iterable[str], tried: bool) -> None:
        """Cancel the deliveries of which nothing has arrived, except to `busy` services.

        Deliveries that were tried before are cancelled only if `tried` is true.
        """
        for (service,) in self._all("SELECT service FROM deliveries WHERE incident = ? AND delivered = 0", alert):
            if service not in busy:
                self._run(
                    "DELETE FROM deliveries WHERE incident = ? AND service = ? AND (? OR tries = 0)",
                    *(alert, service, tried),
                )

    def due(self, now: float, services: Iterable[str]) -> list[DueDelivery]:
        """Return the deliveries to these services that may be tried now, the oldest first."""
        rows = self._all(
            f"""SELECT incident, service, delivered, reason FROM deliveries
            WHERE {IS_BEHIND} AND (due <= ? OR due > ?) ORDER BY since""",  # noqa: S608
            *(now, now + MAX_PLAN_AHEAD_S),
        )
        known = set(services)
        return [due for due in map(DueDelivery._make, rows) if due.service in known]

    def mark_delivered(self, alert: str, service: str, number: int, now: float, *, sent: bool = True) -> None:
        """Record that a service has taken all updates up to `number`; not `sent` if it cannot show them silently."""
        self._run(
            """UPDATE deliveries SET delivered = ?, tries = 0, reason = '', due = ?, since = ?,
            sent = CASE WHEN ? THEN ? ELSE sent END WHERE incident = ? AND service = ?""",
            *(number, now, now, sent, now, alert, service),
        )
        self.after_update(alert, now)

    def mark_failed(self, alert: str, service: str, reason: str, pauses: tuple[float, float], now: float) -> None:
        """Record why a delivery failed.

        It is due again after a pause in seconds, which doubles from `pauses[0]` up to `pauses[1]`. A delivery of which
        nothing has arrived is dropped once its alert is acknowledged.
        """
        self._run(
            """UPDATE deliveries SET reason = ?, tries = tries + 1, due = ? + min(?, ? * (1 << min(tries, 16)))
            WHERE incident = ? AND service = ?""",
            *(reason, now, pauses[1], pauses[0], alert, service),
        )
        self._run(
            "DELETE FROM deliveries WHERE incident = ? AND delivered = 0 AND incident IN "
            "(SELECT incident FROM alerts WHERE state = 'acknowledged') AND service = ?",
            *(alert, service),
        )

    def failing_services(self) -> list[FailingService]:
        """Return the services of which a failed delivery still waits."""
        rows = self._all(
            f"SELECT service, count(*), max(reason) FROM deliveries WHERE reason != '' AND {IS_BEHIND} GROUP BY service"  # noqa: S608
        )
        return [FailingService(*row) for row in rows]

    def clean_up(self, now: float, steps: int) -> int:
        """Delete what belongs to no alert, and unneeded pictures; return how many deliveries are given up."""
        given_up = self._run(f"DELETE FROM deliveries WHERE {IS_BEHIND} AND since < ?", now - GIVE_UP_AFTER_S)  # noqa: S608
        self._run(FORGET_PICTURES, steps)
        self._run("DELETE FROM deliveries WHERE incident NOT IN (SELECT incident FROM alerts)")
        return given_up

    def _run(self, statement: str, *values: object) -> int:
        with self.transaction() as connection:
            return connection.execute(statement, values).rowcount

    def _all(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self.transaction() as connection:
            return connection.execute(statement, values).fetchall()
