"""Run one service until it is told to stop."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any

from uuid6 import uuid7

from nerves import plugins, topics
from nerves.broker import need_url
from nerves.database import Database
from nerves.durable_queue import DurableQueue, Row
from nerves.errors import KinwatchError, MessageError, OutOfReach, SettingsError
from nerves.exif import stamped
from nerves.messages import Fact, Frame, SelfTestResult, Status, Visit, parse
from nerves.outbox import Outbox
from nerves.process import Process, Subscription, running
from nerves.services import Actuator, Context, RawMessage, Sense, SenseSettings, ServiceSettings, Tick
from nerves.settings import HouseSettings

__all__ = ["Process", "Subscription", "run_actuator", "run_sense", "running"]

GRACE_S = 1.0
GLANCE_S = 0.2
FLUSH_S = 1.0
BROKER_S = 5.0
PAUSES_S = (1.0, 30.0)
# About a day at one try a minute: evidence outlives a full disk, and what never works is parked in the end.
MAX_TRIES = 1500
MB = 1_000_000
DROPS_SAID = 100
# What a sense may leave waiting of what it wants to hear.
HEARD = 200

logger = logging.getLogger(__name__)


def run_sense(name: str, sense: Sense, settings: SenseSettings, house: HouseSettings, url: str | None = None) -> None:
    """Publish what a sense perceives until its source ends, or it is told to stop."""
    url = url or need_url(house)
    with closing(Database(house.data_dir / f"{name}.db")) as database:
        hand = _SenseRunner(name, sense, settings, database)
        hears = [Subscription(topic, hand.receive) for topic in hand.topics]
        with (
            running(name, url, password=house.mqtt.login, listens=hears) as life,
            Outbox(hand.outbox, life.link) as outbox,
        ):
            _beside(lambda: hand.work(life), settings.kind, life.stop)
            outbox.flush(FLUSH_S)


def run_actuator(
    name: str, actuator: Actuator, settings: ServiceSettings, house: HouseSettings, url: str | None = None
) -> None:
    """Hand an actuator its messages until told to stop."""
    url = url or need_url(house)
    with closing(Database(house.data_dir / f"{name}.db")) as database:
        hand = _ActuatorRunner(name, actuator, settings, database)
        hears = [Subscription(pattern, hand.receive) for pattern in hand.patterns]
        with (
            running(name, url, password=house.mqtt.login, durable=True, listens=hears) as life,
            Outbox(hand.outbox, life.link, retained=actuator.retained_topics) as outbox,
        ):
            _beside(lambda: hand.work(life), settings.kind, life.stop)
            outbox.flush(FLUSH_S)


def _beside(work: Callable[[], None], kind: str, stop: Event) -> None:
    """Work in a thread of its own until it is done, has failed, or is told to stop.

    So the word to stop is heard while the work waits for its device; then it is left behind.
    """
    failures: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - raised below, in the main thread
            failures.append(error)

    worker = Thread(target=run, name="work", daemon=True)
    worker.start()
    while worker.is_alive() and not stop.wait(GLANCE_S):
        pass
    worker.join(GRACE_S)
    for error in failures:
        if isinstance(error, ModuleNotFoundError):
            raise plugins.absent(kind, error) from error
        raise error


def _await_broker(life: Process) -> None:
    """Give the broker a moment, so that a clip's first pictures are not lost."""
    for _ in range(int(BROKER_S / GLANCE_S)):
        if life.stop.is_set() or life.link.wait_connected(GLANCE_S):
            return
    logger.warning("%s; going on without it until it is there", life.link.trouble)


