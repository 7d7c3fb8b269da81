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
    """More phrases to understand, by intent."""
    says: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    """Answers that replace ours. A language that is not built in needs all answers."""


class AnswerSettings(BaseModel):
    """What the brain answers to spoken sentences."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    languages: tuple[str, ...] = ("en", "fr")
    """The languages the brain understands. It answers in the language of the question. If empty, it never answers."""
    disarm: bool = False
    """Whether a voice may disarm the house, or switch cameras off while it is armed. A voice is not a key, and "arm"
    and "disarm" differ in one sound."""
    naming: Literal["off", "vouched", "anybody"] = "vouched"
    """Who may say "this is Alice": nobody, somebody in view together with a family member, or anybody."""
    mentions: tuple[str, ...] = ()
    """The places where mentions on X are read aloud."""
    phrases: dict[str, Additions] = Field(default_factory=dict)
    """More phrases by language: `en: {asks: {who: [anybody home]}, says: {nobody: Not a soul.}}`."""
