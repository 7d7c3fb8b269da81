"""An intruder walks through a real house: five places, one ring, and four updates of the same notification."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import UUID

import pytest
import yaml

from brain.people.gallery import Gallery
from nerves.bus import open_link
from nerves.link import Link
from nerves.messages import SelfTest, Visit
from tests.actuators.test_push import Phone as Receiver
from tests.cameras import Cameras
from tests.faults import Broker
from tests.hass import Hass, Phone
from tests.paths import ROOT
from tests.waiting import soon

pytest.importorskip("apprise")
pytestmark = [pytest.mark.media, pytest.mark.models, pytest.mark.mosquitto, pytest.mark.timeout(300)]

CAMERAS = ("hall", "kitchen", "living", "study")
# The frames of the fifth place are published by a program that is not ours.
PLACES = (*CAMERAS, "cellar")
NEXT_TO = {place: {"next_to": [after]} for place, after in pairwise(PLACES)}
FPS = 5
BRAIN = {
    "pack": "standard",
    # However slow the machine is, his face is seen before the deadline.
    "timing": {"gone_s": 2.0, "deadline_s": 120.0},
    "places": NEXT_TO | {"hall": {"entrance": True, "next_to": ["kitchen"]}},
}
BLUEPRINT = Path("kinwatch", "kinwatch_alert.yaml")
ALERT = "binary_sensor.kinwatch_open_alert"


@dataclass
class Night:
    """What has happened, as each side has seen it."""

    visits: dict[UUID, list[Visit]] = field(default_factory=dict)
    modes: list[bytes] = field(default_factory=list)
    analysed: set[str] = field(default_factory=set)
    """The places whose frames the brain has analysed."""
    letters: list[dict[str, Any]] = field(default_factory=list)
    """What the push receiver got."""
    pushed: list[dict[str, Any]] = field(default_factory=list)
    """What Home Assistant sent to the phone with its app."""
    shown: list[dict[str, Any]] = field(default_factory=list)
    """The attributes of Home Assistant's open alert, after each place."""

    def witness(self, url: str) -> Link:
        """Return a link that takes down what the brain says."""
        link = open_link(url, "witness", durable=False)
        link.listen("kinwatch/+/visit", self._hear, qos=1)
        link.listen("kinwatch/mode", lambda _, mode: self.modes.append(mode), qos=1)
        link.listen("kinwatch/+/detections", lambda topic, _: self.analysed.add(topic.split("/")[1]), qos=0)
        return link

    def told(self) -> list[list[Visit]]:
        """Return the messages of each visit, in the order in which the visits began."""
        return [messages for messages in [*self.visits.values()] if messages[0].place in PLACES]

    def is_over(self) -> bool:
        return all(messages[-1].phase == "ended" for messages in self.told())

    def _hear(self, topic: str, payload: bytes) -> None:
        visit = Visit.read(topic, payload)
        self.visits.setdefault(visit.visit, []).append(visit)


