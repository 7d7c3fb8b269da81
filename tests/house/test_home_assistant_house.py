"""The whole house beside a real Home Assistant: a recording is seen there, and what is said there reaches the brain."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from brain.people.gallery import Gallery
from nerves.bus import open_link
from nerves.messages import Visit
from tests.faults import Broker
from tests.hass import Hass
from tests.paths import ROOT
from tests.waiting import soon

pytestmark = [
    pytest.mark.hass,
    pytest.mark.mosquitto,
    pytest.mark.media,
    pytest.mark.models,
    pytest.mark.timeout(240),
]


@contextmanager
def house(folder: Path, broker: Broker, clip: Path) -> Iterator[None]:
    settings = {
        "mqtt": {"url": broker.url},
        "senses": {"hall": {"kind": "camera", "source": str(clip), "loop": True}},
        "brain": {"pack": "standard", "timing": {"gone_s": 2.0}},
        "actuators": {"ha": {"kind": "homeassistant"}},
    }
    (folder / "kinwatch.yaml").write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "kinwatch", "up", "--config", str(folder / "kinwatch.yaml")]
    env = os.environ | {"KINWATCH_DATA_DIR": str(folder / "data")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def test_a_recording_is_seen_there_and_what_is_said_there_changes_the_brain(
    tmp_path: Path, home_assistant: Path, media: Path
) -> None:
    heard: list[Visit] = []
    modes: list[bytes] = []
    with Broker(persistence=True) as broker, Hass(home_assistant, tmp_path / "hass", broker.port) as hass:
        witness = open_link(broker.url, "witness", durable=False)
        witness.listen("kinwatch/+/visit", lambda topic, body: heard.append(Visit.read(topic, body)), qos=1)
        witness.listen("kinwatch/mode", lambda _, mode: modes.append(mode), qos=1)
        with witness, house(tmp_path, broker, media / "clips" / "me_and_wife_facing.mp4"):
            soon(lambda: any(visit.verdict == "stranger" for visit in heard), 60, "a stranger")
            hass.soon("binary_sensor.kinwatch_hall_person", "on", 30)
            image = "image.kinwatch_hall_last_stranger"
            soon(lambda: hass.state(image) not in (None, "unknown", "unavailable"), 20, "the picture")
            assert hass.request(f"/api/image_proxy/{image}") in {visit.picture for visit in heard}
            hass.call("select.select_option", entity_id="select.kinwatch_mode", option="away")
            soon(lambda: modes and modes[-1] == b"away", 10, "the brain's new mode")
            soon(lambda: hass.state("sensor.kinwatch_last_unknown_visit") not in (None, "unknown"), 20, "who it was")
            hass.call("text.set_value", entity_id="text.kinwatch_new_name", value="Zoë")
            soon(lambda: any(visit.who == "Zoë" for visit in heard), 60, "somebody to be known by name")
            hass.soon("sensor.kinwatch_hall_last_person", "Zoë", 60)
        with Gallery(tmp_path / "data" / "gallery.db") as gallery:
            assert [person.name for person in gallery.people()] == ["Zoë"]
            assert gallery.people()[0].photos > 0
