"""A real Home Assistant beside the real actuator: what appears there, what comes back, what a restart leaves."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from uuid6 import uuid7

from brain.people.gallery import Gallery
from brain.process.label_inbox import LabelInbox
from nerves.bus import open_link
from nerves.durable_queue import DurableQueue
from nerves.link import Link
from nerves.messages import (
    Acknowledged,
    CameraEnabled,
    Detection,
    Detections,
    Fact,
    Incident,
    Label,
    People,
    PersonEntry,
    Say,
    SelfTest,
    Stored,
    Trouble,
    Visit,
    now,
)
from nerves.process import service_status
from tests.faults import Broker
from tests.hass import Hass, Phone
from tests.paths import ROOT
from tests.waiting import soon

pytestmark = [pytest.mark.hass, pytest.mark.mosquitto, pytest.mark.timeout(120)]

DEPLOY = ROOT / "deploy" / "home-assistant"
BLUEPRINT = "kinwatch/kinwatch_alert.yaml"


def picture(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 240), (shade, 90, 60)).save(out, "JPEG")
    return out.getvalue()


class World:
    """A broker, Home Assistant, the actuator as a process, and a witness on the bus who speaks as the brain."""

    def __init__(self, broker: Broker, hass: Hass, folder: Path) -> None:
        self.broker, self.hass, self.folder = broker, hass, folder
        self.heard: list[tuple[str, bytes]] = []
        self.link: Link
        config = {
            "mqtt": {"url": broker.url},
            "actuators": {"ha": {"kind": "homeassistant", "places": ["hall", "Küche 2"]}},
        }
        (folder / "kinwatch.yaml").write_text(yaml.safe_dump(config))

    @contextmanager
    def open(self) -> Iterator["World"]:
        brain = (
            "kinwatch/status/brain",
            service_status("brain", "online", "", {"age_ms_p99": 45, "work_ms_p50": 31}, "night").payload(),
        )
        self.link = open_link(self.broker.url, "witness", durable=True, birth_message=brain)
        self.link.listen("kinwatch/#", lambda topic, payload: self.heard.append((topic, payload)), qos=1)
        with self.link:
            assert self.link.wait_connected(30)
            self.link.post("kinwatch/mode", b"home", retain=True).wait(30)
            self.start()
            try:
                yield self
            finally:
                self.stop()

    def start(self) -> None:
        command = [sys.executable, "-m", "kinwatch", "act", "ha", "--config", str(self.folder / "kinwatch.yaml")]
        env = os.environ | {"KINWATCH_DATA_DIR": str(self.folder / "data")}
        with (self.folder / "log").open("ab") as log:
            self._actuator = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)

    def stop(self) -> None:
        self._actuator.terminate()
        self._actuator.wait(30)

    def kill(self) -> None:
        self._actuator.kill()
        self._actuator.wait(30)

    def tell(self, fact: Fact) -> None:
        receipt = self.link.post(fact.topic, fact.payload(), retain=isinstance(fact, People))
        assert receipt.wait(30)

    def told(self, kind: type[Fact]) -> list[Any]:
        topics = [(topic, body) for topic, body in self.heard if topic.endswith(f"/{kind.kind}") and body]
        return [kind.read(topic, body) for topic, body in topics]

    def soon(self, kind: type[Fact], true: Callable[[Any], object]) -> Any:  # noqa: ANN401 - that kind of fact
        return soon(lambda: next((fact for fact in self.told(kind) if true(fact)), None), 10, kind.__name__)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, home_assistant: Path) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    blueprints = folder / "hass" / "blueprints" / "automation" / "kinwatch"
    blueprints.mkdir(parents=True)
    (blueprints / "kinwatch_alert.yaml").write_text((DEPLOY / "kinwatch_alert.yaml").read_text())
    with (
        Broker(persistence=True) as broker,
        Hass(home_assistant, folder / "hass", broker.port) as hass,
        World(broker, hass, folder).open() as world,
    ):
        world.tell(
            People(
                place="brain",
                people=(PersonEntry(name="Alice", group="family"), PersonEntry(name="Bob", group="guest")),
            )
        )
        hass.soon("binary_sensor.kinwatch_hall_person", "off")
        hass.soon("sensor.kinwatch_bob_last_seen", "unknown")
        hass.soon("binary_sensor.kinwatch_bob_here", "off")
        yield world


def visit(before: Visit | None = None, **fields: object) -> Visit:
    """A visit's message, or the next one after another."""
    at = now()
    first = {"place": "hall", "visit": uuid7(), "seq": 0, "phase": "started", "verdict": "identifying", "since": at}
    known = first if before is None else before.model_dump(exclude={"id", "at", "picture", "alert"})
    return Visit.model_validate(known | {"seq": known["seq"] + 1, "last": at} | fields)  # type: ignore[operator]


