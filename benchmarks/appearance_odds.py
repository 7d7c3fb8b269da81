"""Distances of pairs of looks, and what odds they are worth: the statistics of `benchmarks/appearance.py`."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.appearance_scenes import CLIPS, Floats
from brain.verdict.clothes import same_clothes_log_odds
from brain.vision.appearance import Appearance

MEAN_OF = 5
# The people in black, by their number.
IN_BLACK = (1, 2, 3)
LOG_ODDS_EDGES = (-9.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 9.0)


@dataclass(frozen=True)
class Pairs:
    """Pairs of one descriptor: distance, and the two people."""

    apart: Floats
    one: npt.NDArray[np.intp]
    other: npt.NDArray[np.intp]
    one_camera: npt.NDArray[np.bool_]

    @property
    def same(self) -> npt.NDArray[np.bool_]:
        """Which pairs are of one person."""
        return np.asarray(self.one == self.other, np.bool_)

    @property
    def alike(self) -> npt.NDArray[np.bool_]:
        """Which pairs are of two people in black."""
        return np.isin(self.one, IN_BLACK) & np.isin(self.other, IN_BLACK) & ~self.same


def pairs(vectors: Floats) -> Pairs:
    """Return all pairs of people x cameras x looks x n numbers, except pairs of one moment."""
    count, numbers = vectors.shape[:3], vectors.reshape(-1, vectors.shape[-1])
    squares = (numbers**2).sum(axis=1)
    who, camera, look = (index.ravel() for index in np.indices(count))
    i, j = np.triu_indices(len(numbers), 1)
    use = (who[i] != who[j]) | (look[i] != look[j])
    i, j = i[use], j[use]
    apart = np.sqrt(np.maximum(squares[i] + squares[j] - 2 * (numbers @ numbers.T)[i, j], 0))
    return Pairs(apart, who[i], who[j], camera[i] == camera[j])


def means(vectors: Floats) -> Floats:
    """Return the means of the first and the last five looks."""
    return np.stack([vectors[:, :, :MEAN_OF].mean(axis=2), vectors[:, :, MEAN_OF:].mean(axis=2)], axis=2)


def area_under_curve(same: Floats, other: Floats) -> float:
    """Return how often a pair of one person is nearer than a pair of two."""
    return 1 - float(np.searchsorted(np.sort(other), same, side="right").mean()) / len(other)


def fit(apart: Floats, same: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return the distance at which the odds are even, and their slope: logistic regression, both sides weigh alike."""
    weights = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    terms, factors = np.stack([np.ones_like(apart), -apart]), np.zeros(2)
    for _ in range(25):
        chance = 1 / (1 + np.exp(-factors @ terms))
        step = (terms * weights * (same - chance)).sum(axis=1)
        curve = (terms * weights * chance * (1 - chance)) @ terms.T + 1e-9 * np.eye(2)
        factors = factors + np.linalg.solve(curve, step)
    return float(factors[0] / factors[1]), float(factors[1])


def log_loss(log_odds: Floats, same: npt.NDArray[np.bool_]) -> float:
    """Return the cost of odds in bits a pair: 1 for a coin, 0 for an oracle."""
    bits = np.log1p(np.exp(np.where(same, -log_odds, log_odds))) / np.log(2)
    return float((bits[same].mean() + bits[~same].mean()) / 2)


def shipped(apart: Floats, looks: int) -> Floats:
    """Return the brain's log odds of distances, pictures of one hour."""

    def odds(distance: float) -> float:
        zero, far = Appearance(np.zeros(1, np.float32), 1.0), Appearance(np.full(1, distance, np.float32), 1.0)
        return same_clothes_log_odds(zero, far, hours=0.0, looks=looks)

    grid = np.linspace(0, 1.5, 1501)
    return np.asarray(np.interp(apart, grid, [odds(distance) for distance in grid]))


