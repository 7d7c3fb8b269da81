"""Pure: what happened on one day: what rang, what did not ring, and why."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from brain.album.album import PastVisit
from nerves.messages import Group

__all__ = [
    "CalmedGroup",
    "DayIncident",
    "DaySummary",
    "DayVisit",
    "VisitKind",
    "calmed_groups",
    "count_by_name",
    "summarize_day",
]

VisitKind = Group | Literal["stranger", "unidentified", "not a person"]


@dataclass(frozen=True, slots=True)
class DayVisit:
    """A visit of the day, as a person sees it."""

    past: PastVisit
    short: str
    """The beginning of its id that no other visit has."""
    name: str
    """Who it was: by a human's label if there is one, else by the brain's verdict."""
    kind: VisitKind
    """What it was, by the label or else by the verdict."""
    labelled: bool = False
    """Whether the name comes from a human's label."""
    faces: int = 0
    """The number of its pictures with a face that can be learned."""

    @property
    def rang_at(self) -> datetime | None:
        """When it rang; None if it did not. A visit that an older kinwatch stored has only its beginning."""
        return (self.past.alerted_at or self.past.since) if self.past.alert else None

    @property
    def probably(self) -> str | None:
        """Whom the context takes it for, while nothing better is known: a name, or `family`."""
        return self.past.probably if self.kind == "unidentified" else None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it rang or did not: a human's label first, then the context and the policy, then the faces."""
        by_label = ("you said so",) if self.labelled else ()
        return (*by_label, *self.past.context_reasons, *self.past.reasons)


@dataclass(frozen=True, slots=True)
class DayIncident:
    """The visits of one incident; or a single visit that rang without one."""

    id: UUID | None
    visits: tuple[DayVisit, ...]
    """Ordered by their beginning; not empty."""

    @property
    def since(self) -> datetime:
        """When the first of its visits began."""
        return min(visit.past.since for visit in self.visits)

    @property
    def rings(self) -> list[datetime]:
        """When it rang, in this order."""
        return sorted(visit.rang_at for visit in self.visits if visit.rang_at)

    @property
    def places(self) -> list[str]:
        """Where it happened, in this order."""
        return list(dict.fromkeys(visit.past.place for visit in self.visits))


@dataclass(frozen=True, slots=True)
class CalmedGroup:
    """Visits that the context has taken for the same person, or for family."""

    name: str
    visits: tuple[DayVisit, ...]
    reason: str
    """The reason that most of them share; empty if there is none."""


@dataclass(frozen=True, slots=True)
class DaySummary:
    """The visits of a day; each is in exactly one of the first four groups."""

    incidents: tuple[DayIncident, ...]
    """What rang, with the visits that belong to it."""
    recognised: tuple[DayVisit, ...]
    """Family, guests and other people with a name who did not ring."""
    calmed: tuple[DayVisit, ...]
    """Unidentified visits that the context has kept from ringing."""
    others: tuple[DayVisit, ...]
    """All others that did not ring."""
    were_family: tuple[tuple[DayVisit, str], ...]
    """The visits that rang and were family, each with the name, or `family` if it is not known who of them."""

    @property
    def visits(self) -> list[DayVisit]:
        """Every visit, ordered by its beginning."""
        grouped = [visit for incident in self.incidents for visit in incident.visits]
        return sorted((*grouped, *self.recognised, *self.calmed, *self.others), key=_order)

    @property
    def rings(self) -> int:
        """How often the house rang."""
        return sum(len(incident.rings) for incident in self.incidents)


def summarize_day(visits: Iterable[DayVisit], family: frozenset[str]) -> DaySummary:
    """Return what happened, from the visits of one day.

    Args:
        visits: The visits of the day.
        family: The names of the family.
    """
    ordered = sorted(visits, key=_order)
    by_incident: dict[UUID, list[DayVisit]] = defaultdict(list)
    for visit in ordered:
        if visit.past.alert or visit.past.incident:
            by_incident[visit.past.incident or visit.past.visit].append(visit)
    silent = [visit for visit in ordered if not visit.past.alert and not visit.past.incident]
    incidents = [DayIncident(found[0].past.incident, tuple(found)) for found in by_incident.values()]
    were_family = [(visit, _of_family(visit, family)) for visit in ordered if visit.past.alert]
    return DaySummary(
        tuple(sorted(incidents, key=lambda one: one.since)),
        tuple(visit for visit in silent if _is_recognised(visit)),
        tuple(visit for visit in silent if _is_calmed(visit)),
        tuple(visit for visit in silent if not _is_recognised(visit) and not _is_calmed(visit)),
        tuple((visit, name) for visit, name in were_family if name),
    )


def _is_recognised(visit: DayVisit) -> bool:
    return visit.kind in get_args(Group)


def _is_calmed(visit: DayVisit) -> bool:
    return visit.kind == "unidentified" and visit.past.is_calm


def calmed_groups(visits: Sequence[DayVisit]) -> list[CalmedGroup]:
    """Return calmed visits grouped by whom the context takes them for, the largest group first."""
    groups: dict[str, list[DayVisit]] = defaultdict(list)
    for visit in visits:
        groups[visit.probably or "family"].append(visit)
    found = [CalmedGroup(name, tuple(group), _shared_reason(group)) for name, group in groups.items()]
    return sorted(found, key=lambda group: (-len(group.visits), group.name))


def count_by_name(visits: Iterable[DayVisit]) -> list[tuple[str, int]]:
    """Return how many visits each name has, the most first."""
    return sorted(Counter(visit.name for visit in visits).items(), key=lambda one: (-one[1], one[0]))


def _of_family(visit: DayVisit, family: frozenset[str]) -> str | None:
    """Return who of the family a visit was, as is known or probable now; None if it was not family."""
    if visit.kind == "family":
        return visit.name
    return visit.probably if visit.probably in family | {"family"} else None


def _shared_reason(visits: Sequence[DayVisit]) -> str:
    counts = Counter(reason for visit in visits for reason in visit.past.context_reasons)
    return max(counts, key=counts.__getitem__, default="")


def _order(visit: DayVisit) -> tuple[datetime, str]:
    return visit.past.since, str(visit.past.visit)
