"""Pure: faces seen in a visit -> evidence -> verdict.

The faces of a visit are compared together, as one mean vector, with each person we know. The result is how many times
likelier this person is than somebody else (see `brain/verdict/odds.py`). Each face is also compared alone, so that a
visit in which two people take turns gets no name. Nothing here uses a model, a clock or a broker.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from brain.settings.matching import MATCH_DISTANCE, STRANGER_DISTANCE
from brain.verdict import odds, relatives, similarity
from brain.verdict.evidence import MIN_USABLE_WEIGHT, Evidence, KnownPerson, ramp
from brain.vision.backend import CloudSimilarity, Vector
from nerves.messages import Verdict

__all__ = ["Judgement", "judge"]

# The weight of the worst usable face; the best has 1. The variance of one person's faces is 0.10 for faces that count
# fully and 0.22 for faces that hardly count (2,405 camera-like faces of 45 people).
WORST_FACE_WEIGHT = 0.4

# The odds that verdicts need. A name before the last moment needs 100,000:1, because the visit is judged after every
# face, and its luckiest face would name it. A name at the last moment needs 400:1, and so does a stranger before it.
# A stranger at the last moment needs 10:1. One name against another needs 100:1. `benchmarks/visits.py` measures what
# they cost.
EARLY_LOG_ODDS, SURE_LOG_ODDS, LIKELY_LOG_ODDS, CLEAR_LOG_ODDS = (
    math.log(100_000),
    math.log(400),
    math.log(10),
    math.log(100),
)
# Where context expects somebody of the house, a stranger needs 10,000,000:1. The faces of one stay share their light
# and pose, so they may be unlike a member of the family for as long as the stay lasts (`benchmarks/household.py`).
EXPECTED_LOG_ODDS = math.log(10_000_000)
# And it needs two faces of this weight, 0 to 1: small and turned faces are unlike everybody, and somebody who sits far
# from the camera shows one of them again and again. A sharp face of 28 pixels that looks at the camera has it.
MIN_EXPECTED_FACE_WEIGHT = 0.3
# The usable faces that a verdict needs, and the sum of their weights; at the last moment less is enough. For a name one
# face is enough if the cloud is certain of it: its errors on a single face are a thousand times rarer than ours.
MIN_FACES, MIN_NAME_WEIGHT, MIN_STRANGER_WEIGHT, MIN_LAST_WEIGHT = 2, 1.0, 2.5, 0.8
# If a larger share of the faces is far from every photo of a person, the visit does not get the name: two people took
# turns.
MAX_DOUBT_SHARE = 0.34
# Faces nearer to a photo than this are no stranger's if they are more than this share: of single faces of strangers
# 0.6 to 1.2 % come within 0.50 of a family of four.
NEAR_DISTANCE, MAX_NEAR_SHARE = 0.45, 0.34
# Where context expects somebody of the house, one face in twenty within the match distance is enough against it.
MAX_EXPECTED_NEAR_SHARE = 0.05
# Before the last moment the odds that a name needs fall between these sums of weights.
FEW_FACES_WEIGHT, MANY_FACES_WEIGHT = 3.0, 12.0
# If nobody is enrolled: the sum of face confidences that a stranger needs, before and at the last moment.
MIN_UNENROLLED_WEIGHT, MIN_LAST_UNENROLLED_WEIGHT = 3.0, 1.5
# Larger odds are reported as "more than 1,000,000:1".
MILLION_LOG_ODDS = math.log(1_000_000)
# A name is withdrawn if the newest faces together are evidence against everybody: their number, and the sum of weights
# that they need.
TAKEOVER_FACES, MIN_TAKEOVER_WEIGHT = 6, 2.5
# Where context expects somebody of the house, it takes so many: a few faces share one pose.
EXPECTED_TAKEOVER_FACES = 24


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and its reasons."""

    verdict: Verdict
    who: str | None
    reasons: tuple[str, ...]
    likely: str | None = None
    """The likeliest person, if the faces do not decide."""
    log_odds: float = 0.0
    """The natural logarithm of the odds for this person."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """How the faces of a visit compare with one person."""

    known: KnownPerson
    log_odds: float
    """The natural logarithm of the odds for this person, against somebody else."""
    nearest: float
    """The smallest distance of a face to a photo; infinite if none was compared."""
    doubt: float
    """The share of the faces, by weight, that are far from every photo of this person."""
    cloud_similarity: float | None
    """The highest similarity that the cloud gives, 0 to 100; None if the cloud was not asked."""
    is_compared: bool
    """Whether any face was compared with this person."""


def judge(  # noqa: PLR0913 - what a judgement depends on
    evidence: Evidence,
    known: Sequence[KnownPerson],
    *,
    held: Verdict = "identifying",
    match: float = MATCH_DISTANCE,
    last: bool = False,
    expected: bool = False,
    patient: bool = False,
    elsewhere: Collection[str] = (),
) -> Judgement:
    """Return the verdict on the evidence of a visit.

    Args:
        evidence: The faces of the visit.
        known: Everybody we know, in any order.
        held: The verdict so far.
        match: The household's own match distance; it applies to people whose limit is larger.
        last: Whether this is the deadline or the end of the visit, so that a verdict is needed.
        expected: Whether it is probably somebody of the house, by all but the faces. Then a stranger needs
            10,000,000:1 and two good faces.
        patient: Whether there is time for more faces though a verdict is needed: a stranger needs what it needs before
            the last moment.
        elsewhere: Who is elsewhere, as far as is known. Their names need 100,000:1.

    Returns:
        The verdict is `identifying` only if nothing is decided and `last` is false.
    """
    if not known:
        return _nobody_known(evidence, last=last)
    faces = _weighed(evidence, known)
    if not faces.count:
        return _undecided((NO_FACE_REASON,), last=last)
    known = [person if person.limit <= match else replace(person, limit=match) for person in known]
    return _decided(evidence, faces, known, held, last=last, expected=expected, patient=patient, elsewhere=elsewhere)


def _decided(  # noqa: PLR0913 - as `judge`
    evidence: Evidence,
    faces: "_Faces",
    known: Sequence[KnownPerson],
    held: Verdict,
    *,
    last: bool,
    expected: bool,
    patient: bool,
    elsewhere: Collection[str],
) -> Judgement:
    opinions = _opinions(faces, known)
    reasons = _reasons(evidence, faces, opinions)
    total = faces.total
    if not (faces.count >= MIN_FACES or _is_certain(opinions[0])) or total < (
        MIN_LAST_WEIGHT if last else MIN_NAME_WEIGHT
    ):
        return _undecided((*reasons, "too few good faces to be sure"), opinions[0], last=last)
    late = last or held in NAMED_VERDICTS
    if held != "identifying" and _has_changed(faces, known, expected=expected):
        now = ("somebody else is there now",) if held in NAMED_VERDICTS else ()
        return Judgement("stranger", None, (*reasons, *now))
    named = _named(opinions, SURE_LOG_ODDS if late else _needed(total))
    if named and (doubt := _doubt(named[0], faces, known, elsewhere)):
        return _undecided((*reasons, doubt), opinions[0], last=last)
    if named:
        return Judgement(named[0].known.group, named[0].known.name if len(named) == 1 else None, reasons)
    if faces.count >= MIN_FACES and _is_stranger(opinions, faces, last=late and not patient, expected=expected):
        return Judgement("stranger", None, reasons)
    return _undecided((*reasons, "the faces do not agree"), opinions[0], last=last)


NAMED_VERDICTS = ("family", "guest", "known")
NO_FACE_REASON = "no face could be used: turned away, too far or too blurred"


@dataclass(frozen=True, slots=True)
class _Faces:
    """The usable faces of a visit."""

    vectors: Vector
    """n x 128."""
    weights: npt.NDArray[np.float64]
    nearest: npt.NDArray[np.float64]
    """n x people: the distance of each face to the nearest photo of each person."""
    cloud_answers: tuple[CloudSimilarity, ...]
    """The answers of the cloud about faces."""

    @property
    def count(self) -> int:
        """The number of faces. A face that the cloud has compared too counts twice: two networks saw it."""
        return len(self.weights) + len(self.cloud_answers)

    @property
    def total(self) -> float:
        """The sum of their weights."""
        return float(self.weights.sum()) + sum(one.weight for one in self.cloud_answers)

    def near_share(self, distance: float) -> float:
        """Return the share of our own faces, by weight, that are so near a photo of somebody; 0 without such faces."""
        if not len(self.weights):
            return 0.0
        return float(self.weights[self.nearest.min(axis=1) <= distance].sum() / self.weights.sum())

    def are_near(self, *, expected: bool) -> bool:
        """Return whether too many faces are near a photo for a stranger; fewer do if one of the house is expected."""
        is_near = self.near_share(NEAR_DISTANCE) > MAX_NEAR_SHARE
        return is_near or (expected and self.near_share(MATCH_DISTANCE) > MAX_EXPECTED_NEAR_SHARE)

    @property
    def good_count(self) -> int:
        """The number of faces that count well, and of answers of the cloud."""
        least = WORST_FACE_WEIGHT + (1 - WORST_FACE_WEIGHT) * MIN_EXPECTED_FACE_WEIGHT
        return int((self.weights >= least).sum()) + len(self.cloud_answers)

    def newest(self, count: int) -> "_Faces":
        """Return the newest faces; with answers of the cloud only if there are no faces of our own."""
        likenesses = () if len(self.weights) else self.cloud_answers[-count:]
        return _Faces(self.vectors[-count:], self.weights[-count:], self.nearest[-count:], likenesses)


def _weighed(evidence: Evidence, known: Sequence[KnownPerson]) -> _Faces:
    """Return the usable faces. For a vector that matches somebody, half of the missing face confidence is added."""
    samples, likenesses = (
        evidence.samples,
        tuple(one for one in evidence.cloud_answers if one.weight > MIN_USABLE_WEIGHT),
    )
    vectors = np.stack([sample.vector for sample in samples]) if samples else np.zeros((0, 128), np.float32)
    nearest = np.stack([_nearest(vectors, person.vectors) for person in known], axis=1)
    sure = np.array([sample.face_confidence for sample in samples])
    matched = nearest.min(axis=1) <= MATCH_DISTANCE
    counts = np.array([sample.weight for sample in samples]) * np.where(matched, 0.5 + 0.5 * sure, sure)
    usable = counts > MIN_USABLE_WEIGHT
    return _Faces(
        vectors[usable], (WORST_FACE_WEIGHT + (1 - WORST_FACE_WEIGHT) * counts)[usable], nearest[usable], likenesses
    )


def _nearest(vectors: Vector, photos: Vector) -> npt.NDArray[np.float64]:
    if not len(photos):
        return np.full(len(vectors), np.inf)
    return np.asarray(np.linalg.norm(vectors[:, None, :] - photos[None, :, :], axis=2).min(axis=1), np.float64)


def _opinions(faces: _Faces, known: Sequence[KnownPerson]) -> list[Opinion]:
    """Return the opinion on everybody, the likeliest person first."""
    of_vectors = _by_vectors(faces)
    return sorted(
        (_opinion(faces, person, number, of_vectors(person)) for number, person in enumerate(known)),
        key=lambda opinion: -opinion.log_odds,
    )


def _by_vectors(faces: _Faces) -> Callable[[KnownPerson], float]:
    """Return a function that gives the log odds of a person from the vectors; 0 if there is nothing to compare."""
    if not len(faces.weights):
        return lambda _: 0.0
    space, faces_counted = odds.dlib_space(), odds.independent_faces(faces.vectors, faces.weights)
    visit = space.project(odds.weighted_mean(faces.vectors, faces.weights))

    def log_odds(person: KnownPerson) -> float:
        if not len(person.vectors):
            return 0.0
        return odds.same_person_log_odds(visit, faces_counted, person.point, person.independent_photos, space)

    return log_odds


def _opinion(faces: _Faces, person: KnownPerson, number: int, by_vectors: float) -> Opinion:
    nearest, likenesses = faces.nearest[:, number], [one for one in faces.cloud_answers if one.covers(person.name)]
    far = float(faces.weights[nearest > STRANGER_DISTANCE].sum()) if len(person.vectors) else 0.0
    return Opinion(
        person,
        by_vectors + similarity.person_log_odds(faces.cloud_answers, person.name),
        float(nearest.min(initial=np.inf)),
        (far + similarity.unlike_weight(faces.cloud_answers, person.name)) / faces.total,
        max((one.similarities.get(person.name, 0.0) for one in likenesses), default=None),
        bool(likenesses) or bool(len(person.vectors) and len(faces.weights)),
    )


def _named(opinions: Sequence[Opinion], needed: float) -> list[Opinion]:
    """Return the person, several people of one group who look alike, or nobody."""
    first = opinions[0]
    if first.log_odds < needed or first.doubt > MAX_DOUBT_SHARE or _is_too_far(first):
        return []
    rivals = [other for other in opinions[1:] if first.log_odds - other.log_odds < CLEAR_LOG_ODDS]
    if any(other.known.group != first.known.group or other.log_odds < needed for other in rivals):
        return []
    return [first, *rivals]


def _doubt(opinion: Opinion, faces: _Faces, known: Sequence[KnownPerson], elsewhere: Collection[str]) -> str:
    """Return why the faces may be somebody else's, though alike enough; empty if nothing says so."""
    name = opinion.known.name
    if name in elsewhere and opinion.log_odds < EARLY_LOG_ODDS:
        return f"{name} is elsewhere, as far as is known"
    cloud = similarity.person_log_odds(faces.cloud_answers, name)
    if not relatives.is_clear_of_relatives(opinion.known, faces.vectors, faces.weights, known, bonus=cloud):
        return f"it may be a brother or sister of {name}"
    return ""


