"""The ledger of alerts: what is known of each, what was delivered to whom, and what is still due.

It lies on disk and survives a crash.
"""

from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from actuators.push.incidents import StoredUpdate
from actuators.push.rules import cooldown_identity
from actuators.push.tables import TABLES
from nerves.database import Database
from nerves.messages import Incident, Visit

__all__ = ["MAX_PLAN_AHEAD_S", "Alert", "AlertLedger", "AlertState", "KnownVisit"]

AlertState = Literal["open", "welcome", "acknowledged"]

FORGET_AFTER_S = 7 * 86400.0
# Nothing is planned this far ahead. A later time means that the clock was set back: such a delivery is due now.
MAX_PLAN_AHEAD_S = 2.5 * 86400

SELECT_SAME_PERSON = """SELECT 1 FROM visits JOIN alerts USING (incident) WHERE place = ? AND identity = ?
    AND visits.incident != ? AND starts IS NOT NULL AND visits.at BETWEEN ? AND ?"""
STORE_VISIT = """INSERT INTO visits (visit, incident, place, identity, seq, facts, picture, pictured, at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (visit) DO UPDATE SET incident = excluded.incident,
    identity = excluded.identity, seq = excluded.seq, facts = excluded.facts,
    picture = coalesce(excluded.picture, picture), pictured = max(excluded.pictured, pictured)"""
SELECT_UPDATES = "SELECT text, at, visit, summary, pictured FROM updates WHERE incident = ? ORDER BY number"
INSERT_UPDATE = """INSERT INTO updates (incident, number, text, at, visit, summary, pictured)
    SELECT ?, coalesce(max(number), 0) + 1, ?, ?, ?, ?, ? FROM updates WHERE incident = ?"""


class Alert(NamedTuple):
    """What the ledger has of one alert: of an incident, or of a visit that belongs to none."""

    key: str
    details: Incident | None
    """What the messages say of the incident."""
    starts: float | None
    """When it rings, in Unix seconds; None if it does not ring."""
    step: int
    """How many escalation steps are done."""
    state: AlertState


class KnownVisit(NamedTuple):
    """What the ledger has of one visit."""

    alert: str
    """The key of its alert."""
    seq: int
    facts: Visit | None
    """The newest message, without its picture; None if the visit was acknowledged before any message came."""
    pictured: bool
    """Whether it has had a picture."""


