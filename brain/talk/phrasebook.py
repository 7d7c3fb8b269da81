"""Match heard words to the requests we understand. Pure; the phrases are data in `brain/talk/phrases`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import get_args

from brain.settings.answers import Additions, Intent, fold
from nerves.errors import SettingsError
from nerves.sources import did_you_mean, read_file

__all__ = ["Ask", "Phrasebook", "alike", "understood"]

FOLDER = Path(__file__).parent / "phrases"
NAME = "{name}"
# Two sentences count as the same if at least this share of their letters agree. Sentences with fewer letters than the
# second number must be equal: "no" is similar to "now".
MIN_SENTENCE_LIKENESS, SHORT_SENTENCE_LETTERS = 0.84, 12
MAX_NAME_WORDS = 3

# Compared by letters, "you may not look" is similar to "you may look": so negations are searched as words. Folding
# turns "don't" into "don t", "n'ouvre" into "n ouvre".
NEGATION = re.compile(r"\b(not|never|no|cannot|cant|dont|wont|arent|isnt|\w+n t|ne|n|pas|jamais|plus)\b")


@dataclass(frozen=True)
class Ask:
    """A request that was understood."""

    intent: Intent
    language: str
    name: str = ""
    """The name that was said, if the intent is `name`."""


@dataclass(frozen=True)
class Phrasebook:
    """The requests we understand and the answers we give in one language."""

    language: str
    asks: Mapping[Intent, tuple[str, ...]]
    says: Mapping[str, str]

    @classmethod
    def read(cls, language: str, additions: Mapping[str, Additions]) -> "Phrasebook":
        """Return the phrases of a language with the user's additions.

        Raises:
            SettingsError: An added answer has an unknown key, or a language that is not built in lacks an answer.
        """
        file = FOLDER / f"{language}.yaml"
        ours = read_file(file) if file.is_file() else {"asks": {}, "says": {}}
        added = additions.get(language, Additions())
        says = ours["says"] | added.says
        whole = read_file(FOLDER / "en.yaml")["says"]
        if wrong := says.keys() - whole.keys():
            message = (
                f"brain.answer.phrases.{language}.says: {min(wrong)} is never said: {did_you_mean(min(wrong), whole)}"
            )
            raise SettingsError(message)
        if missing := whole.keys() - says.keys():
            message = (
                f"brain.answer: {language} is not a language of ours: phrases.{language}.says lacks {min(missing)}"
            )
            raise SettingsError(message)
        asks: dict[Intent, tuple[str, ...]] = {
            intent: (*ours["asks"].get(intent, ()), *added.asks.get(intent, ())) for intent in get_args(Intent)
        }
        return cls(language, asks, says)


def alike(one: str, other: str) -> float:
    """Return how alike two folded sentences are, 0 to 1. Short sentences are 1 if they are equal, else 0."""
    if one == other:
        return 1.0
    if min(len(one), len(other)) < SHORT_SENTENCE_LETTERS:
        return 0.0
    return SequenceMatcher(None, one, other).ratio()


def understood(words: str, books: Iterable[Phrasebook]) -> Ask | None:
    """Return the request in the words; None if there is none, as in most of what is said in a house."""
    found = [
        (likeness, Ask(intent, book.language, name))
        for book in books
        for intent, phrases in book.asks.items()
        for phrase in phrases
        for likeness, name in [_likeness(words, phrase)]
    ]
    likeness, ask = max(found, key=lambda pair: pair[0], default=(0.0, None))
    return ask if likeness >= MIN_SENTENCE_LIKENESS else None


def _likeness(words: str, phrase: str) -> tuple[float, str]:
    """Return how alike the words and a phrase are, 0 to 1, and the name in the words.

    Words with a negation are never alike to a phrase without one.
    """
    if NEGATION.search(fold(words)) and not NEGATION.search(fold(phrase)):
        return 0.0, ""
    if NAME not in phrase:
        return alike(fold(words), fold(phrase)), ""
    before, after = (fold(part).split() for part in phrase.split(NAME, 1))
    said = re.sub(r"[^\w\s-]|_", " ", words).split()
    name = said[len(before) : len(said) - len(after)]
    if not 0 < len(name) <= MAX_NAME_WORDS:
        return 0.0, ""
    rest = fold(" ".join([*said[: len(before)], *said[len(said) - len(after) :]]))
    # Slightly less than the 1.0 of a phrase without a name: "this is it" may be a phrase of its own.
    return (0.99 if rest == " ".join([*before, *after]) else 0.0), " ".join(name)
