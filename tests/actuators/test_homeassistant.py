import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
import yaml
from pydantic import ValidationError
from uuid6 import uuid7

from actuators.homeassistant import HomeAssistantSettings, actuator
from actuators.homeassistant.act import news_filter
from actuators.homeassistant.commands import facts_of_command
from actuators.homeassistant.discovery import component_platforms, device_configs, discovery_messages
from actuators.homeassistant.home import MAX_REMEMBERED, Home, fit_to_settings, home_after
from actuators.homeassistant.names import RETAINED, house_topic, place_topic, slug, unique_slug
from actuators.homeassistant.states import events_of, picture_messages, states
from nerves.hours import outside_hours_reason
from nerves.messages import (
    Acknowledged,
    CameraEnabled,
    Detection,
    Detections,
    Fact,
    Label,
    People,
    PersonEntry,
    SelfTest,
    Status,
    Stored,
    Trouble,
    Visit,
    now,
)
from nerves.runner import run_actuator
from nerves.services import RawMessage
from nerves.settings import HouseSettings
from nerves.topics import matches
from tests.nerves.test_runner import listening
from tests.paths import ROOT
from tests.waiting import interrupt_when, soon

SETTINGS = HomeAssistantSettings(kind="homeassistant")
HALL, HOUSE = place_topic("hall"), house_topic("state")


def visit(**fields: object) -> Visit:
    at = now()
    known = {"place": "hall", "visit": uuid7(), "seq": 1, "phase": "started", "verdict": "identifying"}
    return Visit.model_validate(known | {"since": at, "last": at} | fields)


def following(before: Visit, **fields: object) -> Visit:
    known = before.model_dump(include={"place", "visit", "verdict", "who"})
    return visit(**(known | {"seq": before.seq + 1} | fields))


def after(*messages: Fact, home: Home | None = None) -> Home:
    home = home or Home()
    for message in messages:
        home = home_after(message, home)
    return home


def state(home: Home, topic: str) -> dict[str, Any]:
    return dict(json.loads(states(home)[topic]))


def events(*messages: Fact) -> list[tuple[str, str]]:
    home, told = Home(), []
    for message in messages:
        before, home = home, home_after(message, home)
        told += list(events_of(message, before, home))
    return [(note.topic.rsplit("/", 1)[1], json.loads(note.body)["event_type"]) for note in told]


@pytest.mark.parametrize(("name", "id_"), [("hall", "hall"), ("front_door", "front_door"), ("Hall", "hall_")])
def test_a_plain_name_is_its_own_id(name: str, id_: str) -> None:
    assert unique_slug(name).startswith(id_)


def test_ids_differ_where_names_do_and_fit_a_discovery_topic() -> None:
    names = ["hall", "Hall", "HALL", "Küche 2", "Kuche 2", "дом", "家", "a b", "a_b"]
    ids = [unique_slug(name) for name in names]
    assert len({*ids}) == len(names)
    assert all(id_ and id_.replace("_", "").isalnum() and id_.isascii() for id_ in ids)
    assert slug("Küche 2") == "kuche_2"


def test_a_visit_from_start_to_end() -> None:
    begun = visit()
    decided = following(begun, phase="decided", verdict="stranger", alert=True)
    ended = following(decided, phase="ended")
    assert state(after(begun), HALL)["person"] == "ON"
    assert state(after(begun, decided), HALL)["stranger"] == "ON"
    gone = state(after(begun, decided, ended), HALL)
    assert (gone["person"], gone["stranger"], gone["last"]) == ("OFF", "OFF", "stranger")
    assert events(begun, decided, ended) == [("sighting", "stranger"), ("alert", "stranger"), ("sighting", "cleared")]


def test_a_later_name_takes_the_alert_back() -> None:
    decided = visit(seq=2, phase="decided", verdict="stranger", alert=True)
    named = following(decided, phase="corrected", verdict="family", who="Alice")
    assert events(decided, named)[2:] == [("sighting", "family"), ("alert", "family")]
    home = after(decided, named)
    assert state(home, HOUSE)["name"] == "Alice"
    assert state(home, HALL)["stranger"] == "OFF"
    assert home.people["Alice"].place == "hall"


