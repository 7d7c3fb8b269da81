"""Pure: faces seen in a visit -> evidence -> verdict.

Every usable face is evidence for one person we know, or for "somebody else". Nothing here knows a model, a clock
or a broker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from nerves.messages import Group, Verdict

__all__ = ["Evidence", "Judgement", "Match", "add", "judge", "weight"]

# Euclidean distances between dlib's 128 numbers. Up to MATCH one accepts 0.6 to 1.2 % of strangers with 3 to 10 photos
# a person; 0.60 is the published value for one-to-one, and one comparison in a hundred is wrong there. Between the
# two a face is no evidence either way.
MATCH, STRANGE = 0.50, 0.60
# A name must be this much nearer than the second-best name.
MARGIN = 0.05

# A face counts fully from 48 pixels, not at all below 18: what dlib's 150-pixel chip can be made of.
WIDTH_NONE, WIDTH_FULL = 18.0, 48.0
# Variance of the Laplacian of the chip, and share of a full profile.
SHARP_NONE, SHARP_FULL = 3.0, 12.0
YAW_FULL, YAW_NONE = 0.6, 1.2

# A face that counts less than this is not called usable.
USABLE = 0.1

# How many good faces a verdict needs, and which share of all evidence must point its way.
NAME_NEEDS, STRANGER_NEEDS, LAST_NEEDS, TURN_NEEDS = 2.0, 3.0, 1.5, 4.0
NAME_SHARE, STRANGER_SHARE = 0.67, 0.75


@dataclass(frozen=True, slots=True)
class Match:
    """One person we know, compared with one face."""

    name: str
    group: Group
    distance: float
    """To the nearest photo of this person; the nearer, the likelier the same."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What all faces of a visit say together."""

    faces: int = 0
    """Faces that counted."""
    points: Mapping[str, float] = field(default_factory=dict)
    """For each name: the sum of the weights of the faces that are theirs."""
    against: float = 0.0
    """The sum of the weights of the faces that are nobody's we know."""
    groups: Mapping[str, Group] = field(default_factory=dict)
    """What each name is to the household."""
    nearest: Mapping[str, float] = field(default_factory=dict)
    """For each name: the least distance of any face."""

    @property
    def best(self) -> str | None:
        """The name with the most points."""
        return max(self.points, key=lambda name: self.points[name], default=None)

    @property
    def total(self) -> float:
        """All weights, for anybody and against."""
        return sum(self.points.values()) + self.against


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and why."""

    verdict: Verdict
    who: str | None
    reasons: tuple[str, ...]


def weight(width: float, sharpness: float, yaw: float) -> float:
    """Return how much a face counts, 0 to 1: its width in pixels, its chip's sharpness, its share of a full profile."""
    return (
        _ramp(width, WIDTH_NONE, WIDTH_FULL)
        * _ramp(sharpness, SHARP_NONE, SHARP_FULL)
        * (1.0 - _ramp(yaw, YAW_FULL, YAW_NONE))
    )


def add(evidence: Evidence, matches: Sequence[Match], counts: float, *, sure: float = 1.0) -> Evidence:
    """Return the evidence with one more face in it.

    Args:
        evidence: What was seen before.
        matches: Everybody we know, in any order.
        counts: How far the face's vector can be trusted, 0 to 1 (see `weight`).
        sure: How surely it is a face at all, 0 to 1: what is none is nobody we know either, and must not speak
            against family. A vector that matches speaks for itself, by half.
    """
    if not matches:  # where we know nobody, any face at all is somebody else's
        return replace(evidence, faces=evidence.faces + (sure > USABLE), against=evidence.against + sure)
    ranked = sorted(matches, key=lambda match: match.distance)
    first = ranked[0]
    clear = len(ranked) == 1 or ranked[1].distance - first.distance >= MARGIN
    worth = counts * sure
    if first.distance > STRANGE:
        evidence = replace(evidence, against=evidence.against + worth)
    elif first.distance <= MATCH and clear:
        worth = counts * (0.5 + 0.5 * sure)
        points = dict(evidence.points) | {first.name: evidence.points.get(first.name, 0.0) + worth}
        evidence = replace(evidence, points=points, groups=dict(evidence.groups) | {first.name: first.group})
    return _counted(evidence, ranked) if worth > USABLE else evidence


def _counted(evidence: Evidence, matches: Sequence[Match]) -> Evidence:
    """Return the evidence with a usable face counted, and the distances noted."""
    nearest = dict(evidence.nearest)
    for match in matches:
        nearest[match.name] = min(match.distance, nearest.get(match.name, match.distance))
    return replace(evidence, faces=evidence.faces + 1, nearest=nearest)


def judge(evidence: Evidence, *, held: Verdict = "identifying", last: bool = False) -> Judgement:
    """Return what the evidence says, given the verdict `held` so far; `last` at the deadline or the visit's end.

    `identifying` only while nothing is decided and it is not the last word.
    """
    best = evidence.best
    points = evidence.points[best] if best else 0.0
    decided = held not in ("identifying", "unidentified")
    name_needs = LAST_NEEDS if last and not decided else NAME_NEEDS
    stranger_needs = TURN_NEEDS if decided else LAST_NEEDS if last else STRANGER_NEEDS
    if best and points >= name_needs and points >= NAME_SHARE * evidence.total:
        return Judgement(evidence.groups[best], best, _reasons(evidence, best))
    if evidence.against >= stranger_needs and evidence.against >= STRANGER_SHARE * evidence.total:
        return Judgement("stranger", None, _reasons(evidence, None))
    return Judgement("unidentified" if last else "identifying", None, _missing(evidence, best))


def _ramp(value: float, none: float, full: float) -> float:
    return min(max((value - none) / (full - none), 0.0), 1.0)


def _reasons(evidence: Evidence, name: str | None) -> tuple[str, ...]:
    used = f"{evidence.faces} usable face{'s' * (evidence.faces != 1)}"
    if not evidence.nearest:
        return (used, "nobody is enrolled")
    weights = ", ".join(f"{points:.1f} for {who}" for who, points in sorted(evidence.points.items()))
    said = f"worth {weights + ' and ' if weights else ''}{evidence.against:.1f} for somebody else"
    ranked = sorted(evidence.nearest.items(), key=lambda item: item[1])
    if name:
        ranked.sort(key=lambda item: item[0] != name)
    texts = [f"nearest {who} at {distance:.2f}" for who, distance in ranked[:2]]
    return (used, said, *texts, f"a match is {MATCH:.2f} or less, a stranger more than {STRANGE:.2f}")


def _missing(evidence: Evidence, best: str | None) -> tuple[str, ...]:
    if not evidence.faces:
        return ("no face could be used: turned away, too far or too blurred",)
    why = "the faces do not agree" if best and evidence.against else "too few good faces to be sure"
    return (*_reasons(evidence, best), why)
