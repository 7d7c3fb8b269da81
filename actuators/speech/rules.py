"""Pure: what a voice says of a message, if anything."""

from datetime import datetime
from typing import NamedTuple

from actuators.speech.settings import ALL_PLACES, SpeechSettings
from nerves.greeting import greeting
from nerves.hours import read_hours
from nerves.messages import Say, Visit

__all__ = ["Speech", "is_quiet", "is_stale", "speech_of"]

MAX_SPOKEN_CHARACTERS = 600


class Speech(NamedTuple):
    """A sentence to speak."""

    place: str
    words: str
    language: str


def speech_of(settings: SpeechSettings, message: Say | Visit) -> Speech | None:
    """Return what to say of a message; None if it is not for this voice."""
    if isinstance(message, Say):
        is_wanted = message.place == ALL_PLACES or _is_for(settings, message.place)
        words = message.words[:MAX_SPOKEN_CHARACTERS] if is_wanted else ""
        language = message.language or settings.language
    else:
        language = settings.language
        is_wanted = _is_for(settings, message.place) and not _is_update(message)
        words = greeting(settings, message, language) if is_wanted else ""
    place = message.place if settings.place == ALL_PLACES else settings.place
    return Speech(place, words, language) if words.strip() else None


def is_stale(settings: SpeechSettings, message: Say | Visit, now: datetime) -> bool:
    """Whether a message is too old to speak: a late greeting is worse than none, a late alert is not."""
    is_greeting = isinstance(message, Visit) and not message.alert
    limit_s = settings.stale_s if is_greeting else settings.stale_alert_s
    return (now - message.at).total_seconds() > limit_s


def is_quiet(settings: SpeechSettings, message: Say | Visit, local: datetime) -> bool:
    """Whether a message must not be spoken at this local time."""
    if settings.quiet is None or (isinstance(message, Say) and settings.quiet_says):
        return False
    return read_hours(settings.quiet).contain(local)


def _is_update(visit: Visit) -> bool:
    """Whether a message says more of an incident that was spoken already, and nothing worse."""
    return visit.incident is not None and not visit.alert and visit.verdict in ("stranger", "unidentified")


def _is_for(settings: SpeechSettings, place: str) -> bool:
    return settings.place in (place, ALL_PLACES)