def with_picture(message: Visit, jpeg: bytes) -> Visit:
    return message.model_copy(update={"picture": jpeg})


def comes(world: World, *, place: str = "hall", shade: int = 200) -> Visit:
    """Have a stranger come: the house is alerted."""
    begun = visit(place=place)
    world.tell(begun)
    decided = with_picture(visit(begun, phase="decided", verdict="stranger", alert=True), picture(shade))
    world.tell(decided)
    is_told = '{{ state_attr("binary_sensor.kinwatch_open_alert", "visit") }}'
    soon(lambda: world.hass.render(is_told) == str(begun.visit), 10, "the alert")
    return decided


def goes(world: World, last: Visit) -> None:
    world.tell(visit(last, phase="ended"))


def test_every_entity_is_there_before_anything_has_happened(world: World) -> None:
    states = world.hass.states()
    for place in ("hall", "kuche_2"):
        for entity in (
            *(f"binary_sensor.kinwatch_{place}_{what}" for what in ("person", "stranger", "camera_problem")),
            *(f"sensor.kinwatch_{place}_{what}" for what in ("last_person", "camera_trouble")),
            *(f"image.kinwatch_{place}_{what}" for what in ("last_visit", "last_stranger")),
            f"event.kinwatch_{place}_sighting",
            f"notify.kinwatch_{place}_announce",
            f"text.kinwatch_{place}_say_here",
        ):
            assert states[entity]["state"] != "unavailable", entity
    assert states["select.kinwatch_mode"]["state"] == "home"
    assert states["sensor.kinwatch_mode_in_force"]["state"] == "night"
    assert states["sensor.kinwatch_frame_age"]["state"] == "45"
    who, options = "select.kinwatch_who_was_it", ["Not said yet", "Alice", "Bob", "A guest today", "Not a person"]
    soon(
        lambda: world.hass.attributes(who)["options"] == options, 10, "the names"
    )  # its device may come a moment later
    assert "kinwatch_hall" not in world.hass.log(), "Home Assistant complains"


def test_a_visit_is_seen_from_its_start_to_its_end(world: World) -> None:
    hass, begun = world.hass, visit()
    world.tell(begun)
    hass.soon("binary_sensor.kinwatch_hall_person", "on")
    assert hass.state("binary_sensor.kinwatch_hall_stranger") == "off"
    decided = with_picture(
        visit(begun, phase="decided", verdict="stranger", alert=True, reasons=["7 faces"]), picture(7)
    )
    world.tell(decided)
    hass.soon("binary_sensor.kinwatch_hall_stranger", "on")
    assert hass.state("sensor.kinwatch_hall_last_person") == "stranger"
    soon(lambda: hass.attributes("event.kinwatch_hall_sighting")["event_type"] == "stranger", 5, "the sighting")
    seen = hass.attributes("event.kinwatch_hall_sighting")
    assert (seen["event_type"], seen["visit"], seen["reasons"]) == ("stranger", str(begun.visit), ["7 faces"])
    for image in ("kinwatch_hall_last_visit", "kinwatch_hall_last_stranger", "kinwatch_unknown_visit"):
        assert hass.request(f"/api/image_proxy/image.{image}") == picture(7), image
    world.tell(visit(decided, phase="corrected", verdict="family", who="Alice"))
    hass.soon("binary_sensor.kinwatch_alice_here", "on")
    assert hass.state("sensor.kinwatch_hall_last_person") == "Alice"
    soon(lambda: hass.attributes("event.kinwatch_alert")["event_type"] == "family", 5, "the correction")
    world.tell(visit(decided, seq=4, phase="ended", verdict="family", who="Alice"))
    hass.soon("binary_sensor.kinwatch_hall_person", "off")
    soon(lambda: hass.attributes("event.kinwatch_hall_sighting")["event_type"] == "cleared", 5, "the end of the visit")
    assert hass.attributes("sensor.kinwatch_alice_last_seen")["place"] == "hall"
    assert datetime.fromisoformat(str(hass.state("sensor.kinwatch_alice_last_seen"))) <= datetime.now(UTC)


