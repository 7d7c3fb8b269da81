"""The times that a person writes on the command line."""

from datetime import UTC, date, datetime, timedelta
from datetime import time as clock

from nerves.errors import SettingsError

__all__ = ["parse_day", "parse_pass_end", "parse_since"]

UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}


def parse_day(text: str) -> date:
    """Return a day: `today`, `yesterday`, or `2026-11-27`. Raises `SettingsError` if it is none, or in the future."""
    today = datetime.now().astimezone().date()
    not_a_day = f"{text}: not a day; write today, yesterday or 2026-11-27"
    try:
        day = {"today": today, "yesterday": today - timedelta(days=1)}.get(text) or date.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(not_a_day) from error
    if day > today:
        message = f"{text}: that day has not come yet; write today, yesterday or 2026-11-27"
        raise SettingsError(message)
    try:
        datetime.combine(day, clock.min).astimezone()  # the first days of the calendar are in no time zone
    except (ValueError, OverflowError) as error:
        raise SettingsError(not_a_day) from error
    return day


def parse_since(text: str) -> datetime:
    """Return how far to look back: `2d`, `12h`, `30m`, or a date. Raises `SettingsError` if it is no time."""
    try:
        span = _span(text)
        return datetime.now(UTC) - span if span is not None else datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = f"--since {text}: not a time; write 2d, 12h, 30m or 2026-12-24"
        raise SettingsError(message) from error


def parse_pass_end(text: str) -> datetime:
    """Return when a pass ends: `2026-12-24`, `2026-12-24T20:00`, `20:00` (today), or `3d`, `12h` from now.

    Raises `SettingsError` if it is no time, or in the past.
    """
    now = datetime.now(UTC)
    try:
        end = _end(text, now)
    except (ValueError, OverflowError) as error:
        message = f"--until {text}: not a time; write 2026-12-24, 2026-12-24T20:00, 20:00, 3d or 12h"
        raise SettingsError(message) from error
    if end <= now:
        message = f"--until {text}: that is over already"
        raise SettingsError(message)
    return end


def _end(text: str, now: datetime) -> datetime:
    span = _span(text)
    if span is not None:
        return now + span
    if ":" in text and "-" not in text:
        return datetime.combine(datetime.now().astimezone().date(), clock.fromisoformat(text)).astimezone(UTC)
    end = datetime.fromisoformat(text)
    if len(text) == len("2026-12-24"):
        end += timedelta(days=1)  # a pass until a day includes the day
    return end.astimezone(UTC)


def _span(text: str) -> timedelta | None:
    """Return the length of `3d` or `12h`; None if the text is no length of time."""
    return int(text[:-1]) * UNITS[text[-1]] if text[-1:] in UNITS and text[:-1].isdecimal() else None
