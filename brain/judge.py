"""Pure: faces seen in a visit -> evidence -> verdict.

The faces of a visit are compared together, as one mean vector, with each person we know: how many times likelier is
this person than somebody else (see `brain/odds.py`)? Each face is also compared alone, so that a visit in which two
people take turns is nobody's. Nothing here knows a model, a clock or a broker.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import PlainSerializer, PlainValidator

from brain import odds
from brain.sights.sight import Guess, Vector
from nerves.messages import Group, Verdict

__all__ = ["MATCH", "STRANGE", "Evidence", "Judgement", "Known", "Sample", "add", "hear", "judge", "weight"]

# Euclidean distances between dlib's 128 numbers, from one face to the nearest photo of a person. Up to MATCH one
# accepts 0.6 to 1.2 % of strangers with 3 to 10 photos a person; 0.60 is the published value for one-to-one, and one
# comparison in a hundred is wrong there.
MATCH, STRANGE = 0.50, 0.60

# A face counts fully from 48 pixels, not at all below 18: what dlib's 150-pixel chip can be made of.
WIDTH_NONE, WIDTH_FULL = 18.0, 48.0
# Variance of the Laplacian of the chip, and share of a full profile.
SHARP_NONE, SHARP_FULL = 3.0, 12.0
YAW_FULL, YAW_NONE = 0.6, 1.2
# A face that counts less than this is not called usable.
USABLE = 0.1
# The variance of one person's faces is 0.10 where they count fully and 0.22 where they hardly count (2,405 camera-like
# faces of 45 people): the worst usable face is worth this much of the best.
WORST = 0.4

# What the odds must be. For a name before the last moment a hundred thousand to one, because a visit is asked after
# every face and would be named by its luckiest; in the end, and for an early "stranger", four hundred to one. At the
# last moment ten to one for a stranger; a hundred to one between two names. What they cost: `benchmarks/visits.py`.
EARLY, SURE, LIKELY, CLEAR = math.log(100_000), math.log(400), math.log(10), math.log(100)
# Usable faces that a verdict needs, and the sum of their weights; the last look back at a visit asks for less.
FACES, NAME_NEEDS, STRANGER_NEEDS, LAST_NEEDS = 2, 1.0, 2.5, 0.8
# A name is not given where more than this share of the faces is nobody's photo by far: two people took turns.
DOUBT = 0.34
# Before the last moment: from this sum of weights the odds asked for a name fall, and from that they are no more.
FEW, MANY = 3.0, 12.0
# Where nobody is known a face is enough, if it surely is one: how many.
ALONE, LAST_ALONE = 3.0, 1.5
# Odds beyond this are only said to be more.
MILLION = math.log(1_000_000)
# The newest faces that are kept, and the newest that must all speak against a name for it to be taken back.
KEPT, TURN, TURN_NEEDS = 24, 6, 2.5


def _packed(vector: Vector) -> str:
    return vector.astype("<f4").tobytes().hex()


def _unpacked(value: object) -> Vector:
    return value if isinstance(value, np.ndarray) else np.frombuffer(bytes.fromhex(str(value)), "<f4")


Packed = Annotated[Vector, PlainValidator(_unpacked), PlainSerializer(_packed, when_used="json")]


@dataclass(frozen=True, slots=True)
class Sample:
    """One face of a visit."""

    vector: Packed
    counts: float
    """How far the vector can be trusted, 0 to 1 (see `weight`)."""
    sure: float = 1.0
    """How surely it is a face at all, 0 to 1: what is none is nobody we know either."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The faces of a visit: how many could be used, and the newest of them."""

    faces: int = 0
    samples: tuple[Sample, ...] = ()
    guesses: tuple[Guess, ...] = ()
    """What a sight that knows people itself has said, the newest."""


@dataclass(frozen=True)
class Known:
    """Somebody we know, and the vectors of the photos that count."""

    name: str
    group: Group
    vectors: Vector
    """n x 128."""
    limit: float = MATCH
    """Below 0.5, because two people look alike: a name needs a face as near as this to a photo."""

    @cached_property
    def photos(self) -> float:
        """How many independent photos there are."""
        return odds.independent(self.vectors, np.ones(len(self.vectors)))

    @cached_property
    def placed(self) -> odds.Array:
        """Where the mean of the photos is among faces."""
        return odds.dlib().place(np.asarray(self.vectors.mean(axis=0), np.float32))


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and why."""

    verdict: Verdict
    who: str | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the faces say of one person."""

    known: Known
    log_odds: float
    """For this person, against somebody else."""
    nearest: float
    """The least distance of one face to one photo."""
    doubt: float
    """The share of the faces, by weight, that are far from every photo."""


