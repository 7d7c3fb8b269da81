"""Pure: what the context knows of the house, as rows of a table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from pydantic import TypeAdapter

from brain.context import numbers
from brain.context.arrival_hours import BIN_COUNT, ArrivalHours
from brain.context.house_log import HouseLog, PhoneReport
from brain.context.incident import OpenIncident
from brain.context.memory import HouseMemory
from brain.context.occupancy import Suspect
from brain.context.sighting import Sighting
from brain.context.travel import TravelTimes
from brain.context.walks import Continuation

__all__ = ["SightingRow", "pack_house", "pack_sighting", "sighting_row", "unpack"]


@dataclass(frozen=True, slots=True)
class SightingRow:
    """A visit in the log of the house, and what the log says of it."""

    sighting: Sighting
    link: Continuation | None
    """The visit that it continues."""
    is_learnt: bool
    """Whether its beginning was counted in the walking times."""


@dataclass(frozen=True, slots=True)
class HouseRow:
    """All that is no visit."""

    watched_since: datetime
    phones: dict[str, list[PhoneReport]]
    gaps: dict[str, list[int]]
    arrivals: dict[str, list[int]]
    suspects: list[Suspect]
    alerted: list[tuple[str, str, datetime]]
    incident: OpenIncident | None
    hours: dict[str, list[float]] = field(default_factory=dict)


Number = TypeVar("Number", int, float)
SIGHTING, HOUSE = TypeAdapter(SightingRow), TypeAdapter(HouseRow)


def sighting_row(log: HouseLog, visit: UUID) -> SightingRow:
    """Return what is stored of a visit."""
    return SightingRow(log.sightings[visit], log.links.get(visit), visit in log.learnt)


def pack_sighting(row: SightingRow) -> bytes:
    """Return a visit of the log as JSON."""
    return SIGHTING.dump_json(row)


def pack_house(memory: HouseMemory) -> bytes:
    """Return all but the visits and the time as JSON; what has not changed gives the same bytes."""
    log = memory.log
    return HOUSE.dump_json(
        HouseRow(
            log.watched_since,
            log.phones,
            log.travel.gaps,
            log.travel.arrivals,
            list(memory.suspects.values()),
            [(place, name, at) for (place, name), at in memory.alerted.items()],
            memory.incident,
            log.hours.counts,
        )
    )


def unpack(sightings: Iterable[bytes], house: bytes, at: datetime) -> HouseMemory:
    """Return what was packed.

    Args:
        sightings: The visits, in the order in which they were entered.
        house: All else.
        at: When this was so.

    Raises:
        ValueError: Something does not fit: it is damaged, or of an older kinwatch.
    """
    rows = [SIGHTING.validate_json(body) for body in sightings]
    rest = HOUSE.validate_json(house)
    seen = {row.sighting.visit: row.sighting for row in rows}
    log = HouseLog(
        TravelTimes(gaps=_counts(rest.gaps, len(numbers.GAP_SHARES)), arrivals=_counts(rest.arrivals, 2)),
        ArrivalHours(_counts(rest.hours, BIN_COUNT)),
        sightings=seen,
        links={row.sighting.visit: row.link for row in rows if row.link and _goes_back(row, seen)},
        phones=rest.phones,
        learnt={row.sighting.visit for row in rows if row.is_learnt},
        watched_since=rest.watched_since,
    )
    suspects = {one.root: one for one in rest.suspects}
    alerted = {(place, name): when for place, name, when in rest.alerted}
    return HouseMemory(at, log, suspects, alerted, rest.incident)


def _goes_back(row: SightingRow, seen: Mapping[UUID, Sighting]) -> bool:
    """Return whether a visit continues an earlier one, if any: a way that is a circle would have no end."""
    before = seen.get(row.link.before) if row.link else None
    return before is None or before.first < row.sighting.first


def _counts(learnt: dict[str, list[Number]], length: int) -> dict[str, list[Number]]:
    """Return the learnt counts without those of other intervals than today's."""
    return {key: counts for key, counts in learnt.items() if len(counts) == length}
