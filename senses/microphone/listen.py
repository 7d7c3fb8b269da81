"""From sound to sentences."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Thread

from nerves.messages import Fact, Heard, Said, now
from nerves.organs import Desk
from senses.microphone.recogniser import Recogniser, voice_detector
from senses.microphone.segments import CHUNK_S, Segment, Segments
from senses.microphone.settings import MicrophoneSettings
from senses.microphone.sound import chunks, is_recording

__all__ = ["Echoes", "segments", "sentences"]

ECHO = timedelta(seconds=0.5)  # a room, and a loudspeaker's buffer, go on for a moment

log = logging.getLogger(__name__)


class Echoes:
    """Knows when the voice at this place spoke: what is heard then is the house itself."""

    def __init__(self, heard: Iterator[Fact]) -> None:
        self._spoken: list[tuple[datetime, datetime]] = []
        Thread(target=self._listen, args=(heard,), name="echoes", daemon=True).start()

    def _listen(self, heard: Iterator[Fact]) -> None:
        for fact in heard:
            if isinstance(fact, Said):
                self._spoken = [*self._spoken[-9:], (fact.at, fact.until + ECHO)]

    def cover(self, start: datetime, end: datetime) -> bool:
        """Return whether the house spoke in between."""
        return any(begun < end and start < over for begun, over in self._spoken)


def sentences(settings: MicrophoneSettings, desk: Desk, heard: Iterator[Fact]) -> Iterator[Heard]:
    """Yield the sentences that somebody says."""
    wanted = (*settings.sentences, *(f"this is {name}" for name in settings.names))
    recogniser = Recogniser(wanted, agreement=settings.agreement)
    echoes = Echoes(heard)
    is_live = not is_recording(settings.source)
    desk.note("")
    for segment, total_s in segments(chunks(settings.device, settings.source)):
        at = now()
        since = at - timedelta(seconds=total_s)
        start, end = (since + timedelta(seconds=seconds) for seconds in (segment.start_s, segment.end_s))
        if is_live and echoes.cover(start, end):
            continue
        sentence = recogniser.hear(segment.sound)
        if sentence:
            log.info("%s: heard %r (%.2f)", settings.place, sentence.words, sentence.confidence)
            yield Heard(
                place=settings.place, at=at, words=sentence.words, confidence=sentence.confidence, start=start, end=end
            )


def segments(sound: Iterator[bytes]) -> Iterator[tuple[Segment, float]]:
    """Yield what may be a sentence, and how many seconds of sound there have been by then."""
    voice, found, number = voice_detector(), Segments(), 0
    for number, chunk in enumerate(sound, 1):
        if segment := found.take(chunk, voice(chunk)):
            yield segment, number * CHUNK_S
    if segment := found.flush():
        yield segment, number * CHUNK_S
