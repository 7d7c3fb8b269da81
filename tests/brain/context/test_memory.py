"""What of the context still holds after a restart."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from brain.context.house_log import HouseLog, PhoneReport
from brain.context.incident import OpenIncident
from brain.context.memory import HouseMemory, resumed
from brain.context.occupancy import Suspect, Whereabouts, suspects_inside, whereabouts
from brain.context.sighting import Sighting
from brain.context.weigh import weigh
from tests.brain.context.sightings import ENTRANCES, RED, after_noon, household, log_of, sighting

MINUTE_S, HOUR_S = 60.0, 3600.0


def back(
    log: HouseLog, stored_s: float, at_s: float, *suspects: Sighting, open_visits: frozenset[UUID] = frozenset()
) -> HouseMemory:
    """Return what holds at `at_s` of a house that was last stored at `stored_s`."""
    found = {one.visit: Suspect(one.visit, one.first, one.place in ENTRANCES, is_stranger=False) for one in suspects}
    memory = HouseMemory(after_noon(stored_s), log, found)
    return resumed(memory, after_noon(at_s), open_visits=open_visits, entrances=ENTRANCES)


def where(log: HouseLog, at_s: float, *, by_phone: bool = True) -> Whereabouts:
    return whereabouts(log, "ann", after_noon(at_s), ENTRANCES, by_phone=by_phone)


@pytest.mark.parametrize(("pause_s", "place"), [(600.0, "in"), (600.1, "unknown"), (-60.0, "in"), (-60.1, "unknown")])
def test_who_is_in_holds_for_a_pause_of_ten_minutes(pause_s: float, place: Whereabouts) -> None:
    log = back(log_of(sighting("hall", 0, 2, "ann")), 1000, 1000 + pause_s).log
    assert where(log, 2000) == place


def test_after_a_long_pause_nobody_knows_who_is_out_either() -> None:
    log = back(log_of(sighting("door", 0, 2, "ann")), 100, HOUR_S).log
    assert where(log, HOUR_S) == "unknown"
    log.update(sighting("hall", HOUR_S + 10, who="ann"))
    assert where(log, HOUR_S + 20) == "in"


def test_a_second_short_pause_does_not_bring_back_who_was_in_before_a_long_one() -> None:
    long = back(log_of(sighting("hall", 0, 2, "ann")), 10, HOUR_S)
    again = resumed(long, after_noon(HOUR_S + 20), open_visits=(), entrances=ENTRANCES)
    assert where(again.log, HOUR_S + 20) == "unknown"


def test_after_a_long_pause_clothes_and_walking_times_still_count() -> None:
    ann, hall = sighting("kitchen", 0, 2, "ann", clothes=RED), sighting("hall", 6, who="ann", clothes=RED)
    log = log_of(ann, hall)
    log.learn_way(hall.visit)
    after = back(log, 10, HOUR_S).log
    body = sighting("kitchen", HOUR_S + 10, clothes=RED)
    after.update(body)
    assert after.travel.gaps == {"kitchen>hall": [0, 1, 0, 0, 0, 0]}
    assert "dressed like ann" in weigh(body, after, household("ann"), (), after_noon(HOUR_S + 20)).reasons


def test_a_body_goes_on_after_a_short_pause() -> None:
    ann, body = sighting("hall", 0, 2, "ann", clothes=RED), sighting("kitchen", 12, clothes=RED)
    log = back(log_of(ann), 3, 11).log
    log.update(body)
    assert log.root(body.visit).who == "ann"


def test_whoever_sat_still_is_not_there_after_a_long_pause() -> None:
    ann, body = sighting("kitchen", 0, 2, "ann", is_still=True), sighting("kitchen", 1200, clothes=RED)
    for stored_s, is_linked in ((1190, True), (10, False)):
        log = back(log_of(ann), stored_s, 1195).log
        log.update(body)
        assert (body.visit in log.links) is is_linked


def test_what_is_older_than_the_log_reaches_is_dropped() -> None:
    old, young = sighting("hall", 0, 2, "ann"), sighting("hall", 100, 102, "ann")
    log = log_of(old, young)
    for at_s, is_home in ((2.0, True), (102.0, False)):
        log.report_phone("ann", PhoneReport(after_noon(at_s), is_home))
    log.learn_way(old.visit)
    later = 12 * HOUR_S + 50
    after = back(log, later, later + 1).log
    assert list(after.sightings) == [young.visit]
    assert [report.is_home for report in after.phones["ann"]] == [False]
    assert (after.learnt, after.of("ann")) == (set(), [young])


def test_what_a_wrong_clock_saw_later_than_now_is_dropped() -> None:
    ahead, soon = sighting("hall", HOUR_S, who="ann"), sighting("hall", 30, who="ann")
    assert list(back(log_of(ahead, soon), HOUR_S, 10).log.sightings) == [soon.visit]


def test_a_visit_that_does_not_go_on_has_ended() -> None:
    stays, gone = sighting("hall", 0, is_open=True), sighting("kitchen", 0, is_open=True)
    after = back(log_of(stays, gone), 2, 10, open_visits=frozenset({stays.visit})).log
    assert [one.is_open for one in after.sightings.values()] == [True, False]


def test_somebody_unknown_who_was_in_counts_for_a_quarter_of_an_hour_more() -> None:
    body = sighting("hall", 0, 2)
    after = back(log_of(body), 100, 8 * HOUR_S, body)
    assert list(after.suspects) == [body.visit]
    for later_s, is_inside in ((900.0, True), (900.1, False)):
        at = after.at + timedelta(seconds=later_s)
        assert bool(suspects_inside(after.suspects.values(), after.log, at, ENTRANCES)) is is_inside


@pytest.mark.parametrize(("pause_s", "is_open"), [(600.0, True), (600.1, False), (-60.1, False)])
def test_an_incident_is_over_after_a_long_pause(pause_s: float, *, is_open: bool) -> None:
    incident = OpenIncident(uuid4(), after_noon(0), after_noon(0))
    memory = HouseMemory(after_noon(100), incident=incident)
    after = resumed(memory, after_noon(100 + pause_s), open_visits=(), entrances=ENTRANCES)
    assert (after.incident == incident) is is_open


def test_somebody_unknown_who_had_left_is_forgotten() -> None:
    leaves = sighting("door", 0, 2)
    assert back(log_of(leaves), 130, 140, leaves).suspects == {}
    assert list(back(log_of(leaves), 120, 8 * HOUR_S, leaves).suspects) == [leaves.visit]


def test_a_phone_that_is_still_at_home_after_a_long_pause_says_who_is_in_and_explains_no_arrival() -> None:
    log = log_of()
    log.report_phone("ann", PhoneReport(after_noon(0), is_home=True))
    assert log.came_home("ann") == after_noon(0)
    log = back(log, 10, HOUR_S).log
    assert where(log, HOUR_S + 5) == "unknown"
    log.report_phone("ann", PhoneReport(after_noon(HOUR_S + 10), is_home=True))
    assert where(log, HOUR_S + 20) == "in"
    assert log.came_home("ann") is None


def test_a_phone_that_came_home_during_a_long_pause_or_was_never_heard_of_before_comes_home() -> None:
    log = log_of()
    log.report_phone("ann", PhoneReport(after_noon(0), is_home=False))
    log = back(log, 10, HOUR_S).log
    for person in ("ann", "ben"):
        log.report_phone(person, PhoneReport(after_noon(HOUR_S + 10), is_home=True))
        assert log.came_home(person) == after_noon(HOUR_S + 10)
    assert log.came_home("cara") is None
