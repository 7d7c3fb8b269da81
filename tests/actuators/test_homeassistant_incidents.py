import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from uuid6 import uuid7

from actuators.homeassistant.commands import facts_of_command
from actuators.homeassistant.discovery import device_configs
from actuators.homeassistant.home import Home, home_after
from actuators.homeassistant.incident import newest_incident
from actuators.homeassistant.names import house_topic, place_topic
from actuators.homeassistant.settings import HomeAssistantSettings
from actuators.homeassistant.states import ALERTS, events_of, states
from nerves.messages import Acknowledged, Fact, Incident, Visit, now
from nerves.services import RawMessage
from tests.actuators.test_homeassistant import following, visit

INCIDENT = Incident(id=uuid7(), since=now(), places=("hall",), rings=1)


def of(**fields: object) -> Incident:
    return INCIDENT.model_copy(update=fields)


def alerting(place: str = "hall", incident: Incident = INCIDENT, **fields: object) -> Visit:
    known = {"phase": "decided", "verdict": "stranger", "alert": True, "place": place, "incident": incident}
    return visit(**(known | fields))


HALL = alerting()
KITCHEN = alerting("kitchen", of(places=("hall", "kitchen"), people=2), alert=False)


def told(*messages: Fact) -> list[dict[str, Any]]:
    """Return the alert events of these messages."""
    home, found = Home(), []
    for message in messages:
        before, home = home, home_after(message, home)
        found += [json.loads(each.body) for each in events_of(message, before, home) if each.topic.endswith("/alert")]
    assert {each["event_type"] for each in found} <= {*ALERTS}
    return found


def home_of(*messages: Fact) -> Home:
    home = Home()
    for message in messages:
        home = home_after(message, home)
    return home


def test_an_incident_alerts_once_and_is_updated_under_its_id() -> None:
    ended = following(HALL, phase="ended", incident=INCIDENT)
    study = alerting("study", of(places=("hall", "kitchen", "study"), people=2), alert=False)
    events = told(HALL, KITCHEN, KITCHEN, study, ended)
    assert [each["event_type"] for each in events] == ["stranger", "update", "update"]
    assert {each["incident"] for each in events} == {str(INCIDENT.id)}
    assert [each["alert"] for each in events] == [True, False, False]
    assert [each["places"] for each in events] == [["hall"], ["hall", "kitchen"], ["hall", "kitchen", "study"]]
    assert [each["people"] for each in events] == [1, 2, 2]
    assert events[-1]["unknown"] == 3


def test_what_gets_worse_is_an_alert_again() -> None:
    worse = alerting("porch", of(places=("hall", "porch"), people=2, rings=2))
    events = told(HALL, worse)
    assert [(each["event_type"], each["alert"], each["rings"]) for each in events] == [
        ("stranger", True, 1),
        ("stranger", True, 2),
    ]


def test_whoever_acknowledges_any_visit_acknowledges_the_incident() -> None:
    acknowledged = Acknowledged(place="kitchen", visit=KITCHEN.visit, by="Bob")
    later = alerting("study", of(places=("hall", "kitchen", "study"), people=2), alert=False)
    events = told(HALL, KITCHEN, acknowledged, later)
    assert [each["event_type"] for each in events] == ["stranger", "update", "acknowledged"]
    assert events[-1]["incident"] == str(INCIDENT.id)
    home = home_of(HALL, KITCHEN, acknowledged, later)
    assert json.loads(states(home)[house_topic("state")])["alert"] == "OFF"
    worse = alerting("attic", of(places=("hall", "kitchen", "study", "attic"), people=3, rings=2))
    assert not home_after(worse, home).acknowledged


def test_a_visit_of_no_incident_or_of_another_acknowledges_nothing() -> None:
    other = alerting("porch", Incident(id=uuid7(), since=now() - timedelta(hours=1)), alert=False)
    home = home_of(other, HALL)
    assert home_after(Acknowledged(place="porch", visit=other.visit), home) is home
    assert home_after(Acknowledged(place="porch", visit=uuid7()), home) is home


def test_a_name_for_one_visit_says_how_many_stay_unknown() -> None:
    named = following(KITCHEN, phase="corrected", verdict="family", who="Alice", incident=KITCHEN.incident)
    first = following(HALL, phase="corrected", verdict="family", who="Alice", incident=INCIDENT)
    events = told(HALL, KITCHEN, named, first)
    assert [(each["event_type"], each["who"], each["unknown"]) for each in events[2:]] == [
        ("update", "Alice", 1),
        ("family", "Alice", 0),
    ]


def test_a_visit_without_an_incident_has_every_key_and_no_update() -> None:
    plain = visit(phase="decided", verdict="stranger", alert=True)
    (event,) = told(plain, following(plain, phase="ended"))
    assert (event["incident"], event["places"], event["people"], event["probably"]) == (None, [], None, None)


def test_whom_a_visit_probably_shows_is_an_attribute_and_no_alert() -> None:
    calm = visit(phase="decided", verdict="unidentified", probably="Alice", odds=40)
    assert told(calm) == []
    place = json.loads(states(home_of(calm))[place_topic("hall")])
    assert (place["visit"]["probably"], place["visit"]["odds"]) == ("Alice", 40)


def test_the_open_alert_shows_its_incident() -> None:
    alerted = json.loads(states(home_of(HALL, KITCHEN))[house_topic("state")])["alerted"]
    assert (alerted["incident"], alerted["places"]) == (str(INCIDENT.id), ["hall", "kitchen"])
    assert (alerted["people"], alerted["rings"], alerted["visit"]) == (2, 1, str(HALL.visit))
    (fact,) = facts_of_command(RawMessage(house_topic("set/acknowledge"), b""), home_of(HALL, KITCHEN), now())
    assert isinstance(fact, Acknowledged)
    assert fact.visit == HALL.visit


def test_an_older_picture_of_an_incident_takes_nothing_back() -> None:
    new = of(places=("hall", "kitchen"), people=2, rings=2)
    assert newest_incident(new, INCIDENT) == newest_incident(INCIDENT, new) == new
    other = Incident(id=UUID(int=7), since=INCIDENT.since - timedelta(minutes=20))
    assert newest_incident(other, new) == newest_incident(new, other) == new


def test_the_mode_auto_can_be_chosen() -> None:
    configs = device_configs(Home(), HomeAssistantSettings(kind="homeassistant"), "ha")
    (house,) = configs.values()
    assert house["components"]["mode"]["options"] == ["home", "away", "night", "off", "auto"]
