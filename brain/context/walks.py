"""Pure: which visits are one body that walks through the house."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from brain.context import numbers
from brain.context.sighting import Sighting
from brain.context.travel import TravelTimes
from brain.verdict.clothes import same_clothes_log_odds

__all__ = [
    "Continuation",
    "both",
    "clothes_log_odds",
    "link_log_odds",
    "link_sightings",
    "share_of",
    "way_back",
    "with_coats",
]

MAX_STILL_S = 3600 * numbers.STILL_HOURS


@dataclass(frozen=True, slots=True)
class Continuation:
    """The visit that another one continues."""

    before: UUID
    log_odds: float
    """The log odds that both show the same body."""


def link_sightings(
    later: Sequence[Sighting],
    earlier: Sequence[Sighting],
    travel: TravelTimes,
    *,
    links: Mapping[UUID, Continuation] = MappingProxyType({}),
    by_appearance: bool = True,
    background_s: float = numbers.BACKGROUND_S,
) -> dict[UUID, Continuation]:
    """Return which visit each of `later` continues; a visit that continues none is left out.

    A visit has one continuation at most: the likeliest pairs are linked first.

    Args:
        later: The visits whose beginnings are explained.
        earlier: All visits that they may continue, with those of `later`.
        travel: The walking times of the house.
        links: The continuations that are known already.
        by_appearance: Whether clothes count.
        background_s: Somebody else appears by chance once in this time.
    """
    pairs = [
        (log_odds - _of_the_name(before, after), log_odds, before.visit, after.visit)
        for after in later
        for before in earlier
        if (log_odds := _pair_log_odds(before, after, earlier, travel, (by_appearance, background_s)))
        >= numbers.MIN_LINK_LOG_ODDS
    ]
    found: dict[UUID, Continuation] = {}
    used = {link.before for link in links.values()}
    bodies = _bodies([*earlier, *later], links)
    for _, log_odds, before_id, after_id in sorted(pairs, key=lambda pair: -pair[0]):
        one, other = bodies[before_id], bodies[after_id]
        if after_id not in found and before_id not in used and _are_one_body(one, other):
            found[after_id] = Continuation(before_id, log_odds)
            used.add(before_id)
            whole = [*one, *other]
            bodies |= {each.visit: whole for each in whole}
    return found


def _pair_log_odds(
    before: Sighting, after: Sighting, seen: Sequence[Sighting], travel: TravelTimes, how: tuple[bool, float]
) -> float:
    log_odds = link_log_odds(before, after, travel, by_appearance=how[0], background_s=how[1])
    is_link = log_odds >= numbers.MIN_LINK_LOG_ODDS  # nothing else is asked about most pairs: it takes time
    return log_odds + _of_coming_back(before, after, seen, travel) if is_link else log_odds


def _of_coming_back(before: Sighting, after: Sighting, seen: Sequence[Sighting], travel: TravelTimes) -> float:
    """Return what it counts that whoever is at the door would have come in there a moment ago: a follower does so."""
    if before.place == after.place or not travel.is_entrance(after.place):
        return 0.0
    if before.who is not None and before.who == after.who:
        return 0.0
    came = (
        one
        for one in seen
        if one.place == after.place and 0 <= (after.first - one.first).total_seconds() < numbers.JUST_CAME_IN_S
    )
    has_come = any(link_log_odds(one, before, travel) >= numbers.MIN_LINK_LOG_ODDS for one in came)
    return numbers.GOES_BACK_LOG_ODDS if has_come else 0.0


def _of_the_name(before: Sighting, after: Sighting) -> float:
    """Return how much of the log odds of a link does not say that one visit follows the other, because it is a name's.

    Who goes to the door and comes back has one name before and after. The visit at the door lies between the two.
    """
    is_named = before.who is not None and before.who == after.who
    return numbers.SAME_NAME_LOG_ODDS - numbers.FOLLOWS_LOG_ODDS if is_named else 0.0


def _bodies(sightings: Iterable[Sighting], links: Mapping[UUID, Continuation]) -> dict[UUID, list[Sighting]]:
    """Return the visits of the same body for each visit, by the continuations that are known."""
    bodies = {one.visit: [one] for one in sightings}
    for after, link in links.items():
        if after in bodies and link.before in bodies and bodies[after] is not bodies[link.before]:
            whole = [*bodies[link.before], *bodies[after]]
            bodies |= {each.visit: whole for each in whole}
    return bodies


def _are_one_body(one: Sequence[Sighting], other: Sequence[Sighting]) -> bool:
    """Return whether no two names, and no name and a stranger, would become one body."""
    names = {each.who for each in (*one, *other) if each.who}
    has_stranger = any(each.verdict == "stranger" and not each.who for each in (*one, *other))
    return len(names) + has_stranger <= 1


def link_log_odds(
    before: Sighting,
    after: Sighting,
    travel: TravelTimes,
    *,
    by_appearance: bool = True,
    background_s: float = numbers.BACKGROUND_S,
) -> float:
    """Return the log odds that the second visit is the same body as the first, a moment later."""
    if before.visit == after.visit or before.first >= after.first or not _may_be_one(before, after):
        return -math.inf
    gap_s = (after.first - before.last).total_seconds()
    way = travel.log_odds(before.place, after.place, gap_s, background_s=background_s)
    if before.is_still and before.place == after.place and 0 <= gap_s <= MAX_STILL_S:
        way = max(way, numbers.STILL_LOG_ODDS)
    if before.who is not None and before.who == after.who:
        return way + numbers.SAME_NAME_LOG_ODDS
    if not by_appearance:
        return way
    clothes = clothes_log_odds(before, after)
    has_coats = travel.is_entrance(before.place) or travel.is_entrance(after.place)
    return way + (with_coats(clothes) if has_coats else clothes)


def clothes_log_odds(one: Sighting, other: Sighting, *, max_hours: float = math.inf) -> float:
    """Return the log odds of the clothes for one person; 0 if they were not seen.

    Args:
        one: A visit.
        other: A later visit.
        max_hours: The time in which they may have changed clothes, if it is shorter than the time between the visits.
    """
    if one.appearance is None or other.appearance is None:
        return 0.0
    hours = min(abs((other.first - one.last).total_seconds()) / 3600, max_hours)
    looks = min(one.looks, other.looks)
    return same_clothes_log_odds(one.appearance, other.appearance, hours=hours, looks=looks)


def with_coats(log_odds: float) -> float:
    """Return the log odds of clothes if a coat may have been put on or off in between."""
    return math.log((1 - numbers.COAT_SHARE) * math.exp(log_odds) + numbers.COAT_SHARE)


def _may_be_one(before: Sighting, after: Sighting) -> bool:
    names = {before.who, after.who} - {None}
    is_stranger = "stranger" in (before.verdict, after.verdict)
    return len(names) < 2 and not (is_stranger and names)  # noqa: PLR2004 - two names are two people


def way_back(visit: UUID, links: Mapping[UUID, Continuation]) -> list[tuple[UUID, float]]:
    """Return the visits that lead to this one, the newest first, each with the log odds that it is the same body."""
    way, log_odds = [], math.inf
    while visit in links:
        link = links[visit]
        log_odds = both(log_odds, link.log_odds)
        visit = link.before
        way.append((visit, log_odds))
    return way


def both(one: float, other: float) -> float:
    """Return the log odds that two independent things are both true."""
    share = share_of(one) * share_of(other)
    return math.inf if share >= 1 else math.log(share / (1 - share)) if share > 0 else -math.inf


def share_of(log_odds: float) -> float:
    """Return the probability of log odds, 0 to 1."""
    return 1 / (1 + math.exp(-log_odds)) if log_odds > -500 else 0.0  # noqa: PLR2004 - exp overflows at 709
