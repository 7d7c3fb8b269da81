"""Pure: the states, events and pictures that Home Assistant is sent."""

import json
from collections.abc import Iterator
from typing import Any

from actuators.homeassistant.home import UNKNOWN_VERDICTS, Home, VisitState
from actuators.homeassistant.names import house_topic, person_topic, picture_topic, place_topic
from nerves import topics
from nerves.messages import Acknowledged, Detections, Fact, Incident, Trouble, Visit, stamp
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

SIGHTINGS = ("family", "guest", "known", "stranger", "unidentified", "animal", "cleared", "trouble", "recovered")
ALERTS = (
    "stranger",
    "unidentified",
    "family",
    "guest",
    "known",
    "update",
    "trouble",
    "recovered",
    "acknowledged",
    "test",
)
OPTION_NOT_SAID, OPTION_GUEST_TODAY, OPTION_NOT_A_PERSON = "Not said yet", "A guest today", "Not a person"
PERSON = "person"
# More reasons are not sent: Home Assistant stores no attributes over 16 KB.
MAX_REASONS = 5


def to_json(value: Any) -> bytes:  # noqa: ANN401 - whatever JSON can say
    """Return a value as JSON; equal values give equal bytes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode()


def states(home: Home) -> dict[str, bytes]:
    """Return the body of every retained state, by topic."""
    found = {house_topic("state"): _house(home)}
    found |= {place_topic(place): _place(home, place) for place in home.places}
    found |= {person_topic(name): _person(home, name) for name in home.people}
    return {topic: to_json(state) for topic, state in found.items()}


def picture_topics(home: Home, *, keep: bool) -> list[str]:
    """Return the topics of all pictures of the house and its places."""
    places = [picture_topic(place, what, keep=keep) for place in home.places for what in ("visit", "stranger")]
    return [picture_topic(None, "unknown", keep=keep), *places]


def picture_messages(message: Fact, home: Home, *, keep: bool) -> Iterator[RawMessage]:
    """Yield the pictures that a message replaces."""
    if not isinstance(message, Visit) or not message.picture or message.place not in home.places:
        return
    last = home.places[message.place].last
    if not home.is_late(message) or (last and last.visit == message.visit):
        yield RawMessage(picture_topic(message.place, "visit", keep=keep), message.picture)
    if message.verdict == "stranger" and not (home.is_late(message) and _is_before_another_stranger(message, home)):
        yield RawMessage(picture_topic(message.place, "stranger", keep=keep), message.picture)
    if home.unknown and home.unknown.visit == message.visit and message.verdict in UNKNOWN_VERDICTS:
        yield RawMessage(picture_topic(None, "unknown", keep=keep), message.picture)


def _is_before_another_stranger(visit: Visit, home: Home) -> bool:
    """Whether another stranger came to the same place after this visit began."""
    known = [each for each in (*home.visits.values(), *home.ended.values()) if each and each.verdict == "stranger"]
    return any(each.place == visit.place and each.since > visit.since for each in known)


def events_of(message: Fact, before: Home, after: Home) -> Iterator[RawMessage]:
    """Yield the events of a message that has changed `before` to `after`."""
    if isinstance(message, Visit):
        yield from _visit_events(message, before, after)
    elif isinstance(message, Detections):
        yield from _animal_events(message)
    elif isinstance(message, Trouble) and after is not before:
        kind = "recovered" if message.what == "recovered" else "trouble"
        fields = {"what": message.what, "detail": message.detail, "at": stamp(message.at)}
        yield _sighting(message.place, kind, fields)
        yield _alert(kind, {"place": message.place, **fields})
    elif isinstance(message, Acknowledged) and after is not before:
        fields = {"visit": str(message.visit), "place": message.place, "by": message.by or "", "at": stamp(message.at)}
        incident = after.alert.incident if after.alert else None
        yield _alert("acknowledged", fields | {"incident": str(incident) if incident else None})


def _visit_events(visit: Visit, before: Home, after: Home) -> Iterator[RawMessage]:
    if visit.place == topics.TEST:
        yield _alert("test", _facts(visit, after))
    elif after is not before:
        old = before.find_visit(visit.visit)
        is_news = visit.verdict != "identifying" and _is_news(old, visit)
        if is_news:
            yield _sighting(visit.place, visit.verdict, _facts(visit, after))
        if is_news and (visit.alert or (old and old.alerted)):
            yield _alert(visit.verdict, _facts(visit, after))
        elif _is_update(before, after, visit, is_news=is_news):
            yield _alert("update", _facts(visit, after))
        if before.visits_at(visit.place) and not after.visits_at(visit.place):
            yield _sighting(visit.place, "cleared", {"visit": str(visit.visit), "at": stamp(visit.at)})


def _is_news(old: VisitState | None, visit: Visit) -> bool:
    if old is None:
        return True
    return (old.verdict, old.who) != (visit.verdict, visit.who) or (visit.alert and not old.alerted)


def _is_update(before: Home, after: Home, visit: Visit, *, is_news: bool) -> bool:
    """Whether a message says something new of an incident that has alerted and that nobody has acknowledged."""
    if visit.incident is None or after.acknowledged or not after.is_same_alert(visit.visit):
        return False
    old = before.find_visit(visit.visit)
    has_joined = old is None or old.incident != visit.incident.id
    return is_news or has_joined or before.incident != after.incident


def _animal_events(message: Detections) -> Iterator[RawMessage]:
    for label in sorted({detected.label for detected in message.detections if detected.label != PERSON}):
        yield _sighting(message.place, "animal", {"animal": label, "at": stamp(message.at)})


def _facts(visit: Visit, home: Home) -> dict[str, Any]:
    keys = ("place", "seq", "verdict", "phase", "who", "stranger", "times", "alert", "probably", "odds")
    facts = {key: getattr(visit, key) for key in keys} | _incident_facts(visit.incident, home)
    reasons = list(visit.reasons[:MAX_REASONS])
    return facts | {"visit": str(visit.visit), "reasons": reasons, "at": stamp(visit.at), "since": stamp(visit.since)}


def _incident_facts(incident: Incident | None, home: Home) -> dict[str, Any]:
    """Return what is known of the incident of a visit: all of its keys are there, without one too."""
    if incident is None:
        return {"incident": None, "places": [], "people": None, "rings": None, "unknown": None, "worst": None}
    known = home.incident if home.incident and home.incident.id == incident.id else incident
    unknown = home.unknown_of(incident.id)
    verdicts = {each.verdict for each in unknown}
    return {
        "incident": str(known.id),
        "places": list(known.places),
        "people": known.people,
        "rings": known.rings,
        "unknown": len(unknown),
        "worst": next((verdict for verdict in UNKNOWN_VERDICTS if verdict in verdicts), None),
    }


def _sighting(place: str, kind: str, fields: dict[str, Any]) -> RawMessage:
    return RawMessage(place_topic(place, "sighting"), to_json({"event_type": kind, "place": place, **fields}))


def _alert(kind: str, fields: dict[str, Any]) -> RawMessage:
    return RawMessage(house_topic("alert"), to_json({"event_type": kind, **fields}))


def _place(home: Home, place: str) -> dict[str, Any]:
    state, here = home.places[place], home.visits_at(place)
    return {
        "person": _on(here),
        "people": len(here),
        "stranger": _on([each for each in here if each.verdict == "stranger"]),
        "last": _name_or_verdict(state.last),
        "visit": _visit_attributes(state.last),
        "problem": _on(state.trouble or state.offline),
        "trouble": state.trouble or ("offline" if state.offline else "none"),
        "typed": "",
        "camera": _on(not state.disabled),
        "sees": "offline" if state.offline or state.disabled else "online",
    }


def _person(home: Home, name: str) -> dict[str, Any]:
    person = home.people[name]
    here = [each.place for each in home.visits.values() if each.who == name]
    seen = stamp(person.seen) if person.seen else None
    return {"here": _on(here), "seen": seen, "place": here[-1] if here else person.place, "group": person.group}


def _house(home: Home) -> dict[str, Any]:
    return {
        "unknown": stamp(home.unknown.at) if home.unknown else None,
        "visit": _visit_attributes(home.unknown),
        "name": OPTION_NOT_SAID if home.named is None else home.named or OPTION_NOT_A_PERSON,
        "typed": "",
        "alert": _on(not home.acknowledged),
        "alerted": _alert_attributes(home),
        "receipts": home.receipts,
        "waiting": len(home.waiting),
        "stored": home.stored or "",
    }


def _alert_attributes(home: Home) -> dict[str, Any]:
    """Return the attributes of the open alert: its visit, and what is known of its incident."""
    attributes, incident = _visit_attributes(home.alert), home.incident
    if home.alert is None or incident is None or home.alert.incident != incident.id:
        return attributes
    return attributes | _incident_facts(incident, home)


def _visit_attributes(visit: VisitState | None) -> dict[str, Any]:
    if visit is None:
        return {}
    keys = {"place", "seq", "verdict", "who", "stranger", "incident", "probably", "odds"}
    facts = visit.model_dump(mode="json", include=keys)
    return facts | {"visit": str(visit.visit), "at": stamp(visit.at), "reasons": list(visit.reasons[:MAX_REASONS])}


def _name_or_verdict(visit: VisitState | None) -> str | None:
    return (visit.who or visit.verdict) if visit else None


def _on(is_on: object) -> str:
    return "ON" if is_on else "OFF"
