"""Run the process of a service: its connections, its status on the bus, its outbox, and the signals that stop it."""

import _thread
import logging
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from threading import Event, Thread
from types import FrameType
from typing import Literal, NamedTuple, Protocol

from nerves import plugins, topics
from nerves.broker import need_url
from nerves.bus import open_link
from nerves.durable_queue import DurableQueue
from nerves.errors import BrokerUnavailable, KinwatchError, MessageError
from nerves.link import Link, Receipt, Receive
from nerves.messages import Mode, Status
from nerves.outbox import Outbox
from nerves.settings import HouseSettings

__all__ = ["Process", "RunnableService", "Subscription", "log_as", "running", "serve", "stopped_by_signals"]

STATUS_EVERY_S = 3.0
STATUS_CHECK_S = 0.5
LAST_STATUS_S = 1.0
STOP_CHECK_S = 0.2
WORK_END_S = 1.0
OUTBOX_FLUSH_S = 2.0

State = Literal["online", "offline"]

logger = logging.getLogger(__name__)


class Subscription(NamedTuple):
    """One row of what a service consumes."""

    pattern: str
    receive: Receive
    """Stores the message and returns; it runs in the network thread. It raises `MessageError` for an invalid one."""
    qos: int = 1
    """0 for frames: a late one is useless."""
    durable: bool = False
    """Whether the broker keeps these messages while the service is away, and repeats those not acknowledged."""


class RunnableService(Protocol):
    """What `serve` runs: a sense, an actuator or the brain."""

    kind: str
    """Which service it is, for the name of the package to install."""
    outbox: DurableQueue
    """The facts to publish."""
    retained_topics: tuple[str, ...]
    """Topic patterns whose last message the broker keeps."""

    def subscriptions(self) -> Iterable[Subscription]:
        """Return what it consumes."""
        ...

    def work(self, process: "Process") -> None:
        """Do its work until there is no more, or until `process.stop` is set."""
        ...


def serve(name: str, service: RunnableService, house: HouseSettings, url: str | None = None) -> None:
    """Run a service until its work ends, fails, or SIGTERM or Ctrl-C stops it.

    The work has a thread of its own, so a service stops at once even while it waits for its device.
    """
    with (
        running(
            name, url or need_url(house), password=house.mqtt.login, subscriptions=service.subscriptions()
        ) as process,
        Outbox(service.outbox, process.facts, retained=service.retained_topics) as outbox,
    ):
        _work_in_thread(lambda: service.work(process), service.kind, process.stop)
        outbox.flush(OUTBOX_FLUSH_S)


def _work_in_thread(work: Callable[[], None], kind: str, stop: Event) -> None:
    """Wait until the work is done, or until `stop` is set; raise the error with which the work failed."""
    failures: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - raised below, in the main thread
            failures.append(error)

    worker = Thread(target=run, name="work", daemon=True)
    worker.start()
    while worker.is_alive() and not stop.wait(STOP_CHECK_S):
        pass
    worker.join(WORK_END_S)
    for error in failures:
        if isinstance(error, ModuleNotFoundError):
            raise plugins.missing_package(kind, error) from error
        raise error


