"""What waits to be published: where the threads that speak meet the one that has the network."""

from collections import deque
from dataclasses import dataclass
from threading import Event, Lock

from nerves.link import Receipt

__all__ = ["OutgoingMessage", "SendQueue", "checked"]


@dataclass(frozen=True, slots=True, eq=False)
class OutgoingMessage:
    """One message to publish; with a receipt it is QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False
    receipt: Receipt | None = None


class SendQueue:
    """Messages for a connection; it is open while there is one, and takes nothing while it is closed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open = Event()
        self._parcels: deque[OutgoingMessage] = deque()
        self._unsent: set[str] = set()
        self._unanswered: set[Receipt] = set()

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._open.is_set()

    @property
    def is_settled(self) -> bool:
        """Whether everything put in was sent and, if it has a receipt, answered."""
        return not self._unsent and not self._unanswered

    def wait_open(self, timeout_s: float) -> bool:
        """Return whether there was a connection within the time."""
        return self._open.wait(timeout_s)

    def open(self) -> None:
        """Take messages from now on."""
        self._open.set()

    def close(self) -> None:
        """Take no more; what was offered is dropped, what was posted waits for the next connection."""
        with self._lock:
            self._open.clear()
            self._unsent.clear()
            self._parcels = deque(parcel for parcel in self._parcels if parcel.receipt)

    def offer(self, topic: str, payload: bytes) -> bool:
        """Put in a message for QoS 0; False while closed, or while one on this topic is unsent."""
        with self._lock:
            if not self.is_open or topic in self._unsent:
                return False
            self._unsent.add(checked(topic))
            self._parcels.append(OutgoingMessage(topic, payload))
        return True

    def post(self, topic: str, payload: bytes, *, retain: bool) -> Receipt | None:
        """Put in a message for QoS 1; None while closed."""
        receipt = Receipt()
        with self._lock:
            if not self.is_open:
                return None
            self._parcels.append(OutgoingMessage(checked(topic), payload, retain, receipt))
            self._unanswered.add(receipt)
        return receipt

    def take_all(self) -> list[OutgoingMessage]:
        """Take everything out, oldest first."""
        with self._lock:
            parcels, self._parcels = list(self._parcels), deque()
        return parcels

    def mark_sent(self, topic: str) -> None:
        """Note that what was offered on `topic` is on its way: the next one may be offered."""
        with self._lock:
            self._unsent.discard(topic)

    def mark_answered(self, receipt: Receipt, refused: str | None = None) -> None:
        """Hand the broker's answer to whoever posted."""
        with self._lock:
            self._unanswered.discard(receipt)
        receipt.answer(refused)


def checked(topic: str) -> str:
    """Return `topic`; a `ValueError` if nothing can be published on it."""
    if not topic or set("+#\0") & set(topic) or len(topic.encode()) > 65_535:  # noqa: PLR2004
        message = f"{topic!r} is not a topic to publish on"
        raise ValueError(message)
    return topic