def over(**fields: object) -> tuple[Visit, Visit]:
    decided = visit(phase="decided", **fields)
    return decided, following(decided, phase="ended")


def later(earlier: Visit, **fields: object) -> tuple[Visit, Visit]:
    come = earlier.last + timedelta(seconds=20)
    decided = visit(phase="decided", since=come, last=come, **fields)
    return decided, following(decided, phase="ended", since=come, last=come)


def corrected(ended: Visit, **fields: object) -> Visit:
    return following(ended, phase="corrected", since=ended.since, last=ended.last, **fields)


@pytest.mark.parametrize("between", [False, True])
def test_a_second_opinion_after_the_end_takes_the_alert_back(*, between: bool) -> None:
    decided, ended = over(verdict="unidentified", alert=True)
    others = later(ended, verdict="guest", who="Bob") if between else ()
    stranger = corrected(ended, verdict="stranger")
    family = corrected(stranger, verdict="family", who="Alice")
    told = events(decided, ended, *others, stranger, family)
    assert told[-4:] == [("sighting", "stranger"), ("alert", "stranger"), ("sighting", "family"), ("alert", "family")]
    home = after(decided, ended, *others, stranger, family)
    assert home.visits == {}
    assert home_after(stranger, home) is home_after(family, home) is home


def shows(message: Visit, home: Home) -> list[str]:
    """Return the pictures that a message brings, `home` being what it has made."""
    pictured = message.model_copy(update={"picture": b"jpeg"})
    return [note.topic.rsplit("/", 1)[1] for note in picture_messages(pictured, home, keep=True)]


def test_a_second_opinion_after_the_end_leaves_whoever_came_later() -> None:
    first, ended = over(verdict="unidentified", alert=True)
    others = later(ended, verdict="stranger", alert=True)
    late = corrected(ended, verdict="stranger")
    home = after(first, ended, *others, late)
    (told,) = command("who", "Alice", home)
    assert isinstance(told, Label)
    assert told.visit == others[0].visit
    assert state(home, HALL)["visit"]["visit"] == str(others[0].visit)
    assert shows(late, home) == []


def test_a_second_opinion_after_the_end_shows_a_stranger_whom_family_followed() -> None:
    first, ended = over(verdict="unidentified", alert=True)
    late = corrected(ended, verdict="stranger")
    home = after(first, ended, *later(ended, verdict="family", who="Alice"), late)
    assert state(home, HALL)["last"] == "Alice"
    assert state(home, HOUSE)["visit"]["verdict"] == "stranger"
    assert shows(late, home) == ["stranger.jpg", "unknown.jpg"]


def test_a_second_opinion_on_the_last_visit_shows_in_everything() -> None:
    first, ended = over(verdict="unidentified", alert=True)
    late = corrected(ended, verdict="stranger")
    home = after(first, ended, late)
    assert (state(home, HALL)["last"], state(home, HOUSE)["visit"]["verdict"]) == ("stranger", "stranger")
    assert shows(late, home) == ["visit.jpg", "stranger.jpg", "unknown.jpg"]


def test_a_second_opinion_after_the_end_sets_nobody_back_to_where_they_were() -> None:
    first, ended = over(verdict="unidentified")
    here = later(ended, verdict="family", who="Alice", place="porch")
    home = after(first, ended, *here, corrected(ended, verdict="family", who="Alice"))
    assert (home.people["Alice"].place, home.people["Alice"].seen) == ("porch", here[0].last)


def test_what_an_older_version_has_kept_of_ended_visits_is_read() -> None:
    first, ended = over(verdict="stranger", alert=True)
    kept = json.loads(after(first, ended).model_dump_json())
    del kept["unknown"]["since"], kept["alert"]["since"], kept["places"]["hall"]["last"]["since"]
    home = Home.model_validate_json(json.dumps(kept | {"ended": [str(first.visit)]}))
    assert state(home, HOUSE)["visit"]["visit"] == str(first.visit)
    assert home_after(ended, home) is home
    assert after(corrected(ended, verdict="family", who="Alice"), home=home).visits == {}


