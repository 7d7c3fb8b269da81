import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from brain.verdict.evidence import MAX_FACE_SAMPLES, Evidence, FaceSample, KnownPerson, add_face, face_weight
from brain.verdict.judge import Judgement, judge
from brain.vision.backend import Vector
from nerves.messages import Group, Verdict
from tests.people import face, faces

ME, WIFE = 1, 2


def known(of: int, name: str, group: Group = "family") -> KnownPerson:
    return KnownPerson(name, group, np.stack(faces(of, 8, seed=1)))


FAMILY = [known(ME, "me"), known(WIFE, "wife")]


def after(*vectors: Vector, counts: float = 1.0, sure: float = 1.0) -> Evidence:
    evidence = Evidence()
    for vector in vectors:
        evidence = add_face(evidence, FaceSample(vector, counts, sure))
    return evidence


def verdict(*vectors: Vector, held: Verdict = "identifying", last: bool = False) -> tuple[Verdict, str | None]:
    judgement = judge(after(*vectors), FAMILY, held=held, last=last)
    return judgement.verdict, judgement.who


def test_two_good_faces_are_a_name() -> None:
    assert verdict(*faces(ME, 1)) == ("identifying", None)
    assert verdict(*faces(ME, 2)) == ("family", "me")


@pytest.mark.parametrize("lucky", range(12))
def test_eleven_strangers_and_one_lucky_match_are_a_stranger(lucky: int) -> None:
    seen = [face(100 + number) for number in range(11)]
    seen.insert(lucky, face(ME))
    assert verdict(*seen, last=True) == ("stranger", None)


def test_eleven_faces_of_one_stranger_and_one_lucky_match_are_a_stranger() -> None:
    seen = faces(7, 11)
    assert verdict(*seen[:5], *faces(ME, 1), *seen[5:], last=True) == ("stranger", None)


def test_two_people_who_take_turns_are_not_one_name() -> None:
    mixed = [one for pair in zip(faces(ME, 6), faces(7, 6), strict=True) for one in pair]
    assert verdict(*mixed, last=True)[0] in ("unidentified", "stranger")


def test_a_back_or_a_blur_is_no_evidence_of_a_stranger() -> None:
    assert judge(Evidence(), FAMILY, last=True).verdict == "unidentified"
    assert judge(after(*faces(7, 50), counts=0.0), FAMILY, last=True).verdict == "unidentified"


@pytest.mark.parametrize("held", ["identifying", "unidentified", "family"])
def test_where_family_is_expected_small_faces_make_no_stranger_and_two_good_ones_do(held: Verdict) -> None:
    small, good = faces(7, 20), faces(7, 2, seed=5)

    def verdict_on(evidence: Evidence, *, expected: bool) -> Verdict:
        return judge(evidence, FAMILY, held=held, last=True, expected=expected).verdict

    assert verdict_on(after(*small, counts=0.25), expected=False) == "stranger"
    assert verdict_on(after(*small, counts=0.25), expected=True) == "unidentified"
    seen = after(*small, counts=0.25)
    for vector in good:
        assert verdict_on(seen, expected=True) == "unidentified"
        seen = add_face(seen, FaceSample(vector, 0.35, 1.0))
    assert verdict_on(seen, expected=True) == "stranger"


def test_the_name_of_somebody_who_is_elsewhere_needs_better_faces() -> None:
    def judgement(share: float, elsewhere: frozenset[str]) -> Judgement:
        looks = [share * mine + (1 - share) * other for mine, other in zip(faces(ME, 4), faces(7, 4), strict=True)]
        return judge(after(*looks), FAMILY, last=True, elsewhere=elsewhere)

    for elsewhere in (frozenset[str](), frozenset({"wife"})):
        assert judgement(0.6, elsewhere).who == "me"
    doubted = judgement(0.6, frozenset({"me", "wife"}))
    assert (doubted.verdict, doubted.who) == ("unidentified", None)
    assert doubted.reasons[-1] == "me is elsewhere, as far as is known"
    assert judgement(0.65, frozenset({"me"})).who == "me"


