"""A closer look: more and larger pictures while the brain asks for them, by a real camera process and a real brain."""

import io
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from PIL import Image

from brain.people.gallery import Gallery
from brain.process.loop import run as run_brain
from brain.settings.brain import BrainSettings
from brain.vision.backend import DetectedObject
from brain.vision.picture import Picture
from nerves.bus import open_link
from nerves.database import Database
from nerves.exif import capture_time
from nerves.messages import Box, CameraEnabled, Fact, Frame, Heard, Label, LookCloser, Visit
from nerves.services import Context
from nerves.settings import HouseSettings
from senses.camera import CameraSettings, live, main_stream, sense, video, watch, watching
from senses.camera.main_stream import MainStream
from senses.camera.shot import Pixels, Shot
from senses.closer import CloserLook
from tests.backends import Blind
from tests.faults import Broker
from tests.paths import ROOT
from tests.senses.camera.test_camera import begin_mjpeg, part, scene, served
from tests.waiting import interrupting, soon

WISH = LookCloser(place="hall", seconds=5)
MAIN_WIDTH, SUB_WIDTH = 640, 160


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


# How long a wish holds


def test_a_wish_holds_from_its_arrival_on() -> None:
    clock = Clock()
    closer = CloserLook(clock)
    assert not closer.is_wanted()
    closer.want(WISH)
    assert closer.is_wanted()
    clock.seconds += 5
    assert not closer.is_wanted()
    assert closer.is_wanted(within_s=1)
    assert not closer.is_wanted(within_s=0)


def test_a_shorter_wish_does_not_end_a_longer_one() -> None:
    clock = Clock()
    closer = CloserLook(clock)
    closer.want(WISH)
    closer.want(LookCloser(place="hall", seconds=1))
    clock.seconds += 4
    assert closer.is_wanted()


def test_a_camera_gets_every_fact_and_takes_the_wishes_among_them() -> None:
    facts = [Heard(place="hall", words="ding"), WISH, CameraEnabled(place="hall", enabled=True)]
    closer = CloserLook()
    assert list(closer.watching(iter(facts))) == facts
    assert closer.is_wanted()


def test_a_camera_subscribes_to_the_wishes_of_its_own_place() -> None:
    assert sense.subscriptions is not None
    assert sense.subscriptions(CameraSettings(kind="camera", place="hall", source="0")) == (
        "kinwatch/hall/enabled",
        "kinwatch/hall/look_closer",
    )


# Which pictures are sent, and how large


def test_a_closer_look_sends_every_picture_of_a_still_scene() -> None:
    clock = Clock()
    closer = CloserLook(clock)

    def shots() -> Iterator[Shot]:
        for number in range(40):
            if number == 20:
                closer.want(WISH)
            clock.seconds += 0.5
            yield Shot(scene(0), datetime.now(UTC), number / 2, number)

    settings = CameraSettings(kind="camera", place="hall", source="0", sweep_s=100, linger_s=2)
    assert [shot.number for shot in watching.moving(shots(), settings, closer)] == [*range(4), *range(20, 29)]


@pytest.mark.parametrize("is_jpeg", [True, False])
def test_a_wide_picture_is_scaled_down_and_a_narrow_one_is_not_touched(*, is_jpeg: bool) -> None:
    image = video.encoded(scene(0), quality=80) if is_jpeg else scene(0)
    assert size_of(video.encoded(image, quality=80, max_width=81)) == (81, 61)
    assert video.encoded(image, quality=80, max_width=160) == video.encoded(image, quality=80)


def test_a_damaged_jpeg_is_not_scaled() -> None:
    assert video.encoded(b"\xff\xd8 broken", quality=80, max_width=80) == b"\xff\xd8 broken"


def size_of(jpeg: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(jpeg)) as image:
        return image.size


# The main stream


class Stream:
    """A main stream that counts how often it was opened and released."""

    def __init__(self) -> None:
        self.begun = self.ended = 0
        self.stalls, self.breaks = Event(), Event()

    def shots(self) -> live.Shots:
        self.begun += 1
        try:
            while True:
                time.sleep(0.005)
                if self.breaks.is_set():
                    message = "a bug"
                    raise RuntimeError(message)
                if not self.stalls.is_set():
                    yield Shot(b"large", datetime.now(UTC), time.monotonic())
        finally:
            self.ended += 1


def small() -> Shot:
    return Shot(b"small", datetime.now(UTC), time.monotonic())


def sends(main: MainStream, image: bytes) -> bool:
    shot = main.instead_of(small())
    return shot is not None and shot.image == image


