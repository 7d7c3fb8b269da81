"""When somebody is welcome, as it is written on the command line: a guest's pass, or the hours of somebody known."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from kinwatch.people.times import parse_pass_end
from nerves.errors import SettingsError
from nerves.hours import read_weekly
from nerves.messages import Group

__all__ = ["Terms", "read_terms"]


class Terms(NamedTuple):
    """When somebody is welcome."""

    until: datetime | None = None
    """When a guest's pass ends; None means never."""
    hours: tuple[str, ...] = ()
    """When somebody of the group known is expected; empty means at any time."""


def read_terms(group: Group | None, until: str | None, hours: Sequence[str] | None) -> Terms:
    """Return what `--until` and `--hours` say. Raises `SettingsError` if they do not fit the group."""
    end = parse_pass_end(until) if until else None
    if end and group != "guest":
        message = "--until is for guests: add --group guest"
        raise SettingsError(message)
    if hours and group != "known":
        message = "--hours is for people who are neither family nor guests: add --group known"
        raise SettingsError(message)
    try:
        return Terms(end, tuple(read_weekly(text).text for text in hours or ()))
    except ValueError as error:
        message = f"--hours: {error}"
        raise SettingsError(message) from error
