"""The bus, as every service sees it."""

from collections.abc import Callable
from threading import Event
from types import TracebackType
from typing import NamedTuple, Protocol, Self

__all__ = ["BusMessage", "Link", "Receipt", "Receive", "ReceiveBusMessage"]

Receive = Callable[[str, bytes], None]
"""Called with a topic and a payload, in the network's own thread: it stores and returns, and never raises."""


class BusMessage(NamedTuple):
    """A message with what its sender chose; a broker of MQTT 3.1.1 does not say of a new one that it is retained."""

    topic: str
    payload: bytes
    qos: int
    """0, or 1 for all above it."""
    retained: bool


ReceiveBusMessage = Callable[[BusMessage], None]
"""As `Receive`, with all that is known of the message."""


class Receipt:
    """The broker's answer to one `post`."""

    def __init__(self) -> None:
        self._answered = Event()
        self.refused: str | None = None

    def answer(self, refused: str | None = None) -> None:
        """Note the broker's answer: nothing, or why it refuses."""
        self.refused = refused
        self._answered.set()

    def wait(self, timeout_s: float) -> bool:
        """Return whether the broker has answered; `refused` then says why it did not take it, if so."""
        return self._answered.wait(timeout_s)


class Link(Protocol):
    """One connection to the bus, open between `with` and its end; it reconnects by itself for ever."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def connected(self) -> bool:
        """Whether the broker can be reached now."""
        ...

    @property
    def connections(self) -> int:
        """How often it has connected."""
        ...

    @property
    def trouble(self) -> str:
        """Why it is not connected, in one line; empty while it is."""
        ...

    def offer(self, topic: str, payload: bytes) -> bool:
        """Send now, at most once (QoS 0).

        False, and nothing sent, while the last one offered on this topic is unsent or the broker is away.
        """
        ...

    def post(self, topic: str, payload: bytes, *, retain: bool = False) -> Receipt:
        """Send at least once (QoS 1); the receipt tells when the broker has it. `BrokerUnavailable` while away."""
        ...

    def listen(self, pattern: str, receive: Receive, *, qos: int) -> None:
        """Have `receive` called for what comes on `pattern`; call it before `with`. QoS 1 is acknowledged after it."""
        ...

    def monitor(self, pattern: str, receive: ReceiveBusMessage) -> None:
        """Have `hear` called for what comes on `pattern`, as it was sent; call it before `with`."""
        ...

    def wait_connected(self, timeout_s: float) -> bool:
        """Return whether the broker was reached within the time."""
        ...
