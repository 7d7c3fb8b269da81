"""Speech recognition by a Vosk model. Only this file imports the package vosk."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nerves.errors import ModelError, SettingsError
from senses.hearing.segments import SAMPLE_RATE_HZ
from senses.hearing.sentence import Sentence

__all__ = ["VoskRecogniser", "grammar", "sentence_of"]

UNKNOWN_WORD = "[unk]"


class VoskRecogniser:
    """Recognises a few sentences; its model itself rejects other speech."""

    def __init__(self, sentences: Iterable[str], folder: Path, *, optional: Collection[str]) -> None:
        try:
            import vosk  # noqa: PLC0415 - optional, and loads 25 MB
        except (ImportError, OSError) as error:
            message = f"the package vosk cannot be loaded ({error}): pip install 'kinwatch[vosk]'"
            raise ModelError(message) from error
        vosk.SetLogLevel(-1)
        try:
            model = vosk.Model(str(folder))
        except Exception as error:
            # The package raises no narrower error.
            remedy = f"remove it and run `kinwatch models pull {folder.name}`"
            message = f"{folder} is not a speech model that vosk can open: {remedy}"
            raise ModelError(message) from error
        self._spelt = grammar(sentences, lambda word: model.vosk_model_find_word(word) >= 0, optional=optional)
        self._recogniser = vosk.KaldiRecognizer(
            model, SAMPLE_RATE_HZ, json.dumps([*self._spelt, UNKNOWN_WORD], ensure_ascii=False)
        )
        self._recogniser.SetWords(True)  # noqa: FBT003 - vosk's own interface

    def recognise(self, sound: bytes) -> Sentence | None:
        """Return the sentence that the sound is, or None if it is none of them."""
        ended = self._recogniser.AcceptWaveform(sound)
        results = [self._recogniser.Result()] if ended else []
        return sentence_of([json.loads(each) for each in (*results, self._recogniser.FinalResult())], self._spelt)


def grammar(sentences: Iterable[str], knows: Callable[[str], bool], *, optional: Collection[str]) -> dict[str, str]:
    """Return a table from each sentence as the model spells it to the sentence as we spell it.

    Args:
        sentences: The sentences to recognise.
        knows: Returns whether a word is in the model's vocabulary.
        optional: Sentences that are left out if the model does not know all their words.

    Raises:
        SettingsError: The model does not know a word of a sentence that is not optional.
    """
    spelt: dict[str, str] = {}
    for sentence in sentences:
        words = [_spelling(word, knows) for word in re.sub(r"[^\w' -]", " ", sentence.lower()).split()]
        if all(words):
            spelt[" ".join(word for word in words if word)] = sentence
        elif sentence not in optional:
            message = f"microphone: the speech model does not know all words of {sentence!r}: use other words"
            raise SettingsError(message)
    if not spelt:
        message = "microphone: the speech model knows none of the `sentences`"
        raise SettingsError(message)
    return spelt


def _spelling(word: str, knows: Callable[[str], bool]) -> str | None:
    """Return a word as the model spells it, or None. `vois-tu` or `l'alarme` may be two words in its vocabulary."""
    parts = (word, word.replace("-", " "), word.replace("'", "' "), word.replace("-", " ").replace("'", "' "))
    return next((spelling for spelling in parts if all(knows(part) for part in spelling.split())), None)


def sentence_of(results: Sequence[Mapping[str, Any]], spelt: Mapping[str, str]) -> Sentence | None:
    """Return the sentence that a model's results make up; None if it is incomplete or more was said."""
    words = spelt.get(" ".join(result["text"] for result in results if result.get("text")))
    if words is None:
        return None
    sure = [float(word.get("conf", 1.0)) for result in results for word in result.get("result", [])]
    return Sentence(words, max(0.0, min(1.0, sum(sure) / len(sure)))) if sure else Sentence(words, 1.0)
