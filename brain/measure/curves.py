"""Pure: distances between pairs of one person and of two people -> how well a threshold tells them apart.

A pair of which a picture shows no face is infinitely far apart: it counts as two people.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brain.verdict.proportion import Proportion

__all__ = ["OperatingPoint", "accepted_at", "area_under_curve", "best", "correct", "equal_error", "roc", "within"]

Floats = npt.NDArray[np.float64]


class OperatingPoint(NamedTuple):
    """A threshold and what it does."""

    threshold: float
    rate: Proportion


def within(distances: Floats, threshold: float) -> Proportion:
    """Return how many pairs are called one person."""
    return Proportion(int((distances <= threshold).sum()), len(distances))


def correct(same: Floats, different: Floats, threshold: float) -> Proportion:
    """Return how many pairs are called what they are."""
    right = int((same <= threshold).sum() + (different > threshold).sum())
    return Proportion(right, len(same) + len(different))


def best(same: Floats, different: Floats) -> OperatingPoint:
    """Return the threshold at which most pairs are called what they are, in the middle of where that is so."""
    steps = _steps(same, different)
    right = [correct(same, different, step).count for step in steps]
    first = int(np.argmax(right))
    last = next(
        (number for number in range(first, len(steps)) if right[number] != right[first]),
        first + 1 if first + 1 < len(steps) else first,
    )
    threshold = float((steps[first] + steps[last]) / 2)
    return OperatingPoint(threshold, correct(same, different, threshold))


def accepted_at(same: Floats, different: Floats, false: float) -> OperatingPoint:
    """Return the share of one person's pairs that is accepted where at most a share `false` of two people's is.

    The threshold is just below the first distance that would be one too many.
    """
    allowed = int(false * len(different))
    finite = np.sort(different)[allowed : allowed + 1]
    limit = float(np.nextafter(finite[0], 0)) if finite.size else np.inf
    accepted = same[(same <= limit) & np.isfinite(same)]
    threshold = limit if np.isfinite(limit) else float(accepted.max(initial=0.0))
    return OperatingPoint(threshold, Proportion(len(accepted), len(same)))


def roc(same: Floats, different: Floats) -> Floats:
    """Return rows of threshold, false accepts and true accepts (shares), from none accepted on."""
    steps = np.concatenate([[0.0], _steps(same, different)])
    false = np.searchsorted(np.sort(different), steps, side="right") / max(1, len(different))
    true = np.searchsorted(np.sort(same), steps, side="right") / max(1, len(same))
    return np.stack([steps, false, true], axis=1)


def area_under_curve(same: Floats, different: Floats) -> float:
    """Return how often a pair of one person is nearer than a pair of two (the area under the curve)."""
    ordered = np.sort(different)
    farther = len(ordered) - np.searchsorted(ordered, same, side="right")
    equal = len(ordered) - farther - np.searchsorted(ordered, same, side="left")
    return float((farther + equal / 2).sum() / (len(same) * len(ordered)))


def equal_error(same: Floats, different: Floats) -> OperatingPoint:
    """Return where as large a share of one person's pairs is refused as of two people's accepted, and that share."""
    rows = roc(same, different)
    misses = 1 - rows[:, 2]
    at = int(np.argmin(np.abs(misses - rows[:, 1])))
    wrong = Proportion(
        int((same > rows[at, 0]).sum() + (different <= rows[at, 0]).sum()),
        len(same) + len(different),
    )
    return OperatingPoint(float(rows[at, 0]), wrong)


def _steps(same: Floats, different: Floats) -> Floats:
    """Return every distance at which something changes."""
    every = np.unique(np.concatenate([same, different]))
    finite = every[np.isfinite(every)]
    return finite if finite.size else np.zeros(1)