def test_ended_visits_outlive_a_restart_and_are_forgotten_in_the_end() -> None:
    first, ended = over(verdict="stranger", alert=True)
    home = after(first, ended)
    assert Home.model_validate_json(home.model_dump_json()) == home
    for _ in range(MAX_REMEMBERED):
        home = after(*over(verdict="unidentified"), home=home)
    assert len(home.ended) == MAX_REMEMBERED
    assert first.visit not in home.ended


def test_family_is_no_alert() -> None:
    assert events(visit(phase="decided", verdict="family", who="Alice")) == [("sighting", "family")]


def test_somebody_known_is_no_alert_and_has_an_entity() -> None:
    maria = visit(phase="decided", verdict="known", who="Maria")
    assert events(maria) == [("sighting", "known")]
    home = after(People(place="brain", people=(PersonEntry(name="Maria", group="known"),)), maria)
    assert (home.people["Maria"].group, home.people["Maria"].place) == ("known", "hall")
    components = made(home)["homeassistant/device/kinwatch_house/config"]["components"].values()
    assert "binary_sensor.kinwatch_maria_here" in [each.get("default_entity_id") for each in components]
    unseen = after(maria.model_copy(update={"who": "Paul"}))
    assert unseen.people["Paul"].group == "known"


def test_somebody_known_outside_the_hours_is_an_alert_with_the_reason() -> None:
    reason = outside_hours_reason("Maria", ["Tue 09:00-12:00"])
    late = visit(phase="decided", verdict="known", who="Maria", alert=True, reasons=(reason,))
    assert events(late) == [("sighting", "known"), ("alert", "known")]
    assert state(after(late), HOUSE)["alerted"]["reasons"] == [reason]
    assert state(after(late), HOUSE)["alert"] == "ON"


def test_two_people_clear_a_place_when_both_have_left() -> None:
    one, other = visit(phase="decided", verdict="guest", who="Bob"), visit(phase="decided", verdict="unidentified")
    told = events(one, other, following(one, phase="ended"), following(other, phase="ended"))
    assert [kind for _, kind in told] == ["guest", "unidentified", "cleared"]


def test_a_message_that_comes_twice_or_late_changes_nothing() -> None:
    begun = visit()
    decided = following(begun, phase="decided", verdict="stranger", alert=True)
    ended = following(decided, phase="ended")
    home = after(begun, decided, ended)
    for again in (begun, decided, ended):
        assert home_after(again, home) is home
        assert not list(events_of(again, home, home))


def test_an_unchanged_state_is_published_once() -> None:
    trouble = Trouble(place="hall", what="covered")
    assert events(trouble, trouble.model_copy(update={"id": uuid7()})) == [
        ("sighting", "trouble"),
        ("alert", "trouble"),
    ]
    assert state(after(trouble), HALL)["problem"] == "ON"
    well = Trouble(place="hall", what="recovered")
    assert state(after(trouble, well), HALL)["problem"] == "OFF"


def test_a_dead_camera_sees_nothing() -> None:
    home = after(Detections(place="hall"), Status(service="hall", state="offline"))
    assert (state(home, HALL)["sees"], state(home, HALL)["trouble"]) == ("offline", "offline")
    assert state(after(Status(service="hall", state="online"), home=home), HALL)["sees"] == "online"
    assert after(Status(service="evidence", state="online")).places == {}


def test_a_switch_disables_the_camera_of_a_place_and_shows_its_state() -> None:
    home = after(Detections(place="hall"))
    assert (state(home, HALL)["camera"], state(home, HALL)["sees"]) == ("ON", "online")
    switch = made(home)["homeassistant/device/kinwatch_place_hall/config"]["components"]["camera"]
    assert (switch["platform"], switch["command_topic"], switch["retain"]) == ("switch", "kinwatch/hall/enabled", True)
    off, on = (
        CameraEnabled.read(switch["command_topic"], switch[f"payload_{word}"].encode()) for word in ("off", "on")
    )
    assert (off.enabled, on.enabled, off.by) == (False, True, "Home Assistant")
    closed = state(after(off, home=home), HALL)
    assert (closed["camera"], closed["sees"], closed["problem"]) == (switch["state_off"], "offline", "OFF")
    opened = state(after(off, on, home=home), HALL)
    assert (opened["camera"], opened["sees"]) == (switch["state_on"], "online")


