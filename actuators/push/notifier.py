"""Decides which service is sent which notification, and when. Every message is first recorded in the ledger."""

import logging
import time
from collections.abc import Callable, Iterator

from actuators.push.deliveries import DeliveryLedger, DueDelivery
from actuators.push.dispatcher import Delivery, Dispatcher
from actuators.push.incidents import StoredUpdate, due_texts, is_silent, shown_visits
from actuators.push.ledger import MAX_PLAN_AHEAD_S, AlertLedger
from actuators.push.recorder import Recorder
from actuators.push.rules import fill_sentence, message_text, visit_title
from actuators.push.services import (
    AttachedPicture,
    Notification,
    masked_url,
    replaces,
    resolve_secrets,
    service_key,
    shows_silently,
)
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
# More pictures do not go into one message: each has up to 100 KB, and Discord takes no more than 10.
MAX_PICTURES = 8

logger = logging.getLogger(__name__)


class Notifier:
    """Records alerts in the ledger and sends what is due through the dispatcher."""

    def __init__(self, settings: PushSettings, context: Context, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._context, self._clock = settings, context, clock
        self._urls = {service_key(url): resolve_secrets(url) for step in settings.steps for url in step.urls}
        self._names = {key: masked_url(url) for key, url in self._urls.items()}
        self._ledger = AlertLedger(context.database)
        # A service that can only ring takes no update, and a receiver that replaces its notification takes each.
        unpaused = {key for key, url in self._urls.items() if replaces(url) or not shows_silently(url)}
        self._deliveries = DeliveryLedger(context.database, unpaused)
        file = context.database.path
        self._dispatcher = Dispatcher(file.with_name(f"{file.stem}.sending"), self._record_result)
        self._recorder = Recorder(settings, self._ledger, self._deliveries, self._dispatcher.busy_services, clock)
        self._cleaned_up = -CLEAN_UP_INTERVAL_S

    def record(self, message: Visit | Label | Acknowledged) -> None:
        """Record what a message changes; `process_due` sends it."""
        self._recorder.record(message)

    def process_due(self) -> None:
        """Start the escalation steps and the deliveries that are due, and report the services that fail."""
        now = self._clock()
        with self._ledger.transaction():
            self._start_due_steps(now)
            self._clean_up(now)
            # In the same transaction: a delivery that ends meanwhile must not look due.
            for due in self._deliveries.due(now, self._urls):
                if not self._dispatcher.is_busy(due.service):
                    self._send(due, now)
        self._context.report("; ".join(self._problems()))

    def _clean_up(self, now: float) -> None:
        if now - self._cleaned_up < CLEAN_UP_INTERVAL_S and now >= self._cleaned_up:
            return
        self._cleaned_up = now
        self._ledger.clean_up(now)
        if given_up := self._deliveries.clean_up(now, len(self._settings.steps)):
            logger.error("%d notifications could not be delivered within a day: given up", given_up)

    def _send(self, due: DueDelivery, now: float) -> None:
        updates, url = self._ledger.updates(due.alert), self._urls[due.service]
        notification = self._notification(due, updates)
        if notification.is_silent and not shows_silently(url):
            self._deliveries.mark_delivered(due.alert, due.service, len(updates), now, sent=False)
            return
        self._dispatcher.send(Delivery(due.alert, due.service, len(updates)), url, notification)

    def _start_due_steps(self, now: float) -> None:
        steps = self._settings.steps
        for alert, starts, done in self._ledger.pending_steps(len(steps)):
            for step in steps[done:]:
                at = starts + step.after_s
                if now < at < now + MAX_PLAN_AHEAD_S:
                    break
                self._ledger.complete_step(alert)
                self._deliveries.start(alert, map(service_key, step.urls), now)
                if step.say:
                    self._context.publish(self._spoken_alert(alert, step.say))

    def _spoken_alert(self, alert: str, place: str) -> Say:
        updates = self._ledger.updates(alert)
        text = " ".join(each.text for each in due_texts(updates, 0))
        words = fill_sentence(self._settings, "spoken", self._facts(alert, updates), text=text)
        return Say(place=place, words=words, language=self._settings.language)

    def _notification(self, due: DueDelivery, updates: list[StoredUpdate]) -> Notification:
        """Return the notification of all updates that a service does not have yet."""
        title = visit_title(self._settings, self._facts(due.alert, updates))
        text = message_text(self._settings, due_texts(updates, due.delivered), utc_now())
        wants_pictures = self._settings.picture and due.reason not in PICTURE_REFUSED_ANSWERS
        pictures = tuple(self._pictures(due, updates)) if wants_pictures else ()
        return Notification(title, text, pictures[:MAX_PICTURES], due.alert, is_silent(updates, due.delivered))

    def _pictures(self, due: DueDelivery, updates: list[StoredUpdate]) -> Iterator[AttachedPicture]:
        """Yield the pictures that go along, the newest first."""
        places = {str(visit.visit): visit.place for visit in self._ledger.visits_of(due.alert)}
        new = shown_visits(updates, due.delivered)
        # A receiver that replaces its notification would lose the earlier pictures.
        for visit in shown_visits(updates, 0) if new and replaces(self._urls[due.service]) else new:
            jpeg = self._ledger.picture(visit)
            if jpeg and visit in places:
                yield AttachedPicture(jpeg, places[visit])

    def _facts(self, alert: str, updates: list[StoredUpdate]) -> Visit:
        """Return the newest message of the visit that the newest update is about."""
        visits = {str(visit.visit): visit for visit in self._ledger.visits_of(alert)}
        found = next((visits[each.visit] for each in reversed(updates) if each.visit in visits), None)
        if found is None:
            message = f"{alert}: a delivery of an alert without a visit in the ledger"
            raise RuntimeError(message)
        return found

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
                    self._deliveries.mark_failed(delivery.alert, delivery.service, reason, pauses, now)
                else:
                    self._deliveries.mark_delivered(delivery.alert, delivery.service, delivery.number, now)
                self._report_self_test(delivery, reason)
        except KinwatchError as error:
            logger.error("%s", error)  # noqa: TRY400 - it says what to check, and `process_due` meets it too

    def _report_self_test(self, delivery: Delivery, reason: str) -> None:
        """Publish the result of a self-test, if the visit is one: it has passed once any service has taken it."""
        facts = self._facts(delivery.alert, self._ledger.updates(delivery.alert))
        if facts.place == TEST:
            name = self._names[delivery.service]
            detail = f"{name} {reason}" if reason else f"delivered to {name}"
            result = SelfTestResult(visit=facts.visit, service=self._context.name, ok=not reason, detail=detail)
            self._context.publish(result)

    def _problems(self) -> Iterator[str]:
        for service, waiting, reason in self._deliveries.failing_services():
            name = self._names.get(service)
            if name:
                help_ = ": check its address and token" if reason in REFUSED_ANSWERS else ""
                yield f"{name} {reason}{help_}; {waiting} waiting"
