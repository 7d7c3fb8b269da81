"""Pure: how much likelier two appearances are one person's than two people's.

Clothes are weak evidence: people change them, and others wear the same. So the odds are limited in both directions,
fade with the hours between the two pictures, and are 1:1 if one of the pictures is infrared.
"""

import math
from collections.abc import Sequence

import numpy as np

from brain.vision.appearance import Appearance

__all__ = ["MAX_INDEPENDENT_LOOKS", "mean_appearance", "same_clothes_log_odds"]

# Numbers with the source "clips" are those of benchmarks/appearance.py: 8 people in 3 clips, seen by simulated cameras
# and in simulated rooms. Eight people are few, so these odds are nearer to 1:1 than what was measured.
#
# Clips: the distance at which one person and two people are equally likely, for one look and for the mean of many.
# Fitted to all clips they are 0.42 and 0.39; without one of the clips 0.39 to 0.43 and 0.35 to 0.40.
EVEN_DISTANCE_ONE_LOOK, EVEN_DISTANCE_MANY_LOOKS = 0.43, 0.40
# Clips: by how much the natural log of the odds falls for a distance that is larger by 1. Fitted to all clips it is 20,
# without the clip of four people 16; in the corridor, where people come nearer, the flatter one is better.
ODDS_SLOPE_ONE_LOOK, ODDS_SLOPE_MANY_LOOKS = 13.0, 13.0
# Clips: more looks of one visit than this are no nearer to the truth, because they share camera, light and pose.
MAX_INDEPENDENT_LOOKS = 5
# Assumed: one in about twelve other people is dressed so alike that no picture tells. Clips: 3 pairs of 28.
MAX_SAME_LOG_ODDS = 2.5
# Assumed: one in thirty of our pictures of a person shows them quite differently: a coat, half hidden, a bad box.
MAX_OTHER_LOG_ODDS = 3.5
# Assumed: clothes are changed within a day, and a coat is put on or off when coming or leaving. No clip shows it.
CHANGED_AT_ONCE_SHARE, CHANGED_PER_HOUR_SHARE, MAX_CHANGED_SHARE = 0.02, 0.04, 0.8


def mean_appearance(looks: Sequence[Appearance]) -> Appearance:
    """Return the mean of one or more appearances of one person; grey pictures count less than coloured ones."""
    if not looks:
        message = "the mean of no appearance"
        raise ValueError(message)
    weights = np.array([look.chroma for look in looks], np.float64)
    coloured = float(weights.sum())
    if coloured <= 0:
        weights = np.ones(len(looks))
    vectors = np.stack([look.vector for look in looks])
    vector = np.asarray(weights @ vectors / weights.sum(), np.float32)
    return Appearance(vector, float(weights @ weights) / coloured if coloured > 0 else 0.0)


def same_clothes_log_odds(one: Appearance, other: Appearance, *, hours: float, looks: int = 1) -> float:
    """Return the natural logarithm of the odds that two appearances are one person's, -3.1 to 2.5.

    It falls with their distance. It is 0 if one of them is infrared, or if they come from two descriptors of
    different length (from before and after an update).

    Args:
        one: The appearance in one visit: one look, or the mean of several (`mean_appearance`).
        other: The appearance in the other visit.
        hours: The time between the two visits; its sign does not matter.
        looks: How many looks the poorer of the two is the mean of.
    """
    if one.vector.shape != other.vector.shape:
        return 0.0
    apart = float(np.linalg.norm(one.vector.astype(np.float64) - other.vector))
    unchanged = _limited(_unchanged_log_odds(apart, looks))
    changed = min(CHANGED_AT_ONCE_SHARE + CHANGED_PER_HOUR_SHARE * abs(hours), MAX_CHANGED_SHARE)
    # In other clothes, one person is as far from their earlier look as somebody else.
    odds = (1 - changed) * math.exp(unchanged) + changed
    return _limited(math.log(odds)) * min(one.chroma, other.chroma)


def _unchanged_log_odds(apart: float, looks: int) -> float:
    """Return the log odds of a distance between two appearances if nobody changes clothes."""
    single = 1 / min(max(looks, 1), MAX_INDEPENDENT_LOOKS)
    many = (1 - single) / (1 - 1 / MAX_INDEPENDENT_LOOKS)
    even = EVEN_DISTANCE_ONE_LOOK + many * (EVEN_DISTANCE_MANY_LOOKS - EVEN_DISTANCE_ONE_LOOK)
    slope = ODDS_SLOPE_ONE_LOOK + many * (ODDS_SLOPE_MANY_LOOKS - ODDS_SLOPE_ONE_LOOK)
    return slope * (even - apart)


def _limited(log_odds: float) -> float:
    return min(max(log_odds, -MAX_OTHER_LOG_ODDS), MAX_SAME_LOG_ODDS)
