"""The real Mosquitto with the settings and the rules of deploy/."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from queue import Queue

import pytest

from nerves.mqtt import MqttLink
from senses.browser.settings import BrowserSettings, browser_topics
from tests.faults import HOST, Broker
from tests.paths import DEPLOY
from tests.waiting import scaled

pytestmark = pytest.mark.mosquitto

# What the harness sets by itself: where to listen, and who may.
OWN = ("listener", "allow_anonymous", "password_file", "acl_file")

TOPICS = (
    *(
        f"kinwatch/hall/{kind}"
        for kind in ("frame", "heard", "trouble", "visit", "detections", "stored", "label", "say")
    ),
    *(f"kinwatch/hall/{kind}" for kind in ("acknowledged", "said", "enabled", "presence")),
    *("kinwatch/porch/frame", "kinwatch/porch/visit", "kinwatch/@us/mentioned", "kinwatch/x/mentioned"),
    *(
        "kinwatch/mode",
        "kinwatch/mode/set",
        "kinwatch/cloud",
        "kinwatch/cloud/set",
        "kinwatch/status/hall",
        "kinwatch/status/brain",
    ),
    *("kinwatch/brain/people", "kinwatch/test/visit", "kinwatch/ha/state/house/state", "kinwatch/ha/set/who"),
    *("homeassistant/device/kinwatch_house/config", "kinwatch/ha/event/house/alert"),
    *("kinwatch/test/self_test", "kinwatch/test/self_test_result"),
    *("kinwatch/status/evidence", "homeassistant/status", "elsewhere/x"),
)
ALL = frozenset(topic for topic in TOPICS if topic.startswith("kinwatch/"))
PORCH = {"kinwatch/porch/frame", "kinwatch/porch/visit"}


def hall(*kinds: str) -> set[str]:
    return {f"kinwatch/hall/{kind}" for kind in kinds}


def status(*services: str) -> set[str]:
    return {f"kinwatch/status/{service}" for service in services}


MODE, MODE_SET, HASS = "kinwatch/mode", "kinwatch/mode/set", "homeassistant/status"
CLOUD, CLOUD_SET = "kinwatch/cloud", "kinwatch/cloud/set"
DEVICE, ASKED, TEST = "homeassistant/device/kinwatch_house/config", "kinwatch/ha/set/who", "kinwatch/test/visit"
TOLD = {"kinwatch/ha/state/house/state", "kinwatch/ha/event/house/alert"}
PEOPLE, REHEARSED = "kinwatch/brain/people", "kinwatch/test/self_test_result"
VISITS = {"kinwatch/porch/visit", TEST}
STATUSES = status("hall", "brain", "evidence")
READS = {
    "hall": hall("enabled"),
    "ear": hall("said"),
    "x": set(),
    "tablet": hall("visit", "detections", "say", "said", "enabled") | {PEOPLE} | status("brain") | VISITS,
    "brain": hall("frame", "heard", "label", "stored", "trouble", "enabled", "presence")
    | STATUSES
    | {MODE_SET, CLOUD_SET, "kinwatch/porch/frame", "kinwatch/@us/mentioned", "kinwatch/x/mentioned"}
    | {"kinwatch/test/self_test"},
    "evidence": hall("visit") | VISITS,
    "phone": hall("visit", "label", "acknowledged") | VISITS,
    "voice": hall("visit", "say") | VISITS,
    "ha": hall("visit", "detections", "trouble", "stored", "label", "acknowledged", "enabled")
    | STATUSES
    | {MODE, HASS, ASKED, PEOPLE}
    | VISITS,
    "homeassistant": ALL | {HASS, DEVICE},
    "gateway": hall("visit", "detections", "trouble", "say", "acknowledged", "enabled") | STATUSES | {MODE} | VISITS,
    "house": ALL | {HASS},
}
WRITES = {
    "hall": hall("frame", "trouble") | status("hall"),
    "ear": hall("heard"),
    "x": {"kinwatch/x/mentioned"},
    "tablet": hall("frame", "heard", "said", "label"),
    "brain": hall("visit", "detections", "trouble", "say", "enabled")
    | status("brain")
    | {MODE, CLOUD, PEOPLE}
    | VISITS,
    "evidence": hall("stored") | status("evidence") | {REHEARSED},
    "phone": hall("say") | {REHEARSED},
    "voice": hall("said") | {REHEARSED},
    "ha": hall("label", "acknowledged") | TOLD | {DEVICE, "kinwatch/test/self_test", REHEARSED},
    "homeassistant": hall("say", "label", "acknowledged", "enabled", "presence")
    | {MODE_SET, CLOUD_SET, HASS, ASKED, DEVICE},
    "gateway": hall("frame", "heard", "label", "say", "acknowledged") | {MODE_SET, "kinwatch/porch/frame"},
    "house": ALL | {DEVICE},
}
SERVICE = """
import sys, time
from nerves.process import running
with running("hall", sys.argv[1], password="secret"):
    time.sleep(30)