class _SenseRunner:
    """Publishes what a sense perceives, and gives it what it wants to hear."""

    def __init__(self, name: str, sense: Sense, settings: SenseSettings, database: Database) -> None:
        self._name, self._sense, self._settings, self._database = name, sense, settings, database
        self.topics = tuple(sense.subscriptions(settings)) if sense.subscriptions else ()
        self.outbox = DurableQueue(database, "outbox")
        self._heard: Queue[Fact] = Queue()
        self._counts = Counter(sent=0, skipped=0, facts=0)
        self._note = ""

    def receive(self, topic: str, body: bytes) -> None:
        """Keep what the sense wants to hear; what it does not ask for in time is dropped, the oldest first."""
        try:
            self._heard.put(parse(topic, body))
        except MessageError as error:
            logger.warning("unreadable, left out: %s", error)
        if self._heard.qsize() > HEARD:
            with suppress(Empty):
                self._heard.get_nowait()

    def work(self, life: Process) -> None:
        """Publish what the sense perceives until its source ends or it is told to stop."""
        _await_broker(life)
        self._say(life)
        for item in self._sense.watch(self._settings, *self._hand(life)):
            if life.stop.is_set():
                return
            self._counts[self._publish(item, life)] += 1
            self._say(life)

    def _hand(self, life: Process) -> tuple[()] | tuple[Context, Iterator[Fact]]:
        if self._sense.subscriptions is None:
            return ()

        def note(text: str) -> None:
            self._note = text
            self._say(life)

        return Context(self._database, self._tell, note, self._name), self._listen(life)

    def _listen(self, life: Process) -> Iterator[Fact]:
        while not life.stop.is_set():
            with suppress(Empty):
                yield self._heard.get(timeout=GLANCE_S)

    def _publish(self, item: Frame | Fact, life: Process) -> str:
        if isinstance(item, Frame):
            jpeg = stamped(item.jpeg, item.at)
            return "sent" if life.link.offer(topics.to(item.place, Frame.kind), jpeg) else "skipped"
        self._tell(item)
        return "facts"

    def _tell(self, fact: Fact | RawMessage) -> None:
        self.outbox.put(str(fact.id), fact.topic, fact.payload())

    def _say(self, life: Process) -> None:
        life.set_status(self._note or "watching", **self._counts)