def weight(width: float, sharpness: float, yaw: float) -> float:
    """Return how much a face counts, 0 to 1: its width in pixels, its chip's sharpness, its share of a full profile."""
    return (
        _ramp(width, WIDTH_NONE, WIDTH_FULL)
        * _ramp(sharpness, SHARP_NONE, SHARP_FULL)
        * (1.0 - _ramp(yaw, YAW_FULL, YAW_NONE))
    )


def add(evidence: Evidence, sample: Sample) -> Evidence:
    """Return the evidence with one more face in it, if that is usable."""
    if max(sample.counts, sample.sure) <= USABLE:
        return evidence
    usable = sample.counts * sample.sure > USABLE
    return replace(evidence, faces=evidence.faces + usable, samples=(*evidence.samples, sample)[-KEPT:])


def hear(evidence: Evidence, guess: Guess) -> Evidence:
    """Return the evidence with what a sight says of one more picture."""
    return replace(evidence, guesses=(*evidence.guesses, guess)[-KEPT:])


def judge(
    evidence: Evidence,
    known: Sequence[Known],
    *,
    held: Verdict = "identifying",
    match: float = MATCH,
    last: bool = False,
) -> Judgement:
    """Return what the evidence says of everybody we know, in any order.

    Args:
        evidence: The faces of the visit.
        known: Everybody we know.
        held: The verdict so far.
        match: The household's own limit for everybody, where it is stricter.
        last: Whether it is the deadline or the visit's end: a verdict must be given.

    Returns:
        `identifying` only while nothing is decided and it is not the last word.
    """
    if not known:
        return _nobody_known(evidence, last=last)
    faces = _weighed(evidence.samples, known)
    if not len(faces.weights):
        return _undecided((NO_FACE,), last=last)
    known = [person if person.limit <= match else replace(person, limit=match) for person in known]
    return _decided(evidence, faces, known, held, last=last)


def _decided(evidence: Evidence, faces: "_Faces", known: Sequence[Known], held: Verdict, *, last: bool) -> Judgement:
    opinions = _opinions(faces, known)
    reasons = _reasons(evidence, opinions)
    total = float(faces.weights.sum())
    if len(faces.weights) < FACES or total < (LAST_NEEDS if last else NAME_NEEDS):
        return _undecided((*reasons, "too few good faces to be sure"), last=last)
    late = last or held in NAMED
    if held in NAMED and _has_changed(faces, known):
        return Judgement("stranger", None, (*reasons, "somebody else is there now"))
    named = _named(opinions, SURE if late else _needed(total))
    if named:
        return Judgement(named[0].known.group, named[0].known.name if len(named) == 1 else None, reasons)
    if _is_stranger(opinions, total, last=late):
        return Judgement("stranger", None, reasons)
    return _undecided((*reasons, "the faces do not agree"), last=last)


NAMED = ("family", "guest")
NO_FACE = "no face could be used: turned away, too far or too blurred"


@dataclass(frozen=True, slots=True)
class _Faces:
    """The faces that can be used."""

    vectors: Vector
    """n x 128."""
    weights: npt.NDArray[np.float64]
    nearest: npt.NDArray[np.float64]
    """n x people: from each face to the nearest photo of each person."""

    def newest(self, count: int) -> "_Faces":
        return _Faces(self.vectors[-count:], self.weights[-count:], self.nearest[-count:])


def _weighed(samples: Sequence[Sample], known: Sequence[Known]) -> _Faces:
    """Return the usable faces; a vector that matches speaks for being a face at all, by half."""
    vectors = np.stack([sample.vector for sample in samples]) if samples else np.zeros((0, 128), np.float32)
    nearest = np.stack([_nearest(vectors, person.vectors) for person in known], axis=1)
    sure = np.array([sample.sure for sample in samples])
    matched = nearest.min(axis=1) <= MATCH
    counts = np.array([sample.counts for sample in samples]) * np.where(matched, 0.5 + 0.5 * sure, sure)
    usable = counts > USABLE
    return _Faces(vectors[usable], (WORST + (1 - WORST) * counts)[usable], nearest[usable])