def _is_certain(opinion: Opinion) -> bool:
    """Return whether the cloud reaches, for one face, the similarity that Amazon asks for if a wrong name matters."""
    return opinion.cloud_similarity is not None and opinion.cloud_similarity >= similarity.CERTAIN_SIMILARITY


def _is_too_far(opinion: Opinion) -> bool:
    """Return whether no face is within the limit, if a look-alike or the household has lowered it."""
    is_lowered = opinion.known.limit < MATCH_DISTANCE and not np.isinf(opinion.nearest)
    return is_lowered and opinion.nearest > opinion.known.limit


def _needed(total: float) -> float:
    """Return the log odds that a name needs before the last moment: few faces need more, because luck matters more."""
    return EARLY_LOG_ODDS + (SURE_LOG_ODDS - EARLY_LOG_ODDS) * ramp(total, FEW_FACES_WEIGHT, MANY_FACES_WEIGHT)


def _is_stranger(opinions: Sequence[Opinion], faces: _Faces, *, last: bool, expected: bool = False) -> bool:
    """Return whether the faces are evidence against everybody.

    They are not if many are near a photo: the mean of two people of the family is like neither of them.
    """
    if faces.are_near(expected=expected):
        return False
    needs, least = (MIN_LAST_WEIGHT, -LIKELY_LOG_ODDS) if last else (MIN_STRANGER_WEIGHT, -SURE_LOG_ODDS)
    if expected:
        if faces.good_count < MIN_FACES:
            return False
        needs, least = MIN_STRANGER_WEIGHT, -EXPECTED_LOG_ODDS
    return faces.total >= needs and opinions[0].log_odds <= least


