"""Pure: when an alert rings, and the texts of its notifications."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from actuators.push.settings import PushSettings
from nerves.hours import is_outside_hours, read_hours
from nerves.messages import Verdict, Visit
from nerves.texts import age_words, fields_of, somebody, template

__all__ = [
    "VisitUpdate",
    "cooldown_identity",
    "fill_sentence",
    "has_cooldown",
    "is_welcome",
    "message_text",
    "rings_at",
    "visit_text",
    "visit_title",
]

TEXTS = {
    "en": {
        "title": "kinwatch: {place}",
        "stranger": "A stranger at {time}{again}.",
        "unidentified": "Somebody at {time} whose face could not be seen.",
        "known": "{name} at {time}.",
        "unexpected": "{name} at {time}, outside the agreed hours.",
        "corrected": "That was {name}.",
        "nobody": "That was not a person.",
        "acknowledged": "{by} has taken note.",
        "incident": "{unknown}: {places}{pictures}.",
        "late": "{text} ({age} ago)",
        "spoken": "Attention, {place}. {text}",
    },
    "fr": {
        "title": "kinwatch : {place}",
        "stranger": "Une personne inconnue à {time}{again}.",
        "unidentified": "Quelqu'un à {time}, son visage n'a pas été vu.",
        "known": "{name} à {time}.",
        "unexpected": "{name} à {time}, en dehors des heures convenues.",
        "corrected": "C'était {name}.",
        "nobody": "Ce n'était personne.",
        "acknowledged": "{by} en a pris note.",
        "incident": "{unknown} : {places}{pictures}.",
        "late": "{text} (il y a {age})",
        "spoken": "Attention, {place}. {text}",
    },
}


class VisitUpdate(NamedTuple):
    """A sentence about a visit, and the time of the message that it comes from."""

    text: str
    at: datetime


def cooldown_identity(visit: Visit) -> str:
    """Return the name of the person or stranger, for the cooldown; empty if nobody was recognised."""
    return visit.who or visit.stranger or ""


def has_cooldown(visit: Visit) -> bool:
    """Whether the cooldown counts for a visit. An incident rings once by itself, and another one must be heard."""
    return visit.incident is None


def rings_at(settings: PushSettings, verdict: Verdict, now: datetime) -> datetime | None:
    """Return when an alert with this verdict may ring; None for never. Times are local, without a zone."""
    if verdict not in settings.on:
        return None
    if settings.quiet is None or verdict in settings.quiet_except:
        return now
    quiet = read_hours(settings.quiet)
    return quiet.next_end(now) if quiet.contain(now) else now


def is_welcome(settings: PushSettings, visit: Visit) -> bool:
    """Return whether nobody has to be told: the verdict is not in `on`, or somebody known comes in the agreed hours."""
    is_expected = visit.verdict == "known" and not (visit.alert or is_outside_hours(visit.reasons))
    return is_expected or visit.verdict not in settings.on


def visit_text(settings: PushSettings, visit: Visit, *, first: bool) -> str:
    """Return the sentence of a visit: the alert if it is the `first` one, else its correction."""
    key: str = visit.verdict
    if key not in ("stranger", "unidentified"):
        key = "known" if first else "corrected"
    if visit.verdict == "known" and is_outside_hours(visit.reasons):
        key = "unexpected"
    return fill_sentence(settings, key, visit)


def visit_title(settings: PushSettings, visit: Visit) -> str:
    """Return the title of the notifications of a visit."""
    return fill_sentence(settings, "title", visit)


def fill_sentence(settings: PushSettings, key: str, visit: Visit, **more: str | None) -> str:
    """Return the sentence `key` with its fields filled in; a field of `more` that is None reads "somebody"."""
    fields = fields_of(visit, settings.language)
    fields |= {name: value or somebody(settings.language) for name, value in more.items()}
    text = template(getattr(settings.texts, key), TEXTS, settings.language, key).format_map(fields)
    return text[:1].upper() + text[1:]


def message_text(settings: PushSettings, updates: Sequence[VisitUpdate], now: datetime) -> str:
    """Return the text of a notification: all its sentences, and their age if that is `late_s` or more."""
    text = " ".join(each.text for each in updates)
    age = now - oldest(updates)
    if age < timedelta(seconds=settings.late_s):
        return text
    late = template(settings.texts.late, TEXTS, settings.language, "late")
    return late.format(text=text, age=age_words(age, settings.language))


def oldest(updates: Iterable[VisitUpdate]) -> datetime:
    """Return the time of the oldest update."""
    return min(each.at for each in updates)