@contextmanager
def kinwatch_up(folder: Path, broker: Broker, cameras: Cameras, receiver: Receiver) -> Iterator[Path]:
    """Run the whole house; its log is in the file."""
    settings = {
        "mqtt": {"url": broker.url},
        "senses": {place: {"kind": "camera", "source": cameras.url(place), "fps": FPS} for place in CAMERAS},
        "brain": BRAIN,
        "actuators": {"phone": {"kind": "push", "urls": [receiver.url]}, "ha": {"kind": "homeassistant"}},
    }
    (folder / "kinwatch.yaml").write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "kinwatch", "up", "--config", str(folder / "kinwatch.yaml")]
    env = os.environ | {"KINWATCH_DATA_DIR": str(folder / "data")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        try:
            yield folder / "log"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@contextmanager
def publishing(link: Link, cameras: Cameras, place: str) -> Iterator[None]:
    """Publish the frames of a place, as any program can."""
    stop = Event()

    def publish() -> None:
        while not stop.wait(1 / FPS):
            link.offer(f"kinwatch/{place}/frame", cameras.picture(place))

    thread = Thread(target=publish)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class Companion:
    """A real Home Assistant with the blueprint, and a phone with its app. Without Home Assistant it does nothing."""

    def __init__(self, folder: Path, broker: Broker, stack: ExitStack) -> None:
        self.pushed: list[dict[str, Any]] = []
        self._hass: Hass | None = None
        if not (venv := os.environ.get("KINWATCH_TEST_HASS")):
            return
        file = folder / "hass" / "blueprints" / "automation" / BLUEPRINT
        file.parent.mkdir(parents=True)
        shutil.copy(ROOT / "deploy" / "home-assistant" / BLUEPRINT.name, file)
        self._hass = stack.enter_context(Hass(Path(venv), folder / "hass", broker.port))
        phone = stack.enter_context(Phone())
        self.pushed = phone.pushed
        blueprint = {"path": str(BLUEPRINT), "input": {"phones": [phone.register(self._hass)]}}
        self._hass.automate([{"id": "alerts", "alias": "Kinwatch alerts", "use_blueprint": blueprint}])

    def wait_ready(self) -> None:
        """Wait until the house is shown, in the mode `away`."""
        if self._hass:
            self._hass.soon("automation.kinwatch_alerts", "on", 60)
            self._hass.soon(ALERT, "off", 60)
            self._hass.soon("select.kinwatch_mode", "away", 60)

    def shown(self, places: tuple[str, ...]) -> dict[str, Any]:
        """Return what the open alert says as soon as it names these places and the phone was told of each."""
        if not (hass := self._hass):
            return {}
        soon(lambda: len(self.pushed) >= len(places), 60, lambda: self.pushed)
        soon(lambda: tuple(hass.attributes(ALERT).get("places", ())) == places, 60, f"{places} in Home Assistant")
        assert hass.state(ALERT) == "on"
        return hass.attributes(ALERT)

    def wait_for(self, tag: str) -> None:
        """Wait until the phone has a notification with this tag."""
        if self._hass:
            soon(lambda: self.pushed[-1]["data"]["tag"] == tag, 60, lambda: self.pushed)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, media: Path, enrolled: Callable[[str], Path]) -> Night:
    """The wife is enrolled, and out. A man whom nobody knows walks through the house."""
    folder, night = tmp_path_factory.mktemp("night"), Night()
    shutil.copytree(enrolled("standard"), folder / "data")
    with Gallery(folder / "data" / "gallery.db") as gallery:
        gallery.forget("me")
    with ExitStack() as stack:
        broker = stack.enter_context(Broker(persistence=True))
        companion = Companion(folder, broker, stack)
        receiver, cameras = stack.enter_context(Receiver()), stack.enter_context(Cameras(media))
        witness = stack.enter_context(night.witness(broker.url))
        log = stack.enter_context(kinwatch_up(folder, broker, cameras, receiver))
        soon(lambda: night.analysed >= {*CAMERAS}, 120, log.read_text)
        witness.post("kinwatch/mode/set", b"away")
        soon(lambda: night.modes[-1:] == [b"away"], 20, "the mode")
        companion.wait_ready()
        stack.enter_context(publishing(witness, cameras, PLACES[-1]))
        for number in range(1, len(PLACES) + 1):
            cameras.intruder_at = PLACES[number - 1]
            soon(lambda wanted=number: len(receiver.got) >= wanted, 60, night.told)  # type: ignore[misc]
            night.shown.append(companion.shown(PLACES[:number]))
        cameras.intruder_at = ""
        soon(night.is_over, 60, "all visits to end")
        test = SelfTest()
        witness.post(test.topic, test.payload())
        # Whatever was still to come has come before the test alert.
        soon(lambda: receiver.got[-1]["tag"] == str(test.id), 60, "the test alert")
        companion.wait_for(str(test.id))
        night.letters, night.pushed = receiver.got[:-1], companion.pushed[:-1]
    return night


def test_the_brain_rings_once_and_tells_five_visits_of_one_incident(night: Night) -> None:
    assert [messages[0].place for messages in night.told()] == [*PLACES]
    assert {messages[-1].verdict for messages in night.told()} == {"stranger"}
    assert [sum(message.alert for message in messages) for messages in night.told()] == [1, 0, 0, 0, 0]
    incidents = [incident for messages in night.told() if (incident := messages[-1].incident)]
    assert len(incidents) == len(PLACES)
    last = incidents[-1]
    assert {incident.id for incident in incidents} == {last.id}
    assert (last.places, last.people, last.rings) == (PLACES, 1, 1)


def test_the_push_receiver_gets_one_ring_and_four_updates_of_the_same_notification(night: Night) -> None:
    assert [letter["ring"] for letter in night.letters] == ["yes", "no", "no", "no", "no"]
    assert len({letter["tag"] for letter in night.letters}) == 1
    assert night.letters[0]["message"].startswith("A stranger at ")
    assert [letter["message"] for letter in night.letters[1:]] == [
        f"A stranger: {', then '.join(PLACES[:number])}; {number} pictures." for number in range(2, 6)
    ]


@pytest.mark.hass
def test_home_assistant_shows_one_incident_and_rings_the_phone_once(night: Night) -> None:
    (incident,) = {shown["incident"] for shown in night.shown}
    assert incident == night.letters[0]["tag"]
    assert [shown["rings"] for shown in night.shown] == [1] * 5
    assert [each["title"] for each in night.pushed] == [
        f"A stranger: {', then '.join(PLACES[:number])}" for number in range(1, 6)
    ]
    data = [each["data"] for each in night.pushed]
    assert {each["tag"] for each in data} == {incident}
    assert [each["push"]["interruption-level"] for each in data] == ["critical", *["passive"] * 4]
    assert [each.get("alert_once", False) for each in data] == [False, True, True, True, True]
    assert not any("sound" in each["push"] for each in data[1:])
