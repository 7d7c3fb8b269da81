"""From sound to sentences."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from nerves.messages import Heard, now
from senses.hearing import models
from senses.hearing.recogniser import PocketRecogniser, voice_detector
from senses.hearing.segments import CHUNK_S, Segment, Segments
from senses.hearing.sentence import Recogniser
from senses.hearing.settings import SENTENCES, HearingSettings
from senses.hearing.vosk_model import VoskRecogniser

__all__ = ["heard_sentences", "recogniser_of", "segments"]

log = logging.getLogger(__name__)


def recogniser_of(settings: HearingSettings, data_dir: Path | None = None) -> Recogniser:
    """Return what knows the sentences that are listened for; it takes half a second, and 60 MB.

    A model that was fetched is looked for where `KINWATCH_MODELS` says, and in the data folder.
    """
    if settings.engine == "vosk":
        folder = models.find(f"vosk-{settings.language}", models.folders(data_dir or Path()))
        optional = () if settings.sentences else SENTENCES[settings.language]
        return VoskRecogniser(settings.wanted, folder, optional=optional)
    return PocketRecogniser(settings.wanted, agreement=settings.agreement)


def heard_sentences(
    place: str,
    recogniser: Recogniser,
    sound: Iterator[bytes],
    is_echo: Callable[[datetime, datetime], bool],
    clock: Callable[[], datetime] = now,
) -> Iterator[Heard]:
    """Yield the sentences that somebody says in some sound, which comes in chunks, until it ends.

    `clock` says when the last chunk came: now, unless it had to wait.
    """
    for segment, total_s in segments(sound):
        at = clock()
        since = at - timedelta(seconds=total_s)
        start, end = (since + timedelta(seconds=seconds) for seconds in (segment.start_s, segment.end_s))
        if is_echo(start, end):
            continue
        sentence = recogniser.recognise(segment.sound)
        if sentence:
            log.info("%s: heard %r (%.2f)", place, sentence.words, sentence.confidence)
            yield Heard(place=place, at=at, words=sentence.words, confidence=sentence.confidence, start=start, end=end)


def segments(sound: Iterator[bytes]) -> Iterator[tuple[Segment, float]]:
    """Yield what may be a sentence, and how many seconds of sound there have been by then."""
    voice, found, number = voice_detector(), Segments(), 0
    for number, chunk in enumerate(sound, 1):
        if segment := found.take(chunk, voice(chunk)):
            yield segment, number * CHUNK_S
    if segment := found.flush():
        yield segment, number * CHUNK_S
