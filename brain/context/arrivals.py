"""Pure: how likely is somebody at an entrance, whose face did not decide, a person of the house who comes or goes?"""

import math
from collections.abc import Collection
from datetime import datetime, timedelta

import numpy as np

from brain.context import numbers
from brain.context.house_log import HouseLog
from brain.context.occupancy import whereabouts
from brain.context.sighting import Sighting
from brain.context.terms import PROBABLY_LOG_ODDS, Household, Term, likeness, places_of_people
from brain.context.walks import clothes_log_odds, with_coats

__all__ = ["arrival_terms"]

SAME_ARRIVAL_TIME = timedelta(seconds=numbers.SAME_ARRIVAL_S)
JUST_CAME_IN_TIME = timedelta(seconds=numbers.JUST_CAME_IN_S)
LEAVING_TIME = timedelta(seconds=numbers.LEAVING_TOGETHER_S)


def arrival_terms(
    visit: Sighting, root: Sighting, log: HouseLog, house: Household, at: datetime
) -> tuple[list[Term], str | None]:
    """Return the terms of somebody who was first seen at an entrance, and who it probably is.

    Args:
        visit: The visit that is judged.
        root: The visit at the entrance.
        log: The log of the house.
        house: Who lives there, and where its entrances are.
        at: The current time.
    """
    arrived = _phones(root, log, house, at) if house.settings.presence else []
    terms, who = _who_may_come(visit, root, log, house, at, arrived)
    if arrived:
        terms.append(Term(numbers.PHONE_LOG_ODDS, f"the phone of {' and '.join(arrived)} has come home"))
        who = arrived[0] if len(arrived) == 1 else None
    elif named := _named_inside(root, log, house, at):
        who, clothes = named
        terms.append(Term(numbers.NAMED_INSIDE_LOG_ODDS + clothes, f"{who} was out before, and was named inside since"))
    return terms, who


def _who_may_come(
    visit: Sighting, root: Sighting, log: HouseLog, house: Household, at: datetime, arrived: Collection[str]
) -> tuple[list[Term], str | None]:
    """Return how likely somebody who is out comes in, or somebody who is in goes out, and who that is.

    Whose phone has just `arrived` was out, though the phone may have come home first.
    """
    places = places_of_people(log, house, root.first) | dict.fromkeys(arrived, "out")
    inside = sum(place == "in" for place in places.values())
    goes_out = numbers.GOING_OUT_ODDS * _going_out_factor(root, log, house, at)
    company = _company(root, log, house) if house.settings.company else None
    goes_out *= numbers.LEAVING_TOGETHER_ODDS if company or _somebody_left(root, log, house) else 1.0
    from_inside = _perhaps_from_inside(root, log, house)
    # An hour explains one arrival, as a phone does.
    by_hours = house.settings.hours and not _arrivals_before(root, log, house, root.first - SAME_ARRIVAL_TIME)
    odds: dict[str, float] = {}
    dressed = log.dressed(visit)
    for person, place in places.items():
        max_hours = math.inf if place == "in" else numbers.MAX_OUT_HOURS
        like = likeness(dressed, log, person, max_hours) if house.settings.appearance else 0.0
        if visit.place in house.entrances:
            like = with_coats(like)
        if place == "in":
            odds[person] = goes_out / inside * (math.exp(like) + from_inside)
        else:
            is_family = person in house.family
            rate = numbers.ARRIVAL_ODDS if is_family else numbers.GUEST_ARRIVAL_ODDS
            hours = log.hours.odds(person, root.first) if by_hours else 1.0
            rate *= max(hours, numbers.COMPANY_ODDS) if company and is_family else hours
            rate *= _no_phone_share(at - root.first) if _lacks_phone(person, log, house) else 1.0
            odds[person] = rate * math.exp(min(like, numbers.MAX_ARRIVAL_CLOTHES_LOG_ODDS))
    total = sum(odds.values())
    if not total:
        return [Term(-math.inf, "nobody is known")], None
    best = max(odds, key=odds.__getitem__)
    is_clear = odds[best] >= math.exp(PROBABLY_LOG_ODDS) * (total - odds[best])
    how = "goes out" if places[best] == "in" else "comes home"
    by_clothes = ", by the clothes" if house.settings.appearance and likeness(visit, log, best) > 0 else ""
    reason = f"{best} {how}{by_clothes}" if is_clear else "somebody of the house comes or goes"
    reason += f", with {company}" if company else ""
    return [Term(math.log(total), reason)], best if is_clear else None


