"""Pure: the terms of the context, and what they all ask of the house."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from brain.context import numbers
from brain.context.house_log import HouseLog
from brain.context.occupancy import Whereabouts, whereabouts
from brain.context.sighting import Sighting
from brain.context.walks import clothes_log_odds, share_of
from brain.settings.context import ContextSettings
from brain.verdict.policy import ActiveMode

__all__ = [
    "PROBABLY_LOG_ODDS",
    "ContextOdds",
    "Household",
    "Term",
    "face_terms",
    "likeness",
    "passed_on",
    "places_of_people",
    "sum_terms",
]

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
    mode: ActiveMode = "home"
    """The mode that applies to who is judged."""


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


def places_of_people(log: HouseLog, house: Household, at: datetime) -> dict[str, Whereabouts]:
    """Return where everybody we know is, as far as is known."""
    by_phone = house.settings.presence
    return {person: whereabouts(log, person, at, house.entrances, by_phone=by_phone) for person in house.people}


def likeness(visit: Sighting, log: HouseLog, person: str, max_hours: float = math.inf) -> float:
    """Return the best agreement with what a person wore when they were named in the last hours; 0 if not seen."""
    looks = [one for one in log.of(person) if one.appearance and one.visit != visit.visit]
    newest = [log.dressed(one) for one in sorted(looks, key=lambda one: one.last)[-MAX_LOOKS_OF_A_PERSON:]]
    return max((clothes_log_odds(one, visit, max_hours=max_hours) for one in newest), default=0.0)


def face_terms(visit: Sighting, log: HouseLog, house: Household) -> list[Term]:
    """Return the term of the faces that did not decide, -3.0 to 6.0; no term if there was no face.

    A face that the same body showed in another room counts as far as it is the same body.
    """
    is_night, others = house.mode == "night", log.others_of_body(visit.visit)
    faces = [(_of_faces(visit, is_night=is_night), visit.likely)]
    faces += [(passed_on(_of_faces(one, is_night=is_night), log_odds), one.likely) for one, log_odds in others]
    # One person's faces are unlike their photos in every room: what is against them counts once.
    total = sum(max(log_odds, 0.0) for log_odds, _ in faces) + min(0.0, *(log_odds for log_odds, _ in faces))
    bounded = min(total, numbers.MAX_FACE_LOG_ODDS)
    likely = max(faces, key=lambda face: face[0])[1]
    return [Term(bounded, f"the face looks like {likely}" if bounded > 0 else "the face")] if bounded else []


def _of_faces(visit: Sighting, *, is_night: bool) -> float:
    """Return what the faces of one visit count, as log odds for somebody of the house."""
    is_few = visit.faces <= numbers.FEW_FACES
    most_against = numbers.MAX_FACE_AGAINST_LOG_ODDS if is_few else numbers.MAX_FACES_AGAINST_LOG_ODDS
    is_infrared = visit.appearance is not None and visit.appearance.chroma < numbers.INFRARED_CHROMA
    if is_infrared or is_night:
        most_against = numbers.MAX_DARK_FACE_AGAINST_LOG_ODDS
    return max(-most_against, min(visit.face_log_odds, numbers.MAX_FACE_LOG_ODDS))


def passed_on(log_odds: float, same_body: float) -> float:
    """Return what evidence of another visit counts for this one if it is the same body at these log odds."""
    share = share_of(same_body)
    return math.log(share * math.exp(log_odds) + 1 - share)


def sum_terms(terms: Sequence[Term], who: str | None) -> ContextOdds:
    """Return the sum of the terms. The reasons are those of 1.6:1 and more, the strongest first."""
    told = sorted((term for term in terms if abs(term.log_odds) >= 0.5), key=lambda term: -abs(term.log_odds))  # noqa: PLR2004 - 1.6:1
    return ContextOdds(sum(term.log_odds for term in terms), who, tuple(term.reason for term in told))
