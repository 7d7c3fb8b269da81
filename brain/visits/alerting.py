"""When a visit alerts: the verdict, the mode of the house, and what the context says of somebody without a face."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from brain.context import numbers
from brain.context.corrections import Corrections
from brain.context.decision import Decision
from brain.context.house_log import HouseLog, PhoneReport
from brain.context.incident import SPARSE_GAP_FACTOR, OpenIncident, body_in, in_order, is_worse, joined
from brain.context.memory import HouseMemory
from brain.context.modes import ModeHistory
from brain.context.occupancy import Suspect, explains, is_empty, suspects_inside, whereabouts
from brain.context.sighting import Sighting
from brain.context.terms import Household
from brain.context.weigh import weigh
from brain.people.gallery import Gallery
from brain.people.records import LabelRecord
from brain.settings.brain import BrainSettings
from brain.verdict.policy import ActiveMode, active_mode, calming_odds, why_quiet
from brain.visits.visit import OpenVisit
from nerves.messages import Mode, Presence

__all__ = ["TOGETHER_TIME", "Alerting"]

# Two cameras may show one person at once for a moment; who is seen at once for longer is two people.
TOGETHER_TIME = timedelta(seconds=5)
# Who comes in within this time after somebody comes in with them.
TOGETHER_IN_TIME = timedelta(seconds=numbers.COMPANY_S)
SHORTEST_TIME = timedelta(milliseconds=1)
# Whoever was named inside within this time is in, unless they were seen to leave.
SURELY_IN_TIME = timedelta(minutes=30)
# A visit that is calm stays so down to half the odds: minutes that pass without a phone are no news.
STAYS_CALM_LOG_ODDS = math.log(2)
# Whoever was calm for a minute stays so down to a seventh, 3:1 in mode `home`: faces that go on being unlike the photos
# are no news either.
CALM_TIME, STAYS_CALM_LONG_LOG_ODDS = timedelta(seconds=60), math.log(7)
PHONE_BEFORE = timedelta(seconds=numbers.PHONE_BEFORE_S)
LET_RING_FIRST = timedelta(seconds=3)


class Alerting:
    """Decides which visits alert, and remembers the visits of the last hours for it.

    Args:
        settings: The settings of the brain.
        gallery: The people we know.
        memory: What an earlier process knew; None if nothing is known.
    """

    def __init__(self, settings: BrainSettings, gallery: Gallery, memory: HouseMemory | None = None) -> None:
        self._settings, self._gallery = settings, gallery
        context, before = settings.context, memory.log if memory else HouseLog()
        self.log = replace(
            before,
            travel=replace(before.travel, places=settings.places),
            by_appearance=context.appearance,
            by_continuity=context.continuity,
            by_phone=context.presence,
        )
        self.suspects: dict[UUID, Suspect] = dict(memory.suspects) if memory else {}
        self.alerted: dict[tuple[str, str], datetime] = dict(memory.alerted) if memory else {}
        """By place and name: when a person with a name alerted last."""
        self.incident: OpenIncident | None = memory.incident if memory else None
        self._entrances = settings.entrances
        self._modes = ModeHistory()
        self._corrections = Corrections(self._known_names())

    def memory(self, at: datetime) -> HouseMemory:
        """Return what is known of the house, for a later process."""
        suspects = {root: one for root, one in self.suspects.items() if root in self.log.sightings}
        return HouseMemory(at, self.log, suspects, self.alerted, self.incident)

    def receive_presence(self, fact: Presence) -> None:
        """Take what a phone, or another source, says of a person."""
        self.log.report_phone(fact.person, PhoneReport(fact.at, fact.home))

    def mode(self, wanted: Mode, at: datetime) -> ActiveMode:
        """Return the mode in force: `auto` is resolved by who is in and by the hours of the night."""
        nobody_in = wanted == "auto" and is_empty(self.log, self._household(at).family, at, self._entrances)
        return active_mode(self._settings.policy, wanted, at, is_empty=nobody_in)

    def follow_mode(self, wanted: Mode, at: datetime) -> None:
        """Remember when the mode in force changes."""
        self._modes.follow(self.mode(wanted, at), at)

    def record(self, visit: OpenVisit) -> None:
        """Enter the newest state of a visit into the log of the house."""
        if visit.quiet:
            self.log.drop(visit.id)
            return
        held = self.log.sightings.get(visit.id)
        self.log.update(_sighting(visit))
        if visit.who:
            named = self.log.sightings[visit.id]
            if held is None or held.who != visit.who:
                self._learn_arrival(named, visit.who)
            self._explain(named)
        if visit.ended is not None and (visit.who or visit.is_calm):
            self.log.learn_way(visit.id)

    def _learn_arrival(self, named: Sighting, person: str) -> None:
        """If a person who was out has just been named, learn when they came home."""
        root = self.log.root(named.visit)
        where = whereabouts(self.log, person, root.first - SHORTEST_TIME, self._entrances)
        if where == "out" or (where == "unknown" and root.place in self._entrances):
            self.log.hours.learn(person, root.first)

    def follow_gallery(self, labels: Mapping[UUID, LabelRecord]) -> None:
        """Correct the log by all humans' labels, and forget who is no longer in the gallery."""
        for named in self._corrections.apply(self.log, self._known_names(), labels):
            self._explain(named)

    def _known_names(self) -> set[str]:
        return {person.name for person in self._gallery.people()}

    def decide(self, visit: OpenVisit, at: datetime, wanted: Mode) -> Decision:
        """Return whether a decided visit alerts now."""
        if visit.quiet or not visit.decided:
            return Decision(alert=False)
        mode = self.mode(wanted, at)
        policy = self._settings.policy
        unexpected = self._unexpected(visit)
        quiet = why_quiet(
            policy,
            visit.verdict,
            at,
            mode=mode,
            company=[at] if self._has_company(visit) else [],
            alerted=self.alerted.get((visit.place, visit.who)) if visit.who else None,
            unexpected=bool(unexpected),
        )
        if visit.verdict == "stranger":
            self._suspect(visit, is_stranger=True)
        word = quiet if quiet and not (visit.alerted or visit.label) else ""
        decision = Decision(alert=quiet is None, unexpected=unexpected, quiet=word)
        if visit.verdict == "unidentified":
            return self._decide_unidentified(visit, at, mode, decision)
        return self._in_incident(visit, decision, at)

    def _unexpected(self, visit: OpenVisit) -> str:
        """Return why somebody of the group known is not expected when this visit began; empty after a human's label."""
        if visit.verdict != "known" or visit.label:
            return ""
        return next((one.unexpected(visit.first) for one in self._gallery.people() if one.name == visit.who), "")

    def _in_incident(
        self, visit: OpenVisit, decision: Decision, at: datetime, *, is_likely_known: bool = False
    ) -> Decision:
        """Return the decision as part of the open incident: it alerts only if it makes the incident worse.

        `is_likely_known` says that the context would calm it if nobody unknown were in the house.
        """
        if not decision.alert or visit.alerted or visit.verdict not in ("stranger", "unidentified"):
            return decision
        incident, root = self._open_incident(visit, at, is_likely_known=is_likely_known), self.log.root(visit.id)
        if incident and visit.id in incident.visits and not (visit.verdict == "stranger" != incident.worst):
            return replace(decision, alert=False, incident=incident)
        is_further = not is_likely_known and self._is_further(incident, visit, root)
        others = self._others(incident, visit)
        body = body_in(incident, root.visit, visit.place, is_sparse=visit.is_sparse, others=others)
        rings = is_worse(incident, visit.verdict, body, is_further=is_further)
        whole = joined(incident, visit.id, visit.place, visit.verdict, body, at, rings=rings)
        self.incident = in_order(whole, self._first_seen(whole))
        return replace(decision, alert=rings, incident=self.incident)

    def _first_seen(self, incident: OpenIncident) -> dict[str, datetime]:
        """Return when somebody of an incident was first seen at each place."""
        seen = [self.log.sightings[one] for one in incident.visits if one in self.log.sightings]
        return {one.place: one.first for one in sorted(seen, key=lambda one: one.first, reverse=True)}

    def _others(self, incident: OpenIncident | None, visit: OpenVisit) -> int:
        """Return how many others of the incident appeared in the same picture as a visit."""
        visits = incident.visits - {visit.id} if incident else ()
        seen = [self.log.sightings[one] for one in visits if one in self.log.sightings]
        return sum((one.place, one.first) == (visit.place, visit.first) for one in seen)

    def _open_incident(self, visit: OpenVisit, at: datetime, *, is_likely_known: bool) -> OpenIncident | None:
        """Return the incident that a visit belongs to.

        As long as one of its bodies may be in, its visits and those of people who are probably of the house belong to
        it. Whoever is probably not of the house belongs to it for `incident_s`, and then begins another one.
        """
        if self.incident is None:
            return None
        inside = {one.root for one in self._inside(at)} & self.incident.bodies
        is_inside = bool(inside) if is_likely_known else self.log.root(visit.id).visit in inside
        is_inside |= visit.id in self.incident.visits
        gap = timedelta(seconds=self._settings.policy.incident_s) * (SPARSE_GAP_FACTOR if visit.is_sparse else 1)
        is_open = self.incident.is_open(at, gap, is_inside=is_inside)
        return self.incident if is_open else None

    def _inside(self, at: datetime) -> list[Suspect]:
        """Return the bodies that nothing explains and that may still be in; none without an entrance to leave by."""
        return suspects_inside(self.suspects.values(), self.log, at, self._entrances) if self._entrances else []

    def _is_further(self, incident: OpenIncident | None, visit: OpenVisit, root: Sighting) -> bool:
        """Whether the body cannot be one of the incident's: it came in later, or both are seen at once."""
        if incident is None or root.visit in incident.bodies:
            return False
        if root.place in self._entrances and root.first > incident.since:
            return True
        others = [one for body in incident.bodies if body in self.log.bodies for one in self.log.body(body)]
        return any(one.first < visit.last - TOGETHER_TIME and visit.first < one.last - TOGETHER_TIME for one in others)

    def _has_company(self, visit: OpenVisit) -> bool:
        """Whether a person with a name was at the place when this one came, or came shortly after."""
        near = timedelta(seconds=self._settings.policy.accompanied_s)
        named = self.log.named(visit.first + near, 2 * near, visit.place)
        return any(one.visit != visit.id and one.verdict != "known" for one in named)

    def expects(self, visit: OpenVisit, at: datetime, wanted: Mode) -> bool:
        """Return whether a visit probably shows somebody of the house, by all but the faces."""
        if visit.quiet or visit.verdict == "stranger":
            return False
        self.record(visit)
        mode = self._modes.of(visit.first, self.mode(wanted, at))
        house, log = self._household(at, mode), self.log
        # Who was here before somebody unknown came in is not that one.
        inside = [one for one in self._inside(at) if one.first < log.root(visit.id).first]
        faceless = replace(log.sightings[visit.id], face_log_odds=0.0, likely=None)
        context = weigh(faceless, log, house, inside, at)
        return context.log_odds >= self._needed(mode, house, visit.first)

    def contradicts(self, visit: OpenVisit, person: str) -> bool:
        """Return whether a visit's way speaks against its being this person.

        It came in from outside while the person was in, or appeared inside while person and phone are out.
        """
        log = self.log
        root = log.root(visit.id) if visit.id in log.sightings else _sighting(visit)
        where = whereabouts(log, person, root.first - SHORTEST_TIME, self._entrances)
        if root.place not in self._entrances:
            return where == "out" and bool(log.phones.get(person)) and not log.phones[person][-1].is_home
        if visit.place in self._entrances:
            return False  # may be about to leave
        inside = (one for one in log.of(person) if one.place not in self._entrances and one.first < root.first)
        return where == "in" and any(root.first - one.last <= SURELY_IN_TIME for one in inside)

    def waits(self, visit: OpenVisit, at: datetime) -> bool:
        """Return whether an entry delay still runs for this visit."""
        root = self.log.root(visit.id) if visit.id in self.log.sightings else None
        inside = self._inside(at)
        return root is not None and self._wait(root, inside, at) is not None

    def _decide_unidentified(self, visit: OpenVisit, at: datetime, mode: ActiveMode, by_policy: Decision) -> Decision:
        log, root = self.log, self.log.root(visit.id)
        house = self._household(at, mode)
        has_phone_come = self._has_phone_come(root, house, at)
        if not has_phone_come:
            mode = self._modes.of(visit.first, mode)
            house = replace(house, mode=mode)
        sighting = log.sightings[visit.id]
        inside = self._inside(at)
        context = weigh(sighting, log, house, inside, at)
        is_named = any(one.who in house.people for one in log.body(visit.id))
        needed = self._needed(mode, house, visit.first, is_known_in=is_named or has_phone_come)
        is_calm = context.log_odds >= needed - _stays_calm(visit, at)
        if is_calm:
            self.suspects.pop(root.visit, None)
            return Decision(alert=False, context=context, is_calm=True)
        is_likely_known = bool(inside) and weigh(sighting, log, house, (), at).log_odds >= needed
        if not is_likely_known:
            self._suspect(visit, is_stranger=False)
        is_stranger = any(one.verdict == "stranger" for one in log.body(visit.id))
        # Somebody who is probably of the house lets the unknown one ring first: the alert shows who it is about.
        wait_from = at - LET_RING_FIRST if is_likely_known else at
        until = None if is_stranger else self._wait(root, inside, wait_from)  # no face that comes later would calm it
        decision = replace(by_policy, alert=by_policy.alert and until is None, context=context, until=until)
        return self._in_incident(visit, decision, at, is_likely_known=is_likely_known)

    def _needed(self, mode: ActiveMode, house: Household, at: datetime, *, is_known_in: bool = False) -> float:
        """Return the log odds that calm; `is_known_in` says that somebody is in whatever the log says of a time."""
        known_in = is_known_in or any(whereabouts(self.log, one, at, self._entrances) == "in" for one in house.people)
        return math.log(calming_odds(self._settings.policy, mode, known_in=known_in))

    def _has_phone_come(self, root: Sighting, house: Household, at: datetime) -> bool:
        """Return whether somebody's phone came home with this body: the first to come home is in, and away is over."""
        came = [self.log.came_home(person) for person in house.people] if house.settings.presence else []
        return any(one is not None and root.first - PHONE_BEFORE <= one <= at for one in came)

    def _wait(self, root: Sighting, inside: Iterable[Suspect], at: datetime) -> datetime | None:
        """Return until when an alert waits: an entry delay runs from a body's first visit at an entrance on.

        The delay of another body that came in with it counts too: as long as it is unknown, nobody is calmed. Who comes
        later does not let the first one wait.
        """
        policy, timing = self._settings.policy, self._settings.timing
        roots = [root.visit, *(one.root for one in inside if one.root in self.log.sightings)]
        at_entrance = [[one.first for one in self.log.body(one) if one.place in self._entrances] for one in roots]
        came = [min(times) for times in at_entrance if times]
        if not came or not policy.delay_s:
            return None
        first = came[0] if at_entrance[0] else min(came)
        until = max(one for one in came if first <= one <= first + TOGETHER_IN_TIME)
        until += timedelta(seconds=max(policy.delay_s, timing.deadline_s))
        return until if until > at else None

    def _suspect(self, visit: OpenVisit, *, is_stranger: bool) -> None:
        root = self.log.root(visit.id)
        before = self.suspects.get(root.visit)
        self.suspects[root.visit] = Suspect(
            root.visit,
            root.first,
            from_outside=root.place in self._entrances,
            is_stranger=is_stranger or (before is not None and before.is_stranger),
        )

    def _explain(self, named: Sighting) -> None:
        """Drop the suspects whom a name explains: the same body, or a person who was not in before."""
        if not self.suspects:
            return
        body = {one.visit for one in self.log.body(named.visit)}
        for root in [root for root in self.suspects if root in body]:
            del self.suspects[root]
        if self.log.root(named.visit).place in self._entrances:
            return  # came in with a name: explains no other body
        for suspect in sorted(self.suspects.values(), key=lambda one: one.first):
            if explains(self.log, named, suspect, self._entrances):
                del self.suspects[suspect.root]
                return

    def _household(self, at: datetime, mode: ActiveMode = "home") -> Household:
        people = [person for person in self._gallery.people() if person.belongs(at)]
        return Household(
            frozenset(person.name for person in people),
            frozenset(person.name for person in people if person.group == "family"),
            self._entrances,
            self._settings.context,
            mode,
        )


def _stays_calm(visit: OpenVisit, at: datetime) -> float:
    """Return by how much the log odds of a visit may fall before it is not calm any more."""
    if not visit.is_calm:
        return 0.0
    return STAYS_CALM_LONG_LOG_ODDS if at - visit.first >= CALM_TIME else STAYS_CALM_LOG_ODDS


def _sighting(visit: OpenVisit) -> Sighting:
    return Sighting(
        visit.id,
        visit.place,
        visit.first,
        visit.last,
        visit.verdict,
        visit.who,
        visit.appearance,
        len(visit.looks),
        is_open=visit.ended is None,
        is_still=visit.is_still,
        face_log_odds=visit.face_log_odds,
        faces=visit.evidence.faces,
        likely=visit.likely,
        is_calm=visit.is_calm,
    )
