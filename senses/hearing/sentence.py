"""The interface of every speech recogniser."""

from typing import NamedTuple, Protocol

__all__ = ["Recogniser", "Sentence"]


class Sentence(NamedTuple):
    """A recognised sentence, and how certain it is: 0 to 1."""

    words: str
    confidence: float


class Recogniser(Protocol):
    """Recognises some sentences."""

    def recognise(self, sound: bytes) -> Sentence | None:
        """Return the sentence that a sound (16 kHz, 16 bit, one channel) is, or None if it is none of them."""
        ...