def spread(values: Floats) -> dict[str, float]:
    """Return mean, standard deviation and number of distances."""
    return {"mean": round(float(values.mean()), 3), "sd": round(float(values.std()), 3), "pairs": len(values)}


def judged_without(found: Pairs, clips: list[str]) -> dict[str, tuple[float, float, float]]:
    """Return, for each clip, even distance and slope fitted to the pairs of the others, and their cost on its pairs."""
    held = {}
    for clip in CLIPS:
        inside = np.array([name == clip for name in clips])
        judged = inside[found.one] | inside[found.other]
        even, slope = fit(found.apart[~judged], found.same[~judged])
        held[clip] = (even, slope, log_loss(slope * (even - found.apart[judged]), found.same[judged]))
    return held


def measured(vectors: Floats, clips: list[str]) -> dict[str, Any]:
    """Return what one descriptor reaches, at one look and at the mean of five."""
    result = {}
    for name, found in (("one_look", pairs(vectors)), ("five_looks", pairs(means(vectors)))):
        across = found.apart[found.same & ~found.one_camera]
        strangers = ~found.same & ~found.alike
        result[name] = {
            "same_one_camera": spread(found.apart[found.same & found.one_camera]),
            "same_other_camera": spread(across),
            "different": spread(found.apart[strangers]),
            "alike": spread(found.apart[found.alike]),
            "auc": round(area_under_curve(across, found.apart[strangers]), 3),
            "bits_held_out": round(float(np.mean([bits for _, _, bits in judged_without(found, clips).values()])), 3),
            "auc_alike": round(area_under_curve(across, found.apart[found.alike]), 3),
        }
    return result


def calibration(vectors: Floats, clips: list[str]) -> dict[str, Any]:
    """Return the brain's odds against the truth, and odds fitted without a clip judged on it."""
    result: dict[str, Any] = {}
    for looks, found in ((1, pairs(vectors)), (MEAN_OF, pairs(means(vectors)))):
        odds, same = shipped(found.apart, looks), found.same
        bins = [(odds >= low) & (odds < high) for low, high in pairwise(LOG_ODDS_EDGES)]
        rows = [
            (round(float(odds[one].mean()), 2), int((same & one).sum()), int((~same & one).sum()))
            for one in bins
            if one.any()
        ]
        held = {}
        for clip, (even, slope, bits) in judged_without(found, clips).items():
            inside = np.array([name == clip for name in clips])
            judged = inside[found.one] | inside[found.other]
            held[clip] = {
                "even": round(even, 3),
                "slope": round(slope, 1),
                "bits_fitted": round(bits, 3),
                "bits_brain": round(log_loss(odds[judged], same[judged]), 3),
            }
        even, slope = fit(found.apart, same)
        result[f"looks_{looks}"] = {
            "bins": [
                {"log_odds": mean, "truth": round(true_log_odds(yes, no, same), 2), "same": yes, "different": no}
                for mean, yes, no in rows
            ],
            "fit": {"even": round(even, 3), "slope": round(slope, 1), "bits_brain": round(log_loss(odds, same), 3)},
            "one_person": tails(odds[same]),
            "two_people": tails(odds[~same & ~found.alike]),
            "two_people_in_black": tails(odds[found.alike]),
            "without_clip": held,
        }
    return result


def tails(odds: Floats) -> dict[str, float]:
    """Return the mean of log odds, and the shares that clearly speak against and for one person."""
    shares = {"mean": odds.mean(), "below_-1": (odds < -1).mean(), "above_1": (odds > 1).mean()}
    return {name: round(float(value), 3) for name, value in shares.items()}


def true_log_odds(yes: int, no: int, same: npt.NDArray[np.bool_]) -> float:
    """Return the log of the likelihood ratio that pairs of a bin show; one half a pair is added to both counts."""
    return float(np.log((yes + 0.5) / same.sum() / ((no + 0.5) / (~same).sum())))