def test_evidence_that_waits_is_counted_once_there_is_a_store() -> None:
    first, second = visit(), visit()
    stored = Stored(place="hall", visit=first.visit, seq=1, url="file:///1.json")
    assert state(after(first), HOUSE)["waiting"] == 0
    home = after(first, stored, stored, second)
    assert (state(home, HOUSE)["receipts"], state(home, HOUSE)["waiting"]) == (1, 1)


def test_only_what_is_named_in_the_settings_is_shown() -> None:
    home = fit_to_settings(after(visit(place="den"), Detections(place="hall")), ("hall", "porch"), ("Zoë",))
    assert [*home.places] == ["hall", "porch"]
    assert [*home.people] == ["Zoë"]


def test_a_picture_goes_where_it_belongs() -> None:
    family = visit(phase="decided", verdict="family", who="Alice").model_copy(update={"picture": b"jpeg"})
    stranger = family.model_copy(update={"verdict": "stranger", "who": None})

    def topics(message: Visit, *, keep: bool) -> list[str]:
        return [note.topic.rsplit("/", 1)[1] for note in picture_messages(message, after(message), keep=keep)]

    assert topics(family, keep=True) == ["visit.jpg"]
    assert topics(stranger, keep=True) == ["visit.jpg", "stranger.jpg", "unknown.jpg"]
    kept = list(picture_messages(stranger, after(stranger), keep=True))
    passing = list(picture_messages(stranger, after(stranger), keep=False))
    assert all(matches(RETAINED, note.topic) for note in kept)
    assert not any(matches(RETAINED, note.topic) for note in passing)


def made(home: Home) -> dict[str, Any]:
    return device_configs(home, SETTINGS, "ha")


def test_devices_are_as_home_assistant_wants_them() -> None:
    found = made(after(visit(place="hall"), People(place="brain", people=(PersonEntry(name="Alice", group="family"),))))
    assert [*found] == ["homeassistant/device/kinwatch_house/config", "homeassistant/device/kinwatch_place_hall/config"]
    ids: list[str] = []
    for device in found.values():
        assert device["origin"]["name"] == "kinwatch"
        assert {each["topic"] for each in device["availability"]} == {"kinwatch/status/ha", "kinwatch/status/brain"}
        for component in device["components"].values():
            if component["platform"] == "device_automation":
                continue
            ids.append(component["unique_id"])
            assert component["default_entity_id"].startswith(f"{component['platform']}.kinwatch_")
    assert len({*ids}) == len(ids) >= 25
    assert found["homeassistant/device/kinwatch_place_hall/config"]["device"]["via_device"] == "kinwatch_house"


def test_who_is_forgotten_is_removed_and_so_is_a_place() -> None:
    alice = People(place="brain", people=(PersonEntry(name="Alice", group="family"),))
    home = after(visit(), alice)
    known = component_platforms(made(home))
    fewer = after(People(place="brain"), home=home).changed(places={})
    told = list(discovery_messages(made(fewer), known))
    assert [(note.topic.split("/")[2], bool(note.body)) for note in told] == [
        ("kinwatch_place_hall", False),
        ("kinwatch_house", True),
        ("kinwatch_house", True),
    ]
    gone, clean = (json.loads(note.body)["components"] for note in told[1:])
    removed = {key: component for key, component in gone.items() if key not in clean}
    assert sorted(removed.values(), key=str) == [{"platform": "binary_sensor"}, {"platform": "sensor"}]


BRAIN = Status(service="brain", state="online", counts={"frames": 7, "cloud_calls_today": 0, "cloud_cents_month": 0})


