"""A brother or sister is not the person, and people who are alike make a name need more."""

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.verdict import odds
from brain.verdict.evidence import Evidence, FaceSample, KnownPerson, add_answer, add_face
from brain.verdict.judge import judge
from brain.verdict.relatives import (
    ALIKE_MARGIN_LOG_ODDS,
    SIBLING_CORRELATION,
    cohort_log_odds,
    is_clear_of_relatives,
    needed_against_relative,
)
from brain.vision.backend import CloudSimilarity, Vector
from tests.people import faces

logs = st.floats(-60, 60)
counts = st.floats(0.1, 30)


def person(name: str, vectors: Vector) -> KnownPerson:
    return KnownPerson(name, "family", vectors)


def photos(of: int, seed: int = 0, count: int = 8) -> Vector:
    return np.stack(faces(of, count, seed))


def relative(of: int, other: int, correlation: float, seed: int = 0) -> Vector:
    """Return photos of somebody whose point correlates with that of `of`."""
    centre = odds.dlib_space().centre
    mine, theirs = middle(of) - centre, middle(other) - centre
    point = centre + correlation * mine + math.sqrt(1 - correlation**2) * theirs
    return (photos(other, seed) - middle(other) + point).astype(np.float32)


@cache
def middle(of: int) -> Vector:
    """Return somebody's point."""
    return np.asarray(photos(of, seed=77, count=400).mean(axis=0), np.float32)


@given(counts, logs, logs)
def test_a_more_alike_cohort_never_needs_less(looks: float, one: float, other: float) -> None:
    assert needed_against_relative(looks, max(one, other)) >= needed_against_relative(looks, min(one, other))


@given(counts, counts, logs)
def test_more_faces_never_need_less(one: float, other: float, cohort: float) -> None:
    assert needed_against_relative(max(one, other), cohort) >= needed_against_relative(min(one, other), cohort)


@given(counts)
def test_nobody_else_and_people_who_are_not_alike_add_nothing(looks: float) -> None:
    alone = needed_against_relative(looks)
    assert needed_against_relative(looks, -math.inf) == alone
    assert needed_against_relative(looks, -30.0) == alone
    assert needed_against_relative(looks, 0.0) == pytest.approx(alone + ALIKE_MARGIN_LOG_ODDS / 2)
    assert needed_against_relative(looks, 30.0) == pytest.approx(alone + ALIKE_MARGIN_LOG_ODDS)


def test_few_faces_must_only_not_be_a_hundred_times_likelier_a_relatives() -> None:
    assert needed_against_relative(3.0) == pytest.approx(-math.log(100))
    assert needed_against_relative(4.0) == pytest.approx(-math.log(100) / 2)
    assert needed_against_relative(5.0) == 0.0
    assert needed_against_relative(5.0, cohort=math.log(100)) == pytest.approx(math.log(20))


def test_the_odds_against_a_relative_of_one_number() -> None:
    line = odds.FaceSpace(np.zeros(1), np.ones((1, 1)), np.ones(1))
    # a = c = 1.5; one person: log(1.25) + 2.8; two relatives who share 0.5: log(2) + 2.75
    found = odds.same_person_log_odds(np.array([1.0]), 4.0, np.array([2.0]), 2.0, line, correlation=0.5)
    assert found == pytest.approx(0.25 / 2 * (math.log(2 / 1.25) + 2.75 - 2.8), abs=1e-9)


def test_the_cohort_is_everybody_else_who_has_photos() -> None:
    ann, bob = person("Ann", photos(1)), person("Bob", photos(2))
    cloud = person("Cloud", np.zeros((0, 128), np.float32))
    assert cohort_log_odds(ann, []) == -math.inf
    assert cohort_log_odds(ann, [ann, cloud]) == -math.inf
    assert cohort_log_odds(cloud, [ann, bob]) == -math.inf
    assert cohort_log_odds(ann, [ann, bob, cloud]) == cohort_log_odds(ann, [bob]) < -5
    space = odds.dlib_space()
    exactly = odds.same_person_log_odds(bob.point, bob.independent_photos, ann.point, ann.independent_photos, space)
    assert cohort_log_odds(ann, [bob]) == exactly
    sister = person("Sue", relative(1, 3, 0.9))
    assert cohort_log_odds(ann, [bob, sister]) == cohort_log_odds(ann, [sister]) > 5


@given(st.integers(0, 300))
def test_a_relative_is_harder_to_rule_out_than_anybody(who: int) -> None:
    space = odds.dlib_space()
    visit, enrolled = (space.project(photos(who, seed).mean(axis=0)) for seed in (1, 2))
    anybody, sibling, twin = (
        odds.same_person_log_odds(visit, 4.0, enrolled, 8.0, space, correlation=correlation)
        for correlation in (0.0, SIBLING_CORRELATION, 0.95)
    )
    assert anybody > sibling > twin


@given(st.integers(0, 300))
def test_the_person_is_clear_of_relatives(who: int) -> None:
    ann, looks = person("Ann", photos(who)), photos(who, seed=1)
    assert is_clear_of_relatives(ann, looks, np.ones(len(looks)), [ann])


def test_somebody_who_is_as_alike_as_a_sibling_is_not_clear() -> None:
    ann, looks = person("Ann", photos(1)), relative(1, 2, SIBLING_CORRELATION, seed=1)
    assert not is_clear_of_relatives(ann, looks, np.ones(len(looks)), [ann])
    assert is_clear_of_relatives(ann, looks, np.ones(len(looks)), [ann], bonus=100.0)


def test_without_faces_or_photos_nothing_is_ruled_out() -> None:
    ann, nobody = person("Ann", photos(1)), person("Cloud", np.zeros((0, 128), np.float32))
    assert is_clear_of_relatives(ann, np.zeros((0, 128), np.float32), np.zeros(0), [ann])
    assert is_clear_of_relatives(nobody, photos(1), np.ones(8), [ann, nobody])


def evidence(looks: Vector) -> Evidence:
    found = Evidence()
    for vector in looks:
        found = add_face(found, FaceSample(vector, 1.0))
    return found


def test_the_judge_does_not_name_who_may_be_a_brother_or_sister() -> None:
    ann = person("Ann", photos(1))
    between = [
        said
        for correlation in np.linspace(0.6, 0.95, 36)
        if "it may be a brother or sister of Ann"
        in (said := judge(evidence(relative(1, 2, float(correlation), seed=1)), [ann], last=True)).reasons
    ]
    assert between
    assert {said.verdict for said in between} == {"unidentified"}
    assert all(said.who is None and said.likely == "Ann" and said.log_odds >= math.log(400) for said in between)


def test_the_clouds_word_counts_against_a_relative_too() -> None:
    ann = person("Ann", photos(1))
    unclear = [
        found
        for correlation in np.linspace(0.6, 0.95, 36)
        if judge(found := evidence(relative(1, 2, float(correlation), seed=1)), [ann], last=True).reasons[-1]
        == "it may be a brother or sister of Ann"
    ]
    certain = CloudSimilarity({"Ann": 99.5})
    assert judge(add_answer(unclear[-1], certain), [ann], last=True).who == "Ann"


def test_the_judge_needs_more_where_people_are_alike() -> None:
    ann, sister = person("Ann", photos(1)), person("Sue", relative(1, 3, 0.95))
    looks = [evidence(relative(1, 2, float(correlation), seed=1)) for correlation in np.linspace(0.6, 0.99, 40)]
    alone = sum(judge(one, [ann], last=True).verdict == "family" for one in looks)
    together = sum(judge(one, [ann, sister], last=True).verdict == "family" for one in looks)
    assert 0 < together < alone
