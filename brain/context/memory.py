"""Pure: what the context knows of the house, and what of it still holds after a restart."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from brain.context.house_log import LOG_TIME, HouseLog, PhoneReport
from brain.context.incident import OpenIncident
from brain.context.occupancy import Suspect, suspects_inside

__all__ = ["HouseMemory", "resumed"]

# Assumed: after a longer pause somebody may have come or gone unseen. An update or a reboot takes less.
MAX_PAUSE = timedelta(minutes=10)
# What was seen later than this after now was seen by a clock that was wrong.
MAX_AHEAD = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class HouseMemory:
    """What the context knows of the house at one moment."""

    at: datetime
    log: HouseLog = field(default_factory=HouseLog)
    suspects: Mapping[UUID, Suspect] = field(default_factory=dict)
    """The bodies that nothing explains, each by the first visit of its way."""
    alerted: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    """By place and name: when a person with a name alerted last."""
    incident: OpenIncident | None = None


def resumed(
    memory: HouseMemory, at: datetime, *, open_visits: Collection[UUID], entrances: Collection[str]
) -> HouseMemory:
    """Return what still holds when the brain runs again.

    After a long pause, or if the clock was set back, nobody knows who is in. Unknown people who were in still count,
    but the incident is over: who is seen then rings.

    Args:
        memory: What the context knew last.
        at: Now.
        open_visits: The visits that go on. All others have ended.
        entrances: The places where people come in and leave.
    """
    old, begin, end = memory.log, at - LOG_TIME, at + MAX_AHEAD
    sightings = {
        visit: one if visit in open_visits else replace(one, is_open=False)
        for visit, one in old.sightings.items()
        if begin <= one.last <= end
    }
    is_short = -MAX_AHEAD <= at - memory.at <= MAX_PAUSE
    log = replace(
        old,
        sightings=sightings,
        links={visit: link for visit, link in old.links.items() if visit in sightings},
        phones={person: _reports(reports, begin, end) for person, reports in old.phones.items()},
        learnt=old.learnt & set(sightings),
        watched_since=old.watched_since if is_short else at,
    )
    inside = suspects_inside(memory.suspects.values(), old, memory.at, entrances)
    suspects = {one.root: one for one in inside}
    return replace(memory, at=at, log=log, suspects=suspects, incident=memory.incident if is_short else None)


def _reports(reports: list[PhoneReport], begin: datetime, end: datetime) -> list[PhoneReport]:
    return [report for report in reports if begin <= report.at <= end]
