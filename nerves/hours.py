"""Pure: the quiet hours of a house, and the hours of the week at which somebody is expected."""

import re
from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

__all__ = ["Hours", "HoursText", "WeeklyHours", "is_outside_hours", "outside_hours_reason", "read_hours", "read_weekly"]

HOURS_FORM = re.compile(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHORT_NAME_LETTERS = 3
EVERY_DAY = frozenset(range(len(WEEKDAYS)))
WHOLE_DAY = time(0), time(0)
# Said of somebody who comes at another time than expected; the texts of alerts are chosen by it.
OUTSIDE = "outside the agreed hours"


class Hours(NamedTuple):
    """From `begin` until `end` in local time; over midnight if the end is the earlier one."""

    begin: time
    end: time

    def contain(self, at: datetime) -> bool:
        """Return whether a local time without a zone lies in these hours; their end does not."""
        if self.begin < self.end:
            return self.begin <= at.time() < self.end
        return at.time() >= self.begin or at.time() < self.end

    def next_end(self, at: datetime) -> datetime:
        """Return when these hours end next, after a local time without a zone."""
        end = datetime.combine(at.date(), self.end)
        return end if end > at else end + timedelta(days=1)


def read_hours(text: str) -> Hours:
    """Read hours such as `22:00-07:00`. Raises `ValueError`, which says what is wrong."""
    found = HOURS_FORM.fullmatch(text)
    why = f"{text!r} are no hours: write them as 22:00-07:00"
    if not found:
        raise ValueError(why)
    first, second, third, fourth = map(int, found.groups())
    try:
        hours = Hours(time(first, second), time(third, fourth))
    except ValueError as error:
        raise ValueError(why) from error
    if hours.begin == hours.end:
        why = f"{text!r} begin and end at once: write them as 22:00-07:00, or leave them out"
        raise ValueError(why)
    return hours


class WeeklyHours(NamedTuple):
    """Hours on some days of the week, in local time. Hours over midnight belong to the day on which they begin."""

    days: frozenset[int]
    """The days, from 0 for Monday to 6 for Sunday."""
    hours: Hours

    def contain(self, at: datetime) -> bool:
        """Return whether a local time without a zone lies in these hours; their end does not."""
        begin, end = self.hours
        if begin < end:
            return at.weekday() in self.days and begin <= at.time() < end
        yesterday = (at.weekday() - 1) % len(WEEKDAYS)
        return (at.weekday() in self.days and at.time() >= begin) or (yesterday in self.days and at.time() < end)

    @property
    def text(self) -> str:
        """The hours as people write them: `Tue 09:00-12:00`, `Mon-Fri 08:00-10:00`, `09:00-12:00`, `Sat`."""
        days = "" if self.days == EVERY_DAY and self.hours != WHOLE_DAY else _days_text(self.days)
        hours = "" if self.hours == WHOLE_DAY else f"{self.hours.begin:%H:%M}-{self.hours.end:%H:%M}"
        return f"{days} {hours}".strip()


def read_weekly(text: str) -> WeeklyHours:
    """Read hours such as `tue 09:00-12:00`, `mon-fri 08:00-10:00`, `sat,sun` or `09:00-12:00`.

    Without days they are of every day, without hours of whole days. Raises `ValueError`, which says what is wrong.
    """
    days, _, hours = text.strip().partition(" ")
    if days[:1].isdigit():
        days, hours = "", text
    try:
        when = Hours(*WHOLE_DAY) if days and not hours.strip() else read_hours(hours)
        return WeeklyHours(_read_days(days) if days else EVERY_DAY, when)
    except ValueError as error:
        why = f"{text!r} are no hours of the week: write them as tue 09:00-12:00, mon-fri 08:00-10:00 or 09:00-12:00"
        raise ValueError(why) from error


def outside_hours_reason(name: str, hours: Iterable[str]) -> str:
    """Return the reason of a visit of somebody who comes at another time than expected."""
    return f"{name} {OUTSIDE}: {'; '.join(hours)}"


def is_outside_hours(reasons: Iterable[str]) -> bool:
    """Return whether the reasons of a visit say that its person comes at another time than expected."""
    return any(f" {OUTSIDE}: " in reason for reason in reasons)


def _read_days(text: str) -> frozenset[int]:
    """Return the days of `tue`, `mon,thu` or `fri-mon`; the names may be whole words."""
    days: set[int] = set()
    for part in text.split(","):
        first, *last = map(_read_day, part.split("-", 1))
        end = last[0] if last else first
        days |= {(first + step) % len(WEEKDAYS) for step in range((end - first) % len(WEEKDAYS) + 1)}
    return frozenset(days)


def _read_day(name: str) -> int:
    matches = [day for day, whole in enumerate(WEEKDAYS) if whole.lower().startswith(name.lower())]
    if len(name) < SHORT_NAME_LETTERS or not matches:
        why = f"{name!r} is no day of the week"
        raise ValueError(why)
    return matches[0]


def _days_text(days: frozenset[int]) -> str:
    """Return days as people write them; three or more in a row are written with a hyphen."""
    names = [whole[:SHORT_NAME_LETTERS] for whole in WEEKDAYS]
    found, number = [], 0
    while number < len(names):
        end = number
        while end in days:
            end += 1
        if end - number >= 3:  # noqa: PLR2004 - two days are written with a comma
            found.append(f"{names[number]}-{names[end - 1]}")
        else:
            found += names[number:end]
        number = max(end, number + 1)
    return ",".join(found)


def _checked(text: str) -> str:
    read_hours(text)
    return text


HoursText = Annotated[str, AfterValidator(_checked)]
"""Hours as they are written in the settings."""
