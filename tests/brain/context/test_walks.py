import math
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.context.travel import TravelTimes
from brain.context.walks import (
    Continuation,
    both,
    clothes_log_odds,
    link_log_odds,
    link_sightings,
    way_back,
    with_coats,
)
from tests.brain.context.sightings import INFRARED, OTHER, PLACES, RED, sighting

TRAVEL = TravelTimes(PLACES)
HOUR_S = 3600.0


def test_a_body_with_the_same_clothes_in_the_next_room_is_the_person_who_was_named() -> None:
    ann = sighting("hall", 0, 2, "ann", clothes=RED)
    body = sighting("kitchen", 10, clothes=RED)
    links = link_sightings([ann, body], [ann, body], TRAVEL)
    assert {after: link.before for after, link in links.items()} == {body.visit: ann.visit}
    assert links[body.visit].log_odds > math.log(100)


def test_a_body_with_other_clothes_in_the_next_room_is_somebody_else() -> None:
    ann = sighting("hall", 0, 2, "ann", clothes=RED)
    body = sighting("kitchen", 10, clothes=OTHER)
    assert link_sightings([body], [ann], TRAVEL) == {}
    assert link_sightings([body], [ann], TRAVEL, by_appearance=False)


def test_at_an_entrance_other_clothes_may_be_a_coat() -> None:
    ann = sighting("door", 0, 2, "ann", clothes=RED)
    body = sighting("kitchen", 10, clothes=OTHER)
    assert link_sightings([body], [ann], TRAVEL)
    leaves = sighting("door", 10, clothes=OTHER)
    assert link_sightings([leaves], [sighting("kitchen", 0, 2, "ann", clothes=RED)], TRAVEL)


@pytest.mark.parametrize(("gap_s", "is_linked"), [(19.9, True), (20.0, False)])
def test_without_clothes_a_body_is_linked_up_to_twenty_seconds(gap_s: float, *, is_linked: bool) -> None:
    ann, body = sighting("hall", 0, 2, "ann"), sighting("kitchen", 2 + gap_s)
    assert bool(link_sightings([body], [ann], TRAVEL)) is is_linked


@pytest.mark.parametrize(("gap_s", "is_linked"), [(-4.0, True), (-4.1, False), (89.9, True), (90.0, False)])
def test_the_same_clothes_link_within_ninety_seconds(gap_s: float, *, is_linked: bool) -> None:
    ann, body = sighting("hall", -30, 0, "ann", clothes=RED), sighting("kitchen", gap_s, clothes=RED)
    assert bool(link_sightings([body], [ann], TRAVEL)) is is_linked


def test_a_link_needs_three_to_one() -> None:
    before, after = sighting("hall", 0, 2), sighting("kitchen", 10)
    ways = {share: TravelTimes(gaps={"hall>kitchen": [0, 0, 0, 0, 0, share]}) for share in range(200)}
    for travel in ways.values():
        is_likely = link_log_odds(before, after, travel) >= math.log(3)
        assert bool(link_sightings([after], [before], travel)) is is_likely
    assert link_sightings([after], [before], ways[0])
    assert not link_sightings([after], [before], ways[199])


def test_a_visit_has_one_continuation_and_it_is_the_likeliest() -> None:
    ann = sighting("hall", 0, 2, "ann", clothes=RED)
    near, late = sighting("kitchen", 6, clothes=RED), sighting("kitchen", 30, clothes=RED)
    links = link_sightings([late, near], [ann], TRAVEL)
    assert set(links) == {near.visit}


def test_who_goes_to_the_door_and_comes_back_walked_by_the_door() -> None:
    leaves, back = sighting("hall", 0, 12, "ann", clothes=RED), sighting("door", 35, 50, "ann", clothes=RED)
    between = sighting("door", 15, 27, clothes=RED)
    seen = [leaves, between, back]
    direct, to_door = link_log_odds(leaves, back, TRAVEL), link_log_odds(leaves, between, TRAVEL)
    assert direct > to_door  # a name agrees
    links = link_sightings(seen, seen, TRAVEL)
    assert (links[between.visit].before, links[back.visit].before) == (leaves.visit, between.visit)


def test_a_visit_that_fits_nowhere_better_does_not_come_between() -> None:
    leaves, back = sighting("hall", 0, 12, "ann", clothes=RED), sighting("door", 35, 50, "ann", clothes=RED)
    other = sighting("door", 15, 27, clothes=OTHER)
    links = link_sightings([leaves, other, back], [leaves, other, back], TRAVEL)
    assert links[back.visit].before == leaves.visit


def test_who_follows_somebody_in_is_not_taken_for_them() -> None:
    comes, goes_in = sighting("door", 0, 10, "ann"), sighting("hall", 14, 20, "ann")
    follower = sighting("door", 24)
    assert follower.visit in link_sightings([follower], [goes_in], TRAVEL)  # ann goes out
    seen = [comes, goes_in, follower]
    assert follower.visit not in link_sightings([goes_in, follower], seen, TRAVEL)
    long_ago = [sighting("door", -100, -96, "ann"), sighting("hall", -92, 20, "ann"), follower]
    assert follower.visit in link_sightings(long_ago[1:], long_ago, TRAVEL)


def test_of_two_visits_the_one_with_the_same_clothes_is_continued() -> None:
    ann, ben = sighting("hall", 0, 2, "ann", clothes=RED), sighting("hall", 0, 2, "ben", clothes=OTHER)
    body = sighting("kitchen", 10, clothes=OTHER)
    assert link_sightings([body], [ann, ben], TRAVEL)[body.visit].before == ben.visit


