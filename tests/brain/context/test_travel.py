import math

import pytest

from brain.context import numbers
from brain.context.travel import TravelTimes
from brain.settings.context import PlaceSettings

NEXT = {
    "hall": PlaceSettings(next_to=("kitchen",)),
    "kitchen": PlaceSettings(),
    "attic": PlaceSettings(),
    "door": PlaceSettings(entrance=True),
}


def test_a_short_walk_is_likelier_than_a_long_one() -> None:
    travel = TravelTimes()
    odds = [travel.log_odds("hall", "kitchen", gap_s) for gap_s in (3, 8, 15, 30, 60)]
    assert odds == sorted(odds, reverse=True)
    # A quarter of all walks in 5 s, against one chance in 300 s.
    assert odds[1] == pytest.approx(math.log(0.25 / 5 * 300))


@pytest.mark.parametrize(("gap_s", "is_possible"), [(-4.01, False), (-4.0, True), (89.99, True), (90.0, False)])
def test_a_walk_takes_up_to_ninety_seconds(gap_s: float, *, is_possible: bool) -> None:
    assert math.isfinite(TravelTimes().log_odds("hall", "kitchen", gap_s)) is is_possible


@pytest.mark.parametrize(("gap_s", "is_possible"), [(-0.01, False), (0.0, True)])
def test_nobody_returns_to_a_place_before_leaving_it(gap_s: float, *, is_possible: bool) -> None:
    assert math.isfinite(TravelTimes().log_odds("hall", "hall", gap_s)) is is_possible


def test_one_in_three_returns() -> None:
    expected = math.log(numbers.RETURN_GAP_SHARES[0] / 2 * numbers.BACKGROUND_S) - math.log(3)
    assert TravelTimes().log_odds("hall", "hall", 1) == pytest.approx(expected)


def test_learnt_gaps_change_the_odds_of_this_way_only() -> None:
    travel = TravelTimes()
    slow, fast, back = (travel.log_odds("hall", "attic", gap_s) for gap_s in (30, 3, -1))
    other = travel.log_odds("attic", "hall", 30)
    for _ in range(20):
        travel.learn("hall", "attic", 30)
    assert travel.log_odds("hall", "attic", 30) > slow + 1
    assert travel.log_odds("hall", "attic", 3) < fast - 1
    assert travel.log_odds("hall", "attic", -1) < back - 1
    assert travel.log_odds("attic", "hall", 30) == other


def test_ten_walks_count_as_much_as_the_defaults() -> None:
    travel = TravelTimes()
    for _ in range(10):
        travel.learn("hall", "attic", 30)
    assert travel.log_odds("hall", "attic", 30) == pytest.approx(math.log((0.11 + 1) / 2 / 20 * 300))


@pytest.mark.parametrize("gap_s", [-5.0, 90.0])
def test_a_gap_that_is_no_walk_is_not_learnt(gap_s: float) -> None:
    travel = TravelTimes()
    travel.learn("hall", "attic", gap_s)
    assert travel.gaps == {}


def test_a_place_that_is_not_next_is_twenty_times_less_likely() -> None:
    travel = TravelTimes(NEXT)
    near = travel.log_odds("hall", "kitchen", 8)
    assert travel.log_odds("kitchen", "hall", 8) == near
    assert travel.log_odds("hall", "attic", 8) == pytest.approx(near - math.log(20))
    assert travel.log_odds("hall", "cellar", 8) == pytest.approx(near - math.log(20))


def test_a_house_that_tells_no_neighbours_has_none_that_are_far() -> None:
    travel = TravelTimes({"door": PlaceSettings(entrance=True)})
    assert travel.log_odds("hall", "attic", 8) == TravelTimes().log_odds("hall", "attic", 8)


@pytest.mark.parametrize(("walks", "is_near"), [(9, False), (10, True)])
def test_ten_walks_make_two_places_neighbours(walks: int, *, is_near: bool) -> None:
    told, untold = TravelTimes(NEXT), TravelTimes()
    for _ in range(walks):
        told.learn("hall", "attic", 8)
        untold.learn("hall", "attic", 8)
    far = untold.log_odds("hall", "attic", 8) - told.log_odds("hall", "attic", 8)
    assert far == pytest.approx(0.0 if is_near else math.log(20))


def test_two_in_five_begin_anywhere_until_the_house_has_learnt() -> None:
    assert TravelTimes().nowhere_share("kitchen") == pytest.approx(0.4)


def test_learnt_beginnings_change_the_odds_of_their_place_only() -> None:
    travel = TravelTimes()
    for _ in range(15):
        travel.learn_arrival("bedroom", was_seen_before=False)
        travel.learn_arrival("kitchen", was_seen_before=True)
    # 5 assumed visits with two beginnings, and 15 learnt: 17 of 20, and 2 of 20.
    assert travel.nowhere_share("bedroom") == pytest.approx(17 / 20)
    assert travel.nowhere_share("kitchen") == pytest.approx(2 / 20)
    assert travel.nowhere_share("hall") == pytest.approx(0.4)


def test_people_come_in_at_entrances_only() -> None:
    travel = TravelTimes(NEXT)
    assert travel.is_entrance("door")
    assert not travel.is_entrance("hall")
    assert not travel.is_entrance("garage")
