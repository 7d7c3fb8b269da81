import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.judge import Evidence, Match, add, judge, weight

NOBODY: list[Match] = []


def face(me: float, wife: float = 0.9) -> list[Match]:
    return [Match("me", "family", me), Match("wife", "family", wife)]


def after(*faces: list[Match], counts: float = 1.0) -> Evidence:
    evidence = Evidence()
    for matches in faces:
        evidence = add(evidence, matches, counts)
    return evidence


def test_two_good_faces_are_a_name() -> None:
    assert judge(after(face(0.3))).verdict == "identifying"
    judgement = judge(after(face(0.3), face(0.35)))
    assert (judgement.verdict, judgement.who) == ("family", "me")


def test_eleven_unknown_faces_and_one_lucky_match_are_a_stranger() -> None:
    faces = [face(0.75)] * 5 + [face(0.45)] + [face(0.75)] * 6
    assert judge(after(*faces)).verdict == "stranger"


def test_a_face_between_the_thresholds_is_no_evidence() -> None:
    evidence = after(*[face(0.55)] * 20)
    assert judge(evidence).verdict == "identifying"
    assert judge(evidence, last=True).verdict == "unidentified"


def test_a_face_as_near_to_a_second_person_is_no_evidence() -> None:
    evidence = after(*[face(0.40, 0.42)] * 20)
    assert judge(evidence, last=True).verdict == "unidentified"


def test_a_back_or_a_blur_is_no_evidence_of_a_stranger() -> None:
    assert judge(Evidence(), last=True).verdict == "unidentified"
    assert judge(after(*[face(0.8)] * 50, counts=0.0), last=True).verdict == "unidentified"


def test_one_face_alone_decides_nothing() -> None:
    assert judge(after(face(0.2)), last=True).verdict == "unidentified"
    assert judge(after(face(0.9)), last=True).verdict == "unidentified"


def test_where_nobody_is_enrolled_every_face_is_a_stranger() -> None:
    judgement = judge(after(NOBODY, NOBODY, NOBODY, counts=0.5), last=True)
    assert judgement.verdict == "stranger"
    assert "nobody is enrolled" in judgement.reasons


def test_a_guest_is_a_guest() -> None:
    guest = [Match("ann", "guest", 0.3)]
    assert judge(after(guest, guest)).verdict == "guest"


def test_a_name_that_was_given_turns_only_on_strong_evidence() -> None:
    faces = [face(0.3)] * 2 + [face(0.8)] * 3
    assert judge(after(*faces), held="family").verdict == "identifying"
    assert judge(after(*faces, *[face(0.8)] * 9), held="family").verdict == "stranger"


def test_every_verdict_says_why() -> None:
    reasons = " ".join(judge(after(face(0.31), face(0.35))).reasons)
    assert "2 usable faces" in reasons
    assert "me at 0.31" in reasons
    assert "wife at 0.90" in reasons
    assert judge(Evidence(), last=True).reasons == ("no face could be used: turned away, too far or too blurred",)


distances = st.floats(0.0, 1.5, allow_nan=False)
weights = st.floats(0.0, 1.0, allow_nan=False)
looks = st.lists(st.tuples(distances, distances, weights), max_size=30)


def gather(seen: list[tuple[float, float, float]]) -> Evidence:
    evidence = Evidence()
    for me, wife, counts in seen:
        evidence = add(evidence, face(me, wife), counts)
    return evidence


@given(looks, st.integers(1, 10))
def test_more_confidence_never_turns_family_into_a_stranger(seen: list[tuple[float, float, float]], more: int) -> None:
    before = judge(gather(seen), last=True)
    if before.verdict != "family" or before.who != "me":
        return
    after = judge(gather(seen + [(0.2, 0.9, 1.0)] * more), held="family", last=True)
    assert (after.verdict, after.who) == ("family", "me")


@given(looks)
def test_strangers_alone_are_never_family(seen: list[tuple[float, float, float]]) -> None:
    far = [(0.61 + me, 0.61 + wife, counts) for me, wife, counts in seen]
    assert judge(gather(far), last=True).verdict in ("stranger", "unidentified")


@given(looks)
def test_the_last_word_is_always_a_verdict(seen: list[tuple[float, float, float]]) -> None:
    assert judge(gather(seen), last=True).verdict != "identifying"


@given(looks)
def test_the_order_of_the_faces_does_not_matter(seen: list[tuple[float, float, float]]) -> None:
    one, other = judge(gather(seen), last=True), judge(gather(seen[::-1]), last=True)
    assert (one.verdict, one.who) == (other.verdict, other.who)


@given(st.floats(0, 500), st.floats(0, 500), st.floats(0, 3))
def test_a_weight_is_a_share(width: float, sharpness: float, yaw: float) -> None:
    assert 0.0 <= weight(width, sharpness, yaw) <= 1.0


@pytest.mark.parametrize(("width", "sharpness", "yaw"), [(10, 50, 0), (80, 1, 0), (80, 50, 2.0)])
def test_a_far_a_blurred_and_a_turned_face_count_nothing(width: float, sharpness: float, yaw: float) -> None:
    assert weight(width, sharpness, yaw) == 0.0
