"""Pure: how likely is somebody whose face did not decide a person of the house? A sum of log odds with reasons."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from brain.context import numbers
from brain.context.arrivals import arrival_terms
from brain.context.house_log import LONG_AGO, HouseLog
from brain.context.occupancy import STALE_TIME, Suspect
from brain.context.sighting import Sighting
from brain.context.terms import (
    PROBABLY_LOG_ODDS,
    ContextOdds,
    Household,
    Term,
    face_terms,
    likeness,
    passed_on,
    places_of_people,
    sum_terms,
)
from brain.context.walks import clothes_log_odds

__all__ = ["weigh"]


def weigh(visit: Sighting, log: HouseLog, house: Household, suspects: Sequence[Suspect], at: datetime) -> ContextOdds:
    """Return what the context says of a visit whose faces did not decide.

    Args:
        visit: The visit; it is in the log.
        log: The log of the house.
        house: Who lives there, and where its entrances are.
        suspects: The bodies inside that nothing explains.
        at: The current time.
    """
    way = log.way(visit.visit)
    root = way[-1][0] if way else visit
    body = log.body(visit.visit)
    if any(one.verdict == "stranger" and not one.who for one in body):
        return ContextOdds(-math.inf, None, ("the same body as a stranger",))
    others = [one for one in suspects if one.root != root.visit]
    if others:
        return ContextOdds(-math.inf, None, (_since(others),))
    named = _nearest_name(visit, way, body)
    if named:
        return _continued(visit, named, log, house)
    if root.place in house.entrances:
        terms, who = arrival_terms(visit, root, log, house, at)
        return sum_terms([*terms, *face_terms(visit, log, house)], who)
    return _inside(visit, root, log, house)


def _since(others: Sequence[Suspect]) -> str:
    first = min(one.first for one in others)
    return f"somebody unknown is in the house since {first.astimezone():%H:%M}"


def _nearest_name(
    visit: Sighting, way: Sequence[tuple[Sighting, float]], body: Sequence[Sighting]
) -> tuple[Sighting, float] | None:
    """Return the visit of the same body that has a name, and the log odds that it is the same body."""
    for before, log_odds in way:
        if before.who:
            return before, log_odds
    after = min((one for one in body if one.who and one.first > visit.first), key=lambda one: one.first, default=None)
    return (after, numbers.MAX_CONTINUITY_LOG_ODDS) if after else None


def _continued(visit: Sighting, named: tuple[Sighting, float], log: HouseLog, house: Household) -> ContextOdds:
    """Return the context of somebody who was named a moment ago, here or in the next room."""
    before, log_odds = named
    ago = abs((visit.first - before.last).total_seconds())
    when = f"{ago:.0f} s {'before' if before.first < visit.first else 'after'}"
    terms = [Term(min(log_odds, numbers.MAX_CONTINUITY_LOG_ODDS), f"{before.who} was at {before.place} {when}")]
    if house.settings.appearance and (same := clothes_log_odds(before, visit)) > 0:
        terms.append(Term(same, "the same clothes"))
    terms += _who_is_in(log, house, max(visit.first, before.last))
    terms += face_terms(visit, log, house)
    return sum_terms(terms, before.who)


def _inside(visit: Sighting, root: Sighting, log: HouseLog, house: Household) -> ContextOdds:
    """Return the context of somebody who was first seen inside."""
    base = _who_is_in(log, house, root.first)
    terms = list(base)
    like, clothes = None, 0.0
    if house.settings.appearance:
        maybe_in = _weights(log, house, root.first)
        worn, log_odds = _without_coat(visit, log, house)
        clothes, like = _clothes(worn, log, maybe_in)
        clothes = passed_on(clothes, log_odds)
        terms.append(Term(clothes, _dressed(clothes, like)))
    if base:
        terms.append(_way_in(root, clothes, log))
    terms += face_terms(visit, log, house)
    return sum_terms(terms, like)


def _way_in(root: Sighting, clothes: float, log: HouseLog) -> Term:
    """Return the term of how somebody came to the place where they were first seen.

    Either nobody saw them on the way, and their clothes, counted elsewhere, are all there is. Or they are the one who
    was seen elsewhere a moment before, and those clothes count instead.
    """
    share = log.travel.nowhere_share(root.place)
    unseen = share / numbers.NOWHERE_INTRUDER_SHARE
    perhaps = log.perhaps_before(root.visit)
    if perhaps is None:
        return Term(math.log(unseen), f"was not seen on the way to {root.place}")
    before, log_odds = perhaps
    seen = (1 - share) * math.exp(log_odds - clothes)
    whom = before.who or "somebody"
    reason = (
        f"perhaps {whom}, at {before.place} before" if seen > unseen else f"was not seen on the way to {root.place}"
    )
    return Term(math.log(unseen + seen), reason)


def _who_is_in(log: HouseLog, house: Household, at: datetime) -> list[Term]:
    if not house.settings.who_is_in or not house.entrances:
        return []
    places = places_of_people(log, house, at)
    if "in" not in places.values() and not _has_come_home(log, house, at):
        if all(place == "out" for place in places.values()):
            return [Term(-math.inf, "nobody who belongs here is in")]
        return []  # after a start: who is in is not known
    is_closed = house.mode in ("night", "away")
    log_odds = numbers.CLOSED_NOBODY_UNKNOWN_LOG_ODDS if is_closed else numbers.NOBODY_UNKNOWN_LOG_ODDS
    return [Term(log_odds, "nobody unknown has come in")]


def _has_come_home(log: HouseLog, house: Household, at: datetime) -> bool:
    """Return whether somebody came in without a name, probably of the house, and stayed, after all others had left."""
    alone_since = max((one.last for person in house.people for one in log.of(person)), default=LONG_AGO)
    bodies = (
        log.body(one.visit)
        for one in log.sightings.values()
        if one.is_calm and alone_since < one.first < at and at - one.last <= STALE_TIME
    )
    return any(
        min(body, key=lambda one: one.first).place in house.entrances
        and max(body, key=lambda one: one.last).place not in house.entrances
        for body in bodies
    )


def _weights(log: HouseLog, house: Household, at: datetime) -> dict[str, float]:
    """Return how likely each person is inside, up to a common factor; those who are out are left out."""
    places = places_of_people(log, house, at)
    return {
        person: 1.0
        if place == "in"
        else numbers.UNSEEN_WEIGHT
        if person in house.family
        else numbers.UNSEEN_GUEST_WEIGHT
        for person, place in places.items()
        if place != "out"
    }


def _without_coat(visit: Sighting, log: HouseLog, house: Household) -> tuple[Sighting, float]:
    """Return the visit that shows what somebody wears, and the log odds that it is the same body.

    At an entrance coats are put on: the visit before shows it better.
    """
    if visit.place not in house.entrances:
        return visit, math.inf
    inside = ((one, log_odds) for one, log_odds in log.way(visit.visit) if one.place not in house.entrances)
    return next(inside, (visit, math.inf))


def _clothes(visit: Sighting, log: HouseLog, people: Mapping[str, float]) -> tuple[float, str | None]:
    """Return the log odds of the clothes for these people, by their weights, and whom they fit best."""
    if visit.appearance is None or not people:
        return 0.0, None
    dressed = log.dressed(visit)
    odds = {person: likeness(dressed, log, person) + math.log(weight) for person, weight in people.items()}
    total = math.log(sum(math.exp(one) for one in odds.values()) / sum(people.values()))
    best = max(odds, key=odds.__getitem__)
    rest = [one for person, one in odds.items() if person != best]
    is_clear = not rest or odds[best] - math.log(sum(math.exp(one) for one in rest)) >= PROBABLY_LOG_ODDS
    return total, best if is_clear and odds[best] > 0 else None


def _dressed(log_odds: float, like: str | None) -> str:
    whom = like or "somebody of the house"
    return f"dressed like {whom}" if log_odds > 0 else "dressed like nobody of the house"
