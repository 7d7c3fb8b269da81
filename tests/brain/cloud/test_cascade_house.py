"""Whole houses with the cascade: without credentials, with a cloud that never answers, killed at random."""

import os
import random
import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from brain.cloud.ledger import CallLedger
from brain.people.gallery import Gallery, Photo
from brain.settings.rekognition import RekognitionSettings
from nerves.messages import Visit, now
from tests.brain.cloud.cascade_clips import Scene
from tests.buckets import KEYS
from tests.house.test_house import House
from tests.rekognition import Rekognition
from tests.waiting import scaled, soon

pytestmark = [pytest.mark.media, pytest.mark.models, pytest.mark.mosquitto, pytest.mark.timeout(300)]


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