def test_a_visit_that_is_continued_already_is_not_continued_again() -> None:
    ann, body = sighting("hall", 0, 2, "ann", clothes=RED), sighting("kitchen", 10, clothes=RED)
    assert link_sightings([body], [ann], TRAVEL, links={uuid4(): Continuation(ann.visit, 5.0)}) == {}


def test_the_way_of_a_stranger_is_never_linked_to_a_name() -> None:
    stranger = sighting("hall", 0, 2, verdict="stranger", clothes=RED)
    named = sighting("kitchen", 10, who="ann", clothes=RED)
    assert link_log_odds(stranger, named, TRAVEL) == -math.inf
    earlier = sighting("kitchen", -10, -8, "ann", clothes=RED)
    assert link_log_odds(earlier, stranger, TRAVEL) == -math.inf
    assert link_log_odds(stranger, sighting("kitchen", 10, clothes=RED), TRAVEL) > math.log(100)


def test_two_names_are_two_people() -> None:
    ann, ben = sighting("hall", 0, 2, "ann", clothes=RED), sighting("kitchen", 10, who="ben", clothes=RED)
    assert link_log_odds(ann, ben, TRAVEL) == -math.inf


def test_the_same_name_links_in_any_clothes() -> None:
    ann, again = sighting("hall", 0, 2, "ann", clothes=RED), sighting("kitchen", 10, who="ann", clothes=OTHER)
    expected = TRAVEL.log_odds("hall", "kitchen", 8) + math.log(400)
    assert link_log_odds(ann, again, TRAVEL) == pytest.approx(expected)


def test_nobody_continues_a_visit_that_began_later_or_is_the_same() -> None:
    early, late = sighting("hall", 0, 10), sighting("kitchen", 8)
    assert link_log_odds(late, early, TRAVEL) == -math.inf
    assert link_log_odds(early, early, TRAVEL) == -math.inf
    assert link_log_odds(early, sighting("kitchen", 0, 10), TRAVEL) == -math.inf


def test_who_sat_still_for_an_hour_is_linked_at_the_same_place_only() -> None:
    ann = sighting("kitchen", 0, 2, "ann", clothes=RED, is_still=True)
    moves = sighting("kitchen", 2 + HOUR_S, clothes=RED)
    assert link_sightings([moves], [ann], TRAVEL)[moves.visit].before == ann.visit
    assert link_log_odds(ann, sighting("hall", 2 + HOUR_S, clothes=RED), TRAVEL) == -math.inf
    left = sighting("kitchen", 0, 2, "ann", clothes=RED)
    assert link_log_odds(left, moves, TRAVEL) == -math.inf


@pytest.mark.parametrize(("gap_s", "log_odds"), [(90.1, math.log(20)), (10800, math.log(20)), (10801, -math.inf)])
def test_who_sits_still_is_there_for_three_hours(gap_s: float, log_odds: float) -> None:
    sits = sighting("kitchen", 0, 2, is_still=True)
    assert link_log_odds(sits, sighting("kitchen", 2 + gap_s), TRAVEL) == log_odds


def test_who_moves_after_an_hour_in_quite_other_clothes_is_not_who_sat_there() -> None:
    sits = sighting("kitchen", 0, 2, "ann", clothes=RED, is_still=True)
    other = sighting("kitchen", 602, clothes=OTHER)
    assert link_sightings([other], [sits], TRAVEL) == {}


def test_infrared_shows_no_clothes() -> None:
    night = sighting("hall", 0, 2, clothes=INFRARED)
    assert clothes_log_odds(night, sighting("kitchen", 10, clothes=OTHER)) == 0
    assert clothes_log_odds(night, sighting("kitchen", 10, clothes=INFRARED)) == 0


def test_clothes_that_were_not_seen_say_nothing() -> None:
    bare, dressed = sighting("hall", 0), sighting("kitchen", 10, clothes=RED)
    assert clothes_log_odds(bare, dressed) == clothes_log_odds(dressed, bare) == 0


def test_clothes_say_less_after_hours() -> None:
    early = sighting("hall", 0, 2, clothes=RED)
    soon, late = (sighting("kitchen", after_s, clothes=RED) for after_s in (10, 6 * HOUR_S))
    assert clothes_log_odds(early, late) < clothes_log_odds(early, soon)


def test_a_coat_explains_other_clothes_and_weakens_the_same_ones() -> None:
    assert with_coats(-10) == pytest.approx(math.log(0.35), abs=0.001)
    assert with_coats(0) == 0
    assert 0 < with_coats(2.5) < 2.5


@given(st.floats(-20, 20))
def test_a_coat_never_makes_clothes_stronger(log_odds: float) -> None:
    assert abs(with_coats(log_odds)) <= abs(log_odds) + 1e-9


def test_a_way_is_as_likely_as_all_its_links_together() -> None:
    first, second, third = (sighting("hall", begin_s).visit for begin_s in (0, 10, 20))
    links = {third: Continuation(second, math.log(9)), second: Continuation(first, math.log(4))}
    way = way_back(third, links)
    assert [visit for visit, _ in way] == [second, first]
    # 9 of 10, and 4 of 5 of these: 72 of 100.
    assert [log_odds for _, log_odds in way] == pytest.approx([math.log(9), math.log(0.72 / 0.28)])
    assert way_back(first, links) == []


def test_both_are_true_with_the_product_of_the_shares() -> None:
    assert both(0, 0) == pytest.approx(math.log(1 / 3))
    assert both(math.inf, 1.5) == pytest.approx(1.5)
    assert both(math.inf, math.inf) == math.inf
    assert both(-math.inf, 5) == both(-1000, 5) == -math.inf
