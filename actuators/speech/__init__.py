"""A voice for a place: it speaks the sentences published for the place, and greets people."""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from actuators.speech.rules import Speech, is_quiet, is_stale, speech_of
from actuators.speech.settings import SpeechSettings
from actuators.speech.voice import play_sound, sound_duration, synthesise
from nerves.errors import KinwatchError
from nerves.messages import Fact, Said, Say, Visit, now
from nerves.services import Actuator, Context, Tick

__all__ = ["SpeechSettings", "actuator", "speak"]

SPEECH_TICK_S = 60.0

logger = logging.getLogger(__name__)


def speak(settings: SpeechSettings, messages: Iterator[Say | Visit | Tick], context: Context) -> tuple[Fact, ...]:
    """Speak one sentence after the other; drop those that are too old or that come in quiet hours."""
    for message in messages:
        speech = None if isinstance(message, Tick) else _wanted(settings, message)
        if speech:
            _speak(settings, speech, context)
    return ()


def _wanted(settings: SpeechSettings, message: Say | Visit) -> Speech | None:
    at = now()
    speech = speech_of(settings, message)
    if speech is None:
        return None
    if is_stale(settings, message, at):
        logger.info("Too old to be spoken: %s", speech.words)
        return None
    if is_quiet(settings, message, at.astimezone().replace(tzinfo=None)):
        logger.info("Not spoken in quiet hours: %s", speech.words)
        return None
    return speech


def _speak(settings: SpeechSettings, speech: Speech, context: Context) -> None:
    """Speak a sentence. `Said` is published before the first sound, so that no microphone takes it for a person."""
    logger.info("%s: %s", speech.place, speech.words)
    if settings.engine == "print":
        return
    with _sound_file(settings) as file:
        synthesise(settings, speech.words, speech.language, file)
        if settings.command:
            begin = now()
            context.publish(Said(place=speech.place, words=speech.words, at=begin, until=begin + sound_duration(file)))
            play_sound(settings.command, file)


@contextmanager
def _sound_file(settings: SpeechSettings) -> Iterator[Path]:
    """Yield the path of a sound file; it is deleted afterwards unless the settings keep it."""
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


def _accepts(settings: SpeechSettings) -> Callable[[Say | Visit], bool]:
    return lambda message: speech_of(settings, message) is not None


actuator = Actuator(SpeechSettings, (Say, Visit), speak, tick_s=SPEECH_TICK_S, accepts=_accepts)