def _going_out_factor(root: Sighting, log: HouseLog, house: Household, at: datetime) -> float:
    """Return how much likelier it goes out than that it comes in, by where this body was seen since."""
    body = log.body(root.visit)
    if any(one.place not in house.entrances for one in body):
        return numbers.WENT_IN_SHARE
    last = max(body, key=lambda one: one.last)
    is_gone = not last.is_open and at - last.last >= timedelta(seconds=numbers.LEFT_AGAIN_S)
    return numbers.LEFT_AGAIN_ODDS if is_gone else 1.0


def _perhaps_from_inside(root: Sighting, log: HouseLog, house: Household) -> float:
    """Return the odds that this body was seen inside a moment before; 0 if nobody was who may go out now."""
    perhaps = log.perhaps_before(root.visit)
    if perhaps is None or perhaps[0].place in house.entrances:
        return 0.0
    before, log_odds = perhaps
    came = log.root(before.visit)
    has_just_come = came.place in house.entrances and root.first - came.first < JUST_CAME_IN_TIME
    return 0.0 if has_just_come else math.exp(log_odds)


def _somebody_left(root: Sighting, log: HouseLog, house: Household) -> bool:
    """Return whether somebody with a name, of another body, was seen last at an entrance, a moment before this one."""
    own, since = {one.visit for one in log.body(root.visit)}, root.first - LEAVING_TIME
    newest = [max(log.of(person), key=lambda one: one.last, default=root) for person in house.people]
    return any(
        one.place in house.entrances and one.visit not in own and since <= one.last and one.first <= root.first
        for one in newest
    )


def _no_phone_share(since: timedelta) -> float:
    """Return how often a phone has not told by now that its owner came home this long ago."""
    times, shares = zip(*numbers.NO_PHONE_SHARES, strict=True)
    return float(np.interp(since.total_seconds(), times, shares))


def _lacks_phone(person: str, log: HouseLog, house: Household) -> bool:
    """Return whether the phone of somebody who is out tells when they come home, and has not told it."""
    reports = log.phones.get(person, []) if house.settings.presence else []
    return bool(reports) and not reports[-1].is_home


def _phones(root: Sighting, log: HouseLog, house: Household, at: datetime) -> list[str]:
    """Return whose phones came home about when this body did, and whose owners were not seen to come in otherwise."""
    before = timedelta(seconds=numbers.PHONE_BEFORE_S)
    begin = root.first - before
    own = {one.visit for one in log.body(root.visit)}
    arrived = []
    for person in sorted(house.people):
        home_at = log.came_home(person)
        if home_at is None or not begin <= home_at <= at:
            continue
        is_in = whereabouts(log, person, root.first, house.entrances, by_phone=False) == "in"
        if is_in and not log.was_away(person):
            continue
        came = [one for one in log.of(person) if one.first >= begin]
        if all(one.visit in own or log.root(one.visit).place not in house.entrances for one in came):
            arrived.append(person)
    since = min((log.phones[person][-1].at for person in arrived), default=root.first) - before
    return arrived[_arrivals_before(root, log, house, min(since, begin)) :]


def _named_inside(root: Sighting, log: HouseLog, house: Household, at: datetime) -> tuple[str, float] | None:
    """Return who was out when this body came in, and was named inside since without being seen to come in.

    The second value is the log odds of the clothes if they are against it, else 0.
    """
    until = min(at, root.first + timedelta(seconds=numbers.NAMED_INSIDE_S))
    found = []
    for person in sorted(house.people):
        if whereabouts(log, person, root.first, house.entrances, by_phone=house.settings.presence) == "in":
            continue
        named = [one for one in log.of(person) if root.first < one.first <= until]
        if named and all(log.root(one.visit).place not in house.entrances for one in named):
            clothes = max(clothes_log_odds(root, one) for one in named) if house.settings.appearance else 0.0
            found.append((person, min(with_coats(clothes), 0.0)))
    before = _arrivals_before(root, log, house, root.first - timedelta(seconds=numbers.NAMED_INSIDE_S))
    return found[before] if before < len(found) else None


def _arrivals_before(root: Sighting, log: HouseLog, house: Household, begin: datetime) -> int:
    """Return how many other bodies without a name came in shortly before: a phone explains one body."""
    return sum(
        one.place in house.entrances
        and begin <= one.first < root.first
        and one.visit not in log.links
        and not any(each.who for each in log.body(one.visit))
        for one in log.sightings.values()
    )


def _company(root: Sighting, log: HouseLog, house: Household) -> str | None:
    near = timedelta(seconds=numbers.COMPANY_S)
    for one in log.sightings.values():
        if (
            one.who in house.people
            and one.place in house.entrances
            and one.visit != root.visit
            and abs(one.first - root.first) <= near
        ):
            return one.who
    return None
