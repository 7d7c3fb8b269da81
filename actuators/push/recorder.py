"""Records in the ledger what each message changes: a new alert, a further ring, an update, a correction, a response."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from actuators.push.deliveries import DeliveryLedger
from actuators.push.incidents import StoredUpdate, incident_key, merged, summary
from actuators.push.ledger import Alert, AlertLedger, AlertState, KnownVisit
from actuators.push.rules import fill_sentence, has_cooldown, is_welcome, rings_at, visit_text
from actuators.push.services import service_key
from actuators.push.settings import PushSettings
from nerves.messages import Acknowledged, Label, Visit
from nerves.topics import TEST

__all__ = ["Recorder"]

logger = logging.getLogger(__name__)


class Recorder:
    """Turns messages into alerts and their updates; each message is one transaction.

    Args:
        settings: What rings, and the sentences.
        ledger: The alerts.
        deliveries: Who is behind with them.
        busy_services: Returns the services to which a notification of an alert is under way.
        clock: Returns the time in Unix seconds.
    """

    def __init__(
        self,
        settings: PushSettings,
        ledger: AlertLedger,
        deliveries: DeliveryLedger,
        busy_services: Callable[[str], Iterable[str]],
        clock: Callable[[], float],
    ) -> None:
        self._settings, self._ledger, self._deliveries = settings, ledger, deliveries
        self._busy_services, self._clock = busy_services, clock

    def record(self, message: Visit | Label | Acknowledged) -> None:
        """Record what a message changes."""
        with self._ledger.transaction():
            known = self._ledger.find_visit(message.visit)
            if not isinstance(message, Visit):
                self._record_response(message, known)
            elif known is None or message.seq > known.seq:
                self._record_visit(message, known)

    def _record_visit(self, visit: Visit, known: KnownVisit | None) -> None:
        now = self._clock()
        # A visit stays with its alert, unless it alerts anew.
        key = known.alert if known and known.facts and not visit.alert else incident_key(visit)
        alert = self._ledger.find(key)
        if alert is None:
            if visit.alert:
                self._add_alert(key, visit, known, now)
            return
        self._ledger.store_visit(visit, key, now)
        self._merge_details(alert, visit)
        is_answered = known is not None and known.facts is None  # acknowledged before it came
        if is_answered:
            alert = self._with_state(alert, "acknowledged")
        elif alert.state == "welcome" and known is None and visit.verdict in self._settings.on:
            alert = self._with_state(alert, "open")  # everybody had a name, and this one has none
        if not alert.step and visit.alert and not is_answered and alert.state != "open":
            alert = self._with_state(alert, "open")._replace(starts=None)  # answered before it rang, and worse now
        if alert.step:
            self._add_news(alert, visit, known, now, may_ring=visit.alert and not is_answered)
        elif alert.state != "acknowledged":
            self._reschedule(alert, now)
        is_first_picture = visit.picture is not None and not (known and known.pictured)
        self._add_summary(key, visit, now, has_new_picture=is_first_picture)

    def _with_state(self, alert: Alert, state: AlertState) -> Alert:
        self._ledger.set_state(alert.key, state)
        return alert._replace(state=state)

    def _add_alert(self, key: str, visit: Visit, known: KnownVisit | None, now: float) -> None:
        self._ledger.add_alert(key, now, "acknowledged" if known and known.facts is None else "open")
        self._ledger.store_visit(visit, key, now)
        if visit.incident:
            self._ledger.set_details(key, visit.incident)
        self._ledger.schedule(key, self._ring_time(visit, key, now))
        text = visit_text(self._settings, visit, first=True)
        has_picture = visit.picture is not None
        update = StoredUpdate(text, visit.at, str(visit.visit), is_summary=False, has_new_picture=has_picture)
        self._ledger.add_update(key, update)
        self._add_summary(key, visit, now, has_new_picture=False)

    def _merge_details(self, alert: Alert, visit: Visit) -> None:
        if visit.incident is None or str(visit.incident.id) != alert.key:
            return
        details = merged(alert.details, visit.incident)
        if details and details != alert.details:
            self._ledger.set_details(alert.key, details)

    def _add_news(self, alert: Alert, visit: Visit, known: KnownVisit | None, now: float, *, may_ring: bool) -> None:
        """Add what a message says to an alert that has rung: it rings again, or corrects what was said."""
        if may_ring and self._rings_now(visit, now):
            self._ring_again(alert, visit, now)
            return
        before = known.facts if known else None
        if before is None or (visit.verdict, visit.who) == (before.verdict, before.who):
            return
        if alert.state == "acknowledged" and visit.who == before.who:
            return  # a person has said so before
        self._correct(alert, visit, now)

    def _ring_again(self, alert: Alert, visit: Visit, now: float) -> None:
        """Ring at everybody who was sent the alert. Steps that are not done count from now if somebody had answered."""
        if alert.state != "open":
            self._ledger.set_state(alert.key, "open")
            self._ledger.schedule(alert.key, now)
        done = [url for step in self._settings.steps[: alert.step] for url in step.urls]
        self._deliveries.restore(alert.key, map(service_key, done), now)
        self._add_sentence(alert.key, visit_text(self._settings, visit, first=True), visit, now)

    def _correct(self, alert: Alert, visit: Visit, now: float) -> None:
        """Send a correction to every service that was sent the alert."""
        all_welcome = all(is_welcome(self._settings, each) for each in self._ledger.visits_of(alert.key))
        if alert.state != "acknowledged":
            self._ledger.set_state(alert.key, "welcome" if all_welcome else "open")
        if all_welcome:
            self._deliveries.cancel(alert.key, busy=self._busy_services(alert.key), tried=False)
        self._add_sentence(alert.key, visit_text(self._settings, visit, first=False), visit, now)

    def _reschedule(self, alert: Alert, now: float) -> None:
        """Set when an alert rings that has not rung yet, and what it says: the worst of its visits decides."""
        visits = self._ledger.visits_of(alert.key)
        times = [(self._ring_time(each, alert.key, now), each) for each in visits]
        ringing = [(at, each) for at, each in times if at is not None]
        if not ringing:
            self._ledger.schedule(alert.key, None)
            return
        starts = min(at for at, _ in ringing)
        self._ledger.schedule(alert.key, starts if alert.starts is None else min(starts, alert.starts))
        _, worst = max(ringing, key=lambda pair: (pair[1].verdict == "stranger", pair[1].at))
        self._ledger.set_first_text(alert.key, visit_text(self._settings, worst, first=True), worst.at)

    def _add_sentence(self, key: str, text: str, visit: Visit, now: float, at: datetime | None = None) -> None:
        update = StoredUpdate(text, at or visit.at, str(visit.visit), is_summary=False, has_new_picture=False)
        self._add_update(key, update, now)

    def _add_summary(self, key: str, visit: Visit, now: float, *, has_new_picture: bool) -> None:
        """Add what is known of the whole incident, if that has changed."""
        alert, updates = self._ledger.find(key), self._ledger.updates(key)
        if alert is None or not updates:
            return
        visits, pictures = self._ledger.visits_of(key), self._ledger.count_pictures(key)
        text = summary(self._settings, alert.details, visits, pictures)
        if text != next((each.text for each in reversed(updates) if each.is_summary), ""):
            update = StoredUpdate(text, visit.at, str(visit.visit), is_summary=True, has_new_picture=has_new_picture)
            self._add_update(key, update, now)

    def _add_update(self, key: str, update: StoredUpdate, now: float) -> None:
        self._deliveries.before_update(key, now)
        self._ledger.add_update(key, update)
        self._deliveries.after_update(key, now)

    def _record_response(self, message: Label | Acknowledged, known: KnownVisit | None) -> None:
        """Stop the alert at every service, and tell those that were sent it who has responded."""
        now = self._clock()
        alert = self._ledger.find(known.alert) if known else None
        if known is None or alert is None:
            self._ledger.add_acknowledged(message.visit, message.place, now)
            return
        self._ledger.set_state(alert.key, "acknowledged")
        self._deliveries.cancel(alert.key, busy=self._busy_services(alert.key), tried=True)
        text = self._response_text(message, known, alert, now)
        if text and alert.step and known.facts:
            self._add_sentence(alert.key, text, known.facts, now, message.at)
            self._add_summary(alert.key, known.facts, now, has_new_picture=False)

    def _response_text(self, message: Label | Acknowledged, known: KnownVisit, alert: Alert, now: float) -> str:
        """Return the text of a person's response; empty if it changes nothing."""
        visit = known.facts
        if visit is None:
            return ""
        if isinstance(message, Acknowledged):
            return fill_sentence(self._settings, "acknowledged", visit, by=message.by) if alert.state == "open" else ""
        if message.who is None:
            return fill_sentence(self._settings, "nobody", visit)
        if message.who == visit.who:
            return ""
        corrected = visit.model_copy(update={"verdict": message.group, "who": message.who, "reasons": ()})
        self._ledger.store_visit(corrected, alert.key, now)
        return visit_text(self._settings, corrected, first=False)

    def _rings_now(self, visit: Visit, now: float) -> bool:
        local = datetime.fromtimestamp(now).astimezone().replace(tzinfo=None)
        return visit.place == TEST or rings_at(self._settings, visit.verdict, local) == local

    def _ring_time(self, visit: Visit, alert: str, now: float) -> float | None:
        """Return when an alert rings, in Unix seconds; None if it does not. A self-test rings at once."""
        if visit.place == TEST:
            return now
        if has_cooldown(visit) and self._ledger.has_rung(visit, alert, now - self._settings.cooldown_s, now):
            logger.info("%s: Not pushed: the same person was there less than cooldown_s ago", visit.place)
            return None
        local = datetime.fromtimestamp(now).astimezone()
        rings = rings_at(self._settings, visit.verdict, local.replace(tzinfo=None))
        if rings is None or is_welcome(self._settings, visit):
            return None
        return now if rings == local.replace(tzinfo=None) else rings.astimezone().timestamp()
