"""The bus inside one process, for tests and replays: links that share a `Loopback` receive each other's messages."""

import logging
import time
from collections import deque
from collections.abc import Callable
from threading import Condition, Event, RLock, Thread
from types import TracebackType
from typing import Self

from nerves.errors import BrokerUnavailable
from nerves.link import BusMessage, Receipt, Receive, ReceiveBusMessage
from nerves.send_queue import checked
from nerves.topics import matches

__all__ = ["Loopback", "LoopbackLink"]

REDELIVERY_PAUSE_S = 0.05

logger = logging.getLogger(__name__)


class _Session:
    """The subscriptions of one client, and the messages that wait for it."""

    def __init__(self) -> None:
        self.patterns: dict[str, int] = {}
        self.messages: deque[BusMessage] = deque()
        self.present = False
        self.changed = Condition()

    def put(self, message: BusMessage) -> None:
        """Store a message that the client subscribed to; with QoS 0 only while the client is connected."""
        granted = [wanted for pattern, wanted in self.patterns.items() if matches(pattern, message.topic)]
        if granted and (self.present or min(message.qos, max(granted))):
            with self.changed:
                self.messages.append(message._replace(qos=min(message.qos, max(granted))))
                self.changed.notify_all()

    def first(self) -> BusMessage | None:
        """Wait for a message and return the oldest; None once the client has left."""
        with self.changed:
            self.changed.wait_for(lambda: self.messages or not self.present)
            return self.messages[0] if self.present else None

    def leave(self) -> None:
        """Disconnect the client: messages with QoS 0 are dropped, and waiting threads go on."""
        with self.changed:
            self.present = False
            self.messages = deque(message for message in self.messages if message.qos)
            self.changed.notify_all()


class Loopback:
    """The bus. `refuse` returns why nothing may be published on a topic, or None, as the ACL of a broker does."""

    def __init__(self, *, refuse: Callable[[str], str | None] = lambda _: None) -> None:
        self.refuse = refuse
        self.is_up = True
        self._lock = RLock()
        self._links: list[LoopbackLink] = []
        self._sessions: dict[str, _Session] = {}
        self._retained: dict[str, bytes] = {}

    def cut(self) -> None:
        """Behave like a broker that is away."""
        with self._lock:
            self.is_up = False

    def mend(self) -> None:
        """Come back: every link connects again."""
        with self._lock:
            self.is_up = True
            for link in self._links:
                self._greet(link)

    def join(self, link: "LoopbackLink") -> _Session:
        """Connect a link; a durable one gets the messages that waited for its name."""
        with self._lock:
            session = self._sessions.get(link.name) if link.durable else None
            session = self._sessions[link.name] = session or _Session()
            session.present = True
            self._links.append(link)
            if self.is_up:
                self._greet(link)
            return session

    def part(self, link: "LoopbackLink") -> None:
        """Disconnect a link in an orderly way: its last will is not published."""
        with self._lock:
            self._links.remove(link)
            self._sessions[link.name].leave()
            if not link.durable:
                del self._sessions[link.name]

    def carry(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        """Give a message to all subscribers; an empty retained message deletes the retained one."""
        with self._lock:
            if retain:
                self._retained[topic] = payload
                if not payload:
                    del self._retained[topic]
            for session in self._sessions.values():
                session.put(BusMessage(topic, payload, qos, retain))

    def _greet(self, link: "LoopbackLink") -> None:
        session = self._sessions[link.name]
        session.patterns = link.patterns
        for topic, payload in self._retained.items():
            session.put(BusMessage(topic, payload, 1, retained=True))
        link.connections += 1
        if link.birth_message:
            self.carry(*link.birth_message, qos=1, retain=True)


class LoopbackLink:
    """A `Link` on a `Loopback`. If `receive` raises, a durable link gets the message again."""

    def __init__(
        self, bus: Loopback, name: str, *, durable: bool = False, birth_message: tuple[str, bytes] | None = None
    ) -> None:
        self.name, self.durable, self.birth_message = name, durable, birth_message
        self.connections = 0
        self.patterns: dict[str, int] = {}
        self._bus = bus
        self._listeners: list[tuple[str, Receive]] = []
        self._monitors: list[tuple[str, ReceiveBusMessage]] = []
        self._stopping = Event()
        self._stopping.set()

    def __enter__(self) -> Self:
        self._stopping.clear()
        session = self._bus.join(self)
        self._thread = Thread(target=self._deliver, args=[session], name=f"loopback {self.name}", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._bus.part(self)
        self._thread.join()

    @property
    def connected(self) -> bool:
        """Whether the bus is up and this link open."""
        return self._bus.is_up and not self._stopping.is_set()

    @property
    def trouble(self) -> str:
        """Why it is not connected; empty while it is."""
        return "" if self.connected else "no broker answers at loopback://: it is cut, or this link is closed"

    def wait_connected(self, timeout_s: float) -> bool:
        """Wait for the bus; return whether it was up within the time."""
        until = time.monotonic() + timeout_s
        while not self.connected and time.monotonic() < until:
            time.sleep(0.005)
        return self.connected

    def listen(self, pattern: str, receive: Receive, *, qos: int) -> None:
        """Call `receive` for each message on `pattern`, in this link's own thread."""
        self._listeners.append((pattern, receive))
        self.patterns[pattern] = max(qos, self.patterns.get(pattern, 0))

    def monitor(self, pattern: str, receive: ReceiveBusMessage) -> None:
        """Call `receive` for each message on `pattern`, with the flags it was sent with. Use this before `with`."""
        self._monitors.append((pattern, receive))
        self.patterns[pattern] = 1

    def offer(self, topic: str, payload: bytes) -> bool:
        """Send now, at most once; return False while the bus is cut."""
        if not self.connected:
            return False
        if not self._bus.refuse(checked(topic)):
            self._bus.carry(topic, payload, qos=0)
        return True

    def post(self, topic: str, payload: bytes, *, retain: bool = False) -> Receipt:
        """Send at least once. Raises `BrokerUnavailable` while the bus is cut."""
        if not self.connected:
            raise BrokerUnavailable(self.trouble)
        receipt, refused = Receipt(), self._bus.refuse(checked(topic))
        if not refused:
            self._bus.carry(topic, payload, qos=1, retain=retain)
        receipt.answer(refused)
        return receipt

    def _deliver(self, session: _Session) -> None:
        while (message := session.first()) is not None:
            if self._take(message) or not (message.qos and self.durable):
                session.messages.popleft()
            else:
                self._stopping.wait(REDELIVERY_PAUSE_S)

    def _take(self, message: BusMessage) -> bool:
        try:
            for pattern, receive in self._listeners:
                if matches(pattern, message.topic):
                    receive(message.topic, message.payload)
            for pattern, hear in self._monitors:
                if matches(pattern, message.topic):
                    hear(message)
        except Exception:
            logger.exception("A message on %s could not be received", message.topic)
            return False
        return True