@pytest.mark.parametrize("held", ["identifying", "unidentified"])
def test_where_family_is_expected_one_face_of_twenty_near_a_photo_makes_no_stranger(held: Verdict) -> None:
    strange = faces(7, 18)
    for own, expected, found in ((0, True, "stranger"), (2, True, "unidentified"), (2, False, "stranger")):
        seen = after(*strange, *faces(ME, own))
        assert judge(seen, FAMILY, held=held, last=True, expected=expected).verdict == found


def test_where_family_is_expected_a_name_goes_only_after_many_strange_faces() -> None:
    for strange, expected, found in ((20, False, "stranger"), (20, True, "unidentified"), (24, True, "stranger")):
        seen = after(*faces(ME, 12), *faces(7, strange))
        assert judge(seen, FAMILY, held="family", last=True, expected=expected).verdict == found


def test_poor_faces_do_not_drive_out_the_good_ones() -> None:
    seen = after(*faces(ME, 2))
    for vector in faces(7, 60):
        seen = add_face(seen, FaceSample(vector, 0.05, 1.0))
    assert (seen.faces, len(seen.samples)) == (2, 24)
    assert judge(seen, FAMILY, last=True).who == "me"


def test_if_there_is_time_for_more_faces_a_few_poor_ones_make_no_stranger() -> None:
    few, clear = after(*faces(7, 2), counts=0.3), after(*faces(7, 6))
    assert judge(few, FAMILY, last=True).verdict == "stranger"
    assert judge(few, FAMILY, last=True, patient=True).verdict == "unidentified"
    assert judge(clear, FAMILY, last=True, patient=True).verdict == "stranger"


def test_one_face_alone_decides_nothing() -> None:
    assert verdict(*faces(ME, 1), last=True) == ("unidentified", None)
    assert verdict(*faces(7, 1), last=True) == ("unidentified", None)


def test_the_same_picture_again_is_no_further_evidence() -> None:
    doubtful = face(ME) * 0.62 + face(7) * 0.38  # looks as much like me as like somebody else
    assert verdict(*[doubtful] * 40, last=True) == verdict(*[doubtful] * 4, last=True)


def test_where_nobody_is_enrolled_every_face_is_a_stranger() -> None:
    judgement = judge(after(*faces(7, 3), counts=0.05), [], last=True)
    assert judgement.verdict == "stranger"
    assert "nobody is enrolled" in judgement.reasons
    assert judge(after(*faces(7, 3), sure=0.2), [], last=True).verdict == "unidentified"


def test_what_is_hardly_a_face_speaks_against_nobody() -> None:
    assert judge(after(*faces(7, 20), sure=0.05), FAMILY, last=True).verdict == "unidentified"


def test_a_guest_is_a_guest() -> None:
    judgement = judge(after(*faces(5, 3)), [*FAMILY, known(5, "ann", "guest")])
    assert (judgement.verdict, judgement.who) == ("guest", "ann")


def test_somebody_known_is_known_with_a_name() -> None:
    judgement = judge(after(*faces(5, 3)), [*FAMILY, known(5, "maria", "known")])
    assert (judgement.verdict, judgement.who) == ("known", "maria")
    assert judge(after(*faces(7, 6)), [known(5, "maria", "known")], held="known").verdict == "stranger"


def twins(second: Group) -> list[KnownPerson]:
    return [known(5, "ann"), KnownPerson("eve", second, np.stack(faces(5, 8, seed=2)))]


def test_a_limit_that_was_lowered_needs_one_near_face() -> None:
    strict = [KnownPerson(one.name, one.group, one.vectors, 0.2) for one in FAMILY]
    assert judge(after(*faces(ME, 4)), strict, last=True).verdict != "family"
    assert judge(after(*faces(ME, 4)), FAMILY, match=0.2, last=True).verdict != "family"
    assert judge(after(*faces(ME, 4), FAMILY[0].vectors[0]), strict, last=True).who == "me"


def test_two_family_members_who_look_alike_are_family_without_a_name() -> None:
    judgement = judge(after(*faces(5, 4, seed=3, alike=0.6)), twins("family"), last=True)
    assert (judgement.verdict, judgement.who) == ("family", None)


def test_family_and_a_guest_who_look_alike_are_neither() -> None:
    assert judge(after(*faces(5, 4, seed=3, alike=0.6)), twins("guest"), last=True).verdict == "unidentified"
    assert judge(after(*faces(5, 4, seed=3, alike=0.6)), twins("known"), last=True).verdict == "unidentified"


