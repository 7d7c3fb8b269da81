"""The verdict exactly at the sums of weights, odds, shares and distances that it needs, and on both sides of them."""

import math

import numpy as np
import pytest

from brain.verdict.evidence import Evidence, FaceSample, KnownPerson, add_face
from brain.verdict.judge import MAX_NEAR_SHARE, NEAR_DISTANCE, Opinion, _Faces, _is_stranger, _named, _nearest, judge
from brain.verdict.similarity import person_log_odds
from brain.vision.backend import CloudSimilarity
from nerves.messages import Group
from tests.brain.verdict.test_judge_reasons import FAMILY, LIKE_NOBODY, ME, STRANGER, answered, seen
from tests.people import faces

ANN = KnownPerson("ann", "guest", np.zeros((0, 128), np.float32))
TOO_FEW, DISAGREE, TAKEN_OVER = "too few good faces to be sure", "the faces do not agree", "somebody else is there now"


def strangers_of_exactly(*weights: float) -> Evidence:
    evidence = Evidence()
    for vector, weight in zip(faces(STRANGER, len(weights)), weights, strict=True):
        evidence = add_face(evidence, FaceSample(vector, weight))
    return evidence


def opinion(name: str, log_odds: float, group: Group = "family", doubt: float = 0.0) -> Opinion:
    return Opinion(KnownPerson(name, group, ANN.vectors), log_odds, 0.3, doubt, None, is_compared=True)


def test_two_poor_faces_are_enough_for_a_name_at_the_last_moment_only() -> None:
    # 0.4 + 0.6 x 0.12 is 0.472 each and 0.944 together: more than 0.8 and less than 1.
    early, late = judge(seen(2, weight=0.12), FAMILY), judge(seen(2, weight=0.12), FAMILY, last=True)
    assert (early.verdict, early.reasons[-1]) == ("identifying", TOO_FEW)
    assert (late.verdict, late.who) == ("family", "me")


def test_a_face_that_matches_never_counts_more_than_its_weight() -> None:
    # 0.4 + 0.6 x 0.2 x (0.5 + 0.5 x 0.2) is 0.472 each and 0.944 together: less than 1.
    assert judge(seen(2, weight=0.2, confidence=0.2), FAMILY).reasons[-1] == TOO_FEW


def test_a_face_at_half_a_unit_from_a_photo_matches() -> None:
    photo = faces(ME, 1)[0]
    photo[0] = 0.0
    at_the_limit, beyond = photo.copy(), photo.copy()
    at_the_limit[0], beyond[0] = 0.5, 0.51
    person = KnownPerson("me", "family", photo[None, :])
    # 0.2 x 0.6 is usable if the face matches; 0.2 x 0.2 is not usable if it does not.
    matching = add_face(Evidence(), FaceSample(at_the_limit, 0.2, 0.2))
    assert judge(matching, [person]).reasons[1].endswith("nearest photo at 0.50")
    assert judge(add_face(Evidence(), FaceSample(beyond, 0.2, 0.2)), [person]).reasons == (
        "no face could be used: turned away, too far or too blurred",
    )


def test_a_face_exactly_at_a_lowered_limit_is_near_enough() -> None:
    photos = FAMILY[0].vectors.copy()
    photos[:, 0] = 0.0
    vector = photos[0].copy()
    vector[0] = 0.25
    evidence = add_face(add_face(Evidence(), FaceSample(vector, 1.0)), FaceSample(vector, 1.0))
    assert judge(evidence, [KnownPerson("me", "family", photos, 0.25)], last=True).who == "me"
    assert judge(evidence, [KnownPerson("me", "family", photos, 0.24)], last=True).who is None


def test_distances_are_of_double_precision() -> None:
    assert _nearest(FAMILY[0].vectors, FAMILY[1].vectors).dtype == np.float64


def test_too_many_far_faces_withhold_a_name_although_the_odds_suffice() -> None:
    judgement = judge(seen(4, 3), FAMILY, last=True)
    assert judgement.verdict == "unidentified"
    assert judgement.reasons[1:] == (
        "me 950:1 for, nearest photo at 0.44",
        "wife more than 1,000,000:1 against, nearest photo at 0.75",
        "a name needs 400:1",
        DISAGREE,
    )


def test_our_faces_are_no_doubt_about_somebody_of_whom_we_have_no_photo() -> None:
    alike = CloudSimilarity({"ann": 99.9})
    judgement = judge(answered(seen(2), alike, alike), [ANN], last=True)
    assert (judgement.verdict, judgement.who) == ("guest", "ann")


def test_only_the_two_likeliest_people_are_reasons() -> None:
    third = KnownPerson("son", "family", np.stack(faces(3, 8, seed=1)))
    reasons = judge(seen(3), [*FAMILY, third]).reasons
    assert [reason.split()[0] for reason in reasons] == ["3", "me", "wife", "a"]


def test_a_visit_without_a_verdict_cannot_be_taken_over() -> None:
    assert judge(seen(14, 6), FAMILY).who == "me"
    assert judge(seen(14, 6), FAMILY, held="identifying").who == "me"
    assert judge(seen(14, 6), FAMILY, held="family").verdict == "stranger"