class Process:
    """The running process of a service: its connections, its status, and whether it was told to stop."""

    def __init__(self, name: str, link: Link, stop: Event, facts: Link | None = None) -> None:
        self.link, self.stop = link, stop
        self.facts = facts or link
        """The connection for facts. It is `link`, unless the service also takes frames on that one."""
        self._name = name
        self._status: tuple[str, dict[str, int]] = ("", {})
        self._mode: Mode | None = None
        self._unreadable = 0
        self._published: object = None
        self._changed, self._over = Event(), Event()
        self._publisher = Thread(target=self._publish_changes, name="status", daemon=True)

    def subscribe(self, subscription: Subscription) -> None:
        """Receive messages; log, count and ignore the invalid ones, because anybody may publish anything."""

        def receive(topic: str, body: bytes) -> None:
            try:
                subscription.receive(topic, body)
            except MessageError as error:
                logger.warning("Ignored an invalid message: %s", error)
                self._unreadable += 1

        link = self.facts if subscription.durable else self.link
        link.listen(subscription.pattern, receive, qos=subscription.qos)

    def set_status(self, detail: str, **counts: int) -> None:
        """Set the service's status; it is published at most every few seconds."""
        self._status = (detail, counts)
        self._changed.set()

    def set_mode(self, mode: Mode) -> None:
        """Set the mode in force, which the brain's status says; it is published with the next status."""
        self._mode = mode

    def start(self) -> None:
        """Start to publish the status."""
        self._publisher.start()

    def end(self, why: str = "") -> None:
        """Publish that the service is offline, and why if it failed."""
        self._over.set()
        self._changed.set()
        self._publisher.join()
        with suppress(BrokerUnavailable):  # then the broker has published the last will, or is away itself
            self._post("offline", why).wait(LAST_STATUS_S)

    def _publish_changes(self) -> None:
        while not self._over.is_set():
            self._changed.wait(STATUS_CHECK_S)
            self._changed.clear()
            # The birth message of a new connection holds no detail: publish the status again after it.
            now = (self.link.connections, self._status, self._mode, self._unreadable)
            if now == self._published or not self.link.connected or self._over.is_set():
                continue
            try:
                self._post("online", self._status[0])
                self._published = now
            except BrokerUnavailable:
                continue
            self._over.wait(STATUS_EVERY_S)

    def _post(self, state: State, detail: str) -> Receipt:
        counts = self._status[1] | ({"unreadable": self._unreadable} if self._unreadable else {})
        mode = self._mode if state == "online" else None
        payload = service_status(self._name, state, detail, counts, mode).payload()
        return self.link.post(topics.status(self._name), payload, retain=True)


def service_status(
    service: str, state: State, detail: str = "", counts: dict[str, int] | None = None, mode: Mode | None = None
) -> Status:
    """Return the status message of a service."""
    return Status(service=service, state=state, detail=detail, counts=counts or {}, mode=mode)


@contextmanager
def running(
    name: str, url: str, *, password: str | None = None, subscriptions: Iterable[Subscription] = ()
) -> Iterator[Process]:
    """Run as the service `name` on the bus until the block ends; SIGTERM and Ctrl-C set `stop`.

    The broker may be reached later. A service whose subscriptions are partly durable has two connections: a broker
    delivers in order, so facts would otherwise wait behind frames.
    """
    log_as(name)
    rows, topic = list(subscriptions), topics.status(name)
    are_durable = {row.durable for row in rows}
    link = open_link(
        url,
        f"{topics.ROOT}-{name}",
        durable=are_durable == {True},
        last_will=(topic, service_status(name, "offline", "ended without a word").payload()),
        birth_message=(topic, service_status(name, "online").payload()),
        password=password,
    )
    facts = open_link(url, f"{topics.ROOT}-{name}-facts", durable=True, password=password)
    is_split = len(are_durable) > 1
    with stopped_by_signals() as stop:
        process = Process(name, link, stop, facts if is_split else None)
        for row in rows:
            process.subscribe(row)
        with link, facts if is_split else nullcontext():
            process.start()
            with _reporting_the_end(process):
                yield process


@contextmanager
def _reporting_the_end(process: Process) -> Iterator[None]:
    try:
        yield
    except KinwatchError as error:
        process.end(str(error))
        raise
    except BaseException as error:
        process.end(f"broke: {error!r}")
        raise
    else:
        process.end()


def log_as(name: str) -> None:
    """Log every message from INFO on, each line with the time and the service's name."""
    logging.basicConfig()
    logging.getLogger().setLevel(logging.INFO)
    for handler in logging.getLogger().handlers:
        if type(handler) is logging.StreamHandler:  # not the handlers of a test
            handler.setFormatter(logging.Formatter(f"%(asctime)s {name}: %(message)s", "%H:%M:%S"))


@contextmanager
def stopped_by_signals() -> Iterator[Event]:
    """Give an event that SIGTERM and Ctrl-C set."""
    stop = Event()

    def set_stop(_number: int, _frame: FrameType | None) -> None:
        # In another thread: the handler may interrupt the very wait() whose lock set() needs.
        _thread.start_new_thread(stop.set, ())

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, set_stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
