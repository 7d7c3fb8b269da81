"""The camera switch: through a real broker, to a real camera process, and by a voice through the brain."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import Any

import cv2
import numpy as np
import pytest

from brain.people.gallery import Gallery
from brain.process.loop import run as run_brain
from brain.settings.brain import BrainSettings
from nerves.bus import open_link
from nerves.database import Database
from nerves.link import Link
from nerves.messages import CameraEnabled, Fact, Heard
from nerves.services import Context
from nerves.settings import HouseSettings
from senses.camera import CameraSettings, live, watch
from senses.camera.privacy import PrivacySwitch
from senses.camera.shot import Shot
from tests.backends import Blind
from tests.faults import Broker
from tests.paths import ROOT
from tests.senses.camera.test_camera import begin_mjpeg, jpeg, part, served
from tests.waiting import soon

ON, OFF = CameraEnabled(place="hall", enabled=True), CameraEnabled(place="hall", enabled=False, by="Alice")


class Place:
    """The camera switch of a place, what it reports, and how often its camera was opened and released."""

    def __init__(self, folder: Path) -> None:
        self.said: Queue[Fact | None] = Queue()
        self.notes: list[str] = []
        self.begun = self.ended = 0
        self.database = Database(folder / "hall.db")
        context = Context(self.database, lambda _: None, self.notes.append)
        self.switch = PrivacySwitch(context, iter(self.said.get, None))

    def shots(self) -> Generator[int, None, None]:
        self.begun += 1
        try:
            for number in range(10**6):
                time.sleep(0.005)
                yield number
        finally:
            self.ended += 1

    def seen(self) -> Iterator[int]:
        return self.switch.while_enabled(self.shots, lambda shots: (shot for shot in shots if shot % 2 == 0))


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    made = Place(folder)
    with closing(made.database):
        yield made


def test_the_camera_switch_releases_the_camera_and_opens_it_again(tmp_path: Path) -> None:
    numbers: list[int] = []
    with place(tmp_path) as hall:
        Thread(target=lambda: numbers.extend(hall.seen()), daemon=True).start()
        assert soon(lambda: numbers[:3] == [0, 2, 4], 40)
        hall.said.put(OFF)
        assert soon(lambda: hall.ended == 1, 40)
        assert soon(lambda: hall.notes, 40)
        assert hall.notes == [
            (
                'camera switched off by Alice: say "open your eyes", or publish {"enabled": true} '
                "on kinwatch/hall/enabled (retained)"
            )
        ]
        before = len(numbers)
        hall.said.put(OFF)
        time.sleep(0.1)
        assert (len(numbers), hall.begun) == (before, 1)
        hall.said.put(ON)
        assert soon(lambda: numbers[before : before + 2] == [0, 2], 40)
        assert hall.notes[1:] == [""]


def test_the_camera_stays_switched_off_after_a_restart(tmp_path: Path) -> None:
    with place(tmp_path) as hall:
        hall.said.put(OFF)
        assert soon(lambda: hall.switch._is_disabled, 40)  # noqa: SLF001
    with place(tmp_path) as hall:
        first: list[int] = []
        Thread(target=lambda: first.append(next(hall.seen())), daemon=True).start()
        assert soon(lambda: hall.notes, 40)
        assert hall.begun == 0
        hall.said.put(ON)
        assert soon(lambda: first == [0], 40)


def test_the_camera_switch_takes_effect_even_if_it_cannot_be_stored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with place(tmp_path) as hall:
        with hall.database.transaction() as connection:
            connection.execute("DROP TABLE camera_switch")
        hall.said.put(OFF)
        assert soon(lambda: "the camera switch took effect, but cannot be stored" in caplog.text, 40)
        assert hall.switch._is_disabled  # noqa: SLF001
        hall.said.put(ON)
        assert soon(lambda: not hall.switch._is_disabled, 40)  # noqa: SLF001


def test_the_camera_is_released_when_the_sense_stops(tmp_path: Path) -> None:
    with place(tmp_path) as hall:
        numbers: list[int] = []
        looking = Thread(target=lambda: numbers.extend(hall.seen()), daemon=True)
        looking.start()
        assert soon(lambda: numbers)
        hall.said.put(None)
        looking.join(20)
        assert (looking.is_alive(), hall.ended) == (False, 1)


def test_a_stopping_sense_does_not_open_a_switched_off_camera(tmp_path: Path) -> None:
    with place(tmp_path) as hall:
        hall.said.put(OFF)
        assert soon(lambda: hall.switch._is_disabled)  # noqa: SLF001
        looking = Thread(target=lambda: list(hall.seen()), daemon=True)
        looking.start()
        assert soon(lambda: hall.notes)
        hall.said.put(None)
        looking.join(20)
        assert (looking.is_alive(), hall.begun, len(hall.notes)) == (False, 0, 1)


def test_a_source_s_end_and_its_error_are_passed_on() -> None:
    def broken() -> Generator[int, None, None]:
        yield 1
        message = "a bug"
        raise RuntimeError(message)

    assert list(PrivacySwitch().while_enabled(lambda: (number for number in range(3)), lambda shots: shots)) == [
        0,
        1,
        2,
    ]
    with pytest.raises(RuntimeError, match="a bug"):
        list(PrivacySwitch().while_enabled(broken, lambda shots: shots))


def test_closing_a_live_camera_waits_until_it_is_released() -> None:
    let_go = Event()

    def device() -> live.Shots:
        try:
            while True:
                time.sleep(0.05)
                yield Shot(b"", datetime.now(UTC), 0)
        finally:
            time.sleep(0.1)
            let_go.set()

    shots = live.newest(device(), stop=Event())
    next(shots)
    shots.close()
    assert let_go.is_set()


def test_a_switched_off_network_camera_is_disconnected(tmp_path: Path) -> None:
    streams: list[str] = []

    def stream(request: BaseHTTPRequestHandler) -> None:
        begin_mjpeg(request)
        streams.append("begun")
        try:
            while True:
                request.wfile.write(part(jpeg(len(streams))))
                time.sleep(0.02)
        finally:
            streams.append("ended")

    said: Queue[Fact] = Queue()
    frames, enough = list[object](), Event()
    with served(stream) as host, closing(Database(tmp_path / "hall.db")) as database:
        context = Context(database, lambda _: None, lambda _: None)
        settings = CameraSettings(kind="camera", place="hall", source=f"http://{host}/", linger_s=100)

        def look() -> None:
            for frame in watch(settings, context, iter(said.get, None)):
                frames.append(frame)
                if enough.is_set():
                    return

        looking = Thread(target=look, daemon=True)
        looking.start()
        assert soon(lambda: frames, 40)
        said.put(OFF)
        assert soon(lambda: streams == ["begun", "ended"], 40)
        time.sleep(0.2)
        before = len(frames)
        time.sleep(0.5)
        assert len(frames) == before
        said.put(ON)
        assert soon(lambda: streams[-1] == "begun" and len(frames) > before, 40)
        enough.set()
        looking.join(20)


class Witness:
    """The messages of the hall."""

    def __init__(self, link: Link) -> None:
        self.link, self.frames = link, 0
        self.said: list[str] = []
        self.details: list[str] = []
        self.switches: list[CameraEnabled] = []
        self.troubles: list[bytes] = []
        link.listen("kinwatch/+/frame", self._frame, qos=0)
        link.listen("kinwatch/+/say", lambda _, body: self.said.append(json.loads(body)["words"]), qos=1)
        link.listen("kinwatch/status/hall", lambda _, body: self.details.append(json.loads(body)["detail"]), qos=1)
        link.listen(
            "kinwatch/+/enabled", lambda topic, body: self.switches.append(CameraEnabled.read(topic, body)), qos=1
        )
        link.listen("kinwatch/+/trouble", lambda _, body: self.troubles.append(body), qos=1)

    def _frame(self, _topic: str, _body: bytes) -> None:
        self.frames += 1

    def goes_on(self) -> bool:
        before = self.frames
        return bool(soon(lambda: self.frames > before + 2, 40))

    def is_still(self) -> bool:
        """Return whether no frame comes within 1.5 s, in which many would come otherwise."""
        before = self.frames
        time.sleep(1.5)
        return self.frames == before


@contextmanager
def witness(url: str) -> Iterator[Witness]:
    link = open_link(url, "witness", durable=False)
    found = Witness(link)
    with link:
        assert link.wait_connected(20)
        yield found


@contextmanager
def camera(folder: Path, url: str) -> Iterator[None]:
    """Run `kinwatch sense hall` on a clip in which something always moves."""
    clip, config = folder / "hall.avi", folder / "kinwatch.yaml"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 10, (160, 120))
    for step in range(20):
        pixels = np.full((120, 160, 3), 90, np.uint8)
        pixels[20:100, 5 * step : 5 * step + 40] = 240
        writer.write(pixels)
    writer.release()
    table = {"kind": "camera", "source": str(clip), "loop": True, "fps": 10}
    config.write_text(json.dumps({"mqtt": {"url": url}, "senses": {"hall": table}}))
    env = {**os.environ, "KINWATCH_DATA_DIR": str(folder / "data")}
    command = [sys.executable, "-m", "kinwatch", "sense", "hall", "--config", str(config)]
    process = subprocess.Popen(command, env=env, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def is_off(seen: Witness) -> bool:
    return bool(seen.details) and seen.details[-1].startswith("camera switched off by")


@pytest.mark.mosquitto
@pytest.mark.timeout(240)
def test_a_running_camera_obeys_the_camera_switch_also_after_a_restart(tmp_path: Path) -> None:
    with Broker() as broker, witness(broker.url) as seen:
        with camera(tmp_path, broker.url):
            assert seen.goes_on()
            assert seen.link.post(OFF.topic, OFF.payload(), retain=True).wait(20)
            assert soon(lambda: is_off(seen), 40)
            assert seen.is_still()
        seen.frames = 0
        seen.details.clear()
        with camera(tmp_path, broker.url):
            assert soon(lambda: is_off(seen), 40)
            assert seen.is_still()
            assert seen.frames == 0
            seen.link.post(ON.topic, b'{"enabled": true}', retain=True)
            assert seen.goes_on()
            assert soon(lambda: seen.details[-1] == "watching", 40)
    assert not seen.troubles


def talk(seen: Witness, *sentences: str, place: str = "kitchen") -> str:
    """Say something to the house; return what it answers at last."""
    for words in sentences:
        count, fact = len(seen.said), Heard(place=place, words=words)
        assert seen.link.post(fact.topic, fact.payload()).wait(20)
        assert soon(lambda count=count: len(seen.said) > count, 40)  # type: ignore[misc]
    return seen.said[-1]


@pytest.mark.mosquitto
@pytest.mark.timeout(240)
def test_a_voice_switches_a_camera_off_and_on(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def live_there(url: str) -> None:
        try:
            with witness(url) as seen, camera(tmp_path, url):
                _talked(seen)
        except BaseException as error:  # noqa: BLE001 - raised below
            failures.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    house: dict[str, Any] = {"data_dir": tmp_path / "brain"}
    with Broker() as broker, Gallery(tmp_path / "gallery.db") as gallery:
        thread = Thread(target=live_there, args=[broker.url])
        thread.start()
        run_brain(HouseSettings.model_validate(house), BrainSettings(), Blind(), gallery, broker.url)
        thread.join()
    for failure in failures:
        raise failure


def _talked(seen: Witness) -> None:
    assert seen.goes_on()
    assert talk(seen, "Who do you see?") == "I see nobody."
    assert talk(seen, "close your eyes", "yes") == "My eyes are closed."
    assert soon(lambda: is_off(seen), 40)
    assert (seen.switches[-1].place, seen.switches[-1].enabled, seen.switches[-1].by) == (
        "hall",
        False,
        "a voice at kitchen",
    )
    assert seen.is_still()
    assert talk(seen, "qui vois-tu ?") == "J'ai les yeux fermés."
    assert talk(seen, "ouvre les yeux") == "J'ai les yeux ouverts."
    assert seen.goes_on()
    assert talk(seen, "arm the house", "yes") == "The house is armed."
    assert talk(seen, "ferme les yeux") == "Je garde les yeux ouverts tant que la maison est armée."
    assert seen.goes_on()
    assert not seen.troubles