def test_newest_faces_that_are_evidence_for_nobody_take_no_name_back() -> None:
    judgement = judge(seen(10, 3), FAMILY, held="family")
    assert (judgement.verdict, judgement.who) == ("family", "me")


def test_the_newest_faces_take_a_name_back_from_a_weight_of_two_and_a_half() -> None:
    # 0.4 + 0.6 / 6 is 0.5.
    enough = judge(strangers_of_exactly(1.0, 1.0, 1 / 6), FAMILY, held="family")
    less = judge(strangers_of_exactly(1.0, 1.0, 0.16), FAMILY, held="family")
    assert (enough.verdict, enough.reasons[-1]) == ("stranger", TAKEN_OVER)
    assert (less.verdict, less.reasons[-1]) == ("stranger", "a name needs 400:1")


def test_an_early_stranger_needs_a_weight_of_two_and_a_half() -> None:
    assert judge(strangers_of_exactly(1.0, 1.0, 1 / 6), FAMILY).verdict == "stranger"
    assert judge(strangers_of_exactly(1.0, 1.0, 0.16), FAMILY).verdict == "identifying"


@pytest.mark.parametrize("count", [6, 9])
def test_the_cloud_alone_takes_a_name_back(count: int) -> None:
    judgement = judge(answered(Evidence(), *[LIKE_NOBODY] * count), FAMILY, held="family")
    assert (judgement.verdict, judgement.reasons[-1]) == ("stranger", TAKEN_OVER)


def test_the_cloud_takes_no_name_back_if_there_are_faces_of_our_own() -> None:
    judgement = judge(answered(seen(18, 3), *[LIKE_NOBODY] * 6), FAMILY, held="family")
    assert (judgement.verdict, judgement.who) == ("family", "me")


def test_a_name_is_taken_back_at_exactly_the_odds_that_this_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = answered(Evidence(), *[LIKE_NOBODY] * 6)
    against = -person_log_odds(evidence.cloud_answers, "me")
    monkeypatch.setattr("brain.verdict.judge.SURE_LOG_ODDS", against)
    assert judge(evidence, FAMILY, held="family").reasons[-1] == TAKEN_OVER
    monkeypatch.setattr("brain.verdict.judge.SURE_LOG_ODDS", against + 0.001)
    assert judge(evidence, FAMILY, held="family").reasons[-1] != TAKEN_OVER


@pytest.mark.parametrize(
    ("opinions", "names"),
    [
        ([opinion("me", 5.0)], ["me"]),
        ([opinion("me", 4.999)], []),
        ([opinion("me", 6.0, doubt=0.34)], ["me"]),
        ([opinion("me", 6.0, doubt=0.341)], []),
        ([opinion("me", 6.0), opinion("wife", 5.0)], ["me", "wife"]),
        ([opinion("me", 6.0), opinion("wife", 4.999)], []),
        ([opinion("me", 6.0), opinion("ann", 5.5, "guest")], []),
        ([opinion("me", 5.0), opinion("ann", 5.0 - math.log(100) - 0.001, "guest")], ["me"]),
        ([opinion("me", 5.0), opinion("ann", 5.0 - math.log(100) + 0.001, "guest")], []),
    ],
)
def test_a_name_needs_its_odds_little_doubt_and_a_distance_from_others(
    opinions: list[Opinion], names: list[str]
) -> None:
    assert [found.known.name for found in _named(opinions, 5.0)] == names


def test_a_name_is_clear_at_exactly_a_hundred_to_one() -> None:
    opinions = [opinion("me", math.log(100)), opinion("ann", 0.0, "guest")]
    assert [found.known.name for found in _named(opinions, 1.0)] == ["me"]


@pytest.mark.parametrize(
    ("log_odds", "total", "last", "is_stranger"),
    [
        (-math.log(10), 0.8, True, True),
        (-math.log(9.9), 0.8, True, False),
        (-math.log(10), 0.79, True, False),
        (-math.log(400), 2.5, False, True),
        (-math.log(399), 2.5, False, False),
        (-math.log(400), 2.49, False, False),
    ],
)
def test_a_stranger_needs_exactly_these_odds_and_weights(
    log_odds: float,
    total: float,
    last: bool,  # noqa: FBT001
    is_stranger: bool,  # noqa: FBT001
) -> None:
    assert _is_stranger([opinion("me", log_odds)], weighing(total, distance=1.0), last=last) is is_stranger


@pytest.mark.parametrize(
    ("share", "distance", "is_stranger"),
    [
        (MAX_NEAR_SHARE, NEAR_DISTANCE, True),
        (MAX_NEAR_SHARE + 0.01, NEAR_DISTANCE, False),
        (MAX_NEAR_SHARE + 0.01, NEAR_DISTANCE + 0.01, True),
    ],
)
def test_faces_near_a_photo_are_no_strangers(
    share: float,
    distance: float,
    is_stranger: bool,  # noqa: FBT001
) -> None:
    faces_seen = _Faces(np.zeros((2, 128), np.float32), np.array([share, 1 - share]), np.array([[distance], [0.7]]), ())
    assert _is_stranger([opinion("me", -100.0)], faces_seen, last=True) is is_stranger


def weighing(total: float, *, distance: float) -> _Faces:
    """One face of this weight, at this distance from the nearest photo."""
    return _Faces(np.zeros((1, 128), np.float32), np.array([total]), np.array([[distance]]), ())
