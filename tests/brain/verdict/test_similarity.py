"""What the cloud says of a face, as evidence: alone, and beside what we see ourselves."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.verdict.evidence import Evidence, FaceSample, KnownPerson, add_answer, add_face
from brain.verdict.judge import Judgement, judge
from brain.verdict.similarity import person_log_odds, similarity_log_odds, unlike_weight
from brain.vision.backend import CloudSimilarity
from nerves.messages import Group, Verdict
from tests.people import face, faces

ALICE, BOB, STRANGER = 1, 2, 3
EVERYBODY = frozenset({"alice", "bob"})
SOMEBODY = CloudSimilarity({"alice": 99.5, "bob": 3.0})
LIKE_NOBODY = CloudSimilarity({}, compared_with=EVERYBODY)


def known(of: int, name: str, group: Group = "family") -> KnownPerson:
    return KnownPerson(name, group, np.stack(faces(of, 5, seed=7)))


def elsewhere(name: str) -> KnownPerson:
    return KnownPerson(name, "family", np.zeros((0, 128), np.float32))


FAMILY = [known(ALICE, "alice"), known(BOB, "bob")]


def after(*said: CloudSimilarity, own: int | None = None, counts: float = 1.0) -> Evidence:
    evidence = Evidence() if own is None else add_face(Evidence(), FaceSample(face(own, 3), counts))
    for likeness in said:
        evidence = add_answer(evidence, likeness)
    return evidence


def verdict(evidence: Evidence, people: list[KnownPerson] = FAMILY, *, last: bool = True) -> tuple[Verdict, str | None]:
    found = judge(evidence, people, last=last)
    return found.verdict, found.who


def test_a_similarity_speaks_for_somebody_only_from_where_it_is_published_to() -> None:
    assert similarity_log_odds(99) == pytest.approx(np.log(10_000))
    assert similarity_log_odds(80) == pytest.approx(np.log(30))
    assert similarity_log_odds(0) == similarity_log_odds(40) == pytest.approx(-np.log(30))


@given(st.floats(0, 100), st.floats(0, 100))
def test_more_alike_is_never_less_likely(one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert similarity_log_odds(less) <= similarity_log_odds(more)


def test_any_number_of_similar_faces_counts_less_than_four() -> None:
    worth = [person_log_odds([SOMEBODY] * count, "alice") for count in (1, 2, 5, 50, 5000)]
    assert all(one < other for one, other in pairwise(worth))
    assert worth[-1] < 4 * similarity_log_odds(99.5)


def test_one_face_that_both_have_seen_is_a_name_in_the_end() -> None:
    assert verdict(after(SOMEBODY, own=ALICE)) == ("family", "alice")
    assert verdict(after(own=ALICE)) == ("unidentified", None)


def test_one_face_that_only_the_cloud_has_seen_is_a_name_if_the_cloud_is_certain() -> None:
    assert verdict(after(SOMEBODY)) == ("family", "alice")
    assert verdict(after(CloudSimilarity({"alice": 98.0}))) == ("unidentified", None)


def test_one_face_like_nobody_makes_no_stranger() -> None:
    assert verdict(after(LIKE_NOBODY)) == ("unidentified", None)


def test_two_faces_of_the_cloud_are_a_name_also_of_somebody_of_whom_we_have_no_photo() -> None:
    assert verdict(after(SOMEBODY, SOMEBODY)) == ("family", "alice")
    assert verdict(after(SOMEBODY, SOMEBODY), [elsewhere("alice"), elsewhere("bob")]) == ("family", "alice")


def test_the_cloud_does_not_overrule_what_we_see_well_ourselves() -> None:
    evidence = after(SOMEBODY)
    for vector in faces(STRANGER, 6, seed=3):
        evidence = add_face(evidence, FaceSample(vector, 1.0))
    assert verdict(evidence)[0] != "family"


def test_a_face_like_nobody_is_a_stranger_where_we_do_not_know_it_either() -> None:
    assert verdict(after(LIKE_NOBODY, own=STRANGER)) == ("stranger", None)
    assert verdict(after(LIKE_NOBODY, LIKE_NOBODY)) == ("stranger", None)


def test_somebody_of_whom_only_the_cloud_has_photos_is_no_stranger_before_it_is_asked() -> None:
    evidence = after(own=ALICE)
    for vector in faces(ALICE, 6, seed=3):
        evidence = add_face(evidence, FaceSample(vector, 1.0))
    assert verdict(evidence, [elsewhere("alice")]) == ("unidentified", None)


def test_two_who_are_both_found_alike_are_family_without_a_name() -> None:
    both = CloudSimilarity({"alice": 99.5, "bob": 99.5})
    assert verdict(after(both, both)) == ("family", None)


def test_a_face_at_the_default_threshold_is_not_enough() -> None:
    assert verdict(after(CloudSimilarity({"alice": 82.0}), own=STRANGER, counts=0.2))[0] != "family"


def test_the_reasons_say_that_the_cloud_was_asked_and_what_it_found() -> None:
    found: Judgement = judge(after(SOMEBODY, own=ALICE), FAMILY, last=True)
    assert "1 face looked at in the cloud" in found.reasons
    assert any(reason.startswith("alice ") and "100 % alike in the cloud" in reason for reason in found.reasons)
    assert not any("cloud" in reason for reason in judge(after(own=ALICE), FAMILY, last=True).reasons)


def test_a_face_of_weight_zero_counts_as_no_face() -> None:
    for worthless in (CloudSimilarity({"alice": 99.9}, 0.0), CloudSimilarity({}, 0.0, EVERYBODY)):
        assert verdict(after(worthless)) == ("unidentified", None)
        assert verdict(after(worthless, own=STRANGER)) == ("unidentified", None)


def test_the_cloud_is_no_evidence_about_people_whom_it_does_not_have() -> None:
    evidence = Evidence()
    for vector in faces(BOB, 4, seed=3):
        evidence = add_face(evidence, FaceSample(vector, 1.0))
    asked = add_answer(
        add_answer(evidence, CloudSimilarity({})), CloudSimilarity({}, compared_with=frozenset({"alice"}))
    )
    assert verdict(asked) == verdict(evidence) == ("family", "bob")


def test_somebody_else_is_noticed_though_the_settings_name_somebody_of_whom_we_have_no_photo() -> None:
    evidence = after(own=ALICE)
    for vector in (*faces(ALICE, 6, seed=3), *faces(STRANGER, 12, seed=4)):
        evidence = add_face(evidence, FaceSample(vector, 1.0))
    assert judge(evidence, [*FAMILY, elsewhere("zoe")], held="family").verdict == "stranger"


@pytest.mark.parametrize(
    ("similarity", "log_odds"), [(0, -3.4012), (40, -3.4012), (50, -1.7006), (60, 0.0), (89.5, 6.3058), (100, 9.2103)]
)
def test_a_similarity_gives_these_odds(similarity: float, log_odds: float) -> None:
    assert similarity_log_odds(similarity) == pytest.approx(log_odds, abs=1e-4)


def test_a_face_is_unlike_somebody_below_a_similarity_of_eighty() -> None:
    answers = [CloudSimilarity({"alice": similarity}, 0.5) for similarity in (80.0, 79.9, 0.0)]
    assert unlike_weight(answers, "alice") == 1.0
    assert unlike_weight(answers, "bob") == 0
