"""The verdict and its whole reasons, word by word: what a person reads is what was counted."""

import math

import numpy as np
import pytest

from brain.verdict.evidence import Evidence, FaceSample, KnownPerson, add_answer, add_face
from brain.verdict.judge import _needed, _ratio, judge
from brain.vision.backend import CloudSimilarity
from nerves.messages import Verdict
from tests.people import faces

ME, STRANGER = 1, 7
FAMILY = [
    KnownPerson("me", "family", np.stack(faces(ME, 8, seed=1))),
    KnownPerson("wife", "family", np.stack(faces(2, 8, seed=1))),
]
EVERYBODY = frozenset({"me", "wife"})
LIKE_NOBODY = CloudSimilarity({}, compared_with=EVERYBODY)
NEEDS = "a name needs 400:1"
TOO_FEW, DISAGREE = "too few good faces to be sure", "the faces do not agree"


def seen(mine: int, theirs: int = 0, weight: float = 1.0, confidence: float = 1.0) -> Evidence:
    evidence = Evidence()
    for vector in (*faces(ME, mine), *faces(STRANGER, theirs)):
        evidence = add_face(evidence, FaceSample(vector, weight, confidence))
    return evidence


def answered(evidence: Evidence, *answers: CloudSimilarity) -> Evidence:
    for answer in answers:
        evidence = add_answer(evidence, answer)
    return evidence


def test_one_face_is_too_few() -> None:
    judgement = judge(seen(1), FAMILY)
    assert (judgement.verdict, judgement.who) == ("identifying", None)
    assert judgement.reasons == (
        "1 usable face",
        "me 180,000:1 for, nearest photo at 0.46",
        "wife more than 1,000,000:1 against, nearest photo at 0.79",
        NEEDS,
        TOO_FEW,
    )


def test_faces_of_two_people_do_not_agree() -> None:
    judgement = judge(seen(3, 3), FAMILY, last=True)
    assert judgement.verdict == "unidentified"
    assert judgement.reasons == (
        "6 usable faces",
        "me 7:1 for, nearest photo at 0.44",
        "wife more than 1,000,000:1 against, nearest photo at 0.75",
        NEEDS,
        DISAGREE,
    )


@pytest.mark.parametrize(
    ("held", "more"), [("family", ("somebody else is there now",)), ("unidentified", ()), ("stranger", ())]
)
def test_a_stranger_who_takes_over_a_visit_takes_the_name_back_with_a_reason(
    held: Verdict, more: tuple[str, ...]
) -> None:
    judgement = judge(seen(4, 7), FAMILY, held=held)
    assert (judgement.verdict, judgement.who) == ("stranger", None)
    assert judgement.reasons == (
        "11 usable faces",
        "me more than 1,000,000:1 against, nearest photo at 0.44",
        "wife more than 1,000,000:1 against, nearest photo at 0.75",
        NEEDS,
        *more,
    )


def test_a_stranger_has_reasons() -> None:
    judgement = judge(seen(0, 6), FAMILY)
    assert judgement.verdict == "stranger"
    assert judgement.reasons == (
        "6 usable faces",
        "me more than 1,000,000:1 against, nearest photo at 0.73",
        "wife more than 1,000,000:1 against, nearest photo at 0.78",
        NEEDS,
    )


def test_an_early_stranger_needs_more_faces_and_longer_odds_than_a_late_one() -> None:
    assert judge(seen(0, 2), FAMILY).verdict == "identifying"
    assert judge(seen(0, 2), FAMILY, last=True).verdict == "stranger"
    assert judge(answered(Evidence(), LIKE_NOBODY, LIKE_NOBODY), FAMILY, last=True).reasons == (
        "0 usable faces",
        "2 faces looked at in the cloud",
        "me 93:1 against, 0 % alike in the cloud",
        "wife 93:1 against, 0 % alike in the cloud",
        NEEDS,
    )
    three = judge(answered(Evidence(), *[LIKE_NOBODY] * 3), FAMILY)
    assert (three.verdict, three.reasons[-1]) == ("identifying", DISAGREE)
    assert judge(answered(Evidence(), *[LIKE_NOBODY] * 3), FAMILY, last=True).verdict == "stranger"


def test_one_face_of_which_the_cloud_is_certain_is_a_late_name_and_no_early_one() -> None:
    certain = answered(Evidence(), CloudSimilarity({"me": 99.5, "wife": 3.0}))
    early = judge(certain, FAMILY)
    assert (early.verdict, early.reasons) == (
        "identifying",
        (
            "0 usable faces",
            "1 face looked at in the cloud",
            "me 1,600:1 for, 100 % alike in the cloud",
            "wife 15:1 against, 3 % alike in the cloud",
            NEEDS,
            DISAGREE,
        ),
    )
    assert judge(certain, FAMILY, last=True).who == "me"
    assert judge(certain, FAMILY, held="family").who == "me"
    almost = answered(Evidence(), CloudSimilarity({"me": 98.9, "wife": 3.0}))
    assert judge(almost, FAMILY, last=True).reasons[-1] == TOO_FEW
    exactly = answered(Evidence(), CloudSimilarity({"me": 99.0, "wife": 3.0}))
    assert judge(exactly, FAMILY, last=True).who == "me"


