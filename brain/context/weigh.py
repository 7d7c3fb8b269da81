"""Pure: how likely is somebody whose face did not decide a person of the house? A sum of log odds with reasons."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from brain.context import numbers
from brain.context.house_log import HouseLog
from brain.context.occupancy import Suspect, Whereabouts, whereabouts
from brain.context.sighting import Sighting
from brain.context.walks import clothes_log_odds, with_coats
from brain.settings.context import ContextSettings

__all__ = ["ContextOdds", "Household", "Term", "weigh"]

# A person is named as probable if they are this many times likelier than the others together: 4:1.
PROBABLY_LOG_ODDS = math.log(4)
MAX_LOOKS_OF_A_PERSON = 4


@dataclass(frozen=True, slots=True)
class Household:
    """The house as the settings and the gallery say."""

    people: frozenset[str]
    """Everybody we know whose pass has not ended."""
    family: frozenset[str]
    entrances: frozenset[str]
    settings: ContextSettings


@dataclass(frozen=True, slots=True)
class Term:
    """One piece of context."""

    log_odds: float
    reason: str


@dataclass(frozen=True, slots=True)
class ContextOdds:
    """What the context says of a visit."""

    log_odds: float = 0.0
    """The log odds that it is somebody of the house; minus infinity if context may not calm."""
    who: str | None = None
    """The person it probably is; None for anybody of the house."""
    reasons: tuple[str, ...] = ()


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
        return _arrived(visit, root, log, house, at)
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
    terms += _faces(visit)
    return _sum(terms, before.who)


def _arrived(visit: Sighting, root: Sighting, log: HouseLog, house: Household, at: datetime) -> ContextOdds:
    """Return the context of somebody who came to an entrance, and was not seen on the way there."""
    by_phone = house.settings.presence
    terms, who = _who_may_come(visit, root, log, house, at)
    if by_phone and (arrived := _phones(root, log, house, at)):
        terms.append(Term(numbers.PHONE_LOG_ODDS, f"the phone of {' and '.join(arrived)} has come home"))
        who = arrived[0] if len(arrived) == 1 else None
    if house.settings.company and (company := _company(root, log, house)):
        terms.append(Term(numbers.COMPANY_LOG_ODDS, f"came in with {company}"))
    terms += _faces(visit)
    return _sum(terms, who)


def _who_may_come(
    visit: Sighting, root: Sighting, log: HouseLog, house: Household, at: datetime
) -> tuple[list[Term], str | None]:
    """Return how likely somebody who is out comes in, or somebody who is in goes out, and who that is."""
    places = _places(log, house, root.first)
    inside = sum(place == "in" for place in places.values())
    has_left = numbers.LEFT_AGAIN_ODDS if _has_left_again(root, log, house, at) else 1.0
    odds: dict[str, float] = {}
    for person, place in places.items():
        max_hours = math.inf if place == "in" else numbers.MAX_OUT_HOURS
        like = _like(visit, log, person, max_hours) if house.settings.appearance else 0.0
        if visit.place in house.entrances:
            like = with_coats(like)
        if place == "in":
            odds[person] = numbers.GOING_OUT_ODDS / inside * math.exp(like) * has_left
        else:
            rate = numbers.ARRIVAL_ODDS if person in house.family else numbers.GUEST_ARRIVAL_ODDS
            phone = numbers.NO_PHONE_SHARE if _lacks_phone(person, log, house) else 1.0
            odds[person] = rate * phone * math.exp(min(like, numbers.MAX_ARRIVAL_CLOTHES_LOG_ODDS))
    total = sum(odds.values())
    if not total:
        return [Term(-math.inf, "nobody is known")], None
    best = max(odds, key=odds.__getitem__)
    is_clear = odds[best] >= math.exp(PROBABLY_LOG_ODDS) * (total - odds[best])
    how = "goes out" if places[best] == "in" else "comes home"
    by_clothes = ", by the clothes" if house.settings.appearance and _like(visit, log, best) > 0 else ""
    reason = f"{best} {how}{by_clothes}" if is_clear else "somebody of the house comes or goes"
    return [Term(math.log(total), reason)], best if is_clear else None


def _has_left_again(root: Sighting, log: HouseLog, house: Household, at: datetime) -> bool:
    """Return whether this body was seen at the entrance only, and nobody went in from there since."""
    body = log.body(root.visit)
    last = max(body, key=lambda one: one.last)
    is_gone = not last.is_open and at - last.last >= timedelta(seconds=numbers.LEFT_AGAIN_S)
    return is_gone and all(one.place in house.entrances for one in body)


def _lacks_phone(person: str, log: HouseLog, house: Household) -> bool:
    """Return whether the phone of somebody who is out tells when they come home, and has not told it."""
    reports = log.phones.get(person, []) if house.settings.presence else []
    return bool(reports) and not reports[-1].is_home


def _inside(visit: Sighting, root: Sighting, log: HouseLog, house: Household) -> ContextOdds:
    """Return the context of somebody who was first seen inside."""
    base = _who_is_in(log, house, root.first)
    terms = list(base)
    if base:
        terms.append(Term(log.travel.nowhere_log_odds(root.place), f"was not seen on the way to {root.place}"))
    like = None
    if house.settings.appearance:
        maybe_in = _weights(log, house, root.first)
        clothes, like = _clothes(visit, log, maybe_in)
        terms.append(Term(clothes, _dressed(clothes, like)))
    terms += _faces(visit)
    return _sum(terms, like)


def _who_is_in(log: HouseLog, house: Household, at: datetime) -> list[Term]:
    if not house.settings.who_is_in or not house.entrances:
        return []
    places = _places(log, house, at)
    if all(place == "out" for place in places.values()):
        return [Term(-math.inf, "nobody who belongs here is in")]
    if "in" not in places.values():
        return []  # after a start: who is in is not known
    return [Term(numbers.NOBODY_UNKNOWN_LOG_ODDS, "nobody unknown has come in")]


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
        if whereabouts(log, person, root.first, house.entrances, by_phone=False) == "in":
            continue
        came = [one for one in log.of(person) if one.first >= begin]
        if all(one.visit in own for one in came):
            arrived.append(person)
    since = min((log.phones[person][-1].at for person in arrived), default=root.first) - before
    return arrived[_arrivals_before(root, log, house, min(since, begin)) :]


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


def _places(log: HouseLog, house: Household, at: datetime) -> dict[str, Whereabouts]:
    """Return where everybody we know is, as far as is known."""
    by_phone = house.settings.presence
    return {person: whereabouts(log, person, at, house.entrances, by_phone=by_phone) for person in house.people}


def _weights(log: HouseLog, house: Household, at: datetime) -> dict[str, float]:
    """Return how likely each person is inside, up to a common factor; those who are out are left out."""
    places = _places(log, house, at)
    return {
        person: 1.0
        if place == "in"
        else numbers.UNSEEN_WEIGHT
        if person in house.family
        else numbers.UNSEEN_GUEST_WEIGHT
        for person, place in places.items()
        if place != "out"
    }


def _clothes(visit: Sighting, log: HouseLog, people: Mapping[str, float]) -> tuple[float, str | None]:
    """Return the log odds of the clothes for these people, by their weights, and whom they fit best."""
    if visit.appearance is None or not people:
        return 0.0, None
    odds = {person: _like(visit, log, person) + math.log(weight) for person, weight in people.items()}
    total = math.log(sum(math.exp(one) for one in odds.values()) / sum(people.values()))
    best = max(odds, key=odds.__getitem__)
    rest = [one for person, one in odds.items() if person != best]
    is_clear = not rest or odds[best] - math.log(sum(math.exp(one) for one in rest)) >= PROBABLY_LOG_ODDS
    return total, best if is_clear and odds[best] > 0 else None


def _like(visit: Sighting, log: HouseLog, person: str, max_hours: float = math.inf) -> float:
    """Return the best agreement with what a person wore when they were named in the last hours; 0 if not seen."""
    looks = [one for one in log.of(person) if one.appearance and one.visit != visit.visit]
    newest = sorted(looks, key=lambda one: one.last)[-MAX_LOOKS_OF_A_PERSON:]
    return max((clothes_log_odds(one, visit, max_hours=max_hours) for one in newest), default=0.0)


def _dressed(log_odds: float, like: str | None) -> str:
    whom = like or "somebody of the house"
    return f"dressed like {whom}" if log_odds > 0 else "dressed like nobody of the house"


def _faces(visit: Sighting) -> list[Term]:
    bounded = max(-numbers.MAX_FACE_AGAINST_LOG_ODDS, min(visit.face_log_odds, numbers.MAX_FACE_LOG_ODDS))
    return [Term(bounded, f"the face looks like {visit.likely}" if bounded > 0 else "the face")] if bounded else []


def _sum(terms: Sequence[Term], who: str | None) -> ContextOdds:
    told = sorted((term for term in terms if abs(term.log_odds) >= 0.5), key=lambda term: -abs(term.log_odds))  # noqa: PLR2004
    return ContextOdds(sum(term.log_odds for term in terms), who, tuple(term.reason for term in told))
