"""What a recogniser gives, whichever it is."""

from typing import NamedTuple, Protocol

__all__ = ["Recogniser", "Sentence"]


class Sentence(NamedTuple):
    """What was said, and how sure that is: 0 to 1."""

    words: str
    confidence: float


class Recogniser(Protocol):
    """Knows some sentences."""

    def recognise(self, sound: bytes) -> Sentence | None:
        """Return which of the sentences some sound is (16 kHz, 16 bit, one channel), or None."""
        ...
