"""Pure: who is in, by the log of the house."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from brain.context import numbers
from brain.context.house_log import HouseLog
from brain.context.sighting import Sighting
from brain.context.walks import clothes_log_odds

__all__ = ["STALE_TIME", "Suspect", "Whereabouts", "explains", "is_empty", "suspects_inside", "whereabouts"]

Whereabouts = Literal["in", "out", "unknown"]
LEFT_AFTER, STALE_TIME = timedelta(seconds=numbers.LEFT_AFTER_S), timedelta(seconds=numbers.STALE_S)
UNEXPLAINED_TIME = timedelta(seconds=numbers.UNEXPLAINED_S)
# A phone's report counts for this long beside what cameras see: phones fail, and lie forgotten at home.
PHONE_COUNTS = timedelta(hours=numbers.LOG_HOURS)


def whereabouts(
    log: HouseLog, person: str, at: datetime, entrances: Collection[str], *, by_phone: bool = True
) -> Whereabouts:
    """Return whether a person is in, as far as is known: by the last visit with the name, or a later phone report."""
    since = log.watched_since
    seen: Sighting | None = None
    for one in log.of(person):  # asked for often: a loop takes a third of the time of max()
        if one.first <= at and one.last >= since and (seen is None or one.last > seen.last):
            seen = one
    reports = [report for report in log.phones.get(person, []) if since <= report.at <= at] if by_phone else []
    report = reports[-1] if reports else None
    if report and (seen is None or report.at >= seen.last) and at - report.at <= PHONE_COUNTS:
        return "in" if report.is_home else "out"
    if seen is None:
        return "unknown"
    last = _end_of_way(log, seen, at)
    if last.place in entrances and at - last.last > LEFT_AFTER:
        return "out"
    if report and report.is_home and at - report.at <= PHONE_COUNTS:
        return "in"
    return "in" if at - last.last <= STALE_TIME else "unknown"


def _end_of_way(log: HouseLog, seen: Sighting, at: datetime) -> Sighting:
    """Return where the body of a visit was seen last."""
    while (visit := log.after.get(seen.visit)) is not None and visit in log.sightings:
        if log.sightings[visit].first > at:
            break
        seen = log.sightings[visit]
    return seen


def is_empty(log: HouseLog, family: Collection[str], at: datetime, entrances: Collection[str]) -> bool:
    """Return whether everybody of the family is known to be out."""
    return bool(family) and all(whereabouts(log, person, at, entrances) == "out" for person in family)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A body in the house that nothing explains yet."""

    root: UUID
    """The visit that its way begins with."""
    first: datetime
    from_outside: bool
    """Whether it came in at an entrance."""
    is_stranger: bool
    """Whether its face is known to be nobody's."""


def suspects_inside(
    suspects: Iterable[Suspect], log: HouseLog, at: datetime, entrances: Collection[str]
) -> list[Suspect]:
    """Return those who may still be in the house. As long as there is one, context calms nobody."""
    return [one for one in suspects if not _has_left(log, one, at, entrances)]


def _has_left(log: HouseLog, suspect: Suspect, at: datetime, entrances: Collection[str]) -> bool:
    if suspect.root not in log.sightings:
        return True
    body = log.body(suspect.root)
    last = max(body, key=lambda one: one.last)
    if last.is_open:
        return False
    unseen = at - max(last.last, log.watched_since)
    if last.place in entrances and (len(body) > 1 or not suspect.from_outside or unseen > 2 * LEFT_AFTER):
        return unseen > LEFT_AFTER
    return unseen > UNEXPLAINED_TIME


def explains(log: HouseLog, named: Sighting, suspect: Suspect, entrances: Collection[str]) -> bool:
    """Return whether the unknown body that came in was this person, who was not in before and is named inside now."""
    arrival = log.sightings.get(suspect.root)
    if arrival is None or suspect.is_stranger or not suspect.from_outside or named.who is None:
        return False
    if named.first <= arrival.first or not _was_away(log, named.who, arrival.first, entrances):
        return False
    return clothes_log_odds(arrival, named) >= numbers.RESOLVE_MIN_CLOTHES_LOG_ODDS


def _was_away(log: HouseLog, person: str, at: datetime, entrances: Collection[str]) -> bool:
    """Return whether a person was out, or was not seen for so long that they may have been."""
    if whereabouts(log, person, at, entrances) != "in":
        return True
    seen = [one.last for one in log.of(person) if one.first <= at]
    return not seen or at - max(seen) >= timedelta(seconds=numbers.NAME_EXPLAINS_AFTER_S)
