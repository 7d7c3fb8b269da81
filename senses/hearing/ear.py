"""Find sentences in sound: voice detection, then speech recognition."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from nerves.messages import Heard, now
from nerves.model_store import model_folders
from senses.hearing.models import find_speech_model
from senses.hearing.recogniser import PocketRecogniser, voice_detector
from senses.hearing.segments import CHUNK_S, Segment, Segments
from senses.hearing.sentence import Recogniser
from senses.hearing.settings import SENTENCES, HearingSettings
from senses.hearing.vosk_model import VoskRecogniser

__all__ = ["heard_sentences", "recogniser_of", "speech_segments"]

log = logging.getLogger(__name__)


def recogniser_of(settings: HearingSettings, data_dir: Path | None = None) -> Recogniser:
    """Return a recogniser of the sentences in the settings; loading takes half a second and 60 MB.

    Downloaded models are searched in the folder that `KINWATCH_MODELS` names, and in `<data_dir>/models`.

    Raises:
        ModelError: The model or its package is missing.
        SettingsError: A sentence has a word that the recogniser does not know.
    """
    if settings.engine == "vosk":
        folder = find_speech_model(f"vosk-{settings.language}", model_folders(data_dir or Path()))
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
    """Yield the sentences that somebody says in a sound, until it ends.

    Args:
        place: The place of the messages.
        recogniser: Recognises a sentence.
        sound: Chunks of `CHUNK_SAMPLES` samples: 16 kHz, 16 bit, one channel.
        is_echo: Returns whether the house itself spoke between two times; such speech is ignored.
        clock: Returns when the last chunk arrived: now, unless the chunk had to wait.
    """
    for segment, total_s in speech_segments(sound):
        at = clock()
        since = at - timedelta(seconds=total_s)
        start, end = (since + timedelta(seconds=seconds) for seconds in (segment.start_s, segment.end_s))
        if is_echo(start, end):
            continue
        sentence = recogniser.recognise(segment.sound)
        if sentence:
            log.info("%s: heard %r (%.2f)", place, sentence.words, sentence.confidence)
            yield Heard(place=place, at=at, words=sentence.words, confidence=sentence.confidence, start=start, end=end)


def speech_segments(sound: Iterator[bytes]) -> Iterator[tuple[Segment, float]]:
    """Yield each segment that may be a sentence, with the length of the whole sound until then, in seconds."""
    voice, found, number = voice_detector(), Segments(), 0
    for number, chunk in enumerate(sound, 1):
        if segment := found.take(chunk, voice(chunk)):
            yield segment, number * CHUNK_S
    if segment := found.flush():
        yield segment, number * CHUNK_S
