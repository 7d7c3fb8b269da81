"""Messages that wait to be published: other threads put them in, the network thread takes them out."""

from collections import deque
from dataclasses import dataclass
from threading import Event, Lock

from nerves.link import Receipt

__all__ = ["OutgoingMessage", "SendQueue", "checked"]


@dataclass(frozen=True, slots=True, eq=False)
class OutgoingMessage:
    """One message to publish: QoS 1 if it has a receipt, else QoS 0."""

    topic: str
    payload: bytes
    retain: bool = False
    receipt: Receipt | None = None


class SendQueue:
    """Messages for a connection. It is open while there is a connection, and takes no message while it is closed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open = Event()
        self._messages: deque[OutgoingMessage] = deque()
        self._unsent: set[str] = set()
        self._unanswered: set[Receipt] = set()

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._open.is_set()

    @property
    def is_settled(self) -> bool:
        """Whether every message was sent and every receipt answered."""
        return not self._unsent and not self._unanswered

    def wait_open(self, timeout_s: float) -> bool:
        """Wait for a connection; return whether there was one within the time."""
        return self._open.wait(timeout_s)

    def open(self) -> None:
        """Take messages from now on: there is a connection."""
        self._open.set()

    def close(self) -> None:
        """Take no more messages. Those with QoS 0 are dropped, those with QoS 1 wait for the next connection."""
        with self._lock:
            self._open.clear()
            self._unsent.clear()
            self._messages = deque(message for message in self._messages if message.receipt)

    def offer(self, topic: str, payload: bytes) -> bool:
        """Put in a message for QoS 0; return False while closed, or while a message on this topic is unsent."""
        with self._lock:
            if not self.is_open or topic in self._unsent:
                return False
            self._unsent.add(checked(topic))
            self._messages.append(OutgoingMessage(topic, payload))
        return True

    def post(self, topic: str, payload: bytes, *, retain: bool) -> Receipt | None:
        """Put in a message for QoS 1; return its receipt, or None while closed."""
        receipt = Receipt()
        with self._lock:
            if not self.is_open:
                return None
            self._messages.append(OutgoingMessage(checked(topic), payload, retain, receipt))
            self._unanswered.add(receipt)
        return receipt

    def take_all(self) -> list[OutgoingMessage]:
        """Take out all messages, the oldest first."""
        with self._lock:
            messages, self._messages = list(self._messages), deque()
        return messages

    def mark_sent(self, topic: str) -> None:
        """Mark the QoS 0 message on `topic` as sent: the next one may be offered."""
        with self._lock:
            self._unsent.discard(topic)

    def mark_answered(self, receipt: Receipt, refused: str | None = None) -> None:
        """Answer a receipt: None, or why the broker refuses."""
        with self._lock:
            self._unanswered.discard(receipt)
        receipt.answer(refused)


def checked(topic: str) -> str:
    """Return `topic`. Raises `ValueError` if it cannot be published on."""
    if not topic or set("+#\0") & set(topic) or len(topic.encode()) > 65_535:  # noqa: PLR2004
        message = f"{topic!r} is not a topic to publish on"
        raise ValueError(message)
    return topic
