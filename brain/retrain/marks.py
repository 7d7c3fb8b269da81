"""Pure: how good the answers are, and how sure that is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from brain.vision.boxes import Floats

__all__ = ["Marks", "Mistake", "Share", "mark", "worst"]

# Of the normal distribution: 95 % lie within.
Z = 1.96


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    count: int
    of: int

    @property
    def rate(self) -> float | None:
        """0 to 1; None of nothing."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Where the true rate lies with 95 % (Wilson)."""
        if not self.of:
            return 0.0, 1.0
        rate, more = self.count / self.of, Z * Z / self.of
        middle, half = rate + more / 2, Z * math.sqrt(rate * (1 - rate) / self.of + more / (4 * self.of))
        return max(0.0, (middle - half) / (1 + more)), min(1.0, (middle + half) / (1 + more))

    def json(self) -> dict[str, Any]:
        """Return it for machines."""
        low, high = self.interval
        return {"count": self.count, "of": self.of, "rate": self.rate, "low": low, "high": high}

    def __str__(self) -> str:
        if self.rate is None:
            return "none to count"
        low, high = self.interval
        return f"{self.rate:.0%} ({self.count} of {self.of}; {low:.0%} to {high:.0%})"


@dataclass(frozen=True, slots=True)
class Marks:
    """What the answers to the test pictures are worth."""

    right: Share
    recall: tuple[Share, ...]
    """For each label: its pictures that were called so."""
    precision: tuple[Share, ...]
    """For each label: the pictures called so that are."""
    confusion: npt.NDArray[np.int64]
    """Row: what a picture shows; column: what it was called."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A test picture called by a wrong name."""

    path: Path
    shows: str
    called: str
    chance: float
    """How sure the layer was, 0 to 1."""


def mark(truth: Sequence[int], chances: Floats) -> Marks:
    """Return what a row of probabilities for each picture is worth."""
    classes = chances.shape[1]
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (np.asarray(truth, np.int64), chances.argmax(axis=1)), 1)
    hits = np.diag(confusion).tolist()
    shown, called = confusion.sum(axis=1).tolist(), confusion.sum(axis=0).tolist()
    return Marks(
        Share(sum(hits), len(truth)),
        tuple(Share(*pair) for pair in zip(hits, shown, strict=True)),
        tuple(Share(*pair) for pair in zip(hits, called, strict=True)),
        confusion,
    )


def worst(truth: Sequence[int], chances: Floats, most: int) -> list[int]:
    """Return which answers are wrong, the surest of the wrong first."""
    wrong = np.flatnonzero(chances.argmax(axis=1) != np.asarray(truth))
    return sorted(wrong.tolist(), key=lambda row: -float(chances[row].max()))[:most]
