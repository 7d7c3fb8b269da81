"""Run one sense or one actuator until it is told to stop."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from queue import Empty, Queue
from typing import Any

from uuid6 import uuid7

from nerves import topics
from nerves.database import Database
from nerves.durable_queue import DurableQueue, Row
from nerves.errors import KinwatchError, MessageError, OutOfReach, SettingsError
from nerves.exif import with_capture_time
from nerves.messages import Fact, Frame, SelfTestResult, Status, Visit, read_fact
from nerves.process import Process, Subscription, serve
from nerves.services import Actuator, Context, RawMessage, Sense, SenseSettings, ServiceSettings, Tick
from nerves.settings import HouseSettings

__all__ = ["run_actuator", "run_sense"]

INBOX_CHECK_S = 0.2
FIRST_CONNECTION_S = 5.0
RUNNER_PAUSES_S = (1.0, 30.0)
# About a day at one try a minute: evidence outlives a full disk, and a message that never succeeds is given up.
MAX_TRIES = 1500
BYTES_PER_MB = 1_000_000
LOG_EVERY_DROPS = 100
# Facts that may wait for a sense; beyond them the oldest is dropped.
MAX_SENSE_FACTS = 200

logger = logging.getLogger(__name__)


def run_sense(name: str, sense: Sense, settings: SenseSettings, house: HouseSettings, url: str | None = None) -> None:
    """Publish what a sense perceives until its source ends or it is told to stop."""
    with closing(Database(house.data_dir / f"{name}.db")) as database:
        serve(name, _SenseRunner(name, sense, settings, database), house, url)


def run_actuator(
    name: str, actuator: Actuator, settings: ServiceSettings, house: HouseSettings, url: str | None = None
) -> None:
    """Give an actuator its messages until it is told to stop."""
    with closing(Database(house.data_dir / f"{name}.db")) as database:
        serve(name, _ActuatorRunner(name, actuator, settings, database), house, url)


class _SenseRunner:
    """Publishes what a sense perceives, and gives it the facts of its subscriptions."""

    retained_topics: tuple[str, ...] = ()

    def __init__(self, name: str, sense: Sense, settings: SenseSettings, database: Database) -> None:
        self.kind = settings.kind
        self.outbox = DurableQueue(database, "outbox")
        self._name, self._sense, self._settings, self._database = name, sense, settings, database
        self._facts: Queue[Fact] = Queue()
        self._counts = Counter(sent=0, skipped=0, facts=0)
        self._report = ""

    def subscriptions(self) -> list[Subscription]:
        """Return what the sense consumes: what comes now, nothing from before."""
        patterns = self._sense.subscriptions(self._settings) if self._sense.subscriptions else ()
        return [Subscription(pattern, self._receive) for pattern in patterns]

    def work(self, process: Process) -> None:
        """Publish what the sense perceives until its source ends or it is told to stop."""
        if not _first_connection(process):
            logger.warning("%s; continuing without it until it answers", process.link.trouble)
        self._set_status(process)
        for item in self._sense.watch(self._settings, *self._context(process)):
            if process.stop.is_set():
                return
            self._counts[self._publish(item, process)] += 1
            self._set_status(process)

    def _receive(self, topic: str, body: bytes) -> None:
        self._facts.put(read_fact(topic, body))
        if self._facts.qsize() > MAX_SENSE_FACTS:
            with suppress(Empty):
                self._facts.get_nowait()
                self._counts["dropped"] += 1

    def _context(self, process: Process) -> tuple[()] | tuple[Context, Iterator[Fact]]:
        if self._sense.subscriptions is None:
            return ()

        def report(text: str) -> None:
            self._report = text
            self._set_status(process)

        return Context(self._database, self.outbox.put_message, report, self._name), self._received(process)

    def _received(self, process: Process) -> Iterator[Fact]:
        while not process.stop.is_set():
            with suppress(Empty):
                yield self._facts.get(timeout=INBOX_CHECK_S)

    def _publish(self, item: Frame | Fact, process: Process) -> str:
        if isinstance(item, Frame):
            jpeg = with_capture_time(item.jpeg, item.at)
            return "sent" if process.link.offer(topics.to(item.place, Frame.kind), jpeg) else "skipped"
        self.outbox.put_message(item)
        return "facts"

    def _set_status(self, process: Process) -> None:
        process.set_status(self._report or "watching", **self._counts)


def _first_connection(process: Process) -> bool:
    """Wait some seconds for the broker, so that the first frames of a clip are not lost."""
    until = time.monotonic() + FIRST_CONNECTION_S
    while not process.link.wait_connected(INBOX_CHECK_S):
        if process.stop.is_set() or time.monotonic() > until:
            return process.stop.is_set()
    return True


class _ActuatorRunner:
    """Gives an actuator its messages, each until it is done."""

    def __init__(self, name: str, actuator: Actuator, settings: ServiceSettings, database: Database) -> None:
        self.kind = settings.kind
        self.outbox = DurableQueue(database, "outbox")
        self.retained_topics = actuator.retained_topics
        self._name, self._actuator, self._settings, self._database = name, actuator, settings, database
        self._inbox = DurableQueue(database, "inbox", max_tries=MAX_TRIES)
        consumes = actuator.consumes if isinstance(actuator.consumes, tuple) else (actuator.consumes,)
        self._kinds = {fact.kind: fact for fact in consumes}
        self._raw_patterns = tuple(actuator.subscriptions(settings))
        self._accepts = actuator.accepts(settings)
        self._counts = Counter(done=0, failed=0)
        self._report = self._out_of_reach = ""
        self._max_bytes = int(BYTES_PER_MB * actuator.queue_mb(settings)) if actuator.queue_mb else None
        self._ticked = time.monotonic()
        self._row: Row | None = None
        self._results: list[Fact] = []
        self._pause_s = RUNNER_PAUSES_S[0]

    def subscriptions(self) -> list[Subscription]:
        """Return what the actuator consumes: all of it durable."""
        patterns = [*(fact.pattern() for fact in self._kinds.values()), *self._raw_patterns]
        return [Subscription(pattern, self._receive, durable=True) for pattern in patterns]

    def work(self, process: Process) -> None:
        """Let the actuator act until it is told to stop."""
        while not process.stop.is_set():
            try:
                self._act(process)
            except SettingsError:
                raise
            except OutOfReach as error:
                self._wait_until_in_reach(error, process)
            except KinwatchError as error:
                self._put_back(str(error), process)
            except Exception as error:
                self._put_back(repr(error), process)
                raise

    def _receive(self, topic: str, body: bytes) -> None:
        """Store a message in the inbox if the actuator accepts it, and limit the inbox to its size."""
        try:
            message = self._read(topic, body)
        except MessageError:
            raise
        except Exception as error:  # else the broker would send the message again and again
            reason = f"{topic}: {error!r}"
            raise MessageError(reason) from error
        if not self._accepts(message):
            return
        has_id = isinstance(message, Fact) and "id" in message.model_fields_set
        priority = self._actuator.priority(message) if self._actuator.priority else 0
        self._inbox.put(_key(message), topic, body if has_id else message.payload(), priority=priority)
        if self._max_bytes is not None and (dropped := self._inbox.drop(self._max_bytes)):
            is_logged = self._counts["dropped"] % LOG_EVERY_DROPS < dropped
            self._counts["dropped"] += dropped
            if is_logged:
                logger.warning("The inbox is full: %d messages were dropped so far", self._counts["dropped"])

    def _act(self, process: Process) -> None:
        self._set_status(process)
        done = self._counts["done"]
        context = () if self._actuator.tick_s is None else (self._context(),)
        for fact in self._actuator.act(self._settings, self._messages(process), *context):
            self._results.append(fact)
        self._finish()
        if done == self._counts["done"] and not process.stop.is_set():
            message = f"{self.kind}: act() returned without taking a message"
            raise RuntimeError(message)

    def _messages(self, process: Process) -> Iterator[Any]:
        self._out_of_reach = ""
        self._set_status(process)
        while not process.stop.is_set():
            if self._is_tick_due():
                yield Tick()
                self._finish()
                self._set_status(process)
            self._row = self._inbox.due()
            if self._row is None:
                self._inbox.wait(min(INBOX_CHECK_S, self._actuator.tick_s or INBOX_CHECK_S))
                continue
            yield self._read(self._row.topic, self._row.body)
            self._finish()
            self._set_status(process)

    def _context(self) -> Context:
        def report(text: str) -> None:
            self._report = text

        return Context(self._database, self.outbox.put_message, report, self._name)

    def _read(self, topic: str, body: bytes) -> Fact | RawMessage:
        if any(topics.matches(pattern, topic) for pattern in self._raw_patterns):
            return RawMessage(topic, body)
        place, kind = topics.split(topic)
        return self._kinds[Status.kind if place == Status.kind else kind].read(topic, body)

    def _is_tick_due(self) -> bool:
        now = time.monotonic()
        if self._actuator.tick_s is None or now - self._ticked < self._actuator.tick_s:
            return False
        self._ticked = now
        return True

    def _set_status(self, process: Process) -> None:
        process.set_status(self._out_of_reach or self._report or "ready", **self._counts)

    def _finish(self) -> None:
        """In one transaction, mark the message as done and put its results into the outbox."""
        with self._inbox.transaction():
            for fact in self._results:
                self.outbox.put_message(fact)
            if not self._actuator.reports_self_test:
                self._report_self_test(ok=True, detail="done")
            if self._row:
                self._inbox.mark_done(self._row.key)
        self._results.clear()
        self._counts["done"] += self._row is not None
        self._row, self._pause_s = None, RUNNER_PAUSES_S[0]

    def _report_self_test(self, *, ok: bool, detail: str) -> None:
        """Publish the result of the current message if it is a test alert."""
        if self._row and self._row.topic == topics.to(topics.TEST, Visit.kind):
            visit = Visit.read(self._row.topic, self._row.body)
            result = SelfTestResult(visit=visit.visit, service=self._name, ok=ok, detail=detail)
            self.outbox.put_message(result)

    def _put_back(self, why: str, process: Process) -> None:
        """Try the current message again later."""
        row = self._fail(f"tries again: {why}", why)
        process.set_status(f"tries again: {why}", **self._counts)
        if row:
            self._inbox.retry_later(row.key, why)
            return
        process.stop.wait(self._pause_s)
        self._pause_s = min(2 * self._pause_s, RUNNER_PAUSES_S[1])

    def _wait_until_in_reach(self, error: OutOfReach, process: Process) -> None:
        """Pause. The current message stays the next one, and the failure does not count as one of its tries."""
        self._out_of_reach = f"tries again: {error}"
        self._fail(self._out_of_reach, str(error))
        process.set_status(self._out_of_reach, **self._counts, waiting=self._inbox.counts()["waiting"])
        process.stop.wait(self._pause_s)
        self._pause_s = min(2 * self._pause_s, error.longest_s)

    def _fail(self, detail: str, why: str) -> Row | None:
        """Log and count a failure, and return the message that it concerns, if any."""
        logger.warning("%s", why)
        self._report_self_test(ok=False, detail=detail)
        self._results.clear()
        self._counts["failed"] += 1
        row, self._row = self._row, None
        return row


def _key(message: Fact | RawMessage) -> str:
    """Return the key of a message: its id, or a new one for a status, because every last will has the same id."""
    return str(uuid7() if isinstance(message, Status) else message.id)
