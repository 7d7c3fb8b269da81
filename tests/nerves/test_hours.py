from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from nerves.hours import Hours, HoursText, read_hours

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
