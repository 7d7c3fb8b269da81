"""A voice for a place: says what the house has to say, and greets."""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from actuators.speech.rules import Speech, is_quiet, is_stale, speech_of
from actuators.speech.settings import SpeechSettings
from actuators.speech.voice import length, play, synthesise
from nerves.errors import KinwatchError
from nerves.messages import Fact, Said, Say, Visit, now
from nerves.services import Actuator, Context, Tick

__all__ = ["SpeechSettings", "actuator", "speak"]

TICK_S = 60.0

logger = logging.getLogger(__name__)


def speak(settings: SpeechSettings, messages: Iterator[Say | Visit | Tick], desk: Context) -> tuple[Fact, ...]:
    """Say one thing after the other; what comes too late, or in quiet hours, is not said."""
    for message in messages:
        speech = None if isinstance(message, Tick) else _wanted(settings, message)
        if speech:
            _say(settings, speech, desk)
    return ()


def _wanted(settings: SpeechSettings, message: Say | Visit) -> Speech | None:
    at = now()
    speech = speech_of(settings, message)
    if speech is None:
        return None
    if is_stale(settings, message, at):
        logger.info("too late to be said: %s", speech.words)
        return None
    if is_quiet(settings, message, at.astimezone().replace(tzinfo=None)):
        logger.info("not said in quiet hours: %s", speech.words)
        return None
    return speech


def _say(settings: SpeechSettings, speech: Speech, desk: Context) -> None:
    """Say it; the house knows before the first sound until when, so that no ear takes it for a person's word."""
    logger.info("%s: %s", speech.place, speech.words)
    if settings.engine == "print":
        return
    with _file(settings) as file:
        synthesise(settings, speech.words, speech.language, file)
        if settings.command:
            begin = now()
            desk.publish(Said(place=speech.place, words=speech.words, at=begin, until=begin + length(file)))
            play(settings.command, file)


@contextmanager
def _file(settings: SpeechSettings) -> Iterator[Path]:
    """Give a sound file's name; where it is not to be kept, it goes afterwards."""
    if settings.keep is None:
        with tempfile.TemporaryDirectory(prefix="kinwatch-") as briefly:
            yield Path(briefly) / "said.wav"
        return
    folder = settings.keep.expanduser()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=f"{now():%Y%m%d-%H%M%S-%f}-", suffix=".wav")
        os.close(handle)
    except OSError as error:
        message = f"{folder}: {error.strerror}: check keep"
        raise KinwatchError(message) from error
    yield Path(name)


def _heeds(settings: SpeechSettings) -> Callable[[Say | Visit], bool]:
    return lambda message: speech_of(settings, message) is not None


actuator = Actuator(SpeechSettings, (Say, Visit), speak, tick_s=TICK_S, accepts=_heeds)
