"""Pure: sentences for people, with fields in braces that are filled in; in English and French."""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from string import Formatter
from typing import NamedTuple

from nerves.messages import Visit
from nerves.sources import did_you_mean

__all__ = ["LANGUAGES", "age_words", "check_template", "fields_of", "somebody", "template"]

LANGUAGES = ("en", "fr")
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400


class _Words(NamedTuple):
    """The words of a language for the values of the fields."""

    stranger: str
    unidentified: str
    somebody: str
    again: str
    units: Mapping[int, tuple[str, str]]


LANGUAGE_WORDS = {
    "en": _Words(
        "a stranger",
        "somebody whose face could not be seen",
        "somebody",
        ", here for the {times} time",
        {1: ("second", "seconds"), MINUTE_S: ("minute", "minutes"), HOUR_S: ("hour", "hours"), DAY_S: ("day", "days")},
    ),
    "fr": _Words(
        "une personne inconnue",
        "quelqu'un dont le visage n'a pas été vu",
        "quelqu'un",
        ", ici pour la {times}e fois",
        {
            1: ("seconde", "secondes"),
            MINUTE_S: ("minute", "minutes"),
            HOUR_S: ("heure", "heures"),
            DAY_S: ("jour", "jours"),
        },
    ),
}


def check_template(known: Collection[str]) -> Callable[[str], str]:
    """Return a validator of sentences that may use only these fields. It raises `ValueError` and names the nearest."""

    def check(text: str) -> str:
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            why = f"{text!r}: {error}: a brace that is meant as one is written twice"
            raise ValueError(why) from error
        for _, name, form, conversion in parts:
            if name is not None and (name not in known or form or conversion):
                why = f"{{{name}}} is not a field: {did_you_mean(name, known)}"
                raise ValueError(why)
        return text

    return check


def template(own: str | None, table: Mapping[str, Mapping[str, str]], language: str, key: str) -> str:
    """Return the household's own sentence, else the one of the language, else the English one."""
    return table.get(language, table["en"])[key] if own is None else own


def fields_of(visit: Visit, language: str) -> dict[str, str]:
    """Return the values of the fields for a visit: place, name, verdict, time, again."""
    words = LANGUAGE_WORDS.get(language, LANGUAGE_WORDS["en"])
    unnamed = {"stranger": words.stranger, "unidentified": words.unidentified}
    return {
        "place": visit.place,
        "name": visit.who or unnamed.get(visit.verdict, words.somebody),
        "verdict": visit.verdict,
        "time": f"{visit.since.astimezone():%H:%M}",
        "again": _again(visit.times or 1, language),
    }


def somebody(language: str) -> str:
    """Return the word of a language for a person without a name."""
    return LANGUAGE_WORDS.get(language, LANGUAGE_WORDS["en"]).somebody


def age_words(age: timedelta, language: str) -> str:
    """Return a time span in words, in its largest whole unit: `12 minutes`."""
    seconds = max(int(age.total_seconds()), 1)
    units = LANGUAGE_WORDS.get(language, LANGUAGE_WORDS["en"]).units
    unit = max(size for size in units if size <= seconds)
    count = seconds // unit
    return f"{count} {units[unit][count > 1]}"


def _again(times: int, language: str) -> str:
    if times < 2:  # noqa: PLR2004 - the first time is not again
        return ""
    count = str(times) if language == "fr" else _ordinal(times)
    return LANGUAGE_WORDS.get(language, LANGUAGE_WORDS["en"]).again.format(times=count)


def _ordinal(number: int) -> str:
    teen = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
