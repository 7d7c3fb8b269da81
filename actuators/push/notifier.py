"""Who is to be told what: every message is noted at once, and letters go out when they are due."""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from actuators.push.dispatcher import Delivery, Dispatcher
from actuators.push.ledger import FAR_S, Alert, AlertLedger
from actuators.push.rules import News, compose, rings_at, said_of, text_of, title_of
from actuators.push.services import Notification, resolve, shown
from actuators.push.settings import PushSettings
from nerves.errors import KinwatchError
from nerves.messages import Acknowledged, Label, Say, SelfTestResult, Visit
from nerves.messages import now as utc_now
from nerves.services import Context
from nerves.topics import TEST

__all__ = ["Notifier"]

SOON_S, LATER_S = (1.0, 60.0), (900.0, 900.0)
TIDY_S = 600.0
# A new try answers the same until somebody corrects the settings.
REFUSALS = frozenset({"answers 401", "answers 403", "answers 404", "answers 410"})
# What a service says that does not want the picture.
PICTURELESS = frozenset({"answers 400", "answers 413", "answers 415"})

logger = logging.getLogger(__name__)


class Notifier:
    """Keeps the ledger, and sends the courier."""

    def __init__(self, settings: PushSettings, desk: Context, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._desk, self._clock = settings, desk, clock
        self._ledger = AlertLedger(desk.database)
        file = desk.database.path
        self._courier = Dispatcher(file.with_name(f"{file.stem}.sending"), self._return)
        self._urls = {_key(url): resolve(url) for step in settings.steps for url in step.urls}
        self._names = {key: shown(url) for key, url in self._urls.items()}
        self._tidied = -TIDY_S

    def hear(self, message: Visit | Label | Acknowledged) -> None:
        """Note what a message changes."""
        with self._ledger.transaction():
            known = self._ledger.alert(message.visit)
            if isinstance(message, Visit):
                self._hear_visit(message, known)
            else:
                self._hear_person(message, known)

    def turn(self) -> None:
        """Do what is due."""
        now = self._clock()
        with self._ledger.transaction():
            self._take_steps(now)
            if now - self._tidied >= TIDY_S or now < self._tidied:
                self._tidied = now
                if given_up := self._ledger.tidy(now, len(self._settings.steps)):
                    logger.error("%d messages could not be delivered within a day and are given up", given_up)
            # In the same transaction: a letter that comes back meanwhile is not taken for one that is due.
            for due in self._ledger.due(now, self._urls):
                if not self._courier.is_out(due.service):
                    number, letter = self._written(due.visit, due.told, due.why)
                    self._courier.send(Delivery(due.visit, due.service, number), self._urls[due.service], letter)
        self._desk.report("; ".join(self._troubles()))

    def _hear_visit(self, visit: Visit, known: Alert | None) -> None:
        now = self._clock()
        if known is None:
            if visit.alert:
                self._ledger.begin(visit, text_of(self._settings, visit, first=True), now, self._starts(visit, now))
            return
        if visit.seq <= known.seq:
            return
        self._ledger.update(visit)
        if known.facts is None or (visit.verdict, visit.who) == (known.facts.verdict, known.facts.who):
            return
        if known.state == "acknowledged" and visit.who == known.facts.who:
            return  # a human said so before
        if known.step:
            self._correct(visit, known, now)
        elif known.state != "acknowledged":
            self._ledger.restart(visit, text_of(self._settings, visit, first=True), self._starts(visit, now))

    def _correct(self, visit: Visit, known: Alert, now: float) -> None:
        """Tell those who were told that it is otherwise."""
        is_welcome = visit.verdict not in self._settings.on
        if known.state != "acknowledged":
            self._ledger.turn(visit.visit, "welcome" if is_welcome else "open")
        if is_welcome:
            self._ledger.spare(visit.visit, busy=self._courier.out_for(visit.visit), tried=False)
        self._ledger.say(visit.visit, News(text_of(self._settings, visit, first=False), visit.at), now)

    def _hear_person(self, message: Label | Acknowledged, known: Alert | None) -> None:
        """Somebody has taken note: it stops everywhere, and those who were told are told that too."""
        now = self._clock()
        if known is None:
            self._ledger.stop_early(message.visit, message.place, now)
            return
        self._ledger.turn(message.visit, "acknowledged")
        self._ledger.spare(message.visit, busy=self._courier.out_for(message.visit), tried=True)
        text = self._word(message, known)
        if text and known.step:
            self._ledger.say(message.visit, News(text, message.at), now)

    def _word(self, message: Label | Acknowledged, known: Alert) -> str:
        """Return what a person's word says that is new; nothing if it is known."""
        visit = known.facts
        if visit is None:
            return ""
        if isinstance(message, Acknowledged):
            return said_of(self._settings, "acknowledged", visit, by=message.by) if known.state == "open" else ""
        if message.who is None:
            return said_of(self._settings, "nobody", visit)
        if message.who == visit.who:
            return ""
        told = visit.model_copy(update={"verdict": message.group, "who": message.who})
        self._ledger.update(told)
        return text_of(self._settings, told, first=False)

    def _starts(self, visit: Visit, now: float) -> float | None:
        """Return when an alert rings; None if it does not. A test alert rings at once."""
        if visit.place == TEST:
            return now
        if self._ledger.rang(visit, now - self._settings.cooldown_s, now):
            logger.info("%s: the same person again, within cooldown_s: not pushed", visit.place)
            return None
        local = datetime.fromtimestamp(now).astimezone()
        rings = rings_at(self._settings, visit.verdict, local.replace(tzinfo=None))
        if rings is None:
            return None
        return now if rings == local.replace(tzinfo=None) else rings.astimezone().timestamp()

    def _take_steps(self, now: float) -> None:
        steps = self._settings.steps
        for visit, starts, done in self._ledger.steps(len(steps)):
            for step in steps[done:]:
                at = starts + step.after_s
                if now < at < now + FAR_S:
                    break
                self._ledger.take_step(visit, map(_key, step.urls), now)
                if step.say:
                    self._desk.publish(self._spoken(visit, step.say))

    def _spoken(self, visit: UUID, place: str) -> Say:
        facts = self._facts(visit)
        (news,), _ = self._ledger.news(visit, 0)
        words = said_of(self._settings, "spoken", facts, text=news.text)
        return Say(place=place, words=words, language=self._settings.language)

    def _written(self, visit: UUID, told: int, why: str) -> tuple[int, Notification]:
        """Return the letter to somebody who was told so much, and how much they know then."""
        facts = self._facts(visit)
        news, number = self._ledger.news(visit, told)
        wants_picture = self._settings.picture and not told and why not in PICTURELESS
        picture = self._ledger.picture(visit) if wants_picture else None
        title = title_of(self._settings, facts)
        return number, Notification(title, compose(self._settings, news, utc_now()), picture, facts.place)

    def _facts(self, visit: UUID) -> Visit:
        alert = self._ledger.alert(visit)
        if alert is None or alert.facts is None:
            message = f"{visit}: a letter about a visit that is not in the ledger"
            raise RuntimeError(message)
        return alert.facts

    def _return(self, errand: Delivery, why: str) -> None:
        """Note at once what came of an errand: whoever is killed before that sends the letter twice."""
        now = self._clock()
        if why:
            logger.warning("%s: %s", self._names[errand.service], why)
        try:
            with self._ledger.transaction():
                self._courier.over(errand)
                if why:
                    pauses = LATER_S if why in REFUSALS else SOON_S
                    self._ledger.failed(errand.visit, errand.service, why, pauses, now)
                else:
                    self._ledger.told(errand.visit, errand.service, errand.number, now)
                self._answer(errand, why)
        except KinwatchError as error:
            logger.error("%s", error)  # noqa: TRY400 - it says what to check, and the next turn finds it too

    def _answer(self, errand: Delivery, why: str) -> None:
        """Say what became of a test alert, if it was one: delivered as soon as one service has taken it."""
        if self._facts(errand.visit).place == TEST:
            name = self._names[errand.service]
            detail = f"{name} {why}" if why else f"delivered to {name}"
            self._desk.publish(SelfTestResult(visit=errand.visit, service=self._desk.name, ok=not why, detail=detail))

    def _troubles(self) -> Iterator[str]:
        for service, letters, why in self._ledger.stuck():
            name = self._names.get(service)
            if name:
                help_ = ": check its address and token" if why in REFUSALS else ""
                yield f"{name} {why}{help_}; {letters} waiting"


def _key(url: str) -> str:
    """Return what stands for a service in the ledger, where no secret belongs."""
    return sha256(resolve(url).encode()).hexdigest()[:16]