class _ActuatorRunner:
    """Gives an actuator its messages, each until it is done."""

    def __init__(self, name: str, actuator: Actuator, settings: ServiceSettings, database: Database) -> None:
        self._name, self._actuator, self._settings = name, actuator, settings
        self._inbox = DurableQueue(database, "inbox", max_tries=MAX_TRIES)
        self.outbox = DurableQueue(database, "outbox")
        hears = actuator.consumes if isinstance(actuator.consumes, tuple) else (actuator.consumes,)
        self._kinds = {fact.kind: fact for fact in hears}
        self._notes = tuple(actuator.subscriptions(settings))
        self._heeds = actuator.accepts(settings)
        self._database = database
        self._counts = Counter(done=0, failed=0, unreadable=0)
        self._note = self._away = ""
        self._room = int(MB * actuator.queue_mb(settings)) if actuator.queue_mb else None
        self._ticked = time.monotonic()
        self._row: Row | None = None
        self._facts: list[Fact] = []
        self._pause_s = PAUSES_S[0]

    @property
    def patterns(self) -> list[str]:
        """What it listens to."""
        return [*(fact.pattern() for fact in self._kinds.values()), *self._notes]

    def receive(self, topic: str, body: bytes) -> None:
        """Keep a message; what cannot be read is said, counted, and gone."""
        try:
            message = self._read(topic, body)
        except Exception as error:  # noqa: BLE001 - anybody may publish anything, and it must not come again
            logger.warning("unreadable, left out: %s", error)
            self._counts["unreadable"] += 1
            return
        if self._heeds(message):
            has_id = isinstance(message, Fact) and "id" in message.model_fields_set
            self._keep(message, topic, body if has_id else message.payload())

    def work(self, life: Process) -> None:
        """Have the actuator act until told to stop."""
        while not life.stop.is_set():
            try:
                self._act(life)
            except SettingsError:
                raise
            except OutOfReach as away:
                self._await(away, life)
            except KinwatchError as error:
                self._put_back(str(error), life)
            except Exception as error:
                self._put_back(repr(error), life)
                raise

    def _keep(self, message: Fact | RawMessage, topic: str, body: bytes) -> None:
        """Put a message into the inbox, and have the inbox stay within its room."""
        worth = self._actuator.priority(message) if self._actuator.priority else 0
        self._inbox.put(_key(message), topic, body, worth=worth)
        if self._room is None:
            return
        if dropped := self._inbox.drop(self._room):
            is_first = self._counts["dropped"] % DROPS_SAID < dropped
            self._counts["dropped"] += dropped
            if is_first:
                logger.warning("no room for all that waits: %d messages dropped so far", self._counts["dropped"])

    def _act(self, life: Process) -> None:
        self._say(life)
        taken = self._counts["done"]
        desk = () if self._actuator.tick_s is None else (self._desk(),)
        for fact in self._actuator.act(self._settings, self._messages(life), *desk):
            self._facts.append(fact)
        self._finish()
        if taken == self._counts["done"] and not life.stop.is_set():
            message = f"{self._settings.kind}: act() returned without taking a message"
            raise RuntimeError(message)

    def _messages(self, life: Process) -> Iterator[Any]:
        self._away = ""
        self._say(life)
        while not life.stop.is_set():
            if self._is_time():
                yield Tick()
                self._finish()
                self._say(life)
            self._row = self._inbox.due()
            if self._row is None:
                self._inbox.wait(min(GLANCE_S, self._actuator.tick_s or GLANCE_S))
                continue
            yield self._read(self._row.topic, self._row.body)
            self._finish()
            self._say(life)

    def _desk(self) -> Context:
        return Context(self._database, self._tell, self._hold, self._name)

    def _read(self, topic: str, body: bytes) -> Fact | RawMessage:
        if any(topics.matches(pattern, topic) for pattern in self._notes):
            return RawMessage(topic, body)
        place, kind = topics.parse(topic)
        return self._kinds[Status.kind if place == Status.kind else kind].read(topic, body)

    def _is_time(self) -> bool:
        """Whether a tick is due."""
        now = time.monotonic()
        if self._actuator.tick_s is None or now - self._ticked < self._actuator.tick_s:
            return False
        self._ticked = now
        return True

    def _tell(self, fact: Fact | RawMessage) -> None:
        self.outbox.put(str(fact.id), fact.topic, fact.payload())

    def _hold(self, note: str) -> None:
        self._note = note

    def _say(self, life: Process) -> None:
        life.set_status(self._away or self._note or "ready", **self._counts)

    def _finish(self) -> None:
        """Note in one step that a message is done and what came of it."""
        with self._inbox.transaction():
            for fact in self._facts:
                self._tell(fact)
            if not self._actuator.reports_self_test:
                self._answer(ok=True, detail="done")
            if self._row:
                self._inbox.done(self._row.key)
        self._facts.clear()
        self._counts["done"] += self._row is not None
        self._row, self._pause_s = None, PAUSES_S[0]

    def _answer(self, *, ok: bool, detail: str) -> None:
        """Say what became of a test alert, if it is one."""
        if self._row and self._row.topic == topics.to(topics.TEST, Visit.kind):
            visit = Visit.read(self._row.topic, self._row.body)
            self._tell(SelfTestResult(visit=visit.visit, service=self._name, ok=ok, detail=detail))

    def _put_back(self, why: str, life: Process) -> None:
        logger.warning("%s", why)
        self._facts.clear()
        self._counts["failed"] += 1
        life.set_status(f"tries again: {why}", **self._counts)
        self._answer(ok=False, detail=f"tries again: {why}")
        row, self._row = self._row, None
        if row:
            self._inbox.later(row.key, why)
            return
        life.stop.wait(self._pause_s)
        self._pause_s = min(2 * self._pause_s, PAUSES_S[1])

    def _await(self, away: OutOfReach, life: Process) -> None:
        """Wait for what is out of reach; the message stays the next one, and no try is counted against it."""
        logger.warning("%s", away)
        self._answer(ok=False, detail=f"tries again: {away}")
        self._row = None
        self._facts.clear()
        self._counts["failed"] += 1
        self._away = f"tries again: {away}"
        life.set_status(self._away, **self._counts, waiting=self._inbox.counts()["waiting"])
        life.stop.wait(self._pause_s)
        self._pause_s = min(2 * self._pause_s, away.longest_s)


def _key(message: Fact | RawMessage) -> str:
    """Return what makes a message known: its id; nothing for a status, for a last will is the same each time."""
    return str(uuid7() if isinstance(message, Status) else message.id)
