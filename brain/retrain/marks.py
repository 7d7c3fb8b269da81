"""Pure: the shares of right answers, with their confidence intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from brain.verdict.proportion import Proportion
from brain.vision.boxes import Floats

__all__ = ["Marks", "Mistake", "mark", "worst"]


@dataclass(frozen=True, slots=True)
class Marks:
    """The quality of the answers to the test pictures."""

    right: Proportion
    recall: tuple[Proportion, ...]
    """For each label: how many of its pictures were given this label."""
    precision: tuple[Proportion, ...]
    """For each label: how many of the pictures that were given this label really show it."""
    confusion: npt.NDArray[np.int64]
    """The number of pictures, classes x classes. Row: the label that a picture shows; column: the label that it got."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A test picture that was given a wrong label."""

    path: Path
    shows: str
    called: str
    chance: float
    """The probability that the layer gave to the wrong label, 0 to 1."""


def mark(truth: Sequence[int], chances: Floats) -> Marks:
    """Return the quality of the answers.

    Args:
        truth: The class of each picture.
        chances: The probabilities that the layer gave, pictures x classes.
    """
    classes = chances.shape[1]
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (np.asarray(truth, np.int64), chances.argmax(axis=1)), 1)
    hits = np.diag(confusion).tolist()
    shown, called = confusion.sum(axis=1).tolist(), confusion.sum(axis=0).tolist()
    return Marks(
        Proportion(sum(hits), len(truth)),
        tuple(Proportion(*pair) for pair in zip(hits, shown, strict=True)),
        tuple(Proportion(*pair) for pair in zip(hits, called, strict=True)),
        confusion,
    )


def worst(truth: Sequence[int], chances: Floats, most: int) -> list[int]:
    """Return the rows of at most `most` wrong answers, those with the highest probability first."""
    wrong = np.flatnonzero(chances.argmax(axis=1) != np.asarray(truth))
    return sorted(wrong.tolist(), key=lambda row: -float(chances[row].max()))[:most]
