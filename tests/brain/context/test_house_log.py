import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from brain.context.house_log import HouseLog, PhoneReport
from brain.context.walks import link_log_odds
from brain.vision.appearance import Appearance
from tests.brain.context.sightings import NOON, OTHER, RED, after_noon, log_of, sighting

HALF_DAY_S = 12 * 3600.0


def test_a_way_through_three_rooms_is_one_body() -> None:
    ann = sighting("door", 0, 2, "ann", clothes=RED)
    hall, kitchen = sighting("hall", 6, 8, clothes=RED), sighting("kitchen", 12, clothes=RED)
    log = log_of(ann, hall, kitchen)
    assert [one.visit for one, _ in log.way(kitchen.visit)] == [hall.visit, ann.visit]
    assert log.root(kitchen.visit) == log.root(ann.visit) == ann
    assert log.body(hall.visit) == [ann, hall, kitchen]
    (_, near), (_, far) = log.way(kitchen.visit)
    assert far < near


def test_somebody_else_is_a_body_of_their_own() -> None:
    ann, other = sighting("hall", 0, 2, "ann", clothes=RED), sighting("kitchen", 10, clothes=OTHER)
    log = log_of(ann, other)
    assert log.root(other.visit) == other
    assert (log.way(other.visit), log.body(other.visit), log.body(ann.visit)) == ([], [other], [ann])


def test_who_may_have_become_a_body_is_told_though_it_is_not_likely_enough_for_a_link() -> None:
    ann, body = sighting("hall", 0, 2, "ann"), sighting("kitchen", 45)
    log = log_of(ann, body)
    assert log.links == {}
    before, log_odds = log.perhaps_before(body.visit) or (None, 0.0)
    assert before == ann
    assert log_odds == pytest.approx(link_log_odds(ann, body, log.travel))
    assert -math.log(3) < log_odds < math.log(3)


def test_nobody_may_have_become_a_body_if_all_went_on_elsewhere_or_none_was_near() -> None:
    ann, further = sighting("hall", 0, 2, "ann", clothes=RED), sighting("door", 6, 8, "ann", clothes=RED)
    body, alone = sighting("kitchen", 45), sighting("kitchen", 400)
    log = log_of(ann, further, body, alone)
    assert log.perhaps_before(further.visit) is None  # it is linked
    assert (log.perhaps_before(body.visit) or (None,))[0] == further
    assert log.perhaps_before(alone.visit) is None
    assert log_of(ann, body, by_continuity=False).perhaps_before(body.visit) is None


@pytest.mark.parametrize(("others", "is_linked"), [(0, True), (12, False)])
def test_where_few_people_appear_whoever_comes_next_is_rather_the_same_one(others: int, *, is_linked: bool) -> None:
    busy = [sighting("door", -3500 + 200 * number) for number in range(others)]
    first = sighting("door", -3590)
    ann, body = sighting("hall", 0, 2, "ann"), sighting("kitchen", 30)  # 1.65:1 at one visit in 300 s
    assert bool(log_of(first, *busy, ann, body).way(body.visit)) is is_linked


def test_an_hour_ago_is_too_long_to_tell_how_many_people_appear() -> None:
    busy = [sighting("door", -4000 - 10 * number) for number in range(30)]
    ann, body = sighting("hall", 0, 2, "ann"), sighting("kitchen", 30)
    assert log_of(*busy, ann, body).way(body.visit)


def test_a_body_is_dressed_as_its_visits_show_it_together() -> None:
    near, far = Appearance(np.array([0.1, 0.0], np.float32), 1.0), Appearance(np.array([0.2, 0.0], np.float32), 1.0)
    hall, kitchen = sighting("hall", 0, 2, clothes=near, looks=3), sighting("kitchen", 6, clothes=far, looks=2)
    log = log_of(hall, kitchen)
    whole = log.dressed(kitchen)
    assert whole.appearance is not None
    assert (float(whole.appearance.vector[0]), whole.looks) == (pytest.approx(0.15), 5)
    assert log.dressed(hall).looks == 5
    alone = sighting("kitchen", 900, clothes=far)
    log.update(alone)
    assert log.dressed(alone) == alone