"""
PUBLISHER = "test-publisher"


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    conf = [line for line in (DEPLOY / "mosquitto.conf").read_text().splitlines() if not line.startswith(OWN)]
    acl = f"{(DEPLOY / 'mosquitto.acl').read_text()}\nuser {PUBLISHER}\ntopic readwrite #\npattern read last/%u\n"
    users = dict.fromkeys([*WRITES, PUBLISHER], "secret")
    with Broker(users=users, acl=acl, conf=tuple(conf)) as broker:
        yield broker


def link(broker: Broker, user: str, heard: Queue[str] | None = None) -> MqttLink:
    made = MqttLink(f"mqtt://{user}@{HOST}:{broker.port}", f"kinwatch-{user}", durable=False, password="secret")
    if heard is not None:
        made.listen("#", lambda topic, _: heard.put(topic), qos=1)
    return made


@pytest.mark.parametrize("user", WRITES)
def test_a_user_may_write_this_and_nothing_else(broker: Broker, user: str) -> None:
    with link(broker, user) as writer:
        assert writer.wait_connected(30), writer.trouble
        receipts = {topic: writer.post(topic, b"x") for topic in TOPICS}
        assert all(receipt.wait(30) for receipt in receipts.values())
    assert {topic for topic, receipt in receipts.items() if not receipt.refused} == WRITES[user]


def test_a_user_hears_this_and_nothing_else(broker: Broker) -> None:
    ears: dict[str, Queue[str]] = {user: Queue() for user in READS}
    with ExitStack() as stack:
        for user, heard in ears.items():
            assert stack.enter_context(link(broker, user, heard)).wait_connected(30)
        publisher = stack.enter_context(link(broker, PUBLISHER))
        assert publisher.wait_connected(30)
        for topic in (*TOPICS, *(f"last/{user}" for user in READS)):
            assert publisher.post(topic, b"x").wait(30)
        found = {user: {*iter(lambda: heard.get(timeout=scaled(5)), f"last/{user}")} for user, heard in ears.items()}  # noqa: B023
    assert found == READS


def test_a_page_may_hear_all_that_it_asks_for(broker: Broker) -> None:
    settings = BrowserSettings(kind="browser", place="hall", album="house")
    asked = {topic.replace("+", "porch") for topic in browser_topics(settings)}
    heard: Queue[str] = Queue()
    with link(broker, "tablet", heard) as ear, link(broker, PUBLISHER) as publisher:
        assert ear.wait_connected(30)
        assert publisher.wait_connected(30)
        for topic in (*asked, "last/tablet"):
            assert publisher.post(topic, b"x").wait(30)
        assert asked <= {*iter(lambda: heard.get(timeout=scaled(5)), "last/tablet")}


def test_the_last_will_of_a_service_is_said(broker: Broker) -> None:
    said: Queue[str] = Queue()
    ear = MqttLink(f"mqtt://house@{HOST}:{broker.port}", "kinwatch-ear", durable=False, password="secret")
    ear.listen("kinwatch/status/hall", lambda _, payload: said.put(json.loads(payload)["state"]), qos=1)
    with ear, subprocess.Popen([sys.executable, "-c", SERVICE, f"mqtt://hall@{HOST}:{broker.port}"]) as service:
        try:
            assert said.get(timeout=scaled(8)) == "online"
        finally:
            service.kill()
        assert "offline" in iter(lambda: said.get(timeout=scaled(5)), "never")


def test_nobody_comes_in_without_the_password(broker: Broker) -> None:
    for url, password in ((broker.url, None), (f"mqtt://brain@{HOST}:{broker.port}", "guess")):
        with MqttLink(url, "kinwatch-thief", durable=False, password=password) as thief:
            assert not thief.wait_connected(0.5)
            assert "refuses this" in thief.trouble
