"""Pure: the one place where Rekognition's similarity becomes evidence.

A similarity is not a probability, and Amazon publishes no curve for it. Two points are published. At 80, the default
threshold, 28 of 535 members of Congress were taken for one of 25,000 arrest photos (American Civil Liberties
Union, July 2018): 2 wrong in a million comparisons. At 99, which Amazon asks for wherever a wrong name would matter
(Rekognition developer guide, "Use cases that involve public safety"), it found none of them in a larger collection.
Those were portraits. The faces of a home camera are worse, and a household has brothers and sisters. So a similarity
of 80 counts as thirty to one for the person, and 99 as ten thousand to one. A face that is similar to nobody counts
only as thirty to one against everybody, because a poor picture of the family is not similar to them either.
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
    """Return the natural log odds for the person, against somebody else, that a similarity (0 to 100) gives."""
    if similarity >= ALIKE_SIMILARITY:
        return ALIKE_LOG_ODDS + (CERTAIN_LOG_ODDS - ALIKE_LOG_ODDS) * min(
            (similarity - ALIKE_SIMILARITY) / (CERTAIN_SIMILARITY - ALIKE_SIMILARITY), 1.0
        )
    return ALIKE_LOG_ODDS * (2 * max(similarity - NOBODY_SIMILARITY, 0.0) / (ALIKE_SIMILARITY - NOBODY_SIMILARITY) - 1)


def person_log_odds(likenesses: Sequence[CloudSimilarity], name: str) -> float:
    """Return the natural log odds for a person that all faces together give; any number of faces counts as four.

    Faces that were not compared with the person do not count.
    """
    compared = [one for one in likenesses if one.covers(name)]
    total = sum(one.weight for one in compared)
    if total <= 0:
        return 0.0
    mean = sum(one.weight * similarity_log_odds(one.similarities.get(name, 0.0)) for one in compared) / total
    return mean / (1 / total + 1 / MAX_INDEPENDENT_FACES)


def unlike_weight(likenesses: Sequence[CloudSimilarity], name: str) -> float:
    """Return the sum of the weights of the faces that were compared with a person and not found similar."""
    return sum(
        one.weight for one in likenesses if one.covers(name) and one.similarities.get(name, 0.0) < ALIKE_SIMILARITY
    )
