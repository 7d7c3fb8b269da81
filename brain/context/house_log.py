"""The log of the house: its visits of the last hours, and the ways of bodies through it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from brain.context import numbers
from brain.context.arrival_hours import ArrivalHours
from brain.context.sighting import Sighting
from brain.context.travel import TravelTimes
from brain.context.walks import Continuation, both, link_log_odds, link_sightings, way_back
from brain.verdict.clothes import MAX_INDEPENDENT_LOOKS, mean_appearance
from nerves.messages import Verdict

__all__ = ["LONG_AGO", "HouseLog", "PhoneReport"]

LOG_TIME, LINK_TIME = timedelta(hours=numbers.LOG_HOURS), timedelta(seconds=numbers.LINK_S)
STILL_TIME, SHORT_ABSENCE = timedelta(hours=numbers.STILL_HOURS), timedelta(seconds=numbers.SHORT_ABSENCE_S)
BACKGROUND_TIME, NO_TIME = timedelta(seconds=numbers.BACKGROUND_WINDOW_S), timedelta(0)
# A visit that is the same body at these odds tells what the body wears: 20:1.
SURELY_SAME_LOG_ODDS = math.log(20)
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PhoneReport:
    """What a phone, or another source, said of a person."""

    at: datetime
    is_home: bool


@dataclass
class HouseLog:
    """The visits of the last hours, newest last, and what connects them."""

    travel: TravelTimes = field(default_factory=TravelTimes)
    hours: ArrivalHours = field(default_factory=ArrivalHours)
    by_appearance: bool = True
    by_continuity: bool = True
    by_phone: bool = True
    sightings: dict[UUID, Sighting] = field(default_factory=dict)
    links: dict[UUID, Continuation] = field(default_factory=dict)
    """By visit: the one that it continues."""
    phones: dict[str, list[PhoneReport]] = field(default_factory=dict)
    """By person: what was reported of them, the newest last."""
    roots: dict[UUID, UUID] = field(default_factory=dict)
    """By visit: the first visit of the same body."""
    bodies: dict[UUID, list[UUID]] = field(default_factory=dict)
    """By the first visit of a body: all its visits."""
    after: dict[UUID, UUID] = field(default_factory=dict)
    """By visit: the one that continues it."""
    by_person: dict[str, list[UUID]] = field(default_factory=dict)
    """By name: the visits with that name."""
    wholes: dict[UUID, Sighting] = field(default_factory=dict)
    """By visit: what `dressed` has found since the last change."""
    learnt: set[UUID] = field(default_factory=set)
    """The visits whose beginning was counted in `travel`."""
    watched_since: datetime = LONG_AGO
    """Since when the brain runs without a long pause. What was seen before does not say who is in."""

    def __post_init__(self) -> None:
        if not self.by_phone:
            self.phones = {}
        self._index()

    def update(self, sighting: Sighting) -> None:
        """Take the newest state of a visit."""
        held = self.sightings.get(sighting.visit)
        self.sightings[sighting.visit] = sighting
        if held and _says(held) == _says(sighting):
            return  # only the time has passed
        if held is None:
            self._forget(sighting.first)
        before = self.links
        self.wholes = {}
        if self.by_continuity:
            self._relink(sighting.last)
        if held is None or held.who != sighting.who or self.links != before:
            self._index()

    def report_phone(self, person: str, report: PhoneReport) -> None:
        """Take what a phone says of a person, if phones count and if it says something new."""
        if not self.by_phone:
            return
        reports = self.phones.setdefault(person, [])
        if not reports or reports[-1].is_home != report.is_home or reports[-1].at < self.watched_since:
            if reports and report.is_home and report.at - reports[-1].at >= SHORT_ABSENCE and not reports[-1].is_home:
                self.hours.learn(person, report.at)
            reports.append(report)
            del reports[:-8]

    def came_home(self, person: str) -> datetime | None:
        """Return when a person's phone came home; None if it is not at home, or was so already before a long pause."""
        reports = self.phones.get(person, [])
        was_home = len(reports) > 1 and reports[-2].is_home
        return reports[-1].at if reports and reports[-1].is_home and not was_home else None

    def was_away(self, person: str) -> bool:
        """Return whether a person's phone came home after so long that it had not only lost its connection.

        They were not seen while it was away.
        """
        reports = self.phones.get(person, [])[-2:]
        if len(reports) < 2:  # noqa: PLR2004 - it left, and came
            return False
        left, home = reports
        if left.is_home or not home.is_home or home.at - left.at < SHORT_ABSENCE:
            return False
        return all(one.last <= left.at or one.first >= home.at for one in self.of(person))

    def way(self, visit: UUID) -> list[tuple[Sighting, float]]:
        """Return the visits that lead to this one, the newest first, with the log odds that each is the same body."""
        found = [(self.sightings.get(before), log_odds) for before, log_odds in way_back(visit, self.links)]
        return [(sighting, log_odds) for sighting, log_odds in found if sighting]

    def perhaps_before(self, visit: UUID) -> tuple[Sighting, float] | None:
        """Return the visit that this one most probably continues though that is not likely enough for a link.

        With the log odds, which are below 3:1. None if this visit is linked, or nobody else may have become it.
        """
        if visit in self.links or not self.by_continuity:
            return None
        after = self.sightings[visit]
        free = (
            one
            for one in self.sightings.values()
            if abs(after.first - one.last) <= LINK_TIME and one.visit not in self.after
        )
        background_s = self._background_s(after.first)
        scored = [(one, self._log_odds(one, after, background_s)) for one in free]
        before, log_odds = max(scored, key=lambda pair: pair[1], default=(after, -math.inf))
        return (before, min(log_odds, numbers.MIN_LINK_LOG_ODDS)) if log_odds > -math.inf else None

    def _log_odds(self, before: Sighting, after: Sighting, background_s: float) -> float:
        return link_log_odds(before, after, self.travel, by_appearance=self.by_appearance, background_s=background_s)

    def root(self, visit: UUID) -> Sighting:
        """Return the visit that this body's way begins with."""
        return self.sightings[self.roots[visit]]

    def body(self, visit: UUID) -> list[Sighting]:
        """Return all visits of this body's way, before and after this one."""
        return [self.sightings[one] for one in self.bodies[self.roots[visit]]]

    def others_of_body(self, visit: UUID) -> list[tuple[Sighting, float]]:
        """Return the other visits of this body's way, each with the log odds that it is the same body."""
        found = self.way(visit)
        log_odds, after = math.inf, self.after.get(visit)
        while after is not None and after in self.sightings:
            log_odds = both(log_odds, self.links[after].log_odds)
            found.append((self.sightings[after], log_odds))
            after = self.after.get(after)
        return found

    def dressed(self, visit: Sighting) -> Sighting:
        """Return a visit with the mean appearance of its body: what one camera shows wrongly, another one corrects."""
        if visit.visit not in self.wholes:
            self.wholes[visit.visit] = self._dressed(visit)
        return self.wholes[visit.visit]

    def _dressed(self, visit: Sighting) -> Sighting:
        seen = [visit, *(one for one, log_odds in self.others_of_body(visit.visit) if log_odds >= SURELY_SAME_LOG_ODDS)]
        looks = [one.appearance for one in seen if one.appearance]
        is_alike = len({one.vector.shape for one in looks}) == 1
        if len(looks) < 2 or not is_alike:  # noqa: PLR2004 - the mean of one is itself
            return visit
        return replace(visit, appearance=mean_appearance(looks), looks=sum(one.looks for one in seen))

    def of(self, person: str) -> list[Sighting]:
        """Return the visits with this name, in the order in which they were entered."""
        return [self.sightings[one] for one in self.by_person.get(person, ())]

    def named(self, at: datetime, within: timedelta, place: str) -> Iterator[Sighting]:
        """Yield the visits of a place with a name that were seen in this time before `at`."""
        here = (one for one in self.sightings.values() if one.place == place and one.who)
        return (one for one in here if one.last >= at - within and one.first <= at)

    def learn_way(self, visit: UUID) -> None:
        """Learn the walking time and the beginning of the way from a visit of somebody of the house, once."""
        if visit in self.learnt or visit not in self.sightings:
            return
        self.learnt.add(visit)
        sighting, link = self.sightings[visit], self.links.get(visit)
        before = self.sightings.get(link.before) if link else None
        perhaps = self.perhaps_before(visit)
        was_seen = before is not None or (perhaps is not None and perhaps[1] >= numbers.MIN_LOOSE_LOG_ODDS)
        self.travel.learn_arrival(sighting.place, was_seen_before=was_seen)
        if before and before.who and before.who == sighting.who:
            gap_s = (sighting.first - before.last).total_seconds()
            self.travel.learn(before.place, sighting.place, gap_s)

    def rename(self, visit: UUID, who: str | None, verdict: Verdict) -> None:
        """Take a human's label of a visit that has ended."""
        self.sightings[visit] = replace(self.sightings[visit], who=who, verdict=verdict)
        self._index()

    def drop(self, visit: UUID) -> None:
        """Forget a visit, if it is known: it was no person's."""
        if self.sightings.pop(visit, None):
            self.links.pop(visit, None)
            self.learnt.discard(visit)
            self._index()

    def forget(self, person: str) -> None:
        """Forget a person: the visits with the name, and the phone."""
        for sighting in self.of(person):
            self.drop(sighting.visit)
        self.phones.pop(person, None)
        self.hours.forget(person)

    def _index(self) -> None:
        self.roots, self.bodies, self.by_person, self.wholes = {}, {}, {}, {}
        self.after = {link.before: visit for visit, link in self.links.items()}
        # A visit comes after the one it continues, or at least begins later.
        for visit, sighting in self.sightings.items():
            root = visit
            while (link := self.links.get(root)) and link.before in self.sightings:
                root = self.roots.get(link.before, link.before)
            self.roots[visit] = root
            self.bodies.setdefault(root, []).append(visit)
            if sighting.who:
                self.by_person.setdefault(sighting.who, []).append(visit)

    def _relink(self, at: datetime) -> None:
        """Link the visits that began a moment ago anew; older links stay."""
        recent = [one for one in self.sightings.values() if at - one.first <= LINK_TIME]
        fresh = {one.visit for one in recent}
        earlier = [one for one in self.sightings.values() if at - one.last <= self._link_time(one)]
        old = {visit: link for visit, link in self.links.items() if visit not in fresh}
        background_s = self._background_s(at)
        self.links = old | link_sightings(
            recent, earlier, self.travel, links=old, by_appearance=self.by_appearance, background_s=background_s
        )

    def _background_s(self, at: datetime) -> float:
        """Return in which time somebody else appears by chance, by what was seen in the last hour."""
        since = max(at - BACKGROUND_TIME, min((one.first for one in self.sightings.values()), default=at))
        count = sum(since <= one.first < at - LINK_TIME for one in self.sightings.values())
        prior = numbers.BACKGROUND_PRIOR_COUNT
        return (max(at - LINK_TIME - since, NO_TIME).total_seconds() + prior * numbers.BACKGROUND_S) / (count + prior)

    def _link_time(self, sighting: Sighting) -> timedelta:
        """Return for how long after its end a visit may go on as another one."""
        return STILL_TIME if sighting.is_still and sighting.last >= self.watched_since else 2 * LINK_TIME

    def _forget(self, at: datetime) -> None:
        gone = [visit for visit, one in self.sightings.items() if not one.is_open and at - one.last > LOG_TIME]
        for visit in gone:
            del self.sightings[visit]
            self.links.pop(visit, None)
            self.learnt.discard(visit)


def _says(sighting: Sighting) -> tuple[object, ...]:
    """Return what of a visit decides which ways it belongs to."""
    return sighting.verdict, sighting.who, sighting.is_open, min(sighting.looks, MAX_INDEPENDENT_LOOKS)
