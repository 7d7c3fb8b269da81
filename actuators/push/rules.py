"""Pure: when an alert rings, and what its messages say."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from actuators.push.settings import PushSettings
from nerves.hours import read_hours
from nerves.messages import Verdict, Visit
from nerves.texts import age_words, fields_of, somebody, template

__all__ = ["News", "compose", "identity", "rings_at", "said_of", "text_of", "title_of"]

TEXTS = {
    "en": {
        "title": "kinwatch: {place}",
        "stranger": "A stranger at {time}{again}.",
        "unidentified": "Somebody at {time} whose face could not be seen.",
        "known": "{name} at {time}.",
        "corrected": "That was {name}.",
        "nobody": "That was not a person.",
        "acknowledged": "{by} has taken note.",
        "late": "{text} ({age} ago)",
        "spoken": "Attention, {place}. {text}",
    },
    "fr": {
        "title": "kinwatch : {place}",
        "stranger": "Une personne inconnue à {time}{again}.",
        "unidentified": "Quelqu'un à {time}, son visage n'a pas été vu.",
        "known": "{name} à {time}.",
        "corrected": "C'était {name}.",
        "nobody": "Ce n'était personne.",
        "acknowledged": "{by} en a pris note.",
        "late": "{text} (il y a {age})",
        "spoken": "Attention, {place}. {text}",
    },
}


class News(NamedTuple):
    """A sentence about a visit, and when it was true."""

    text: str
    at: datetime


def identity(visit: Visit) -> str:
    """Return who it is, for the cooldown; empty for somebody who may be anybody."""
    return visit.who or visit.stranger or ""


def rings_at(settings: PushSettings, verdict: Verdict, now: datetime) -> datetime | None:
    """Return when an alert with this verdict may ring, in local time without a zone; None for never."""
    if verdict not in settings.on:
        return None
    if settings.quiet is None or verdict in settings.quiet_except:
        return now
    quiet = read_hours(settings.quiet)
    return quiet.over(now) if quiet.cover(now) else now


def text_of(settings: PushSettings, visit: Visit, *, first: bool) -> str:
    """Return what is said of a visit: first as an alert, later as its correction."""
    key: str = visit.verdict
    if key not in ("stranger", "unidentified"):
        key = "known" if first else "corrected"
    return said_of(settings, key, visit)


def title_of(settings: PushSettings, visit: Visit) -> str:
    """Return the title of a visit's messages."""
    return said_of(settings, "title", visit)


def said_of(settings: PushSettings, key: str, visit: Visit, **more: str | None) -> str:
    """Return one of the sentences, filled in; what more there is may be absent: then it is somebody."""
    fields = fields_of(visit, settings.language)
    fields |= {name: value or somebody(settings.language) for name, value in more.items()}
    text = template(getattr(settings.texts, key), TEXTS, settings.language, key).format_map(fields)
    return text[:1].upper() + text[1:]


def compose(settings: PushSettings, news: Sequence[News], now: datetime) -> str:
    """Return a message of one or more sentences; it says how old it is where it is late."""
    text = " ".join(each.text for each in news)
    age = now - oldest(news)
    if age < timedelta(seconds=settings.late_s):
        return text
    late = template(settings.texts.late, TEXTS, settings.language, "late")
    return late.format(text=text, age=age_words(age, settings.language))


def oldest(news: Iterable[News]) -> datetime:
    """Return when the first of the news was true."""
    return min(each.at for each in news)
