"""Recommend the largest match distance that is safe for this household, or say why there is none. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from brain.settings.matching import MATCH_DISTANCE
from brain.verdict.proportion import Proportion

__all__ = ["Advice", "Nearest", "advise"]

# If none of this many strangers is called family, fewer than 5 in 100 would be (the rule of three: 3 / 60).
ENOUGH_STRANGERS = 60
# A lower threshold is not recommended: it would refuse many good photos of family. 9 of 10 are within 0.43.
MIN_ADVISED_MATCH = 0.40
MATCH_STEP = 0.01


class Nearest(NamedTuple):
    """How near one picture is to the people we know, as distances of face embeddings."""

    who: str
    """The person in the picture."""
    file: str
    own: float
    """The distance to the nearest photo of the same person; infinite for a stranger or without a face."""
    other: float
    """The distance to the nearest photo of anybody else; infinite without a face."""
    whose: str
    """The person in that photo."""

    def named(self, threshold: float) -> str | None:
        """Return the name that the picture gets at a threshold; None if no photo is near enough."""
        if min(self.own, self.other) > threshold:
            return None
        return self.who if self.own <= self.other else self.whose


@dataclass(frozen=True)
class Advice:
    """A recommended match threshold, or why there is none."""

    threshold: float | None
    why: str
    needed: int = 0
    """How many more strangers are needed for a recommendation."""
    named: Proportion = field(default_factory=partial(Proportion, 0, 0))
    """The share of the family's pictures that get the right name at the threshold."""

    def as_json(self) -> dict[str, Any]:
        """Return the advice as `kinwatch measure --json` prints it."""
        return {"threshold": self.threshold, "why": self.why, "needed": self.needed, "named": self.named.as_json()}


def advise(family: Sequence[Nearest], strangers: Sequence[Nearest]) -> Advice:
    """Return the largest threshold, at most 0.50, at which no stranger and no wrong name passes, or why there is none.

    Args:
        family: The pictures of people we know.
        strangers: The pictures of strangers; `who` tells them apart.
    """
    people = len({one.who for one in strangers if np.isfinite(one.other)})
    worst = min((one for one in (*family, *strangers) if _wrong(one)), key=lambda one: one.other, default=None)
    limit = MATCH_DISTANCE if worst is None else min(MATCH_DISTANCE, _below(worst.other))
    if limit < MIN_ADVISED_MATCH and worst is not None:
        why = (
            f"no threshold is safe: {worst.file} is at {worst.other:.2f} from {worst.whose}, nearer than many right "
            f"photos; look at the photos of {worst.whose}, and take out what is dark, blurred, or shows somebody else"
        )
        return Advice(None, why)
    if people < ENOUGH_STRANGERS:
        why = (
            f"too little to tell: {people} stranger{'s' * (people != 1)}; {ENOUGH_STRANGERS}, none of them let in, "
            f"would mean fewer than 5 in 100. {ENOUGH_STRANGERS - people} more are needed "
            "(--strangers FOLDER, a picture a person)"
        )
        return Advice(None, why, needed=ENOUGH_STRANGERS - people)
    right = Proportion(sum(one.named(limit) == one.who for one in family), len(family))
    if worst is None or worst.other > MATCH_DISTANCE:
        why = f"at {MATCH_DISTANCE:.2f} none of {people} strangers passes and no name is wrong; more is never advised"
    else:
        why = f"{worst.file} is at {worst.other:.2f} from {worst.whose}: a match must be nearer than that"
    return Advice(round(limit, 2), why, named=right)


def _wrong(one: Nearest) -> bool:
    """Whether a photo of somebody else is nearer than any photo of the same person."""
    return one.other < one.own


def _below(distance: float) -> float:
    """Return the largest multiple of 0.01 below a distance."""
    return float(np.ceil(distance / MATCH_STEP - 1e-9) - 1) * MATCH_STEP
