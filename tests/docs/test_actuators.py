"""The actuators of docs/add-an-actuator.md, run as they stand there, on a real broker."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest
import yaml

from nerves.messages import Visit
from tests.bench import clients
from tests.docs.test_docs import PUBLISHED, blocks, example
from tests.docs.test_senses import by_hand, by_pip
from tests.faults import HOST, Broker
from tests.hass import Hass
from tests.paths import ROOT
from tests.waiting import soon

pytestmark = [pytest.mark.mosquitto, pytest.mark.programs("mosquitto_pub", "mosquitto_sub"), pytest.mark.timeout(240)]

PAGE = ROOT / "docs" / "add-an-actuator.md"
RING = ["/bin/sh", "-c", "echo ring >>rung"]
SIRENS = {
    "siren.sh": ["/bin/sh", "siren.sh"],
    "siren.py": [sys.executable, "siren.py"],
    "siren.js": ["node", "siren.js"],
}


class Place:
    """A folder in which an actuator runs, on a broker."""

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.folder, self.env = folder, clients(broker, folder)
        self.env |= {"NODE_PATH": os.environ.get("KINWATCH_TEST_NODE", "")}
        ((self.topic, body),) = [found for text in blocks(PAGE, "sh") for found in PUBLISHED.findall(text)]
        self.alert = json.loads(body)

    def publish(self, **fields: object) -> None:
        """Publish the alert of the page, or another one."""
        words = ["mosquitto_pub", "-q", "1", "-t", self.topic, "-m", json.dumps(self.alert | fields)]
        subprocess.run(words, env=self.env, check=True, timeout=60)

    @property
    def rung(self) -> int:
        file = self.folder / "rung"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def until(self, true: Callable[[], bool], **fields: object) -> None:
        """Publish again and again until it has had its effect: who subscribes says to nobody when it has."""

        def has_effect() -> bool:
            self.publish(**fields)
            time.sleep(0.3)
            return true()

        soon(has_effect, 60)

    @contextmanager
    def running(self, command: list[str], **env: str) -> Iterator[None]:
        process = subprocess.Popen(
            command, cwd=self.folder, env=self.env | env, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            yield
        finally:
            os.killpg(process.pid, 15)
            process.wait(20)


@pytest.mark.parametrize("siren", ["siren.sh", "siren.py", pytest.param("siren.js", marks=pytest.mark.node)])
def test_an_alert_rings_also_one_that_came_while_it_was_away(tmp_path: Path, siren: str) -> None:
    (tmp_path / siren).write_text(example(PAGE, siren))
    with Broker() as broker:
        place = Place(broker, tmp_path)
        with place.running([*SIRENS[siren], *RING]):
            place.until(lambda: place.rung > 0)
            place.publish(visit=str(uuid4()), alert=False)
            before = place.rung
            place.publish(visit=str(uuid4()))
            soon(lambda: place.rung > before, 30, "the second ring")
            if siren != "siren.sh":
                assert place.rung == 2, "the same message rang twice"
        before = place.rung
        place.publish(visit=str(uuid4()))
        with place.running([*SIRENS[siren], *RING]):
            soon(lambda: place.rung > before, 30, "the ring for what came while it was away")


class Siren(BaseHTTPRequestHandler):
    """Takes an alert the second time it is posted."""

    posted: list[Visit]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.posted.append(Visit.read("kinwatch/hall/visit", body))
        self.send_response(204 if len(self.posted) > 1 else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("install", [by_pip, by_hand])
def test_a_package_of_two_files_is_an_actuator(tmp_path: Path, install: object) -> None:
    assert callable(install)
    project, site = tmp_path / "project", tmp_path / "site"
    project.mkdir()
    (project / "webhook.py").write_text(example(PAGE, "webhook.py"))
    (project / "pyproject.toml").write_text(blocks(PAGE, "toml")[0])
    install(project, site)
    Siren.posted = []
    with Broker() as broker, ThreadingHTTPServer((HOST, 0), Siren) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        (settings,) = [text for text in blocks(PAGE, "yaml") if "kind: webhook" in text]
        here = f"http://{HOST}:{server.server_port}/alert"
        (tmp_path / "kinwatch.yaml").write_text(settings.replace("http://siren.local/alert", here))
        place = Place(broker, tmp_path)
        act = [sys.executable, "-m", "kinwatch", "act", "siren", "--config", "kinwatch.yaml"]
        with place.running(act, PYTHONPATH=f"{ROOT}:{site}"):
            place.until(lambda: len(Siren.posted) > 1, id=str(uuid4()))
        server.shutdown()
    assert {str(visit.visit) for visit in Siren.posted} == {place.alert["visit"]}


# A siren that Home Assistant knows, by the name that the page's automation has for it.
HALL = "mqtt: {siren: [{name: hall, command_topic: siren/hall}]}\n"


@pytest.mark.hass
@pytest.mark.timeout(300)
def test_the_automation_of_the_page_turns_the_siren_on_for_a_stranger_alone(
    tmp_path: Path, home_assistant: Path
) -> None:
    (automation,) = [found for text in blocks(PAGE, "yaml") if "triggers" in (found := yaml.safe_load(text))]
    with Broker() as broker, Hass(home_assistant, tmp_path / "hass", broker.port, extra=HALL) as hass:
        place = Place(broker, tmp_path)
        hass.soon("siren.hall", "off", 60)
        hass.automate([automation | {"id": "siren"}])
        hass.soon("automation.the_siren_rings_for_strangers", "on", 60)
        for calm in ({"verdict": "family"}, {"alert": False}):
            place.publish(**calm)
        time.sleep(1)
        assert hass.state("siren.hall") == "off"
        place.until(lambda: hass.state("siren.hall") == "on", reasons=["3 faces, nobody's"])
        assert "the_siren_rings_for_strangers" not in hass.log(), hass.log()[-2000:]