def test_the_cloud_is_shown_only_where_the_brain_can_ask_it() -> None:
    local = Status(service="brain", state="online", counts={"frames": 7})

    def cloud(home: Home) -> dict[str, Any]:
        components = made(home)["homeassistant/device/kinwatch_house/config"]["components"]
        return {key: each for key, each in components.items() if key.startswith("cloud")}

    assert cloud(after(local)) == {}
    home = after(BRAIN)
    found = cloud(home)
    assert [*found] == ["cloud", "cloud_spend", "cloud_calls"]
    switch, spend = found["cloud"], found["cloud_spend"]
    assert (switch["state_topic"], switch["command_topic"]) == ("kinwatch/cloud", "kinwatch/cloud/set")
    assert (switch["payload_on"], switch["state_off"]) == ("on", "off")
    # Home Assistant takes money as a total only, and in a currency by its code.
    assert (spend["device_class"], spend["state_class"], spend["unit_of_measurement"]) == ("monetary", "total", "USD")
    # A brain that begins, or ends without a word, has counted nothing: that says nothing of the cloud.
    for silent in (Status(service="brain", state="offline"), Status(service="brain", state="online")):
        assert home_after(silent, home) is home
    assert home_after(BRAIN, home) is home
    assert cloud(after(local, home=home)) == {}
    gone = list(discovery_messages(made(after(local, home=home)), component_platforms(made(home))))
    removed = json.loads(gone[0].body)["components"]
    assert {key: removed[key] for key in found} == {
        "cloud": {"platform": "switch"},
        "cloud_spend": {"platform": "sensor"},
        "cloud_calls": {"platform": "sensor"},
    }


def test_a_brain_that_begins_to_ask_the_cloud_is_news() -> None:
    is_news = news_filter(SETTINGS)
    begun, local = (
        Status(service="brain", state="online"),
        Status(service="brain", state="online", counts={"frames": 7}),
    )
    more = BRAIN.model_copy(update={"counts": BRAIN.counts | {"cloud_calls_today": 1}})
    told = [is_news(each) for each in (begun, local, BRAIN, more, local)]
    assert told == [True, False, True, False, True]


def command(what: str, body: str, home: Home) -> list[Fact]:
    return list(facts_of_command(RawMessage(house_topic(f"set/{what}"), body.encode()), home, now()))


def test_a_name_labels_the_last_unknown_visit() -> None:
    stranger = visit(phase="decided", verdict="stranger", alert=True)
    home = after(stranger)
    (told,) = command("who", " Alice ", home)
    assert isinstance(told, Label)
    assert (told.visit, told.place, told.who) == (stranger.visit, "hall", "Alice")
    assert "group" not in told.model_fields_set
    (guest,) = command("who", "A guest today", home)
    assert isinstance(guest, Label)
    assert guest.group == "guest"
    assert guest.until
    assert guest.until > now()
    (nobody,) = command("who", "Not a person", home)
    assert isinstance(nobody, Label)
    assert nobody.who is None
    assert state(after(nobody, home=home), HOUSE)["name"] == "Not a person"
    for nothing in ("", "Not said yet", " "):
        assert not command("who", nothing, home)
    assert not command("who", "Alice", Home())


def test_an_alert_is_acknowledged() -> None:
    home = after(visit(phase="decided", verdict="stranger", alert=True))
    assert state(home, HOUSE)["alert"] == "ON"
    (word,) = command("acknowledge", "PRESS", home)
    assert isinstance(word, Acknowledged)
    assert state(after(word, home=home), HOUSE)["alert"] == "OFF"
    assert not command("acknowledge", "PRESS", Home())


def test_a_test_alert_is_asked_for_and_is_no_place_of_the_house() -> None:
    (wanted,) = command("test", "PRESS", Home())
    assert isinstance(wanted, SelfTest)
    told = visit(place="test", phase="decided", verdict="stranger", alert=True)
    assert home_after(told, Home()) == Home()
    assert events(told) == [("alert", "test")]


def test_of_what_comes_all_the_time_only_news_is_kept() -> None:
    is_news = news_filter(SETTINGS)
    cat = Detection.model_validate({"label": "cat", "box": (0, 0, 0.1, 0.1), "score": 0.9})
    person = cat.model_copy(update={"label": "person"})
    seen = [
        Detections(place="hall"),
        Detections(place="hall", detections=(person,)),
        Detections(place="hall", detections=(person, cat)),
    ]
    assert [is_news(each) for each in (*seen, *seen)] == [True, False, True, False, False, False]
    statuses = [Status(service="hall", state=state) for state in ("online", "online", "offline", "online")]
    assert [is_news(each) for each in statuses] == [True, False, True, True]
    assert is_news(visit())