def test_the_way_of_a_body_is_told_in_both_directions() -> None:
    ann = sighting("door", 0, 2, clothes=RED)
    hall, kitchen = sighting("hall", 6, 8, clothes=RED), sighting("kitchen", 12, clothes=RED)
    log = log_of(ann, hall, kitchen)
    assert [one.place for one, _ in log.others_of_body(ann.visit)] == ["hall", "kitchen"]
    assert [one.place for one, _ in log.others_of_body(hall.visit)] == ["door", "kitchen"]
    (_, near), (_, far) = log.others_of_body(ann.visit)
    assert far < near


def test_of_two_bodies_one_continues_a_visit() -> None:
    ann = sighting("hall", 0, 2, "ann", clothes=RED)
    near, late = sighting("kitchen", 6, clothes=RED), sighting("kitchen", 10, 12, clothes=RED)
    log = log_of(ann, near, late)
    assert [after for after, link in log.links.items() if link.before == ann.visit] == [near.visit]


def test_without_continuity_nothing_is_linked() -> None:
    ann, body = sighting("hall", 0, 2, "ann", clothes=RED), sighting("kitchen", 10, clothes=RED)
    log = log_of(ann, body, by_continuity=False)
    assert (log.links, log.way(body.visit), log.root(body.visit)) == ({}, [], body)


def test_without_appearance_other_clothes_do_not_matter() -> None:
    ann, body = sighting("hall", 0, 2, "ann", clothes=RED), sighting("kitchen", 10, clothes=OTHER)
    assert log_of(ann, body, by_appearance=False).root(body.visit) == ann


def test_a_body_is_reconsidered_when_its_face_turns_out_to_be_a_strangers() -> None:
    ann = sighting("hall", 0, 2, "ann", clothes=RED)
    body = sighting("kitchen", 10, 12, clothes=RED, is_open=True)
    log = log_of(ann, body)
    assert log.root(body.visit) == ann
    log.update(replace(body, verdict="stranger"))
    assert log.root(body.visit).visit == body.visit


def test_a_link_that_is_older_than_ninety_seconds_stays() -> None:
    ann = sighting("hall", 0, 2, "ann", clothes=RED)
    body = sighting("kitchen", 10, 12, clothes=RED, is_open=True)
    log = log_of(ann, body)
    log.update(replace(body, last=after_noon(100.1), appearance=OTHER, is_open=False))
    assert log.root(body.visit) == ann
    log = log_of(ann, body)
    log.update(replace(body, last=after_noon(100), appearance=OTHER, is_open=False))
    assert log.root(body.visit).visit == body.visit


def test_who_sat_still_for_an_hour_is_the_same_body() -> None:
    ann = sighting("kitchen", 0, 2, "ann", clothes=RED, is_still=True)
    body = sighting("kitchen", 3600, clothes=RED)
    assert log_of(ann, body).root(body.visit) == ann
    assert log_of(replace(ann, is_still=False), body).root(body.visit) == body


@pytest.mark.parametrize(("later_s", "is_held"), [(HALF_DAY_S, True), (HALF_DAY_S + 1, False)])
def test_visits_are_forgotten_after_half_a_day(later_s: float, *, is_held: bool) -> None:
    old = sighting("hall", -2, 0, "ann")
    assert (old.visit in log_of(old, sighting("hall", later_s)).sightings) is is_held


def test_a_visit_that_lasts_is_not_forgotten() -> None:
    old = sighting("hall", -2, 0, "ann", is_open=True)
    assert old.visit in log_of(old, sighting("hall", HALF_DAY_S + 100)).sightings


