import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.verdict.clothes import mean_appearance, same_clothes_log_odds
from brain.vision.appearance import Appearance

distances = st.floats(0, 1.4)
hours = st.floats(0, 48)
looks = st.integers(1, 50)


def at(place: float, chroma: float = 1.0) -> Appearance:
    return Appearance(np.array([place, 0.0], np.float32), chroma)


def log_odds(apart: float, hours: float = 0.0, looks: int = 1, chroma: float = 1.0) -> float:
    return same_clothes_log_odds(at(0), at(apart, chroma), hours=hours, looks=looks)


def test_the_same_clothes_within_minutes_speak_for_one_person() -> None:
    assert 2.0 < log_odds(0.1, hours=0.1) <= 2.5


def test_other_clothes_within_minutes_speak_against_one_person() -> None:
    assert -3.1 <= log_odds(0.9, hours=0.1) < -2.5


def test_two_people_dressed_alike_are_no_strong_evidence() -> None:
    assert abs(log_odds(0.45)) < 1.0


@given(distances, distances, hours, looks)
def test_the_odds_fall_with_the_distance(one: float, other: float, hours: float, looks: int) -> None:
    near, far = sorted((one, other))
    assert log_odds(near, hours, looks) >= log_odds(far, hours, looks) - 1e-9


@given(distances, hours, looks)
def test_the_odds_are_limited(apart: float, hours: float, looks: int) -> None:
    assert -3.1 <= log_odds(apart, hours, looks) <= 2.5


@given(distances, hours, hours)
def test_evidence_fades_with_the_hours(apart: float, one: float, other: float) -> None:
    early, late = sorted((one, other))
    assert abs(log_odds(apart, late)) <= abs(log_odds(apart, early)) + 1e-9


def test_other_clothes_say_little_after_some_hours() -> None:
    assert log_odds(1.0, hours=4) > -1.7
    assert abs(log_odds(1.0, hours=24)) < 0.25
    assert log_odds(0.1, hours=24) < log_odds(0.1, hours=4) < log_odds(0.1, hours=0)


def test_the_order_of_the_two_does_not_matter() -> None:
    one, other = at(0.1, 0.7), at(0.5)
    forth = same_clothes_log_odds(one, other, hours=3)
    assert forth == same_clothes_log_odds(other, one, hours=-3) != 0


@given(distances)
def test_infrared_says_nothing(apart: float) -> None:
    assert log_odds(apart, chroma=0.0) == 0
    assert same_clothes_log_odds(at(0, 0.0), at(apart), hours=0) == 0


def test_a_pale_picture_says_less() -> None:
    assert 0 < log_odds(0.1, chroma=0.3) < 0.5 * log_odds(0.1)


def test_more_looks_need_a_smaller_distance_and_more_than_five_are_no_better() -> None:
    assert log_odds(0.4, looks=5) < log_odds(0.4, looks=2) < log_odds(0.4)
    assert log_odds(0.4, looks=50) == log_odds(0.4, looks=5)


def test_descriptors_of_different_length_say_nothing() -> None:
    assert same_clothes_log_odds(at(0), Appearance(np.zeros(3, np.float32), 1.0), hours=0) == 0


def test_the_mean_of_looks() -> None:
    mean = mean_appearance([at(0.1), at(0.3)])
    assert mean.vector == pytest.approx([0.2, 0.0])
    assert mean.vector.dtype == np.float32
    assert mean.chroma == 1.0


def test_a_grey_look_does_not_change_the_mean_of_coloured_ones() -> None:
    mean = mean_appearance([at(0.1), at(0.3), at(5.0, 0.0)])
    assert mean.vector == pytest.approx([0.2, 0.0])
    assert mean.chroma == 1.0


def test_the_mean_of_grey_looks_is_grey() -> None:
    mean = mean_appearance([at(0.1, 0.0), at(0.3, 0.0)])
    assert mean.vector == pytest.approx([0.2, 0.0])
    assert mean.chroma == 0.0


def test_the_mean_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no appearance"):
        mean_appearance([])


def test_the_odds_are_even_at_the_distance_of_the_table() -> None:
    assert math.isclose(log_odds(0.43), 0.0, abs_tol=0.02)
    assert math.isclose(log_odds(0.40, looks=5), 0.0, abs_tol=0.02)
