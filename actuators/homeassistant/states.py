"""What Home Assistant is told: states that stay, and happenings that pass; pure."""

import json
from collections.abc import Iterator
from typing import Any

from actuators.homeassistant.home import UNKNOWN_VERDICTS, Home, VisitState
from actuators.homeassistant.names import house_topic, person_topic, picture_topic, place_topic
from nerves import topics
from nerves.messages import Acknowledged, Detections, Fact, Trouble, Visit, stamp
from nerves.services import RawMessage

__all__ = [
    "ALERTS",
    "OPTION_GUEST_TODAY",
    "OPTION_NOT_A_PERSON",
    "OPTION_NOT_SAID",
    "SIGHTINGS",
    "events_of",
    "picture_messages",
    "picture_topics",
    "states",
    "to_json",
]

SIGHTINGS = ("family", "guest", "stranger", "unidentified", "animal", "cleared", "trouble", "recovered")
ALERTS = ("stranger", "unidentified", "family", "guest", "trouble", "recovered", "acknowledged", "test")
OPTION_NOT_SAID, OPTION_GUEST_TODAY, OPTION_NOT_A_PERSON = "Not said yet", "A guest today", "Not a person"
PERSON = "person"
# Home Assistant keeps no attributes over 16 KB, and shows no more reasons than this.
MAX_REASONS = 5


def to_json(value: Any) -> bytes:  # noqa: ANN401 - whatever JSON can say
    """Return JSON, the same for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode()


def states(home: Home) -> dict[str, bytes]:
    """Return every state that stays, by topic."""
    told = {house_topic("state"): _house(home)}
    told |= {place_topic(place): _place(home, place) for place in home.places}
    told |= {person_topic(name): _person(home, name) for name in home.people}
    return {topic: to_json(state) for topic, state in told.items()}


def picture_topics(home: Home, *, keep: bool) -> list[str]:
    """Return the topics of all pictures."""
    places = [picture_topic(place, what, keep=keep) for place in home.places for what in ("visit", "stranger")]
    return [picture_topic(None, "unknown", keep=keep), *places]


def picture_messages(message: Fact, home: Home, *, keep: bool) -> Iterator[RawMessage]:
    """Yield the pictures that a message brings."""
    if not isinstance(message, Visit) or not message.picture or message.place not in home.places:
        return
    last = home.places[message.place].last
    if not home.is_late(message) or (last and last.visit == message.visit):
        yield RawMessage(picture_topic(message.place, "visit", keep=keep), message.picture)
    if message.verdict == "stranger" and not (home.is_late(message) and _came_later(message, home)):
        yield RawMessage(picture_topic(message.place, "stranger", keep=keep), message.picture)
    if home.unknown and home.unknown.visit == message.visit and message.verdict in UNKNOWN_VERDICTS:
        yield RawMessage(picture_topic(None, "unknown", keep=keep), message.picture)


def _came_later(visit: Visit, home: Home) -> bool:
    """Whether another stranger came to the place after this one."""
    known = [each for each in (*home.visits.values(), *home.ended.values()) if each and each.verdict == "stranger"]
    return any(each.place == visit.place and each.since > visit.since for each in known)


def events_of(message: Fact, before: Home, after: Home) -> Iterator[RawMessage]:
    """Yield the events of a message, which has made `after` of `before`."""
    if isinstance(message, Visit):
        yield from _visited(message, before, after)
    elif isinstance(message, Detections):
        yield from _animals(message)
    elif isinstance(message, Trouble) and after is not before:
        kind = "recovered" if message.what == "recovered" else "trouble"
        fields = {"what": message.what, "detail": message.detail, "at": stamp(message.at)}
        yield _sighting(message.place, kind, fields)
        yield _alert(kind, {"place": message.place, **fields})
    elif isinstance(message, Acknowledged) and after is not before:
        told = {"visit": str(message.visit), "place": message.place, "by": message.by or "", "at": stamp(message.at)}
        yield _alert("acknowledged", told)


def _visited(visit: Visit, before: Home, after: Home) -> Iterator[RawMessage]:
    if visit.place == topics.TEST:
        yield _alert("test", _facts(visit))
    elif after is not before:
        old = before.find_visit(visit.visit)
        if visit.verdict != "identifying" and _is_news(old, visit):
            yield _sighting(visit.place, visit.verdict, _facts(visit))
            if visit.alert or (old and old.alerted):
                yield _alert(visit.verdict, _facts(visit))
        if before.visits_at(visit.place) and not after.visits_at(visit.place):
            yield _sighting(visit.place, "cleared", {"visit": str(visit.visit), "at": stamp(visit.at)})


def _is_news(old: VisitState | None, visit: Visit) -> bool:
    if old is None:
        return True
    return (old.verdict, old.who) != (visit.verdict, visit.who) or (visit.alert and not old.alerted)


def _animals(seen: Detections) -> Iterator[RawMessage]:
    for label in sorted({thing.label for thing in seen.detections if thing.label != PERSON}):
        yield _sighting(seen.place, "animal", {"animal": label, "at": stamp(seen.at)})


def _facts(visit: Visit) -> dict[str, Any]:
    told = {
        key: getattr(visit, key) for key in ("place", "seq", "verdict", "phase", "who", "stranger", "times", "alert")
    }
    reasons = list(visit.reasons[:MAX_REASONS])
    return told | {"visit": str(visit.visit), "reasons": reasons, "at": stamp(visit.at), "since": stamp(visit.since)}


def _sighting(place: str, kind: str, fields: dict[str, Any]) -> RawMessage:
    return RawMessage(place_topic(place, "sighting"), to_json({"event_type": kind, "place": place, **fields}))


def _alert(kind: str, fields: dict[str, Any]) -> RawMessage:
    return RawMessage(house_topic("alert"), to_json({"event_type": kind, **fields}))


def _place(home: Home, place: str) -> dict[str, Any]:
    held, here = home.places[place], home.visits_at(place)
    return {
        "person": _on(here),
        "people": len(here),
        "stranger": _on([each for each in here if each.verdict == "stranger"]),
        "last": _who(held.last),
        "visit": _about(held.last),
        "problem": _on(held.trouble or held.offline),
        "trouble": held.trouble or ("offline" if held.offline else "none"),
        "typed": "",
        "eyes": _on(not held.closed),
        "sees": "offline" if held.offline or held.closed else "online",
    }


def _person(home: Home, name: str) -> dict[str, Any]:
    held = home.people[name]
    here = [each.place for each in home.visits.values() if each.who == name]
    seen = stamp(held.seen) if held.seen else None
    return {"here": _on(here), "seen": seen, "place": here[-1] if here else held.place, "group": held.group}


def _house(home: Home) -> dict[str, Any]:
    return {
        "unknown": stamp(home.unknown.at) if home.unknown else None,
        "visit": _about(home.unknown),
        "name": OPTION_NOT_SAID if home.named is None else home.named or OPTION_NOT_A_PERSON,
        "typed": "",
        "alert": _on(not home.acknowledged),
        "alerted": _about(home.alert),
        "receipts": home.receipts,
        "waiting": len(home.waiting),
        "stored": home.stored or "",
    }


def _about(held: VisitState | None) -> dict[str, Any]:
    if held is None:
        return {}
    told = held.model_dump(mode="json", include={"place", "seq", "verdict", "who", "stranger"})
    return told | {"visit": str(held.visit), "at": stamp(held.at), "reasons": list(held.reasons[:MAX_REASONS])}


def _who(held: VisitState | None) -> str | None:
    return (held.who or held.verdict) if held else None


def _on(true: object) -> str:
    return "ON" if true else "OFF"
