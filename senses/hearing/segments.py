"""Cut sound into sentences by the probability of voice in each 32 ms. Pure."""

from collections import deque
from typing import NamedTuple

__all__ = ["CHUNK_S", "CHUNK_SAMPLES", "SAMPLE_RATE_HZ", "Segment", "Segments"]

SAMPLE_RATE_HZ, CHUNK_SAMPLES = 16_000, 512  # the voice detector judges 512 samples at once
CHUNK_S = CHUNK_SAMPLES / SAMPLE_RATE_HZ
VOICE_BEGINS, VOICE_GOES_ON = 0.5, 0.35
PAUSE_CHUNKS, LEAD_IN_CHUNKS = 22, 10  # 0.7 s of silence end a sentence (0.4 s cut "one two three" into three)
MIN_SENTENCE_S, MAX_SENTENCE_S = 0.3, 3.5


class Segment(NamedTuple):
    """Sound with a voice in it; it lasts from `start_s` to `end_s`, in seconds since the first chunk."""

    sound: bytes
    start_s: float
    end_s: float


class Segments:
    """Takes sound chunk by chunk; returns a segment that may be a sentence once it has ended."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque(maxlen=LEAD_IN_CHUNKS)
        self._number = self._first = self._last = 0
        self._is_on = False

    def take(self, chunk: bytes, voice: float) -> Segment | None:
        """Take a chunk and its probability of voice, 0 to 1; return the segment that ends with it, if any."""
        self._number += 1
        if not self._is_on and voice >= VOICE_BEGINS:
            self._is_on, self._first = True, self._number
            self._chunks = deque(self._chunks, maxlen=int(MAX_SENTENCE_S / CHUNK_S) + LEAD_IN_CHUNKS + PAUSE_CHUNKS)
        if voice >= (VOICE_GOES_ON if self._is_on else VOICE_BEGINS):
            self._last = self._number
        self._chunks.append(chunk)
        if self._is_on and self._number - self._last >= PAUSE_CHUNKS:
            return self._end()
        return None

    def flush(self) -> Segment | None:
        """Return the unfinished segment when the sound ends, if any."""
        return self._end() if self._is_on else None

    def _end(self) -> Segment | None:
        sound, length_s = b"".join(self._chunks), (self._last - self._first + 1) * CHUNK_S
        self._is_on, self._chunks = False, deque(maxlen=LEAD_IN_CHUNKS)
        if not MIN_SENTENCE_S <= length_s <= MAX_SENTENCE_S:
            return None
        return Segment(sound, (self._first - 1) * CHUNK_S, self._last * CHUNK_S)
