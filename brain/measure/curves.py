"""How well a distance threshold separates pairs of one person (`same`) from pairs of two people (`different`).

Pure functions of distances. If a picture of a pair shows no face, the distance is infinite: the pair counts as two
people.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brain.verdict.proportion import Proportion

__all__ = ["OperatingPoint", "accepted_at", "area_under_curve", "best", "correct", "equal_error", "roc", "within"]

Floats = npt.NDArray[np.float64]


class OperatingPoint(NamedTuple):
    """A threshold and the share of pairs that was measured at it."""

    threshold: float
    rate: Proportion


def within(distances: Floats, threshold: float) -> Proportion:
    """Return the share of pairs that a threshold calls one person."""
    return Proportion(int((distances <= threshold).sum()), len(distances))


def correct(same: Floats, different: Floats, threshold: float) -> Proportion:
    """Return the share of pairs that a threshold calls correctly one person or two."""
    right = int((same <= threshold).sum() + (different > threshold).sum())
    return Proportion(right, len(same) + len(different))


def best(same: Floats, different: Floats) -> OperatingPoint:
    """Return the threshold that calls the most pairs correctly: the middle of the first range of such thresholds."""
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
    """Return the share of `same` that is accepted if at most the share `false` of `different` is accepted.

    The threshold is just below the first distance of `different` that would exceed that share.
    """
    allowed = int(false * len(different))
    finite = np.sort(different)[allowed : allowed + 1]
    limit = float(np.nextafter(finite[0], 0)) if finite.size else np.inf
    accepted = same[(same <= limit) & np.isfinite(same)]
    threshold = limit if np.isfinite(limit) else float(accepted.max(initial=0.0))
    return OperatingPoint(threshold, Proportion(len(accepted), len(same)))


def roc(same: Floats, different: Floats) -> Floats:
    """Return an array (n, 3): threshold, share of false accepts, share of true accepts; thresholds rise from 0."""
    steps = np.concatenate([[0.0], _steps(same, different)])
    false = np.searchsorted(np.sort(different), steps, side="right") / max(1, len(different))
    true = np.searchsorted(np.sort(same), steps, side="right") / max(1, len(same))
    return np.stack([steps, false, true], axis=1)


def area_under_curve(same: Floats, different: Floats) -> float:
    """Return the area under the ROC curve, 0 to 1: how often a pair of one person is nearer than a pair of two.

    A tie counts half.
    """
    ordered = np.sort(different)
    farther = len(ordered) - np.searchsorted(ordered, same, side="right")
    equal = len(ordered) - farther - np.searchsorted(ordered, same, side="left")
    return float((farther + equal / 2).sum() / (len(same) * len(ordered)))


def equal_error(same: Floats, different: Floats) -> OperatingPoint:
    """Return the threshold at which both error rates are most nearly equal, and the share of all pairs that is wrong.

    The two rates are the share of `same` that is refused and the share of `different` that is accepted.
    """
    rows = roc(same, different)
    misses = 1 - rows[:, 2]
    at = int(np.argmin(np.abs(misses - rows[:, 1])))
    wrong = Proportion(
        int((same > rows[at, 0]).sum() + (different <= rows[at, 0]).sum()),
        len(same) + len(different),
    )
    return OperatingPoint(float(rows[at, 0]), wrong)


def _steps(same: Floats, different: Floats) -> Floats:
    """Return all finite distances in ascending order, each once; [0] if there is none."""
    every = np.unique(np.concatenate([same, different]))
    finite = every[np.isfinite(every)]
    return finite if finite.size else np.zeros(1)