def test_animals_and_trouble_are_seen_too(world: World) -> None:
    cat = Detection(label="cat", box=(0.1, 0.1, 0.2, 0.2), score=0.9)
    world.link.offer("kinwatch/hall/detections", Detections(place="hall", detections=(cat,)).payload())
    sighting = "event.kinwatch_hall_sighting"
    soon(lambda: world.hass.attributes(sighting).get("animal") == "cat", 10, "the cat")
    world.tell(Trouble(place="hall", what="covered", detail="is there something in front of it?"))
    world.hass.soon("binary_sensor.kinwatch_hall_camera_problem", "on")
    assert world.hass.state("sensor.kinwatch_hall_camera_trouble") == "covered"
    soon(lambda: world.hass.attributes(sighting)["event_type"] == "trouble", 5, "the trouble as an event")
    world.tell(Trouble(place="hall", what="recovered"))
    world.hass.soon("binary_sensor.kinwatch_hall_camera_problem", "off")


def test_a_camera_that_dies_makes_its_place_unavailable(world: World) -> None:
    world.link.post("kinwatch/status/hall", service_status("hall", "online").payload(), retain=True).wait(30)
    world.link.post("kinwatch/status/hall", service_status("hall", "offline").payload(), retain=True).wait(30)
    world.hass.soon("binary_sensor.kinwatch_hall_person", "unavailable")
    assert world.hass.state("binary_sensor.kinwatch_hall_camera_problem") == "on"
    world.link.post("kinwatch/status/hall", service_status("hall", "online").payload(), retain=True).wait(30)
    world.hass.soon("binary_sensor.kinwatch_hall_person", "off")


def test_what_is_chosen_and_said_there_reaches_the_bus(world: World) -> None:
    world.hass.call("select.select_option", entity_id="select.kinwatch_mode", option="away")
    soon(lambda: ("kinwatch/mode/set", b"away") in world.heard, 10, "the mode")
    words = 'Dinner is ready, "Bob" & Zoë'
    world.hass.call("notify.send_message", entity_id="notify.kinwatch_hall_announce", message=words)
    world.soon(Say, lambda said: (said.place, said.words) == ("hall", words))
    world.hass.call("text.set_value", entity_id="text.kinwatch_kuche_2_say_here", value="Hello")
    world.soon(Say, lambda said: (said.place, said.words) == ("Küche 2", "Hello"))
    world.hass.call("button.press", entity_id="button.kinwatch_test_alert")
    world.soon(SelfTest, lambda wanted: wanted.place == "test")
    world.tell(visit(place="test", phase="decided", verdict="stranger", alert=True))
    soon(lambda: world.hass.attributes("event.kinwatch_alert")["event_type"] == "test", 10, "the test")


def test_the_switch_disables_and_enables_the_camera_of_a_place(world: World) -> None:
    hass, switch = world.hass, "switch.kinwatch_hall_camera"
    hass.soon(switch, "on")
    hass.call("switch.turn_off", entity_id=switch)
    world.soon(CameraEnabled, lambda camera: camera.place == "hall" and not camera.enabled)
    hass.soon(switch, "off")
    hass.soon("binary_sensor.kinwatch_hall_person", "unavailable")
    hass.call("switch.turn_on", entity_id=switch)
    world.soon(CameraEnabled, lambda camera: camera.place == "hall" and camera.enabled)
    hass.soon(switch, "on")
    hass.soon("binary_sensor.kinwatch_hall_person", "off")


