"""Pure: how often a brother or sister would pass for somebody, and which people of the gallery are alike.

There are no pictures of relatives to count, so the share of visits is an estimate. It was fitted to stand-ins: mixtures
of two people's faces that pass as often as real brothers and sisters did (see `brain/verdict/relatives.py`). What
distinguishes the people is how near their face is to the middle of all faces, and how many photos there are.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from brain.verdict import odds
from brain.verdict.evidence import KnownPerson
from brain.verdict.relatives import ALIKE_COHORT_LOG_ODDS, cohort_log_odds

__all__ = ["Resemblance", "relative_pass_share", "resemblance_lines", "resemblances"]

# A visit of 6 to 12 photos counts as so many independent faces (median of 104 visits).
VISIT_INDEPENDENT_FACES = 7.0
# The share of visits is the normal distribution's, of the log odds that the middle of all faces is this person. Fitted
# to 4,400 visits by stand-ins for relatives of 25 people, with 3 to 12 photos each. For a person who was left out the
# estimate is wrong by 0.11 in the mean; the same share for everybody would be by 0.15.
MIDDLE_LOG_ODDS, SPREAD_LOG_ODDS = -2.7, 24.0
# With fewer photos, more photos are recommended: of stand-ins 44 % pass with 3, 38 % with 5, 29 % with 8, 26 % with 12.
ENOUGH_PHOTOS = 8


@dataclass(frozen=True, slots=True)
class Resemblance:
    """Who could be taken for a person."""

    name: str
    relative_passes: float | None
    """The estimated share of visits by a brother or sister who is not enrolled that would get this name, 0 to 1; None
    without photos to compare."""
    alike: tuple[str, ...]
    """The people of the gallery whose photos are a hundred times likelier this person's than somebody else's."""
    photos: int
    """The number of photos that are compared."""

    def as_json(self) -> dict[str, Any]:
        """Return it as `kinwatch measure --json` and `kinwatch people NAME --json` print it."""
        share = None if self.relative_passes is None else round(self.relative_passes, 2)
        return asdict(self) | {"relative_passes": share, "alike": list(self.alike)}


def resemblances(known: Sequence[KnownPerson]) -> list[Resemblance]:
    """Return who could be taken for whom, for everybody in the gallery."""
    alike = {
        frozenset((one.name, other.name))
        for one, other in combinations(known, 2)
        if max(cohort_log_odds(one, [other]), cohort_log_odds(other, [one])) >= ALIKE_COHORT_LOG_ODDS
    }
    return [
        Resemblance(
            one.name,
            relative_pass_share(one),
            tuple(other.name for other in known if frozenset((one.name, other.name)) in alike),
            len(one.vectors),
        )
        for one in known
    ]


def relative_pass_share(person: KnownPerson) -> float | None:
    """Return the estimated share of visits by a brother or sister, not enrolled, that would get this person's name."""
    if not len(person.vectors):
        return None
    space = odds.dlib_space()
    middle = np.zeros(len(space.between))
    common = odds.same_person_log_odds(middle, VISIT_INDEPENDENT_FACES, person.point, person.independent_photos, space)
    return 0.5 * (1 + math.erf((common - MIDDLE_LOG_ODDS) / (SPREAD_LOG_ODDS * math.sqrt(2))))


def resemblance_lines(found: Sequence[Resemblance]) -> list[str]:
    """Return sentences for a person: who could pass for whom, who is alike, and what helps."""
    lines = [
        f"a brother or sister of {one.name} would pass for {one.name} in {_of_ten(one.relative_passes)} (estimated)"
        + (f"; fewer with {ENOUGH_PHOTOS} photos" if one.photos < ENOUGH_PHOTOS else "")
        for one in found
        if one.relative_passes is not None
    ]
    pairs = sorted({(min(one.name, other), max(one.name, other)) for one in found for other in one.alike})
    lines += [
        f"{one} and {other} look alike: some visits of theirs get no name, and a wrong name is possible"
        for one, other in pairs
    ]
    if lines:
        lines.append("what helps: enroll brothers and sisters who visit (kinwatch enroll NAME PHOTO... --group known)")
    return lines


def _of_ten(share: float) -> str:
    count = round(10 * share)
    return f"about {count} of 10 visits" if count else "fewer than 1 of 10 visits"