def test_what_the_cloud_says_stands_beside_what_we_see() -> None:
    judgement = judge(answered(seen(2), CloudSimilarity({"me": 70.0}, compared_with=EVERYBODY)), FAMILY, last=True)
    assert judgement.reasons == (
        "2 usable faces",
        "1 face looked at in the cloud",
        "me more than 1,000,000:1 for, nearest photo at 0.44, 70 % alike in the cloud",
        "wife more than 1,000,000:1 against, nearest photo at 0.75, 0 % alike in the cloud",
        NEEDS,
    )


def test_faces_that_the_cloud_finds_unlike_are_doubt() -> None:
    mine = seen(4)
    assert judge(answered(mine, LIKE_NOBODY), FAMILY, last=True).who == "me"
    assert judge(answered(mine, *[LIKE_NOBODY] * 3), FAMILY, last=True).reasons[-1] == DISAGREE
    somebody_else = CloudSimilarity({}, compared_with=frozenset({"wife"}))
    assert judge(answered(mine, *[somebody_else] * 3), FAMILY, last=True).who == "me"


def test_somebody_whom_only_the_cloud_knows_is_named_by_it() -> None:
    ann = KnownPerson("ann", "guest", np.zeros((0, 128), np.float32))
    alike = CloudSimilarity({"ann": 99.9}, compared_with=frozenset({"ann"}))
    judgement = judge(answered(Evidence(), alike, alike), [ann], last=True)
    assert (judgement.verdict, judgement.who) == ("guest", "ann")
    assert judgement.reasons[2] == "ann 220,000:1 for, 100 % alike in the cloud"
    silent = judge(seen(4), [ann], last=True)
    assert (silent.verdict, silent.reasons[1]) == ("unidentified", "ann 1:1 for")


@pytest.mark.parametrize(
    ("count", "last", "verdict", "reasons"),
    [
        (3, False, "stranger", ("3 usable faces", "nobody is enrolled")),
        (2, False, "identifying", ("2 usable faces", "nobody is enrolled", TOO_FEW)),
        (2, True, "stranger", ("2 usable faces", "nobody is enrolled")),
        (1, True, "unidentified", ("1 usable face", "nobody is enrolled", TOO_FEW)),
        (0, False, "identifying", ("no face could be used: turned away, too far or too blurred",)),
        (0, True, "unidentified", ("no face could be used: turned away, too far or too blurred",)),
    ],
)
def test_where_nobody_is_enrolled_faces_are_counted(
    count: int,
    last: bool,  # noqa: FBT001
    verdict: Verdict,
    reasons: tuple[str, ...],
) -> None:
    judgement = judge(seen(0, count), [], last=last)
    assert (judgement.verdict, judgement.who, judgement.reasons) == (verdict, None, reasons)


def test_where_nobody_is_enrolled_the_cloud_s_faces_count_too() -> None:
    assert judge(answered(seen(0, 1), CloudSimilarity({}, weight=0.5)), [], last=True).verdict == "stranger"
    assert judge(answered(seen(0, 1), CloudSimilarity({}, weight=0.4)), [], last=True).verdict == "unidentified"
    assert judge(answered(seen(0, 1), CloudSimilarity({}, weight=0.1)), [], last=True).reasons[0] == "1 usable face"


def test_without_any_usable_face_nothing_is_compared() -> None:
    nothing = ("no face could be used: turned away, too far or too blurred",)
    assert judge(Evidence(), FAMILY).reasons == nothing
    assert judge(seen(3, weight=0.1), FAMILY).reasons == nothing
    assert judge(answered(Evidence(), CloudSimilarity({"me": 99.0}, weight=0.1)), FAMILY).reasons == nothing


def test_a_face_that_matches_counts_by_half_of_its_confidence_more() -> None:
    # 0.4 + 0.6 x weight x (0.5 + 0.5 x confidence): two faces of 0.4 + 0.6 x 0.5 x 0.6 are 1.16 together.
    assert judge(seen(2, weight=0.5, confidence=0.2), FAMILY).who == "me"
    assert judge(seen(2, weight=0.1, confidence=1.0), FAMILY).reasons[0] != "2 usable faces"
    # Faces that match nobody count by their whole confidence: 0.4 + 0.6 x 0.5 x 0.3 is 0.49 each.
    five = judge(seen(0, 5, weight=0.5, confidence=0.3), FAMILY)
    assert (five.verdict, five.reasons[-1]) == ("identifying", DISAGREE)
    assert judge(seen(0, 6, weight=0.5, confidence=0.3), FAMILY).verdict == "stranger"


@pytest.mark.parametrize(
    ("log_odds", "words"),
    [(0, "1:1"), (1, "3:1"), (2.3, "10:1"), (4.6, "99:1"), (5, "150:1"), (9.2, "9,900:1"), (13, "440,000:1")],
)
def test_odds_are_said_with_two_digits(log_odds: float, words: str) -> None:
    assert _ratio(log_odds) == words


def test_from_a_million_on_odds_are_only_said_to_be_more() -> None:
    assert _ratio(13.8) == "980,000:1"
    assert _ratio(math.log(1_000_000)) == "more than 1,000,000:1"
    assert _ratio(700.0) == "more than 1,000,000:1"


@pytest.mark.parametrize(("total", "odds"), [(0, 100_000), (3, 100_000), (7.5, 6324.555), (12, 400), (20, 400)])
def test_a_name_needs_shorter_odds_the_more_faces_there_are(total: float, odds: float) -> None:
    assert _needed(total) == pytest.approx(math.log(odds))