def _nearest(vectors: Vector, photos: Vector) -> npt.NDArray[np.float64]:
    return np.asarray(np.linalg.norm(vectors[:, None, :] - photos[None, :, :], axis=2).min(axis=1), np.float64)


def _opinions(faces: _Faces, known: Sequence[Known]) -> list[Opinion]:
    """Return what the faces say of everybody, the likeliest first."""
    space, looks = odds.dlib(), odds.independent(faces.vectors, faces.weights)
    visit = space.place(odds.mean(faces.vectors, faces.weights))
    share = faces.weights / faces.weights.sum()
    opinions = [
        Opinion(
            person,
            odds.log_odds(visit, looks, person.placed, person.photos, space),
            float(faces.nearest[:, number].min()),
            float(share[faces.nearest[:, number] > STRANGE].sum()),
        )
        for number, person in enumerate(known)
    ]
    return sorted(opinions, key=lambda opinion: -opinion.log_odds)


def _named(opinions: Sequence[Opinion], needed: float) -> list[Opinion]:
    """Return who it is, nobody, or several of one group who look alike."""
    first = opinions[0]
    if first.log_odds < needed or first.doubt > DOUBT or _is_too_far(first):
        return []
    rivals = [other for other in opinions[1:] if first.log_odds - other.log_odds < CLEAR]
    if any(other.known.group != first.known.group or other.log_odds < needed for other in rivals):
        return []
    return [first, *rivals]


def _is_too_far(opinion: Opinion) -> bool:
    """Whether no face comes within a limit that was lowered: by a look-alike, or by the household."""
    return opinion.known.limit < MATCH and opinion.nearest > opinion.known.limit


def _needed(total: float) -> float:
    """Return the odds that a name needs before the last moment: the fewer the faces, the more luck there may be."""
    return EARLY + (SURE - EARLY) * _ramp(total, FEW, MANY)


def _is_stranger(opinions: Sequence[Opinion], total: float, *, last: bool) -> bool:
    """Whether the faces speak against everybody."""
    needs, least = (LAST_NEEDS, -LIKELY) if last else (STRANGER_NEEDS, -SURE)
    return total >= needs and opinions[0].log_odds <= least


def _has_changed(faces: _Faces, known: Sequence[Known]) -> bool:
    """Whether the newest faces speak against everybody: somebody else stands there now."""
    newest = faces.newest(TURN)
    return newest.weights.sum() >= TURN_NEEDS and _opinions(newest, known)[0].log_odds <= -SURE


def _nobody_known(evidence: Evidence, *, last: bool) -> Judgement:
    """Where nobody is enrolled, any face at all is a stranger's."""
    sure = sum(sample.sure for sample in evidence.samples)
    faces = sum(sample.sure > USABLE for sample in evidence.samples)
    if not faces:
        return _undecided((NO_FACE,), last=last)
    reasons = (_used(faces), "nobody is enrolled")
    if sure >= (LAST_ALONE if last else ALONE):
        return Judgement("stranger", None, reasons)
    return _undecided((*reasons, "too few good faces to be sure"), last=last)


def _undecided(reasons: tuple[str, ...], *, last: bool) -> Judgement:
    return Judgement("unidentified" if last else "identifying", None, reasons)


def _reasons(evidence: Evidence, opinions: Sequence[Opinion]) -> tuple[str, ...]:
    said = [
        f"{opinion.known.name} {_in_words(opinion.log_odds)}, nearest photo at {opinion.nearest:.2f}"
        for opinion in opinions[:2]
    ]
    return (_used(evidence.faces), *said, f"a name needs {_ratio(SURE)}")


def _used(faces: int) -> str:
    return f"{faces} usable face{'s' * (faces != 1)}"


def _in_words(log_odds: float) -> str:
    return f"{_ratio(abs(log_odds))} {'for' if log_odds >= 0 else 'against'}"


def _ratio(log_odds: float) -> str:
    """Return odds as people say them, from 1:1 to more than a million to one."""
    ratio = math.exp(min(log_odds, MILLION))
    digits = max(0, int(math.log10(ratio)) - 1)
    return f"{round(ratio, -digits):,.0f}:1" if log_odds < MILLION else "more than 1,000,000:1"


def _ramp(value: float, none: float, full: float) -> float:
    return min(max((value - none) / (full - none), 0.0), 1.0)
