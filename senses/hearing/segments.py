"""Pure: from how likely each 32 ms are voice to whole sentences."""

from collections import deque
from typing import NamedTuple

__all__ = ["CHUNK", "CHUNK_S", "RATE", "Segment", "Segments"]

RATE, CHUNK = 16_000, 512  # samples a second, and in what is judged at once
CHUNK_S = CHUNK / RATE
ON, OFF = 0.5, 0.35
PAUSE, BEFORE = 22, 10  # chunks: 0.7 s of silence end a sentence (0.4 s cut "one two three" into three)
SHORTEST_S, LONGEST_S = 0.3, 3.5


class Segment(NamedTuple):
    """Sound with somebody's voice, and the seconds since the first chunk between which it lies."""

    sound: bytes
    start_s: float
    end_s: float


class Segments:
    """Takes sound chunk by chunk; gives out what may be a sentence, once it has ended."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque(maxlen=BEFORE)
        self._number = self._first = self._last = 0
        self._is_on = False

    def take(self, chunk: bytes, voice: float) -> Segment | None:
        """Take a chunk and how likely it is voice, 0 to 1; return the sentence that it ends, if any."""
        self._number += 1
        if not self._is_on and voice >= ON:
            self._is_on, self._first = True, self._number
            self._chunks = deque(self._chunks, maxlen=int(LONGEST_S / CHUNK_S) + BEFORE + PAUSE)
        if voice >= (OFF if self._is_on else ON):
            self._last = self._number
        self._chunks.append(chunk)
        if self._is_on and self._number - self._last >= PAUSE:
            return self._end()
        return None

    def flush(self) -> Segment | None:
        """Return the sentence that was going on when the sound ended, if any."""
        return self._end() if self._is_on else None

    def _end(self) -> Segment | None:
        sound, length_s = b"".join(self._chunks), (self._last - self._first + 1) * CHUNK_S
        self._is_on, self._chunks = False, deque(maxlen=BEFORE)
        if not SHORTEST_S <= length_s <= LONGEST_S:
            return None
        return Segment(sound, (self._first - 1) * CHUNK_S, self._last * CHUNK_S)
