"""Pure: the quiet hours of a house."""

import re
from datetime import datetime, time, timedelta
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

__all__ = ["Hours", "HoursText", "read_hours"]

HOURS_FORM = re.compile(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*")


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


def _checked(text: str) -> str:
    read_hours(text)
    return text


HoursText = Annotated[str, AfterValidator(_checked)]
"""Hours as they are written in the settings."""