def test_the_main_stream_is_open_for_a_closer_look_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_stream, "MAIN_STREAM_LINGER_S", 2.0)
    monkeypatch.setattr(main_stream, "STALLED_S", 60.0)
    clock, stream = Clock(), Stream()
    closer = CloserLook(clock)
    with MainStream(stream.shots, name="hall", closer=closer) as main:
        assert sends(main, b"small")
        assert stream.begun == 0
        closer.want(WISH)
        assert sends(main, b"small")  # it is not open yet
        assert soon(lambda: sends(main, b"large"))
        stream.stalls.set()
        assert soon(lambda: main.instead_of(small()) is None)  # each picture is sent once
        stream.stalls.clear()
        clock.seconds += 6
        assert sends(main, b"small")
        assert stream.ended == 0  # the next person often follows
        clock.seconds += 2
        assert soon(lambda: stream.ended == 1)
        closer.want(WISH)
        assert soon(lambda: sends(main, b"large"))
        assert stream.begun == 2
    assert stream.ended == 2


def test_while_the_main_stream_has_stalled_the_sub_stream_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_stream, "STALLED_S", 0.05)
    closer, stream = CloserLook(), Stream()
    closer.want(LookCloser(place="hall", seconds=60))
    with MainStream(stream.shots, name="hall", closer=closer) as main:
        assert soon(lambda: sends(main, b"large"))
        stream.stalls.set()
        assert soon(lambda: sends(main, b"small"))
        stream.stalls.clear()
        assert soon(lambda: sends(main, b"large"))


def test_an_old_picture_of_the_main_stream_is_not_sent() -> None:
    closer = CloserLook()
    closer.want(LookCloser(place="hall", seconds=60))
    long_ago = datetime.now(UTC) - timedelta(seconds=5)

    def shots() -> live.Shots:
        while True:
            time.sleep(0.005)
            yield Shot(b"large", long_ago, 0)

    with MainStream(shots, name="hall", closer=closer) as main:
        main.instead_of(small())
        for _ in range(20):
            time.sleep(0.005)
            assert sends(main, b"small")


def test_an_unexpected_error_of_the_main_stream_is_raised() -> None:
    closer, stream = CloserLook(), Stream()
    closer.want(LookCloser(place="hall", seconds=60))
    stream.breaks.set()

    def fails() -> bool:
        main.instead_of(small())
        return False

    with MainStream(stream.shots, name="hall", closer=closer) as main, pytest.raises(RuntimeError, match="a bug"):
        soon(fails)


def test_the_camera_switch_releases_both_streams(tmp_path: Path) -> None:
    begun, ended, facts = list[str](), list[str](), Queue[Fact]()
    frames, enough = list[int](), Event()

    def stream(request: BaseHTTPRequestHandler) -> None:
        begun.append(request.path)
        try:
            twenty_a_second(request)
        finally:
            ended.append(request.path)

    with served(stream) as host, closing(Database(tmp_path / "hall.db")) as database:
        context = Context(database, lambda _: None, lambda _: None)
        main, sub = f"http://{host}/main", f"http://{host}/sub"
        settings = CameraSettings(kind="camera", place="hall", source=main, watch_source=sub)

        def look() -> None:
            for frame in watch(settings, context, iter(facts.get, None)):
                assert isinstance(frame, Frame)
                frames.append(size_of(frame.jpeg)[0])
                if enough.is_set():
                    return

        looking = Thread(target=look, daemon=True)
        looking.start()
        assert soon(lambda: frames, 40)
        assert begun == ["/sub"]
        facts.put(LookCloser(place="hall", seconds=60))
        assert soon(lambda: frames[-1] == MAIN_WIDTH, 40)
        facts.put(CameraEnabled(place="hall", enabled=False))
        assert soon(lambda: sorted(ended) == ["/main", "/sub"], 40)
        before = len(frames)
        facts.put(CameraEnabled(place="hall", enabled=True))
        assert soon(lambda: frames[-1] == MAIN_WIDTH and len(frames) > before + 3, 40)
        enough.set()
        looking.join(20)


# The whole way: a brain, a broker and a camera


