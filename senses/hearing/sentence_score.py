"""Compare how well a sentence fits a sound with how well the best sequence of phones fits it. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["MIN_COVERED_SHARE", "SentenceScore", "Span", "score_sentence"]

# How much worse a frame (10 ms) of a sentence may fit than the best phones, in natural logarithms. The agreement is 1
# at 0 and falls to 0 at 5.5. Sentences that were said are mostly above 0.6; those that were not said are below.
WORST_FIT_GAP = 5.5
# The share of the speech that must belong to the sentence: "yes" is a part of "yesterday".
MIN_COVERED_SHARE = 0.8


class Span(NamedTuple):
    """A word or a phone in a sound: its first and its last frame, and the natural logarithm of its likelihood."""

    first: int
    last: int
    fit: float


class SentenceScore(NamedTuple):
    """How well a sentence fits a sound."""

    agreement: float
    """1 if it fits as well as the best phones, 0 if it does not at all."""
    covered: float
    """The share of the speech that belongs to the sentence, 0 to 1."""


def score_sentence(words: Sequence[Span], phones: Sequence[Span]) -> SentenceScore:
    """Return how well the words of a sentence fit a sound; `phones` are the phones that fit it best."""
    count = 1 + max((span.last for span in (*words, *phones)), default=0)
    (word_fit, is_word), (phone_fit, is_phone) = _frames(words, count), _frames(phones, count)
    if not is_word.any():
        return SentenceScore(0.0, 0.0)
    worse = float((word_fit - phone_fit)[is_word].mean())
    covered = float((is_word & is_phone).sum()) / max(int(is_phone.sum()), 1)
    return SentenceScore(min(max(1 + worse / WORST_FIT_GAP, 0.0), 1.0), covered)


def _frames(spans: Sequence[Span], count: int) -> tuple["np.typing.NDArray[np.float64]", "np.typing.NDArray[np.bool_]"]:
    """Return for each frame how well its word or phone fits, and whether it has one."""
    fit, there = np.zeros(count), np.zeros(count, np.bool_)
    for span in spans:
        fit[span.first : span.last + 1] = span.fit / (span.last - span.first + 1)
        there[span.first : span.last + 1] = True
    return fit, there
