"""The table `brain.answer` in kinwatch.yaml."""

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = ["Additions", "AnswerSettings", "Intent", "fold"]

Intent = Literal["who", "arm", "night", "disarm", "open", "close", "name", "confirm", "refuse"]


def fold(words: str) -> str:
    """Return words without case, accents, punctuation and doubled spaces."""
    bare = unicodedata.normalize("NFKD", words.casefold().replace("œ", "oe"))
    bare = "".join(each for each in bare if not unicodedata.combining(each))
    return " ".join(re.sub(r"[^\w\s]|_", " ", bare).split())


def _worded(phrase: str) -> str:
    if not fold(phrase):
        why = "there is no word in it"
        raise ValueError(why)
    return phrase


class Additions(BaseModel):
    """A user's own phrases in one language."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    asks: dict[Intent, tuple[Annotated[str, AfterValidator(_worded)], ...]] = Field(default_factory=dict)
    """What else may be asked, by what is meant."""
    says: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    """What is answered instead; of a language of one's own, all of it."""


class AnswerSettings(BaseModel):
    """What the brain answers to what it hears."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    languages: tuple[str, ...] = ("en", "fr")
    """Languages in which it understands; it answers in that of the question. Empty: it never answers."""
    disarm: bool = False
    """Whether a voice may disarm the house, or close its eyes while it is armed: no voice is a key, and "arm" and
    "disarm" are one sound apart."""
    naming: Literal["off", "vouched", "anybody"] = "vouched"
    """Who may say "this is Alice": nobody, whoever is in view together with somebody of the family, anybody."""
    mentions: tuple[str, ...] = ()
    """Places where mentions on X are read aloud."""
    phrases: dict[str, Additions] = Field(default_factory=dict)
    """More phrases by language: `en: {asks: {who: [anybody home]}, says: {nobody: Not a soul.}}`."""
