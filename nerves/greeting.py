"""Pure: the greetings that every voice of the house speaks to a visitor."""

from collections.abc import Collection
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from nerves.messages import Verdict, Visit
from nerves.texts import check_template, fields_of, template

__all__ = ["GREETINGS", "GreetingSettings", "Greetings", "greeting"]

PRESENT_FOR = timedelta(seconds=6)  # a person who was last seen longer ago has left
FIELDS = ("place", "name", "verdict", "time", "again")
Sentence = Annotated[str, AfterValidator(check_template(FIELDS))] | None

GREETINGS = {
    "en": {
        "family": "Hello {name}.",
        "guest": "Hello {name}.",
        "stranger": "You are on camera. The household has been told.",
        "unidentified": "You are on camera.",
    },
    "fr": {
        "family": "Bonjour {name}.",
        "guest": "Bonjour {name}.",
        "stranger": "Vous êtes filmé. Les habitants sont prévenus.",
        "unidentified": "Vous êtes filmé.",
    },
}


class Greetings(BaseModel):
    """The greeting for each verdict; the default is the one of the language."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    family: Sentence = None
    """To family. Fields: {place} {name} {verdict} {time} {again}."""
    guest: Sentence = None
    """To a guest."""
    stranger: Sentence = None
    """To a stranger."""
    unidentified: Sentence = None
    """To a person whose face could not be seen."""


def _said_aloud(greets: Collection[Verdict]) -> Collection[Verdict]:
    if unsaid := sorted({"identifying", "known"}.intersection(greets)):
        why = f"{unsaid[0]} is not said aloud: family, guest, stranger and unidentified are"
        raise ValueError(why)
    return greets


class GreetingSettings(BaseModel):
    """Which visitors a voice greets, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    greets: Annotated[frozenset[Verdict], AfterValidator(_said_aloud)] = frozenset()
    """The verdicts it greets aloud: family, guest, stranger, unidentified."""
    texts: Greetings = Field(default=Greetings())
    """The greetings."""


def greeting(settings: GreetingSettings, visit: Visit, language: str) -> str:
    """Return the greeting for a message of a visit; empty unless the message brings a verdict that is greeted."""
    decides = visit.phase in ("decided", "corrected")  # the other messages of a visit say nothing new
    is_gone = visit.at - visit.last > PRESENT_FOR  # a second opinion may come minutes later
    if not decides or is_gone or visit.verdict not in settings.greets:
        return ""
    language = language.partition("-")[0]
    text = template(getattr(settings.texts, visit.verdict), GREETINGS, language, visit.verdict)
    return text.format_map(fields_of(visit, language))