def moving_picture(width: int, step: int) -> Pixels:
    pixels = np.full((width * 3 // 4, width, 3), 90, np.uint8)
    left = step * width // 16 % width
    pixels[width // 8 : width // 2, left : left + width // 4] = 240
    return pixels


def twenty_a_second(request: BaseHTTPRequestHandler) -> None:
    """Send twenty pictures a second: large ones at /main, small ones at every other path."""
    width = MAIN_WIDTH if request.path == "/main" else SUB_WIDTH
    begin_mjpeg(request)
    for step in range(10**6):
        request.wfile.write(part(video.encoded(moving_picture(width, step), quality=80)))
        time.sleep(0.05)


class SomebodyFromBehind(Blind):
    """A vision backend that sees a person without a face in every picture."""

    def detect(self, _picture: Picture) -> list[DetectedObject]:
        return [DetectedObject("person", Box(0.4, 0.2, 0.2, 0.8), 0.9)]


class SentFrame(NamedTuple):
    width: int
    at: datetime


class Bus:
    """What travels: the frames of the hall, and the visits."""

    def __init__(self, url: str) -> None:
        self.url, self.link = url, open_link(url, "witness", durable=False)
        self.frames: list[SentFrame] = []
        self.visits: list[Visit] = []
        self.wishes: list[LookCloser] = []
        self.link.listen("kinwatch/hall/frame", self._frame, qos=0)
        self.link.listen("kinwatch/hall/visit", lambda *got: self.visits.append(Visit.read(*got)), qos=1)
        self.link.listen("kinwatch/hall/look_closer", lambda *got: self.wishes.append(LookCloser.read(*got)), qos=0)

    def _frame(self, _topic: str, jpeg: bytes) -> None:
        at = capture_time(jpeg)
        assert at
        self.frames.append(SentFrame(size_of(jpeg)[0], at))

    def has(self, width: int, *, count: int, within_s: float) -> bool:
        """Return whether the newest frames, as many as `count`, are this wide and were taken within this time."""
        last = self.frames[-count:]
        is_all = len(last) == count and all(frame.width == width for frame in last)
        return is_all and (last[-1].at - last[0].at).total_seconds() <= within_s


@contextmanager
def camera(folder: Path, url: str, **table: object) -> Iterator[None]:
    """Run `kinwatch sense hall` with these settings of a camera, watching one frame a second."""
    config = folder / "kinwatch.yaml"
    senses = {"hall": {"kind": "camera", "fps": 1, **table}}
    config.write_text(json.dumps({"mqtt": {"url": url}, "senses": senses}))
    env = {**os.environ, "KINWATCH_DATA_DIR": str(folder / "data"), "no_proxy": "*"}
    command = [sys.executable, "-m", "kinwatch", "sense", "hall", "--config", str(config)]
    process = subprocess.Popen(command, env=env, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def look_at_somebody(bus: Bus, folder: Path) -> None:
    """Follow a visit from its beginning until a person says who it is."""
    with bus.link, served(twenty_a_second) as host:
        assert bus.link.wait_connected(20)
        with camera(folder, bus.url, source=f"http://{host}/main", watch_source=f"http://{host}/sub"):
            soon(lambda: bus.visits, 60, "a visit")
            soon(lambda: bus.has(MAIN_WIDTH, count=8, within_s=4), 60, lambda: bus.frames[-20:])
            assert [frame.width for frame in bus.frames[:2]] == [SUB_WIDTH] * 2
            label = Label(place="hall", visit=bus.visits[-1].visit, who="Alice")
            assert bus.link.post(label.topic, label.payload()).wait(20)
            soon(lambda: bus.visits[-1].who == "Alice", 30, "the label")
            soon(lambda: bus.has(SUB_WIDTH, count=4, within_s=60), 60, lambda: bus.frames[-20:])
            assert not bus.has(SUB_WIDTH, count=4, within_s=2)
    between = [later.at - wish.at for wish, later in itertools.pairwise(bus.wishes)]
    assert all(pause >= timedelta(seconds=2) for pause in between)


@pytest.mark.mosquitto
@pytest.mark.timeout(240)
def test_while_a_visit_is_undecided_the_camera_sends_its_main_stream(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def look(bus: Bus) -> None:
        with interrupting():
            try:
                look_at_somebody(bus, tmp_path)
            except BaseException as error:  # noqa: BLE001 - raised below
                failures.append(error)

    house = HouseSettings.model_validate({"data_dir": tmp_path / "brain"})
    with Broker() as broker, Gallery(tmp_path / "gallery.db") as gallery:
        thread = Thread(target=look, args=[Bus(broker.url)])
        thread.start()
        run_brain(house, BrainSettings(), SomebodyFromBehind(), gallery, broker.url)
        thread.join()
    for failure in failures:
        raise failure


def recorded_scene(folder: Path, width: int) -> tuple[Path, Path]:
    """Write a scene as a clip and as a folder of pictures; return both paths."""
    clip, pictures = folder / f"{width}.avi", folder / f"{width}"
    pictures.mkdir()
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 10, (width, width * 3 // 4))
    for step in range(20):
        writer.write(moving_picture(width, step))
        (pictures / f"{step:02}.jpg").write_bytes(video.encoded(moving_picture(width, step), quality=80))
    writer.release()
    return clip, pictures


@pytest.mark.mosquitto
@pytest.mark.timeout(240)
@pytest.mark.parametrize("streams", ["one", "two"])
def test_a_wish_on_the_bus_makes_the_pictures_of_a_clip_larger_for_a_while(tmp_path: Path, streams: str) -> None:
    large, _ = recorded_scene(tmp_path, MAIN_WIDTH)
    _, small = recorded_scene(tmp_path, SUB_WIDTH)
    table = {"watch_width": SUB_WIDTH} if streams == "one" else {"watch_source": str(small)}
    with Broker() as broker:
        bus = Bus(broker.url)
        with bus.link, camera(tmp_path, broker.url, source=str(large), fps=5, loop=True, **table):
            assert bus.link.wait_connected(20)
            soon(lambda: bus.has(SUB_WIDTH, count=3, within_s=60), 60)
            assert all(frame.width == SUB_WIDTH for frame in bus.frames)

            def asks() -> bool:
                return bus.link.offer(WISH.topic, WISH.payload()) and bus.has(MAIN_WIDTH, count=3, within_s=60)

            soon(asks, 60)
            soon(lambda: bus.has(SUB_WIDTH, count=3, within_s=60), 60)
