"""A test alert through a real house: brain, store and phones, one of which cannot be reached."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from brain.process.self_test import test_visit as visit_of
from brain.vision.picture import Picture
from nerves.messages import SelfTest, Visit
from tests.paths import ROOT
from tests.waiting import scaled, soon

ONLINE = {"brain", "evidence", "phone", "tablet"}


class Phone(ThreadingHTTPServer):
    """Takes what is pushed to it."""

    def __init__(self) -> None:
        self.pushed: list[bytes] = []
        super().__init__(("127.0.0.1", 0), Ear)


class Ear(BaseHTTPRequestHandler):
    server: Phone

    def do_POST(self) -> None:
        self.server.pushed.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def phone() -> Iterator[Phone]:
    with Phone() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@contextmanager
def up(config: Path, env: dict[str, str]) -> Iterator[None]:
    """Start the house, and wait until all its services are online."""
    read = (config.parent / "log").read_text
    with (config.parent / "log").open("wb") as log:
        command = [sys.executable, "-m", "kinwatch", "up", "--config", str(config)]
        house = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log)
        try:
            soon(lambda: set(re.findall(r"(\w+) +online", read())) >= ONLINE, 60, read)
            yield
        finally:
            house.send_signal(signal.SIGTERM)
            house.wait(60)


@pytest.mark.models
@pytest.mark.mosquitto
@pytest.mark.timeout(240)
def test_a_test_alert_says_for_each_service_what_became_of_it(tmp_path: Path, phone: Phone) -> None:
    data, config = tmp_path / "data", tmp_path / "kinwatch.yaml"
    actuators = {
        "evidence": {"kind": "store", "url": (tmp_path / "evidence").as_uri()},
        "phone": {"kind": "push", "urls": [f"json://127.0.0.1:{phone.server_port}"], "quiet": "00:00-23:59"},
        "tablet": {"kind": "push", "urls": ["json://127.0.0.1:9"]},
    }
    config.write_text(yaml.safe_dump({"brain": {"pack": "standard"}, "actuators": actuators}))
    env = os.environ | {"KINWATCH_DATA_DIR": str(data)}
    command = [
        sys.executable,
        "-m",
        "kinwatch",
        "check",
        "--alert",
        "--seconds",
        "30",
        "--json",
        "--config",
        str(config),
    ]
    with up(config, env):
        done = subprocess.run(
            command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=scaled(90), check=False
        )
    said = {line["service"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert {service: line["ok"] for service, line in said.items()} == {
        "brain": True,
        "evidence": True,
        "phone": True,
        "tablet": False,
    }, done
    assert "delivered to" in said["phone"]["detail"]
    assert said["tablet"]["detail"]
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("kinwatch: the test alert did not get through everywhere: 1 of 4")
    assert b"attachments" in phone.pushed[0]
    (facts,) = (tmp_path / "evidence").glob("*/*_test_*.json")
    assert "a test alert: nobody is there" in facts.read_text()


def test_the_test_visit_is_an_alert_with_a_picture_and_says_what_it_is() -> None:
    wish = SelfTest()
    visit = visit_of(wish)
    assert (visit.visit, visit.place, visit.alert, visit.verdict) == (wish.id, "test", True, "stranger")
    assert visit.reasons == ("a test alert: nobody is there",)
    again = Visit.read(visit.topic, visit.payload())
    assert again.picture is not None
    assert Picture(again.picture).width == 320