@pytest.mark.parametrize("wrong", [{"places": ["a/b"]}, {"prefix": "home assistant"}, {"place": "hall"}])
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        HomeAssistantSettings.model_validate({"kind": "homeassistant"} | wrong)


def run(tmp_path: Path, url: str, until: Callable[[], object]) -> None:
    interrupt_when(until)
    run_actuator("ha", actuator, SETTINGS, HouseSettings(data_dir=tmp_path), url)


def test_a_restart_publishes_every_stored_state_again(tmp_path: Path) -> None:
    url = f"loopback://{uuid4()}"
    ear = next(late := listening(url))
    begun = visit(phase="decided", verdict="stranger", alert=True)

    def talk() -> None:
        soon(lambda: ear.states("ha"))
        ear.link.post(begun.topic, begun.payload()).wait(30)

    def told() -> list[bytes]:
        return [body for topic, body in ear.heard if topic == HALL]

    Thread(target=talk, daemon=True).start()
    run(tmp_path, url, told)
    assert json.loads(told()[-1])["stranger"] == "ON"
    said = len(told())
    run(tmp_path, url, lambda: len(told()) > said)
    assert told()[-1] == told()[said - 1]
    alerts = [topic for topic, _ in ear.heard if topic == house_topic("alert")]
    assert len(alerts) == 1, "a restart alerted again"
    assert (tmp_path / "ha.db").stat().st_mode & 0o077 == 0
    late.close()


def test_the_dashboard_and_the_page_name_entities_that_there_are() -> None:
    home = after(visit(place="hall"), People(place="brain", people=(PersonEntry(name="Alice", group="family"),)))
    ours = {
        component["default_entity_id"]
        for device in made(home).values()
        for component in device["components"].values()
        if "default_entity_id" in component
    }
    named: set[str] = set()

    def walk(value: object) -> None:
        if isinstance(value, dict):
            named.update(str(each) for key, each in value.items() if key == "entity")
            ids = value.get("entity_id", [])
            named.update(ids if isinstance(ids, list) else [ids])
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(each)

    dashboard = yaml.safe_load((ROOT / "deploy" / "home-assistant" / "dashboard.yaml").read_text())
    walk(dashboard)
    assert len(named) > 10
    assert named <= ours


def test_the_page_names_only_existing_entities_and_inputs() -> None:
    page = (ROOT / "docs" / "home-assistant.md").read_text()
    home = after(BRAIN, visit(place="hall"), People(place="brain", people=(PersonEntry(name="Alice", group="family"),)))
    ours = [each for device in made(home).values() for each in device["components"].values()]
    names = {each["default_entity_id"] for each in ours if "default_entity_id" in each}
    told = {*re.findall(r"`(\w+\.kinwatch_\w+)`", page)}
    assert len(told) > 15
    assert told <= names
    tables = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]
    (automation,) = next(table for table in tables if isinstance(table, list))
    assert {*automation["use_blueprint"]["input"]} <= {*blueprint()["blueprint"]["input"]}


class Loader(yaml.SafeLoader):
    """Reads `!input` as Home Assistant does: by name."""


Loader.add_constructor("!input", lambda loader, node: ("input", loader.construct_scalar(node)))


def blueprint() -> dict[str, Any]:
    return dict(yaml.load((ROOT / "deploy" / "home-assistant" / "kinwatch_alert.yaml").read_text(), Loader))  # noqa: S506 - a safe one


def test_the_blueprint_asks_for_what_it_uses_and_for_nothing_else() -> None:
    used: set[str] = set()

    def walk(value: object) -> None:
        if isinstance(value, tuple):
            used.add(value[1])
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(each)

    table = blueprint()
    walk(table)
    assert used == {*table["blueprint"]["input"]}
    defaults = {
        each.get("default") for key, each in table["blueprint"]["input"].items() if key in ("alert", "mode", "picture")
    }
    ours = {each.get("default_entity_id") for device in made(Home()).values() for each in device["components"].values()}
    assert defaults <= ours