def test_the_cloud_is_switched_off_and_its_spend_is_shown_where_there_is_one(world: World) -> None:
    hass, switch = world.hass, "switch.kinwatch_cloud_recognition"
    assert hass.state(switch) is None
    counts = {"age_ms_p99": 45, "work_ms_p50": 31}
    local, cloud = (
        service_status("brain", "online", "", counts | more).payload()
        for more in ({}, {"cloud_calls_today": 12, "cloud_cents_month": 345})
    )
    world.link.post("kinwatch/cloud", b"on", retain=True).wait(30)
    world.link.post("kinwatch/status/brain", cloud, retain=True).wait(30)
    hass.soon(switch, "on")
    world.link.post("kinwatch/status/brain", cloud, retain=True).wait(30)  # its sensors were not there the first time
    hass.soon("sensor.kinwatch_cloud_spend_this_month", "3.45")
    hass.soon("sensor.kinwatch_cloud_calls_today", "12")
    spend = hass.attributes("sensor.kinwatch_cloud_spend_this_month")
    assert (spend["device_class"], spend["unit_of_measurement"], spend["state_class"]) == ("monetary", "USD", "total")
    assert datetime.fromisoformat(spend["last_reset"]).day == 1
    hass.call("switch.turn_off", entity_id=switch)
    soon(lambda: ("kinwatch/cloud/set", b"off") in world.heard, 10, "the switch")
    assert hass.state(switch) == "on", "it shows what the brain says, not what was asked"
    world.link.post("kinwatch/cloud", b"off", retain=True).wait(30)
    hass.soon(switch, "off")
    assert "kinwatch_cloud" not in hass.log(), "Home Assistant complains"
    world.link.post("kinwatch/status/brain", local, retain=True).wait(30)
    soon(lambda: hass.state(switch) is None, 15, "the end of the cloud")


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    """The brain's, as it learns from the bus."""
    with Gallery(tmp_path / "gallery.db") as gallery:
        yield gallery


def test_the_last_unknown_visit_is_named(world: World, gallery: Gallery, tmp_path: Path) -> None:
    box = DurableQueue(tmp_path / "words.db", "inbox")
    lessons = LabelInbox(box, gallery, lambda: None)
    stranger = comes(world)
    assert world.hass.attributes("sensor.kinwatch_last_unknown_visit")["visit"] == str(stranger.visit)
    world.hass.call("select.select_option", entity_id="select.kinwatch_who_was_it", option="Alice")
    told = world.soon(Label, lambda told: told.visit == stranger.visit)
    assert (told.place, told.who) == ("hall", "Alice")
    lessons.receive(told.topic, told.payload())
    assert box.counts()["waiting"] == 1, "the brain does not take the word"
    box.close()
    world.hass.soon("select.kinwatch_who_was_it", "Alice")
    goes(world, stranger)
    guest = comes(world)
    world.hass.soon("select.kinwatch_who_was_it", "Not said yet")
    world.hass.call("select.select_option", entity_id="select.kinwatch_who_was_it", option="A guest today")
    told = world.soon(Label, lambda told: told.visit == guest.visit)
    assert told.group == "guest"
    assert timedelta() < told.until - now() <= timedelta(days=1)
    world.hass.call("text.set_value", entity_id="text.kinwatch_new_name", value="Zoë")
    world.soon(Label, lambda told: told.who == "Zoë")
    world.hass.call("select.select_option", entity_id="select.kinwatch_who_was_it", option="Not a person")
    world.soon(Label, lambda told: told.visit == guest.visit and told.who is None)
    world.hass.call("button.press", entity_id="button.kinwatch_acknowledge")
    assert world.soon(Acknowledged, lambda word: word.visit == guest.visit).by == "Home Assistant"
    world.hass.soon("binary_sensor.kinwatch_open_alert", "off")
    goes(world, guest)


