"""Decides which service is sent which notification, and when. Every message is first recorded in the ledger."""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from actuators.push.dispatcher import Delivery, Dispatcher
from actuators.push.ledger import MAX_PLAN_AHEAD_S, Alert, AlertLedger
from actuators.push.rules import VisitUpdate, fill_sentence, message_text, rings_at, visit_text, visit_title
from actuators.push.services import Notification, masked_url, resolve_secrets
from actuators.push.settings import PushSettings
from nerves.errors import KinwatchError
from nerves.messages import Acknowledged, Label, Say, SelfTestResult, Visit
from nerves.messages import now as utc_now
from nerves.services import Context
from nerves.topics import TEST

__all__ = ["Notifier"]

RETRY_PAUSES_S, REFUSED_PAUSES_S = (1.0, 60.0), (900.0, 900.0)
CLEAN_UP_INTERVAL_S = 600.0
# The service refuses every try until somebody corrects the settings: try less often.
REFUSED_ANSWERS = frozenset({"answers 401", "answers 403", "answers 404", "answers 410"})
# The service refuses the picture: send the text alone.
PICTURE_REFUSED_ANSWERS = frozenset({"answers 400", "answers 413", "answers 415"})

logger = logging.getLogger(__name__)


class Notifier:
    """Records alerts in the ledger and sends what is due through the dispatcher."""

    def __init__(self, settings: PushSettings, context: Context, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._context, self._clock = settings, context, clock
        self._ledger = AlertLedger(context.database)
        file = context.database.path
        self._dispatcher = Dispatcher(file.with_name(f"{file.stem}.sending"), self._record_result)
        self._urls = {_key(url): resolve_secrets(url) for step in settings.steps for url in step.urls}
        self._names = {key: masked_url(url) for key, url in self._urls.items()}
        self._cleaned_up = -CLEAN_UP_INTERVAL_S

    def record(self, message: Visit | Label | Acknowledged) -> None:
        """Record what a message changes; `process_due` sends it."""
        with self._ledger.transaction():
            known = self._ledger.find(message.visit)
            if isinstance(message, Visit):
                self._record_visit(message, known)
            else:
                self._record_response(message, known)

    def process_due(self) -> None:
        """Start the escalation steps and the deliveries that are due, and report the services that fail."""
        now = self._clock()
        with self._ledger.transaction():
            self._start_due_steps(now)
            if now - self._cleaned_up >= CLEAN_UP_INTERVAL_S or now < self._cleaned_up:
                self._cleaned_up = now
                if given_up := self._ledger.clean_up(now, len(self._settings.steps)):
                    logger.error("%d notifications could not be delivered within a day: given up", given_up)
            # In the same transaction: a delivery that ends meanwhile must not look due.
            for due in self._ledger.due_deliveries(now, self._urls):
                if not self._dispatcher.is_busy(due.service):
                    number, notification = self._notification(due.visit, due.delivered, due.reason)
                    delivery = Delivery(due.visit, due.service, number)
                    self._dispatcher.send(delivery, self._urls[due.service], notification)
        self._context.report("; ".join(self._problems()))

    def _record_visit(self, visit: Visit, known: Alert | None) -> None:
        now = self._clock()
        if known is None:
            if visit.alert:
                self._ledger.add_alert(
                    visit, visit_text(self._settings, visit, first=True), now, self._ring_time(visit, now)
                )
            return
        if visit.seq <= known.seq:
            return
        self._ledger.update_facts(visit)
        if known.facts is None or (visit.verdict, visit.who) == (known.facts.verdict, known.facts.who):
            return
        if known.state == "acknowledged" and visit.who == known.facts.who:
            return  # a person has said so before
        if known.step:
            self._correct(visit, known, now)
        elif known.state != "acknowledged":
            self._ledger.reschedule(visit, visit_text(self._settings, visit, first=True), self._ring_time(visit, now))

    def _correct(self, visit: Visit, known: Alert, now: float) -> None:
        """Send a correction to every service that was sent the alert."""
        is_welcome = visit.verdict not in self._settings.on
        if known.state != "acknowledged":
            self._ledger.set_state(visit.visit, "welcome" if is_welcome else "open")
        if is_welcome:
            self._ledger.cancel_deliveries(visit.visit, busy=self._dispatcher.busy_services(visit.visit), tried=False)
        self._ledger.add_update(visit.visit, VisitUpdate(visit_text(self._settings, visit, first=False), visit.at), now)

    def _record_response(self, message: Label | Acknowledged, known: Alert | None) -> None:
        """Stop the alert at every service, and tell those that were sent it who has responded."""
        now = self._clock()
        if known is None:
            self._ledger.add_acknowledged(message.visit, message.place, now)
            return
        self._ledger.set_state(message.visit, "acknowledged")
        self._ledger.cancel_deliveries(message.visit, busy=self._dispatcher.busy_services(message.visit), tried=True)
        text = self._response_text(message, known)
        if text and known.step:
            self._ledger.add_update(message.visit, VisitUpdate(text, message.at), now)

    def _response_text(self, message: Label | Acknowledged, known: Alert) -> str:
        """Return the text of a person's response; empty if it changes nothing."""
        visit = known.facts
        if visit is None:
            return ""
        if isinstance(message, Acknowledged):
            return fill_sentence(self._settings, "acknowledged", visit, by=message.by) if known.state == "open" else ""
        if message.who is None:
            return fill_sentence(self._settings, "nobody", visit)
        if message.who == visit.who:
            return ""
        corrected = visit.model_copy(update={"verdict": message.group, "who": message.who})
        self._ledger.update_facts(corrected)
        return visit_text(self._settings, corrected, first=False)

    def _ring_time(self, visit: Visit, now: float) -> float | None:
        """Return when an alert rings, in Unix seconds; None if it does not. A self-test rings at once."""
        if visit.place == TEST:
            return now
        if self._ledger.has_rung(visit, now - self._settings.cooldown_s, now):
            logger.info("%s: Not pushed: the same person was there less than cooldown_s ago", visit.place)
            return None
        local = datetime.fromtimestamp(now).astimezone()
        rings = rings_at(self._settings, visit.verdict, local.replace(tzinfo=None))
        if rings is None:
            return None
        return now if rings == local.replace(tzinfo=None) else rings.astimezone().timestamp()

    def _start_due_steps(self, now: float) -> None:
        steps = self._settings.steps
        for visit, starts, done in self._ledger.pending_steps(len(steps)):
            for step in steps[done:]:
                at = starts + step.after_s
                if now < at < now + MAX_PLAN_AHEAD_S:
                    break
                self._ledger.complete_step(visit, map(_key, step.urls), now)
                if step.say:
                    self._context.publish(self._spoken_alert(visit, step.say))

    def _spoken_alert(self, visit: UUID, place: str) -> Say:
        facts = self._facts(visit)
        (update,), _ = self._ledger.updates_since(visit, 0)
        words = fill_sentence(self._settings, "spoken", facts, text=update.text)
        return Say(place=place, words=words, language=self._settings.language)

    def _notification(self, visit: UUID, delivered: int, reason: str) -> tuple[int, Notification]:
        """Return the number of the last update, and the notification of all updates after number `delivered`.

        `reason` says why the last try failed.
        """
        facts = self._facts(visit)
        updates, number = self._ledger.updates_since(visit, delivered)
        wants_picture = self._settings.picture and not delivered and reason not in PICTURE_REFUSED_ANSWERS
        picture = self._ledger.picture(visit) if wants_picture else None
        title = visit_title(self._settings, facts)
        return number, Notification(title, message_text(self._settings, updates, utc_now()), picture, facts.place)

    def _facts(self, visit: UUID) -> Visit:
        alert = self._ledger.find(visit)
        if alert is None or alert.facts is None:
            message = f"{visit}: a delivery of a visit that is not in the ledger"
            raise RuntimeError(message)
        return alert.facts

    def _record_result(self, delivery: Delivery, reason: str) -> None:
        """Record at once how a delivery ended: a process that is killed before this line sends it again."""
        now = self._clock()
        if reason:
            logger.warning("%s: %s", self._names[delivery.service], reason)
        try:
            with self._ledger.transaction():
                self._dispatcher.finish(delivery)
                if reason:
                    pauses = REFUSED_PAUSES_S if reason in REFUSED_ANSWERS else RETRY_PAUSES_S
                    self._ledger.mark_failed(delivery.visit, delivery.service, reason, pauses, now)
                else:
                    self._ledger.mark_delivered(delivery.visit, delivery.service, delivery.number, now)
                self._report_self_test(delivery, reason)
        except KinwatchError as error:
            logger.error("%s", error)  # noqa: TRY400 - it says what to check, and `process_due` meets it too

    def _report_self_test(self, delivery: Delivery, reason: str) -> None:
        """Publish the result of a self-test, if the visit is one: it has passed once any service has taken it."""
        if self._facts(delivery.visit).place == TEST:
            name = self._names[delivery.service]
            detail = f"{name} {reason}" if reason else f"delivered to {name}"
            result = SelfTestResult(visit=delivery.visit, service=self._context.name, ok=not reason, detail=detail)
            self._context.publish(result)

    def _problems(self) -> Iterator[str]:
        for service, waiting, reason in self._ledger.failing_services():
            name = self._names.get(service)
            if name:
                help_ = ": check its address and token" if reason in REFUSED_ANSWERS else ""
                yield f"{name} {reason}{help_}; {waiting} waiting"


def _key(url: str) -> str:
    """Return the name of a service in the ledger: a hash of its url, which holds secrets."""
    return sha256(resolve_secrets(url).encode()).hexdigest()[:16]