def _has_changed(faces: _Faces, known: Sequence[KnownPerson], *, expected: bool) -> bool:
    """Return whether the newest faces are evidence against everybody: somebody else stands there now."""
    count, needed = (EXPECTED_TAKEOVER_FACES, EXPECTED_LOG_ODDS) if expected else (TAKEOVER_FACES, SURE_LOG_ODDS)
    newest = faces.newest(count)
    if newest.total < MIN_TAKEOVER_WEIGHT or newest.are_near(expected=expected):
        return False
    if expected and (newest.good_count < MIN_FACES or newest.count < count):
        return False
    compared = [opinion for opinion in _opinions(newest, known) if opinion.is_compared]
    return bool(compared) and compared[0].log_odds <= -needed


def _nobody_known(evidence: Evidence, *, last: bool) -> Judgement:
    """Return the verdict if nobody is enrolled: any face belongs to a stranger."""
    sure = [*(sample.face_confidence for sample in evidence.samples), *(one.weight for one in evidence.cloud_answers)]
    faces = sum(one > MIN_USABLE_WEIGHT for one in sure)
    if not faces:
        return _undecided((NO_FACE_REASON,), last=last)
    reasons = (_used(faces), "nobody is enrolled")
    if sum(sure) >= (MIN_LAST_UNENROLLED_WEIGHT if last else MIN_UNENROLLED_WEIGHT):
        return Judgement("stranger", None, reasons)
    return _undecided((*reasons, "too few good faces to be sure"), last=last)