class AlertLedger:
    """The tables of alerts and their visits, in the service's own file.

    Changes inside one `transaction()` are written together or not at all.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.transaction = database.transaction
        database.migrate("alerts", TABLES)

    def find(self, alert: str) -> Alert | None:
        """Return an alert by its key, or None."""
        row = self._one("SELECT details, starts, step, state FROM alerts WHERE incident = ?", alert)
        if row is None:
            return None
        details, *rest = row
        return Alert(alert, details and Incident.model_validate_json(details), *rest)

    def find_visit(self, visit: UUID) -> KnownVisit | None:
        """Return what is known of a visit, or None."""
        row = self._one("SELECT incident, seq, facts, pictured FROM visits WHERE visit = ?", str(visit))
        if row is None:
            return None
        alert, seq, facts, pictured = row
        return KnownVisit(alert, seq, facts and Visit.model_validate_json(facts), bool(pictured))

    def visits_of(self, alert: str) -> list[Visit]:
        """Return the newest message of each visit of an alert, without pictures, in the order in which they came."""
        rows = self._all("SELECT facts FROM visits WHERE incident = ? AND facts IS NOT NULL ORDER BY at, rowid", alert)
        return [Visit.model_validate_json(facts) for (facts,) in rows]

    def add_alert(self, alert: str, now: float, state: AlertState) -> None:
        """Add an alert; `schedule` says when it rings."""
        self._run("INSERT INTO alerts (incident, at, state) VALUES (?, ?, ?)", alert, now, state)

    def add_acknowledged(self, visit: UUID, place: str, now: float) -> None:
        """Record that a visit is acknowledged before its alert has come: the alert will not ring."""
        self._run(STORE_VISIT, str(visit), str(visit), place, "", 0, None, None, 0, now)
        self.add_alert(str(visit), now, "acknowledged")

    def store_visit(self, visit: Visit, alert: str, now: float) -> None:
        """Store the newest facts of a visit of an alert, and its picture if the message has one."""
        facts = visit.model_copy(update={"picture": None}).model_dump_json(exclude_none=True)
        self._run(
            STORE_VISIT,
            *(str(visit.visit), alert, visit.place, cooldown_identity(visit), visit.seq, facts, visit.picture),
            *(visit.picture is not None, now),
        )

    def set_details(self, alert: str, details: Incident) -> None:
        """Store what the messages say of an incident."""
        self._run("UPDATE alerts SET details = ? WHERE incident = ?", details.model_dump_json(), alert)

    def schedule(self, alert: str, starts: float | None) -> None:
        """Set when an alert rings, in Unix seconds; None if it does not."""
        self._run("UPDATE alerts SET starts = ? WHERE incident = ?", starts, alert)

    def set_state(self, alert: str, state: AlertState) -> None:
        """Set the state of an alert."""
        self._run("UPDATE alerts SET state = ? WHERE incident = ?", state, alert)

    def set_first_text(self, alert: str, text: str, at: datetime) -> None:
        """Change the text of an alert that has not rung yet."""
        self._run(
            "UPDATE updates SET text = ?, at = ? WHERE incident = ? AND number = 1", *(text, at.timestamp(), alert)
        )

    def add_update(self, alert: str, update: StoredUpdate) -> None:
        """Append an update to an alert."""
        at = update.at.timestamp()
        self._run(
            INSERT_UPDATE, *(alert, update.text, at, update.visit, update.is_summary, update.has_new_picture, alert)
        )

    def updates(self, alert: str) -> list[StoredUpdate]:
        """Return the updates of an alert in their order; the first has number 1."""
        return [
            StoredUpdate(text, datetime.fromtimestamp(at, UTC), visit, bool(summary), bool(pictured))
            for text, at, visit, summary, pictured in self._all(SELECT_UPDATES, alert)
        ]

    def has_rung(self, visit: Visit, alert: str, since: float, until: float) -> bool:
        """Whether another alert of the same person rang at the same place between these Unix times."""
        who = cooldown_identity(visit)
        return bool(who) and self._one(SELECT_SAME_PERSON, visit.place, who, alert, since, until) is not None

    def pending_steps(self, count: int) -> list[tuple[str, float, int]]:
        """Return the key, the start time and the next step of each open alert with fewer than `count` steps done."""
        return self._all(
            "SELECT incident, starts, step FROM alerts WHERE state = 'open' AND starts IS NOT NULL AND step < ?", count
        )

    def complete_step(self, alert: str) -> None:
        """Record that the next escalation step of an alert is done."""
        self._run("UPDATE alerts SET step = step + 1 WHERE incident = ?", alert)

    def picture(self, visit: str) -> bytes | None:
        """Return the picture of a visit as JPEG, or None."""
        row = self._one("SELECT picture FROM visits WHERE visit = ?", visit)
        return row[0] if row else None

    def count_pictures(self, alert: str) -> int:
        """Return how many visits of an alert have had a picture."""
        ((count,),) = self._all("SELECT count(*) FROM visits WHERE incident = ? AND pictured", alert)
        return int(count)

    def clean_up(self, now: float) -> None:
        """Delete alerts of more than a week, with their visits and updates."""
        self._run("DELETE FROM alerts WHERE at < ?", now - FORGET_AFTER_S)
        for table in ("visits", "updates"):
            self._run(f"DELETE FROM {table} WHERE incident NOT IN (SELECT incident FROM alerts)")  # noqa: S608

    def _run(self, statement: str, *values: object) -> int:
        with self.transaction() as connection:
            return connection.execute(statement, values).rowcount

    def _all(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self.transaction() as connection:
            return connection.execute(statement, values).fetchall()

    def _one(self, statement: str, *values: object) -> tuple[Any, ...] | None:
        return next(iter(self._all(statement, *values)), None)
