from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from nerves.hours import (
    Hours,
    HoursText,
    WeeklyHours,
    is_outside_hours,
    outside_hours_reason,
    read_hours,
    read_weekly,
)

moments = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1))  # noqa: DTZ001 - wall clocks
minutes = st.times().map(lambda at: at.replace(second=0, microsecond=0))
hours = st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: Hours(*pair))


def test_hours_go_over_midnight() -> None:
    night = read_hours("22:00-07:00")
    assert night == (time(22), time(7))
    covered = [hour for hour in range(24) if night.contain(datetime(2026, 11, 21, hour))]  # noqa: DTZ001
    assert covered == [0, 1, 2, 3, 4, 5, 6, 22, 23]
    assert night.next_end(datetime(2026, 11, 21, 23)) == datetime(2026, 11, 22, 7)  # noqa: DTZ001
    assert night.next_end(datetime(2026, 11, 22, 6, 59)) == datetime(2026, 11, 22, 7)  # noqa: DTZ001


@given(hours, moments)
def test_quiet_hours_end_once_and_not_before_they_are_over(some: Hours, at: datetime) -> None:
    over = some.next_end(at)
    assert at < over <= at + timedelta(days=1)
    assert over.time() == some.end
    assert not some.contain(over)
    if some.contain(at):
        assert some.contain(over - timedelta(microseconds=1))
        assert all(some.contain(at + share * (over - at)) for share in (0.25, 0.5, 0.75))


@given(hours, moments)
def test_a_moment_is_in_some_hours_or_in_the_others(some: Hours, at: datetime) -> None:
    assert some.contain(at) != Hours(some.end, some.begin).contain(at)


@given(hours)
def test_written_hours_are_parsed_back(some: Hours) -> None:
    assert read_hours(f" {some.begin:%H:%M} - {some.end:%H:%M} ") == some


def test_hours_that_end_when_they_begin_are_the_whole_day() -> None:
    whole = Hours(time(7), time(7))
    assert all(whole.contain(datetime(2026, 11, 21, hour)) for hour in range(24))  # noqa: DTZ001


def test_the_text_of_hours_in_the_settings_stays_as_it_is_written() -> None:
    assert TypeAdapter(HoursText).validate_python("22:00 - 7:00") == "22:00 - 7:00"
    with pytest.raises(ValidationError, match="'22-7' are no hours: write them as 22:00-07:00"):
        TypeAdapter(HoursText).validate_python("22-7")


@pytest.mark.parametrize("text", ["", "22-7", "22:00", "24:00-07:00", "22:00-22:00", "22:60-07:00", "night"])
def test_invalid_hours_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write them as 22:00-07:00"):
        read_hours(text)


# 2026-11-24 is a Tuesday.
WEEKS = st.sets(st.integers(0, 6), min_size=1).map(frozenset)
weekly = st.builds(WeeklyHours, WEEKS, hours)


def on(day: int, hour: int, minute: int = 0) -> datetime:
    """Return a time in the week of Monday, 2026-11-23; day 0 is the Monday."""
    return datetime(2026, 11, 23, hour, minute) + timedelta(days=day)  # noqa: DTZ001


def test_hours_of_a_weekday_hold_on_that_day_alone() -> None:
    cleaner = read_weekly("tue 09:00-12:00")
    assert [day for day in range(7) if cleaner.contain(on(day, 10))] == [1]
    assert not cleaner.contain(on(1, 8, 59))
    assert cleaner.contain(on(1, 9))
    assert cleaner.contain(on(1, 11, 59))
    assert not cleaner.contain(on(1, 12))


def test_weekly_hours_over_midnight_belong_to_the_day_on_which_they_begin() -> None:
    sitter = read_weekly("sun 22:00-02:00")
    assert sitter.contain(on(6, 23))
    assert sitter.contain(on(7, 1))  # the Monday after
    assert not sitter.contain(on(6, 1))
    assert not sitter.contain(on(0, 23))
    evening = read_weekly("fri 18:00-00:00")
    assert evening.contain(on(4, 23, 59))
    assert not evening.contain(on(5, 0))


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("tue 09:00-12:00", "Tue 09:00-12:00"),
        ("  Tuesday 9:00 - 12:00 ", "Tue 09:00-12:00"),
        ("09:00-12:00", "09:00-12:00"),
        ("mon-fri 08:00-10:00", "Mon-Fri 08:00-10:00"),
        ("fri-mon 08:00-10:00", "Mon,Fri-Sun 08:00-10:00"),
        ("thu,mon 08:00-10:00", "Mon,Thu 08:00-10:00"),
        ("mon,tue 08:00-10:00", "Mon,Tue 08:00-10:00"),
        ("SAT", "Sat"),
        ("mon-sun", "Mon-Sun"),
        ("mon-sun 08:00-10:00", "08:00-10:00"),
    ],
)
def test_weekly_hours_are_written_in_one_way(written: str, text: str) -> None:
    assert read_weekly(written).text == text
    assert read_weekly(text) == read_weekly(written)


def test_a_day_without_hours_is_the_whole_day() -> None:
    assert all(read_weekly("sat").contain(on(5, hour)) for hour in range(24))
    assert not read_weekly("sat").contain(on(6, 0))
    assert not read_weekly("sat").contain(on(4, 23, 59))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "dienstag 09:00-12:00",
        "monkey",
        "tu 09:00-12:00",
        "tue 9-12",
        "tue, 09:00-12:00",
        "tue 09:00-09:00",
        "mon-",
        "24:00-25:00",
    ],
)
def test_invalid_weekly_hours_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="are no hours of the week: write them as tue 09:00-12:00"):
        read_weekly(text)


@given(weekly)
def test_written_weekly_hours_are_parsed_back(some: WeeklyHours) -> None:
    assert read_weekly(some.text) == some


@given(hours, moments)
def test_weekly_hours_of_every_day_are_plain_hours(some: Hours, at: datetime) -> None:
    assert WeeklyHours(frozenset(range(7)), some).contain(at) == some.contain(at)


@given(weekly, moments)
def test_weekly_hours_return_after_a_week(some: WeeklyHours, at: datetime) -> None:
    assert some.contain(at) == some.contain(at + timedelta(days=7))


def test_the_reason_of_a_visit_outside_the_hours_is_recognised() -> None:
    reason = outside_hours_reason("Maria", ("Tue 09:00-12:00", "Fri"))
    assert reason == "Maria outside the agreed hours: Tue 09:00-12:00; Fri"
    assert is_outside_hours(("5 usable faces", reason))
    assert not is_outside_hours(("5 usable faces", "Maria 900:1 for"))
