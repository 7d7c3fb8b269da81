import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.verdict import odds
from brain.vision.backend import Vector
from tests.people import face
from tests.people import faces as looks_at


def faces(of: int, count: int, seed: int = 0, alike: float = 1.0) -> Vector:
    return np.stack(looks_at(of, count, seed, alike))


def between(one: Vector, other: Vector) -> float:
    space = odds.dlib_space()
    places = [space.project(odds.weighted_mean(vectors, np.ones(len(vectors)))) for vectors in (one, other)]
    looks = [odds.independent_faces(vectors, np.ones(len(vectors))) for vectors in (one, other)]
    return odds.same_person_log_odds(places[0], looks[0], places[1], looks[1], space)


def test_what_is_known_of_dlibs_numbers_is_whole() -> None:
    space = odds.dlib_space()
    assert (space.centre.shape, space.axes.shape, space.between.shape) == ((128,), (128, 128), (128,))
    assert 1.2 < float(np.linalg.norm(space.centre)) < 1.35
    assert (space.between > 0).all()
    assert np.linalg.matrix_rank(space.axes) == 128


@given(st.integers(0, 500), st.integers(501, 1000))
def test_one_person_is_likelier_than_two_and_two_than_one(one: int, other: int) -> None:
    assert between(faces(one, 6), faces(one, 8, seed=1)) > 5
    assert between(faces(one, 6), faces(other, 8)) < -5


@given(st.integers(0, 200))
def test_more_faces_are_stronger_evidence(who: int) -> None:
    photos = faces(who, 8, seed=1)
    few, many = faces(who, 2, seed=2), np.concatenate([faces(who, 2, seed=2), faces(who, 10, seed=3)])
    assert between(many, photos) > between(few, photos)


def test_faces_that_repeat_each_other_count_less() -> None:
    weights = np.ones(8)
    apart = odds.independent_faces(faces(1, 8), weights)
    alike = odds.independent_faces(faces(1, 8, alike=0.3), weights)
    same = odds.independent_faces(np.repeat(faces(1, 1), 8, axis=0), weights)
    assert apart == pytest.approx(8.0, abs=1.0)
    assert 2.0 < alike < 5.0
    assert same == pytest.approx(1.0, abs=0.01)


@given(st.lists(st.floats(0.05, 1.0), min_size=1, max_size=12))
def test_faces_never_count_more_than_their_weights(weights: list[float]) -> None:
    worth = odds.independent_faces(faces(3, len(weights)), np.array(weights))
    assert 0 < worth <= max(sum(weights), odds.MIN_INDEPENDENT_FACES) + 1e-6


@given(st.integers(0, 100), st.floats(0.5, 3.5), st.floats(0.5, 40))
def test_the_odds_are_the_same_both_ways(who: int, looks: float, photos: float) -> None:
    space = odds.dlib_space()
    one, other = space.project(face(who)), space.project(face(who + 1))
    common = 1 / odds.MAX_INDEPENDENT_FACES  # what looks of one visit share counts on the visit's side alone
    forth = odds.same_person_log_odds(one, 1 / (1 / looks - common), other, photos, space)
    if photos < odds.MAX_INDEPENDENT_FACES:
        back = odds.same_person_log_odds(other, 1 / (1 / photos - common), one, looks, space)
        assert forth == pytest.approx(back, abs=1e-6)


def at(*places: float) -> Vector:
    """Return vectors at these places of a line."""
    vectors = np.zeros((len(places), 128), np.float32)
    vectors[:, 0] = places
    return vectors


@pytest.mark.parametrize(
    ("places", "weights", "worth"),
    [
        ((0.0, 0.1**0.5), (1.0, 1.0), 1.5),
        ((0.0, 0.1**0.5), (0.7, 0.7), 1.2),
        ((0.0, 0.0), (1.0, 1.0), 1.0),
        ((0.0, 1.0), (1.0, 1.0), 2.0),
        ((0.0, 0.1**0.5, 0.1**0.5), (1.0, 1.0, 1.0), 1.0 + 2 / 3),
        ((0.5,), (1.5,), 1.0),
        ((0.0, 1.0), (0.5, 0.3), 0.8),
        ((0.5,), (0.01,), 0.1),
    ],
)
def test_faces_count_according_to_their_distance(
    places: tuple[float, ...], weights: tuple[float, ...], worth: float
) -> None:
    assert odds.independent_faces(at(*places), np.array(weights)) == pytest.approx(worth, abs=1e-6)


def test_the_odds_of_one_number() -> None:
    line = odds.FaceSpace(np.zeros(1), np.ones((1, 1)), np.ones(1))
    # a = 1 + 1/4 + 1/4 and c = 1 + 1/2 are 1.5: -0.25 / 2 x (log(1.25 / 2.25) + 2.8 - 10/3)
    found = odds.same_person_log_odds(np.array([1.0]), 4.0, np.array([2.0]), 2.0, line)
    assert found == pytest.approx(0.1401400, abs=1e-6)


def test_the_mean_is_weighted_and_stays_small() -> None:
    mean = odds.weighted_mean(at(0.0, 1.0), np.array([1.0, 3.0]))
    assert mean[0] == pytest.approx(0.75)
    assert mean.dtype == np.float32
