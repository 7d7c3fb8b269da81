"""Clips through the cascade and through Rekognition alone, with a stand-in that knows who is in them."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest
import yaml

from brain.cloud.client import Cloud
from brain.cloud.face_ids import label
from brain.cloud.ledger import CallLedger
from brain.collection.pending_deletions import debt
from brain.people.gallery import Gallery, Photo
from brain.settings.rekognition import RekognitionSettings
from kinwatch.opening import OpenCloud, remove_forgotten
from nerves.messages import Visit, now
from tests.buckets import KEYS
from tests.house.test_house import House
from tests.paths import ROOT
from tests.rekognition import Rekognition, SeenFace, SeenThing, Shown
from tests.waiting import scaled, soon

pytestmark = [pytest.mark.media, pytest.mark.models, pytest.mark.timeout(300)]

# So small, the faces of the two are 15 to 25 pixels wide: too little for a verdict of our own.
SMALL = (192, 108)
TWICE = 2


def half(clip: Path, out: Path, *, left: bool, size: tuple[int, int] = SMALL, times: int = 1, empty_s: int = 0) -> Path:
    """Write one half of a clip, made small: the left one shows `wife` alone, the right one `me`."""
    read = cv2.VideoCapture(str(clip))
    frames = []
    while (frame := read.read()[1]) is not None:
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        middle = size[0] // 2
        frames.append(small[:, :middle] if left else small[:, middle:])
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(out), cv2.VideoWriter.fourcc(*"mp4v"), read.get(cv2.CAP_PROP_FPS), (width, height))
    for frame in frames * times + [np.full_like(frames[0], 128)] * round(empty_s * read.get(cv2.CAP_PROP_FPS)):
        writer.write(frame)
    writer.release()
    read.release()
    return out


class Scene:
    """What is in front of the camera, for the stand-in to know: nobody it could not tell, so each crop is of them."""

    def __init__(self) -> None:
        self.who: str | None = None
        self.box = (0.25, 0.2, 0.5, 0.6)
        self.things: tuple[SeenThing, ...] = ()

    def __call__(self, _: bytes) -> Shown:
        return Shown((SeenFace(self.who, box=self.box),), self.things)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return Scene()


@pytest.fixture
def aws(scene: Scene, tmp_path: Path) -> Iterator[Rekognition]:
    with Rekognition(scene) as aws:
        settings = RekognitionSettings(endpoint_url=aws.url)
        with CallLedger(tmp_path / "setup.db", settings) as ledger:
            cloud = Cloud(settings, ledger)
            cloud.create()
            for number, name in enumerate(("me", "wife")):
                scene.who = name
                cloud.index(name, f"{number:064x}", a_photo())
            cloud.close()
        aws.calls.clear()
        aws.sent.clear()
        yield aws


def a_photo() -> bytes:
    return cv2.imencode(".jpg", np.full((112, 112, 3), 128, np.uint8))[1].tobytes()


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory, media: Path) -> Path:
    """A data folder that knows `me` and `wife`."""
    data = tmp_path_factory.mktemp("family")
    for name in ("me", "wife"):
        photos = map(str, sorted((media / "family" / name).glob("*.jpg")))
        command = [sys.executable, "-m", "kinwatch", "enroll", name, *photos]
        env = os.environ | {"KINWATCH_DATA_DIR": str(data)}
        subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True)
    return data


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, media: Path) -> dict[str, Path]:
    folder, both = tmp_path_factory.mktemp("clips"), media / "clips" / "me_and_wife_facing.mp4"
    return {
        "me": half(both, folder / "me.mp4", left=False),
        "wife": half(both, folder / "wife.mp4", left=True),
        "long": half(both, folder / "long.mp4", left=True, times=3),
        "visits": half(both, folder / "visits.mp4", left=True, empty_s=4),
        "large": half(both, folder / "large.mp4", left=True, size=(480, 270)),
    }


def replay(
    clip: Path, data: Path, sight: str, aws: Rekognition, **more: float
) -> tuple[list[dict[str, Any]], int, str]:
    """Return the visits, the frames and what was said, of a clip through the real command."""
    config = data / f"{sight}.yaml"
    rekognition = {"endpoint_url": aws.url, "timeout_s": 2.0} | more
    config.write_text(yaml.safe_dump({"brain": {"pack": "standard", "vision": sight, "rekognition": rekognition}}))
    command = [sys.executable, "-m", "kinwatch", "replay", str(clip), "--json", "--config", str(config)]
    env = os.environ | {"KINWATCH_DATA_DIR": str(data)}
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])["summary"]
    return summary["visits"], summary["frames"], done.stderr


def held(visits: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(visit["verdict"], visit["who"]) for visit in visits]


def test_the_clips_through_the_cascade_are_right_and_hardly_anything_is_sent(
    clips: dict[str, Path], family: Path, media: Path, aws: Rekognition, scene: Scene
) -> None:
    aws.delay_s = 0.2
    visits, frames, _ = replay(media / "clips" / "me_and_wife_facing.mp4", family, "cascade", aws)
    assert sorted(held(visits)) == [("family", "me"), ("family", "wife")]
    assert aws.count == 0  # who is recognised here is shown to nobody
    scene.who = None
    visits, count, _ = replay(media / "clips" / "visits_1_4.mp4", family, "cascade", aws)
    assert held(visits) == [("unidentified", None)] * 4
    frames += count
    for name in ("me", "wife"):
        scene.who = name
        aws.fail("throughput", times=1)
        before = aws.count
        visits, count, _ = replay(clips[name], family, "cascade", aws)
        assert held(visits) == [("family", name)]
        assert 0 < aws.count - before <= TWICE + 1
        frames += count
    scene.who = None
    visits, count, _ = replay(media / "clips" / "corridor_two_strangers.mp4", family, "cascade", aws)
    assert {verdict for verdict, _ in held(visits)} <= {"stranger", "unidentified"}
    frames += count
    print(f"cascade: {aws.count} calls for {frames} frames, {1 - aws.count / frames:.2%} fewer than one a frame")  # noqa: T201
    assert aws.count <= 0.01 * frames
    assert not aws.complaints


def test_what_leaves_the_house_is_a_face_and_never_the_picture(
    clips: dict[str, Path], family: Path, aws: Rekognition, scene: Scene
) -> None:
    scene.who = "wife"
    replay(clips["wife"], family, "cascade", aws)
    assert aws.sent
    for operation, picture in aws.sent:
        crop = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        assert operation == "SearchFacesByImage"
        assert crop.shape[0] < SMALL[1]


@pytest.mark.parametrize("fault", ["silent", "unavailable", "denied", "expired", "cut", "page"])
def test_without_the_cloud_the_verdicts_are_our_own(
    clips: dict[str, Path], family: Path, aws: Rekognition, fault: str
) -> None:
    aws.fail(fault)
    own, _, _ = replay(clips["wife"], family, "local", aws)
    visits, _, said = replay(clips["wife"], family, "cascade", aws)
    assert held(visits) == held(own) == [("unidentified", None)]
    assert said.count("goes on without AWS") == 1


def test_at_the_cap_the_house_goes_on_and_says_so_once(
    clips: dict[str, Path], family: Path, aws: Rekognition, scene: Scene
) -> None:
    scene.who = "wife"
    visits, _, said = replay(clips["wife"], family, "cascade", aws, daily_calls=0)
    assert held(visits) == [("unidentified", None)]
    assert aws.count == 0
    assert said.count("goes on without AWS") == 1


def test_rekognition_alone_decides_as_well_and_only_while_it_answers(
    clips: dict[str, Path], family: Path, aws: Rekognition, scene: Scene
) -> None:
    scene.who, scene.box = "wife", (0.3, 0.1, 0.4, 0.5)
    scene.things = (SeenThing("Person", (0.1, 0.05, 0.8, 0.9)),)
    visits, _, _ = replay(clips["long"], family, "rekognition", aws)
    assert held(visits) == [("family", "wife")]
    assert set(aws.calls) == {"DetectLabels", "DetectFaces", "SearchFacesByImage"}
    scene.who = None
    visits, _, _ = replay(clips["long"], family, "rekognition", aws)
    assert held(visits)[0][0] in ("stranger", "unidentified")
    aws.fail("unavailable")
    visits, _, _ = replay(clips["large"], family, "rekognition", aws)
    assert held(visits) == held(replay(clips["large"], family, "local", aws)[0])


def test_whoever_was_forgotten_is_removed_from_the_collection_once_the_brain_is_there(
    aws: Rekognition, tmp_path: Path
) -> None:
    settings = RekognitionSettings(endpoint_url=aws.url)
    with CallLedger(tmp_path / "cloud.db", settings) as ledger, Gallery(tmp_path / "gallery.db") as gallery:
        ledger.owe(debt("me"))
        cloud = Cloud(settings, ledger)
        remove_forgotten(OpenCloud(cloud, ledger), gallery)
        soon(lambda: not ledger.owed(), 60)
        cloud.close()
    assert aws.faces() == [label("wife", f"{1:064x}")]


@pytest.mark.mosquitto
def test_a_house_without_credentials_sees_all_the_same_and_says_so(
    tmp_path: Path, clips: dict[str, Path], family: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in KEYS | {"AWS_PROFILE": ""}:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    know(family, tmp_path / "data")
    brain = {"pack": "standard", "vision": "cascade", "rekognition": {"region": "eu-west-1"}}
    house = House(tmp_path, str(clips["large"]), brain)
    with house.up():
        soon(lambda: bool(decided(house)), 120)
    assert (decided(house)[0].verdict, decided(house)[0].who) == ("family", "wife")
    assert house.log().count("goes on without AWS") == 1


@pytest.mark.mosquitto
@pytest.mark.parametrize("sight", ["cascade", "rekognition"])
def test_a_stand_in_that_never_answers_costs_no_time(
    tmp_path: Path, clips: dict[str, Path], family: Path, aws: Rekognition, sight: str
) -> None:
    aws.fail("silent")
    deadline_s = 3.0
    know(family, tmp_path / "data")
    house = House(tmp_path, str(clips["long"]), cascade(aws, deadline_s) | {"vision": sight})
    with house.up():
        soon(lambda: bool(decided(house)) and aws.count > 0, 120)
    first = decided(house)[0]
    # A frame that waits for an answer waits two seconds, once.
    assert (first.verdict, first.at - first.since < timedelta(seconds=deadline_s + 2.5)) == ("unidentified", True)


@pytest.mark.mosquitto
def test_a_brain_that_is_killed_at_random_never_passes_the_cap(
    tmp_path: Path, clips: dict[str, Path], family: Path, aws: Rekognition, scene: Scene
) -> None:
    scene.who, aws.delay_s, cap = None, 0.3, 4
    know(family, tmp_path / "data")
    house = House(tmp_path, str(clips["visits"]), cascade(aws, 1.0, daily_calls=cap))
    chance, kills, killed_at = random.Random(5), 0, 0  # noqa: S311
    with house.up():
        until = time.monotonic() + scaled(200)
        while time.monotonic() < until and aws.count < cap:
            time.sleep(0.05)
            if aws.count > killed_at:
                killed_at = aws.count
                time.sleep(chance.uniform(0, 0.6))  # while the answer is on its way, or has just come
                for brain in brains(house):
                    os.kill(brain, signal.SIGKILL)
                    kills += 1
        before = len(house.visits())
        soon(lambda: len(house.visits()) > before, 120)  # beyond the cap the house goes on
    with CallLedger(tmp_path / "data" / "cloud.db", RekognitionSettings()) as ledger:
        spent = ledger.spent(now())
    print(f"{kills} kills: {aws.count} calls arrived, {spent.day_calls} counted, {cap} allowed")  # noqa: T201
    assert kills > 0
    assert 0 < aws.count <= spent.day_calls <= cap


def cascade(aws: Rekognition, deadline_s: float, **more: float) -> dict[str, Any]:
    timing = {"deadline_s": deadline_s, "gone_s": 1.0}
    rekognition = {"endpoint_url": aws.url, "timeout_s": 2.0} | more
    return {"pack": "standard", "vision": "cascade", "timing": timing, "rekognition": rekognition}


def decided(house: House) -> list[Visit]:
    return [message for messages in house.visits().values() for message in messages if message.phase == "decided"]


def brains(house: House) -> list[int]:
    children = psutil.Process(house.process.pid).children(recursive=True)
    return [child.pid for child in children if "think" in child.cmdline()]


def know(family: Path, data: Path) -> None:
    """Have a house of its own know the family."""
    data.mkdir()
    with Gallery(family / "gallery.db") as there, Gallery(data / "gallery.db") as here:
        for name in ("me", "wife"):
            here.learn(name, [Photo(one.vector, one.sha256, one.file) for one in there.references(name)])
