"""Run one organ until it is told to stop."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Event, Thread
from typing import Any

from nerves import plugins, topics
from nerves.box import Box, Row
from nerves.broker import need_url
from nerves.database import Database
from nerves.errors import KinwatchError
from nerves.exif import stamped
from nerves.life import Life, Listen, alive
from nerves.messages import Fact, Frame
from nerves.organs import Actuator, OrganSettings, Sense, SenseSettings
from nerves.outbox import Outbox
from nerves.settings import House

__all__ = ["Life", "Listen", "alive", "run_actuator", "run_sense"]

GRACE_S = 1.0
GLANCE_S = 0.2
FLUSH_S = 1.0
BROKER_S = 5.0
PAUSES_S = (1.0, 30.0)
# About a day at one try a minute: evidence outlives a full disk, and what never works is parked in the end.
MAX_TRIES = 1500

logger = logging.getLogger(__name__)


def run_sense(name: str, sense: Sense, settings: SenseSettings, house: House, url: str | None = None) -> None:
    """Publish what a sense perceives until its source ends, or it is told to stop."""
    url = url or need_url(house)
    with closing(Database(house.data_dir / f"{name}.db")) as database:
        box = Box(database, "outbox")
        with alive(name, url, password=house.mqtt.login) as life, Outbox(box, life.link) as outbox:
            _beside(lambda: _perceive(sense, settings, life, box), settings.kind, life.stop)
            outbox.flush(FLUSH_S)


def run_actuator(name: str, actuator: Actuator, settings: OrganSettings, house: House, url: str | None = None) -> None:
    """Hand an actuator its messages until told to stop."""
    url = url or need_url(house)
    with closing(Database(house.data_dir / f"{name}.db")) as database:
        hand = _Hand(actuator, settings, database)
        hears = Listen(topics.to("+", actuator.hears.kind), hand.receive)
        with (
            alive(name, url, password=house.mqtt.login, durable=True, listens=[hears]) as life,
            Outbox(hand.outbox, life.link) as outbox,
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


def _perceive(sense: Sense, settings: SenseSettings, life: Life, box: Box) -> None:
    _await_broker(life)
    counts = Counter(sent=0, skipped=0, facts=0)
    life.status("watching", **counts)
    for item in sense.watch(settings):
        if life.stop.is_set():
            return
        counts[_publish(item, life, box)] += 1
        life.status("watching", **counts)


def _await_broker(life: Life) -> None:
    """Give the broker a moment, so that a clip's first pictures are not lost."""
    for _ in range(int(BROKER_S / GLANCE_S)):
        if life.stop.is_set() or life.link.wait_connected(GLANCE_S):
            return
    logger.warning("%s; going on without it until it is there", life.link.trouble)


def _publish(item: Frame | Fact, life: Life, box: Box) -> str:
    if isinstance(item, Frame):
        return "sent" if life.link.offer(topics.to(item.place, Frame.kind), stamped(item.jpeg, item.at)) else "skipped"
    box.put(str(item.id), item.topic, item.payload())
    return "facts"


class _Hand:
    """Gives an actuator its messages, each until it is done."""

    def __init__(self, actuator: Actuator, settings: OrganSettings, database: Database) -> None:
        self._actuator, self._settings = actuator, settings
        self._inbox = Box(database, "inbox", max_tries=MAX_TRIES)
        self.outbox = Box(database, "outbox")
        self._counts = Counter(done=0, failed=0, unreadable=0)
        self._row: Row | None = None
        self._facts: list[Fact] = []
        self._pause_s = PAUSES_S[0]

    def receive(self, topic: str, body: bytes) -> None:
        """Keep a message; what cannot be read is said, counted, and gone."""
        try:
            message = self._actuator.hears.read(topic, body)
        except Exception as error:  # noqa: BLE001 - anybody may publish anything, and it must not come again
            logger.warning("unreadable, left out: %s", error)
            self._counts["unreadable"] += 1
            return
        has_id = "id" in message.model_fields_set
        self._inbox.put(str(message.id), topic, body if has_id else message.payload())

    def work(self, life: Life) -> None:
        """Have the actuator act until told to stop."""
        while not life.stop.is_set():
            try:
                self._act(life)
            except KinwatchError as error:
                self._put_back(str(error), life)
            except Exception as error:
                self._put_back(repr(error), life)
                raise

    def _act(self, life: Life) -> None:
        life.status("ready", **self._counts)
        taken = self._counts["done"]
        for fact in self._actuator.act(self._settings, self._messages(life)):
            self._facts.append(fact)
        self._finish()
        if taken == self._counts["done"] and not life.stop.is_set():
            message = f"{self._settings.kind}: act() returned without taking a message"
            raise RuntimeError(message)

    def _messages(self, life: Life) -> Iterator[Any]:
        while not life.stop.is_set():
            self._row = self._inbox.due()
            if self._row is None:
                self._inbox.wait(GLANCE_S)
                continue
            yield self._actuator.hears.read(self._row.topic, self._row.body)
            self._finish()
            life.status("ready", **self._counts)

    def _finish(self) -> None:
        """Note in one step that a message is done and what came of it."""
        with self._inbox.transaction():
            for fact in self._facts:
                self.outbox.put(str(fact.id), fact.topic, fact.payload())
            if self._row:
                self._inbox.done(self._row.key)
        self._facts.clear()
        self._counts["done"] += self._row is not None
        self._row, self._pause_s = None, PAUSES_S[0]

    def _put_back(self, why: str, life: Life) -> None:
        logger.warning("%s", why)
        self._facts.clear()
        self._counts["failed"] += 1
        life.status(f"tries again: {why}", **self._counts)
        row, self._row = self._row, None
        if row:
            self._inbox.later(row.key, why)
            return
        life.stop.wait(self._pause_s)
        self._pause_s = min(2 * self._pause_s, PAUSES_S[1])