def test_receipts_are_counted(world: World) -> None:
    for _ in range(2):
        last = comes(world)
        world.tell(Stored(place="hall", visit=last.visit, seq=last.seq, url="file:///evidence/1.json"))
        soon(lambda: int(world.hass.state("sensor.kinwatch_stored_evidence") or 0) > 0, 10, "a receipt")
        goes(world, last)
    soon(lambda: int(world.hass.state("sensor.kinwatch_evidence_waiting") or 0) > 0, 10, "what waits")


def test_somebody_who_is_forgotten_is_removed(world: World) -> None:
    alice, bob = PersonEntry(name="Alice", group="family"), PersonEntry(name="Bob", group="guest")
    world.tell(People(place="brain", people=(alice,)))
    soon(lambda: world.hass.state("binary_sensor.kinwatch_bob_here") is None, 10, "Bob to go")
    assert world.hass.state("binary_sensor.kinwatch_alice_here") == "off"
    assert "Bob" not in world.hass.attributes("select.kinwatch_who_was_it")["options"]
    world.tell(People(place="brain", people=(alice, bob)))
    world.hass.soon("binary_sensor.kinwatch_bob_here", "off")


def entities(world: World) -> dict[str, tuple[str, object]]:
    """Return what is shown of kinwatch, and each event's kind."""
    return {
        entity: (state["state"], state["attributes"].get("event_type"))
        for entity, state in world.hass.states().items()
        if "kinwatch" in entity and not entity.startswith("automation")
    }


def restart_hass(world: World) -> None:
    world.hass.restart()


def restart_broker(world: World) -> None:
    world.broker.save()
    world.broker.kill()
    world.broker.start()


def restart_actuator(world: World) -> None:
    world.kill()
    world.hass.soon("binary_sensor.kinwatch_hall_person", "unavailable")
    world.start()


@pytest.mark.parametrize("restart", [restart_actuator, restart_broker, restart_hass])
def test_after_a_restart_all_is_as_it_was(world: World, restart: Callable[[World], None]) -> None:
    stranger = comes(world, shade=33)
    world.hass.soon("binary_sensor.kinwatch_hall_stranger", "on")
    soon(lambda: world.hass.attributes("event.kinwatch_alert")["visit"] == str(stranger.visit), 5, "the alert")
    before = entities(world)
    restart(world)
    # A text box forgets its words, and an image's state is the time when it arrived.
    fades = {entity for entity in before if entity.startswith(("text.", "image."))}

    def differs() -> dict[str, Any]:
        after = entities(world)
        both = {entity: (state, after.get(entity)) for entity, state in before.items() if entity not in fades}
        return {entity: pair for entity, pair in both.items() if pair[0] != pair[1]}

    soon(lambda: not differs(), 40, differs)
    assert world.hass.request("/api/image_proxy/image.kinwatch_hall_last_stranger") == picture(33)
    goes(world, stranger)
    world.hass.soon("binary_sensor.kinwatch_hall_stranger", "off")


def test_no_event_is_kept_by_the_broker(world: World) -> None:
    kept: list[str] = []
    late = open_link(world.broker.url, "latecomer", durable=False)
    late.listen("#", lambda topic, _: kept.append(topic), qos=1)
    with late:
        assert late.wait_connected(30)
        soon(lambda: "homeassistant/device/kinwatch_house/config" in kept, 5, "what is kept")
    assert any(topic.endswith("/state") for topic in kept)
    assert not [topic for topic in kept if "/event/" in topic or topic.endswith(("/visit", "/label", "/say"))]


@contextmanager
def phone(world: World, **inputs: object) -> Iterator[Phone]:
    with Phone() as phone:
        wanted = {"phones": [phone.register(world.hass)], **inputs}
        made = {"id": "alerts", "alias": "Kinwatch alerts", "use_blueprint": {"path": BLUEPRINT, "input": wanted}}
        world.hass.automate([made])
        world.hass.soon("automation.kinwatch_alerts", "on")
        yield phone