def test_a_name_is_taken_back_only_on_strong_evidence() -> None:
    mine = faces(ME, 4)
    assert verdict(*mine, *faces(7, 2), held="family")[0] in ("identifying", "family")
    assert verdict(*mine, *faces(7, 7), held="family") == ("stranger", None)


def test_somebody_else_after_a_long_time_is_noticed() -> None:
    assert verdict(*faces(ME, 200), *faces(7, 8), held="family") == ("stranger", None)


def test_only_the_newest_faces_are_kept_and_all_are_counted() -> None:
    evidence = after(*faces(ME, 100))
    assert (len(evidence.samples), evidence.faces) == (MAX_FACE_SAMPLES, 100)


def test_every_verdict_says_why() -> None:
    reasons = judge(after(*faces(ME, 3)), FAMILY).reasons
    assert reasons[0] == "3 usable faces"
    assert reasons[1].startswith("me more than 1,000,000:1 for, nearest photo at 0.")
    assert "against" in reasons[2]
    assert "a name needs 400:1" in reasons
    assert judge(Evidence(), FAMILY, last=True).reasons == (
        "no face could be used: turned away, too far or too blurred",
    )


def test_evidence_survives_a_restart() -> None:
    kept = TypeAdapter(Evidence)
    evidence = after(*faces(ME, 5), counts=0.7)
    again = kept.validate_json(kept.dump_json(evidence))
    assert judge(again, FAMILY) == judge(evidence, FAMILY)


people = st.integers(1, 12)
looks = st.lists(st.tuples(people, st.integers(0, 50), st.floats(0.0, 1.0)), max_size=30)
Seen = list[tuple[int, int, float]]


def gather(seen: Seen) -> Evidence:
    evidence = Evidence()
    for who, seed, counts in seen:
        evidence = add_face(evidence, FaceSample(face(who, seed), counts))
    return evidence


def last_word(seen: Seen) -> Judgement:
    return judge(gather(seen), FAMILY, last=True)


@given(looks, st.integers(1, 10))
def test_more_confidence_never_turns_family_into_a_stranger(seen: Seen, more: int) -> None:
    before = last_word(seen)
    if before.who != "me":
        return
    after_that = judge(gather(seen + [(ME, 60 + number, 1.0) for number in range(more)]), FAMILY, held="family")
    assert (after_that.verdict, after_that.who) == ("family", "me")


@given(looks)
def test_strangers_alone_are_never_family(seen: Seen) -> None:
    strange = [(who + 20, seed, counts) for who, seed, counts in seen]
    assert last_word(strange).verdict in ("stranger", "unidentified")


@given(looks)
def test_the_last_judgement_is_always_a_verdict(seen: Seen) -> None:
    assert last_word(seen).verdict != "identifying"


@given(st.lists(st.tuples(people, st.integers(0, 50), st.floats(0.0, 1.0)), max_size=MAX_FACE_SAMPLES))
def test_the_order_of_the_faces_does_not_matter(seen: Seen) -> None:
    one, other = last_word(seen), last_word(seen[::-1])
    assert (one.verdict, one.who) == (other.verdict, other.who)


@given(st.floats(0, 500), st.floats(0, 500), st.floats(0, 3))
def test_a_weight_is_a_share(width: float, sharpness: float, yaw: float) -> None:
    assert 0.0 <= face_weight(width, sharpness, yaw) <= 1.0


@pytest.mark.parametrize(("width", "sharpness", "yaw"), [(10, 50, 0), (80, 1, 0), (80, 50, 2.0)])
def test_a_far_a_blurred_and_a_turned_face_count_nothing(width: float, sharpness: float, yaw: float) -> None:
    assert face_weight(width, sharpness, yaw) == 0.0


def test_whoever_takes_over_a_visit_is_noticed_once() -> None:
    evidence, changes = Evidence(), ["identifying"]
    held: Verdict = "identifying"
    for vector in (*faces(ME, 10, seed=3), *faces(9, 30, seed=4)):
        evidence = add_face(evidence, FaceSample(vector, 1.0))
        found = judge(evidence, FAMILY, held=held).verdict
        if found not in ("identifying", "unidentified", held):
            held = found
            changes.append(held)
    assert changes == ["identifying", "family", "stranger"]
