"""The life of a service's process: its link, its status on the bus, and the word to stop."""

import _thread
import logging
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from types import FrameType
from typing import Literal, NamedTuple

from nerves import topics
from nerves.bus import open_link
from nerves.errors import BrokerUnavailable, KinwatchError
from nerves.link import Link, Receipt, Receive
from nerves.messages import Status

__all__ = ["Process", "Subscription", "running", "stopped_by_signals"]

EVERY_S = 3.0
GLANCE_S = 0.5
FAREWELL_S = 1.0

State = Literal["online", "offline"]


class Subscription(NamedTuple):
    """What to hear, and who takes it."""

    pattern: str
    receive: Receive
    qos: int = 1


class Process:
    """What a living service has at hand."""

    def __init__(self, name: str, link: Link, stop: Event) -> None:
        self.link, self.stop = link, stop
        self._name = name
        self._held: tuple[str, dict[str, int]] = ("", {})
        self._said: object = None
        self._changed, self._over = Event(), Event()
        self._teller = Thread(target=self._tell, name="status", daemon=True)

    def set_status(self, detail: str, **counts: int) -> None:
        """Have the house know this; what changes often is told every few seconds."""
        self._held = (detail, counts)
        self._changed.set()

    def begin(self) -> None:
        """Begin to tell."""
        self._teller.start()

    def end(self, why: str = "") -> None:
        """Tell that the service ends in good order, or why not."""
        self._over.set()
        self._changed.set()
        self._teller.join()
        with suppress(BrokerUnavailable):  # then the last will, or nothing, has been said already
            self._post("offline", why).wait(FAREWELL_S)

    def _tell(self) -> None:
        while not self._over.is_set():
            self._changed.wait(GLANCE_S)
            self._changed.clear()
            # A new connection has said no more than "online": what is held is told again.
            now = (self.link.connections, self._held)
            if now == self._said or not self.link.connected or self._over.is_set():
                continue
            try:
                self._post("online", self._held[0])
                self._said = now
            except BrokerUnavailable:
                continue
            self._over.wait(EVERY_S)

    def _post(self, state: State, detail: str) -> Receipt:
        payload = say(self._name, state, detail, self._held[1]).payload()
        return self.link.post(topics.status(self._name), payload, retain=True)


def say(service: str, state: State, detail: str = "", counts: dict[str, int] | None = None) -> Status:
    """Return a service's status."""
    return Status(service=service, state=state, detail=detail, counts=counts or {})


@contextmanager
def running(
    name: str,
    url: str,
    *,
    password: str | None = None,
    durable: bool = False,
    listens: Iterable[Subscription] = (),
) -> Iterator[Process]:
    """Be the service `name` on the bus until the block ends; SIGTERM and Ctrl-C set `stop`.

    The first connection may come later; a `durable` service is given what it missed.
    """
    _log_as(name)
    topic = topics.status(name)
    link = open_link(
        url,
        f"{topics.ROOT}-{name}",
        durable=durable,
        will=(topic, say(name, "offline", "ended without a word").payload()),
        hello=(topic, say(name, "online").payload()),
        password=password,
    )
    for listen in listens:
        link.listen(listen.pattern, listen.receive, qos=listen.qos)
    with stopped_by_signals() as stop, link:
        life = Process(name, link, stop)
        life.begin()
        try:
            yield life
        except KinwatchError as error:
            life.end(str(error))
            raise
        except BaseException as error:
            life.end(f"broke: {error!r}")
            raise
        else:
            life.end()


def _log_as(name: str) -> None:
    logging.basicConfig()
    logging.getLogger().setLevel(logging.INFO)
    for handler in logging.getLogger().handlers:
        if type(handler) is logging.StreamHandler:  # not those that a test listens with
            handler.setFormatter(logging.Formatter(f"%(asctime)s {name}: %(message)s", "%H:%M:%S"))


@contextmanager
def stopped_by_signals() -> Iterator[Event]:
    """Give an event that SIGTERM and Ctrl-C set."""
    stop = Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        # Not here: the handler may interrupt the very wait() whose lock set() needs.
        _thread.start_new_thread(stop.set, ())

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