def _undecided(reasons: tuple[str, ...], likeliest: Opinion | None = None, *, last: bool) -> Judgement:
    verdict: Verdict = "unidentified" if last else "identifying"
    if likeliest is None:
        return Judgement(verdict, None, reasons)
    return Judgement(verdict, None, reasons, likeliest.known.name, likeliest.log_odds)


def _reasons(evidence: Evidence, faces: _Faces, opinions: Sequence[Opinion]) -> tuple[str, ...]:
    asked = len(faces.cloud_answers)
    cloud = (f"{asked} face{'s' * (asked != 1)} looked at in the cloud",) if asked else ()
    opinion_reasons = [_opinion_reason(opinion) for opinion in opinions[:2]]
    return (_used(evidence.faces), *cloud, *opinion_reasons, f"a name needs {_ratio(SURE_LOG_ODDS)}")


def _opinion_reason(opinion: Opinion) -> str:
    near = "" if np.isinf(opinion.nearest) else f", nearest photo at {opinion.nearest:.2f}"
    alike = "" if opinion.cloud_similarity is None else f", {opinion.cloud_similarity:.0f} % alike in the cloud"
    return f"{opinion.known.name} {_in_words(opinion.log_odds)}{near}{alike}"


def _used(faces: int) -> str:
    return f"{faces} usable face{'s' * (faces != 1)}"


def _in_words(log_odds: float) -> str:
    return f"{_ratio(abs(log_odds))} {'for' if log_odds >= 0 else 'against'}"


def _ratio(log_odds: float) -> str:
    """Return odds in words, from 1:1 to more than 1,000,000:1."""
    ratio = math.exp(min(log_odds, MILLION_LOG_ODDS))
    digits = max(0, int(math.log10(ratio)) - 1)
    return f"{round(ratio, -digits):,.0f}:1" if log_odds < MILLION_LOG_ODDS else "more than 1,000,000:1"