def test_a_forgotten_visit_is_the_root_of_nothing() -> None:
    old, body = sighting("hall", 0, 2, "ann", clothes=RED), sighting("kitchen", 10, 200, clothes=RED)
    log = log_of(old, body)
    log.update(sighting("door", HALF_DAY_S + 100))
    assert log.root(body.visit) == body
    assert (log.way(body.visit), log.body(body.visit)) == ([], [body])


def test_names_at_a_place_within_a_time() -> None:
    ann, ben = sighting("hall", 0, 2, "ann"), sighting("kitchen", 0, 2, "ben")
    log = log_of(ann, ben, sighting("hall", 0, 2))
    within = timedelta(seconds=30)
    assert list(log.named(after_noon(32), within, "hall")) == [ann]
    assert list(log.named(after_noon(33), within, "hall")) == []
    assert list(log.named(after_noon(-1), within, "hall")) == []


def test_a_label_names_a_visit_that_has_ended() -> None:
    body = sighting("hall", 0)
    log = log_of(body)
    log.rename(body.visit, "ann", "guest")
    assert [(one.who, one.verdict) for one in log.of("ann")] == [("ann", "guest")]
    log.rename(body.visit, None, "stranger")
    assert (log.of("ann"), log.sightings[body.visit].verdict) == ([], "stranger")


def test_what_was_no_person_is_forgotten() -> None:
    ann, body = sighting("hall", 0, 2, "ann", clothes=RED), sighting("kitchen", 10, clothes=RED)
    log = log_of(ann, body)
    log.learn_way(ann.visit)
    log.drop(ann.visit)
    log.drop(ann.visit)
    assert (log.root(body.visit), log.of("ann"), log.learnt) == (body, [], set())


def test_a_walk_of_a_named_person_is_learnt_once() -> None:
    ann, again = sighting("hall", 0, 2, "ann"), sighting("kitchen", 10, who="ann")
    log = log_of(ann, again)
    for _ in range(2):
        log.learn_way(ann.visit)
        log.learn_way(again.visit)
    assert log.travel.gaps == {"hall>kitchen": [0, 0, 1, 0, 0, 0]}
    assert log.travel.arrivals == {"hall": [0, 1], "kitchen": [1, 0]}


def test_of_a_body_without_a_name_only_its_beginning_is_learnt() -> None:
    ann, body = sighting("hall", 0, 2, "ann", clothes=RED), sighting("kitchen", 10, clothes=RED)
    log = log_of(ann, body)
    log.learn_way(body.visit)
    log.learn_way(sighting("attic", 0).visit)
    assert (log.travel.gaps, log.travel.arrivals) == ({}, {"kitchen": [1, 0]})


def test_the_visits_of_a_person_are_those_with_the_name() -> None:
    ann, body = sighting("hall", 0, 2, "ann"), sighting("kitchen", 500, is_open=True)
    log = log_of(ann, body)
    assert (log.of("ann"), log.of("ben")) == ([ann], [])
    named = replace(body, who="ann")
    log.update(named)
    assert log.of("ann") == [ann, named]
    log.update(replace(body, who="ben"))
    assert log.of("ann") == [ann]
    log.update(sighting("door", HALF_DAY_S + 100))
    assert log.of("ann") == []


def test_without_presence_no_phone_counts() -> None:
    log = HouseLog(by_phone=False)
    log.report_phone("ann", PhoneReport(NOON, is_home=True))
    assert log.phones == {}


def test_a_phone_that_says_the_same_again_says_nothing() -> None:
    log = log_of()
    for seconds, is_home in ((0, True), (10, True), (20, False), (30, False)):
        log.report_phone("ann", PhoneReport(after_noon(seconds), is_home))
    assert log.phones["ann"] == [PhoneReport(NOON, is_home=True), PhoneReport(after_noon(20), is_home=False)]


def test_the_last_eight_reports_of_a_phone_stay() -> None:
    log = log_of()
    for second in range(10):
        log.report_phone("ann", PhoneReport(after_noon(second), second % 2 == 0))
    assert [report.at for report in log.phones["ann"]] == [after_noon(second) for second in range(2, 10)]
