"""Pure: is this the person, or a brother or sister of theirs who is not enrolled?

Relatives have points near each other in the face space. Taken as Gaussian too, the points of two of them correlate, and
the odds of "one person" against "two relatives" have the same closed form as the odds against anybody (see
`brain/verdict/odds.py`). A name needs both. How much it needs against a relative grows with the faces, because few
faces cannot tell relatives apart. It grows further if people of the gallery are alike (the cohort): a household whose
people resemble each other has more relatives who do.
"""

import math
from collections.abc import Sequence

from brain.verdict import odds
from brain.verdict.evidence import KnownPerson, ramp
from brain.vision.backend import Vector

__all__ = [
    "ALIKE_COHORT_LOG_ODDS",
    "SIBLING_CORRELATION",
    "cohort_log_odds",
    "is_clear_of_relatives",
    "needed_against_relative",
]

# The correlation of the points of a brother or sister with the person's own. Brothers and sisters passed as family in
# 25 of 64 visits (39 %) without this rule; with 0.66, stand-ins (mixtures of two people's faces) pass in 42 %.
SIBLING_CORRELATION = 0.66
# The odds against a relative that a name needs, with few independent faces and with many. In `benchmarks/visits.py` no
# visit by family is lost (with 5:1, 3 of 420 long ones are); docs/measured.md says how many stand-ins pass.
FEW_FACES_LOG_ODDS, MANY_FACES_LOG_ODDS = math.log(1 / 100), 0.0
FEW_INDEPENDENT_FACES, MANY_INDEPENDENT_FACES = 3.0, 5.0
# The odds that two people of the gallery are one. Of 300 pairs of unrelated people 1 to 2 % are above the first, none
# is above the second; of stand-ins for brothers and sisters 95 % and about 65 % are.
UNLIKE_COHORT_LOG_ODDS, ALIKE_COHORT_LOG_ODDS = math.log(1 / 100), math.log(100)
# How much more a name needs if they are as alike as the second. Of 1,800 visits by stand-ins who are enrolled
# themselves one loses its name. Of 1,200 by a third brother or sister 49 % pass instead of 60 % (docs/measured.md).
ALIKE_MARGIN_LOG_ODDS = math.log(20)


def cohort_log_odds(person: KnownPerson, known: Sequence[KnownPerson]) -> float:
    """Return the log odds that the most alike other person of the gallery is this one; minus infinity without others.

    Args:
        person: The person.
        known: The gallery, with or without the person; people without vectors do not count.
    """
    space = odds.dlib_space()
    return max(
        (
            odds.same_person_log_odds(
                other.point, other.independent_photos, person.point, person.independent_photos, space
            )
            for other in known
            if other.name != person.name and len(other.vectors) and len(person.vectors)
        ),
        default=-math.inf,
    )


def needed_against_relative(faces: float, cohort: float = -math.inf) -> float:
    """Return the log odds against a relative that a name needs.

    Args:
        faces: The number of independent faces of the visit.
        cohort: How alike the gallery's people are to the person (see `cohort_log_odds`).
    """
    grown = ramp(faces, FEW_INDEPENDENT_FACES, MANY_INDEPENDENT_FACES)
    alike = ramp(cohort, UNLIKE_COHORT_LOG_ODDS, ALIKE_COHORT_LOG_ODDS)
    return FEW_FACES_LOG_ODDS + (MANY_FACES_LOG_ODDS - FEW_FACES_LOG_ODDS) * grown + ALIKE_MARGIN_LOG_ODDS * alike


def is_clear_of_relatives(
    person: KnownPerson, vectors: Vector, weights: odds.Array, known: Sequence[KnownPerson], *, bonus: float = 0.0
) -> bool:
    """Return whether the faces are the person's rather than a brother's or sister's; true if there is none to compare.

    Args:
        person: The person whose name the visit would get.
        vectors: The faces, n x 128.
        weights: Their weights.
        known: The gallery.
        bonus: Log odds for the person that other evidence gives: the cloud's.
    """
    if not len(vectors) or not len(person.vectors):
        return True
    space, faces = odds.dlib_space(), odds.independent_faces(vectors, weights)
    visit = space.project(odds.weighted_mean(vectors, weights))
    against = odds.same_person_log_odds(
        visit, faces, person.point, person.independent_photos, space, correlation=SIBLING_CORRELATION
    )
    return against + bonus >= needed_against_relative(faces, cohort_log_odds(person, known))
