"""The interface of the bus."""

from collections.abc import Callable
from threading import Event
from types import TracebackType
from typing import NamedTuple, Protocol, Self

__all__ = ["BusMessage", "Link", "Receipt", "Receive", "ReceiveBusMessage"]

Receive = Callable[[str, bytes], None]
"""Called with a topic and a payload, in the network thread. It stores the message and returns.

If it raises, the message is not acknowledged: a durable link receives it again.
"""


class BusMessage(NamedTuple):
    """A message with its flags. With MQTT 3.1.1 a new message is never marked as retained."""

    topic: str
    payload: bytes
    qos: int
    """0 or 1; a higher QoS is given as 1."""
    retained: bool


ReceiveBusMessage = Callable[[BusMessage], None]
"""As `Receive`, but called with the message and its flags."""


class Receipt:
    """The broker's acknowledgement of one `post`."""

    def __init__(self) -> None:
        self._answered = Event()
        self.refused: str | None = None

    def answer(self, refused: str | None = None) -> None:
        """Store the broker's answer: None if it has the message, or why it refuses."""
        self.refused = refused
        self._answered.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the answer and return whether it came; then `refused` holds why the broker refused, or None."""
        return self._answered.wait(timeout_s)


class Link(Protocol):
    """One connection to the bus, open inside `with`. It reconnects by itself, without end."""

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
        """How often it has connected so far."""
        ...

    @property
    def trouble(self) -> str:
        """Why it is not connected, in one line; empty while it is."""
        ...

    def offer(self, topic: str, payload: bytes) -> bool:
        """Send now, at most once (QoS 0).

        Sends nothing and returns False while the previous message on this topic is unsent or the broker is away.
        """
        ...

    def post(self, topic: str, payload: bytes, *, retain: bool = False) -> Receipt:
        """Send at least once (QoS 1); the receipt is answered by the broker. Raises `BrokerUnavailable`."""
        ...

    def listen(self, pattern: str, receive: Receive, *, qos: int) -> None:
        """Call `receive` for each message on `pattern`, and then acknowledge it. Use this before `with`."""
        ...

    def monitor(self, pattern: str, receive: ReceiveBusMessage) -> None:
        """Call `receive` for each message on `pattern`, with the flags it was sent with. Use this before `with`."""
        ...

    def wait_connected(self, timeout_s: float) -> bool:
        """Wait for the connection; return whether there was one within the time."""
        ...
