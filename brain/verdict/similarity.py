"""Pure: the one place where Rekognition's similarity becomes evidence.

A similarity is no likelihood, and Amazon publishes no curve for it. What is published are two points. At 80, the
default threshold, 28 of 535 members of Congress were taken for one of 25,000 arrest photos (American Civil Liberties
Union, July 2018): 2 wrong in a million comparisons. At 99, which Amazon asks for wherever a wrong name would matter
(Rekognition developer guide, "Use cases that involve public safety"), it found none of them in a larger collection.
Those were portraits. A home camera's faces are worse, and a household has brothers and sisters: so at 80 a similarity
is taken as thirty to one for the person, at 99 as ten thousand to one, and a face that is like nobody as thirty to one
against everybody, for a poor picture of the family is unlike them too.
"""

import math
from collections.abc import Sequence

from brain.verdict.odds import MOST
from brain.vision.backend import CloudSimilarity

__all__ = ["ALIKE", "SAME", "log_odds", "of_person", "unlike"]

ALIKE, SAME = 80.0, 99.0
NOBODY = 40.0
FOR_ALIKE, FOR_SAME = math.log(30), math.log(10_000)


def log_odds(similarity: float) -> float:
    """Return the log odds that a similarity (0 to 100) gives for the person, against somebody else."""
    if similarity >= ALIKE:
        return FOR_ALIKE + (FOR_SAME - FOR_ALIKE) * min((similarity - ALIKE) / (SAME - ALIKE), 1.0)
    return FOR_ALIKE * (2 * max(similarity - NOBODY, 0.0) / (ALIKE - NOBODY) - 1)


def of_person(likenesses: Sequence[CloudSimilarity], name: str) -> float:
    """Return the log odds that all faces together give for a person; ever so many of one visit are worth four.

    What was not compared with the person says nothing of them.
    """
    heard = [one for one in likenesses if one.speaks_of(name)]
    total = sum(one.counts for one in heard)
    if total <= 0:
        return 0.0
    mean = sum(one.counts * log_odds(one.similarities.get(name, 0.0)) for one in heard) / total
    return mean / (1 / total + 1 / MOST)


def unlike(likenesses: Sequence[CloudSimilarity], name: str) -> float:
    """Return how much of the faces, in the sum of their weights, is not found like a person."""
    return sum(one.counts for one in likenesses if one.speaks_of(name) and one.similarities.get(name, 0.0) < ALIKE)
