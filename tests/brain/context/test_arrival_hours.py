"""At which hours people come home."""

from datetime import UTC, datetime, timedelta

import pytest

from brain.context.arrival_hours import BIN_COUNT, ArrivalHours
from brain.context.house_log import HouseLog, PhoneReport

MONDAY = datetime(2026, 11, 16, tzinfo=UTC).astimezone().replace(hour=0)
WEEKDAYS, SATURDAY = range(5), 5


def at(day: int, hour: float) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour)


def learnt(*times: datetime) -> ArrivalHours:
    hours = ArrivalHours()
    for one in times:
        hours.learn("ann", one)
    return hours


def test_of_somebody_of_whom_nothing_was_learnt_no_hour_says_anything() -> None:
    assert learnt().odds("ann", at(0, 9)) == 1
    assert learnt(at(0, 9)).odds("ben", at(0, 9)) == 1


def test_the_usual_hour_counts_for_somebody_and_others_against() -> None:
    hours = learnt(*(at(7 * week + day, 15.75) for week in range(4) for day in WEEKDAYS))
    assert hours.odds("ann", at(28, 15.6)) == 8
    assert hours.odds("ann", at(28, 11)) == 0.5


def test_one_arrival_is_little_and_counts_for_an_hour_around_it() -> None:
    hours = learnt(at(0, 15.75))
    by_hour = [hours.odds("ann", at(1, hour)) for hour in (14.25, 14.75, 15.25, 15.75, 16.25, 16.75, 17.25)]
    spread = [0, 1, 2, 3, 2, 1, 0]
    assert by_hour == pytest.approx([(2 + 30 * share / 9) / 3 for share in spread])


def test_a_weekend_has_its_own_hours() -> None:
    hours = learnt(*(at(day, 15.75) for day in WEEKDAYS))
    assert hours.odds("ann", at(SATURDAY, 15.75)) == hours.odds("ann", at(SATURDAY, 3)) == 1
    assert hours.odds("ann", at(7, 15.75)) > 3
    hours.learn("ann", at(SATURDAY, 3))
    assert hours.odds("ann", at(SATURDAY + 1, 3)) > 1


def test_the_half_hours_around_midnight_are_neighbours() -> None:
    hours = learnt(at(1, 23.9))
    assert hours.odds("ann", at(3, 0.1)) == hours.odds("ann", at(3, 23.4)) > 1


def test_an_arrival_does_not_speak_for_itself() -> None:
    now = at(2, 15.75)
    hours = learnt(at(0, 15.25))
    before = hours.odds("ann", now)
    hours.learn("ann", now - timedelta(minutes=19))
    assert hours.odds("ann", now) == pytest.approx(before, rel=0.02)
    assert hours.odds("ann", now + timedelta(minutes=1)) > before


def test_old_habits_fade() -> None:
    old, new = (
        [at(day, 9.25) for day in WEEKDAYS],
        [at(7 * week + day, 15.75) for week in range(1, 9) for day in WEEKDAYS],
    )
    hours = learnt(*old, *new)
    assert learnt(*old).odds("ann", at(70, 9.25)) > 7
    assert hours.odds("ann", at(70, 9.25)) < 1
    assert hours.odds("ann", at(70, 15.75)) == 8


@pytest.mark.parametrize(("apart_s", "count"), [(0, 1), (1199, 1), (-1199, 1), (1200, 1.97)])
def test_a_phone_and_a_face_are_one_arrival(apart_s: float, count: float) -> None:
    first = at(0, 9)
    hours = learnt(first, first + timedelta(seconds=apart_s))
    assert sum(hours.counts["ann"]) == pytest.approx(count)
    assert len(hours.counts["ann"]) == BIN_COUNT


@pytest.mark.parametrize(("away_s", "is_learnt"), [(1199, False), (1200, True)])
def test_a_phone_that_was_away_for_minutes_has_only_lost_its_connection(away_s: float, *, is_learnt: bool) -> None:
    log, left = HouseLog(), at(0, 9)
    log.report_phone("ann", PhoneReport(left - timedelta(hours=1), is_home=True))
    assert log.hours.counts == {}
    log.report_phone("ann", PhoneReport(left, is_home=False))
    log.report_phone("ann", PhoneReport(left + timedelta(seconds=away_s), is_home=True))
    assert bool(log.hours.counts) is is_learnt
    log.forget("ann")
    assert (log.hours.counts, log.hours.last) == ({}, {})