def test_the_blueprint_pushes_and_takes_the_answer(world: World) -> None:
    hass = world.hass
    with phone(world) as pretend:
        world.link.post("kinwatch/mode", b"away", retain=True).wait(30)
        hass.soon("select.kinwatch_mode", "away")
        stranger = comes(world)
        pushed = soon(lambda: pretend.pushed, 10, "the push")[0]
        assert pushed["title"] == "A stranger: hall"
        data = pushed["data"]
        assert data["tag"] == str(stranger.visit)
        assert data["image"].startswith("/api/image_proxy/image.kinwatch_unknown_visit")
        assert data["push"]["interruption-level"] == "critical"
        titles = {each["title"]: each["action"] for each in data["actions"]}
        assert [*titles] == ["It's family", "Seen, thanks", "Sound the alarm", "Guest today", "Not a person"]

        def answer(title: str, **more: str) -> None:
            hass.post("/api/events/mobile_app_notification_action", {"action": titles[title], **more})

        answer("It's family", reply_text='Zoë "Z"')
        assert world.soon(Label, lambda told: told.visit == stranger.visit).who == 'Zoë "Z"'
        world.soon(Acknowledged, lambda word: word.visit == stranger.visit)
        answer("Guest today")
        guest = world.soon(Label, lambda told: told.visit == stranger.visit and told.group == "guest")
        assert timedelta() < guest.until - now() <= timedelta(days=1)
        answer("Not a person")
        world.soon(Label, lambda told: told.visit == stranger.visit and told.who is None)
        answer("Sound the alarm")
        world.soon(Say, lambda said: said.words == "You are on camera. The owner has been told.")
        soon(lambda: pretend.pushed[-1]["message"] == "clear_notification", 10, "the notification to be cleared")
        world.tell(visit(stranger, phase="corrected", verdict="family", who="Alice"))
        last = soon(
            lambda: pretend.pushed[-1].get("title") == "Alice: hall" and pretend.pushed[-1], 10, "the correction"
        )
        assert last["data"]["tag"] == str(stranger.visit)
        assert "critical" not in json.dumps(last)
        goes(world, visit(stranger, seq=3, phase="corrected", verdict="family", who="Alice"))


def test_an_incident_is_one_notification_that_rings_again_only_when_it_gets_worse(world: World) -> None:
    known = Incident(id=uuid7(), since=now(), places=("hall",), rings=1)
    more = known.model_copy(update={"places": ("hall", "Küche 2"), "people": 2})
    with phone(world) as pretend:
        world.link.post("kinwatch/mode", b"away", retain=True).wait(5)
        world.hass.soon("select.kinwatch_mode", "away")
        first = visit(phase="decided", verdict="stranger", alert=True, incident=known)
        second = visit(place="Küche 2", phase="decided", verdict="stranger", incident=more)
        worse = visit(phase="decided", verdict="stranger", alert=True, incident=more.model_copy(update={"rings": 2}))
        for count, seen in enumerate((first, second, worse), 1):
            world.tell(seen)
            soon(lambda wanted=count: len(pretend.pushed) == wanted, 10, lambda: str(pretend.pushed))  # type: ignore[misc]
        titles = [each["title"] for each in pretend.pushed]
        assert titles == ["A stranger: hall", "2 strangers: hall, then Küche 2", "A stranger: hall"]
        assert {each["data"]["tag"] for each in pretend.pushed} == {str(known.id)}
        levels = [each["data"]["push"]["interruption-level"] for each in pretend.pushed]
        assert levels == ["critical", "passive", "critical"]
        assert [each["data"].get("alert_once", False) for each in pretend.pushed] == [False, True, False]
        assert len(pretend.pushed[1]["data"]["actions"]) == 5
        world.tell(Acknowledged(place="Küche 2", visit=second.visit))
        soon(lambda: pretend.pushed[-1]["message"] == "clear_notification", 10, "the notification to be cleared")
        assert pretend.pushed[-1]["data"]["tag"] == str(known.id)
        for seen in (first, second, worse):
            goes(world, seen)


def test_at_home_the_phone_is_not_critical(world: World) -> None:
    with phone(world) as pretend:
        world.link.post("kinwatch/mode", b"home", retain=True).wait(30)
        world.hass.soon("select.kinwatch_mode", "home")
        goes(world, comes(world))
        pushed = soon(lambda: pretend.pushed, 10, "the push")[0]
        assert pushed["data"]["push"] == {"interruption-level": "active"}
