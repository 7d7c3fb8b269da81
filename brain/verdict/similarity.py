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

from brain.verdict.odds import MAX_INDEPENDENT_FACES
from brain.vision.backend import CloudSimilarity

__all__ = ["ALIKE_SIMILARITY", "CERTAIN_SIMILARITY", "person_log_odds", "similarity_log_odds", "unlike_weight"]

ALIKE_SIMILARITY, CERTAIN_SIMILARITY = 80.0, 99.0
NOBODY_SIMILARITY = 40.0
ALIKE_LOG_ODDS, CERTAIN_LOG_ODDS = math.log(30), math.log(10_000)


def similarity_log_odds(similarity: float) -> float:
    """Return the log odds that a similarity (0 to 100) gives for the person, against somebody else."""
    if similarity >= ALIKE_SIMILARITY:
        return ALIKE_LOG_ODDS + (CERTAIN_LOG_ODDS - ALIKE_LOG_ODDS) * min(
            (similarity - ALIKE_SIMILARITY) / (CERTAIN_SIMILARITY - ALIKE_SIMILARITY), 1.0
        )
    return ALIKE_LOG_ODDS * (2 * max(similarity - NOBODY_SIMILARITY, 0.0) / (ALIKE_SIMILARITY - NOBODY_SIMILARITY) - 1)


def person_log_odds(likenesses: Sequence[CloudSimilarity], name: str) -> float:
    """Return the log odds that all faces together give for a person; ever so many of one visit are worth four.

    What was not compared with the person says nothing of them.
    """
    heard = [one for one in likenesses if one.covers(name)]
    total = sum(one.weight for one in heard)
    if total <= 0:
        return 0.0
    mean = sum(one.weight * similarity_log_odds(one.similarities.get(name, 0.0)) for one in heard) / total
    return mean / (1 / total + 1 / MAX_INDEPENDENT_FACES)


def unlike_weight(likenesses: Sequence[CloudSimilarity], name: str) -> float:
    """Return how much of the faces, in the sum of their weights, is not found like a person."""
    return sum(
        one.weight for one in likenesses if one.covers(name) and one.similarities.get(name, 0.0) < ALIKE_SIMILARITY
    )
