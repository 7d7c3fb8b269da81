"""Clips through the cascade and through Rekognition alone, with a stand-in that knows who is in them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from brain.cloud.client import Cloud
from brain.cloud.face_ids import label
from brain.cloud.ledger import CallLedger
from brain.collection.pending_deletions import debt
from brain.people.gallery import Gallery
from brain.settings.rekognition import RekognitionSettings
from kinwatch.opening import OpenCloud, remove_forgotten
from tests.brain.cloud.cascade_clips import SMALL, Scene
from tests.paths import ROOT
from tests.rekognition import Rekognition, SeenThing
from tests.waiting import soon

pytestmark = [pytest.mark.media, pytest.mark.models, pytest.mark.timeout(300)]

TWICE = 2


def replay(
    clip: Path, data: Path, sight: str, aws: Rekognition | None = None, **more: float
) -> tuple[list[dict[str, Any]], int, str]:
    """Return the visits, the frames and what was said, of a clip through the real command."""
    config = data / f"{sight}.yaml"
    rekognition = ({"endpoint_url": aws.url} if aws else {}) | {"timeout_s": 2.0} | more
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


@pytest.fixture(scope="module")
def own(clips: dict[str, Path], family: Path) -> list[tuple[str, str | None]]:
    """The verdicts of the small clip of `wife` without the cloud."""
    return held(replay(clips["wife"], family, "local")[0])


@pytest.mark.parametrize("fault", ["silent", "unavailable", "denied", "expired", "cut", "page"])
def test_without_the_cloud_the_verdicts_are_our_own(
    clips: dict[str, Path], family: Path, aws: Rekognition, own: list[tuple[str, str | None]], fault: str
) -> None:
    aws.fail(fault)
    visits, _, said = replay(clips["wife"], family, "cascade", aws)
    assert held(visits) == own == [("unidentified", None)]
    assert said.count("continuing without the cloud") == 1


def test_at_the_cap_the_house_goes_on_and_says_so_once(
    clips: dict[str, Path], family: Path, aws: Rekognition, scene: Scene
) -> None:
    scene.who = "wife"
    visits, _, said = replay(clips["wife"], family, "cascade", aws, daily_calls=0)
    assert held(visits) == [("unidentified", None)]
    assert aws.count == 0
    assert said.count("continuing without the cloud") == 1


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
    assert held(visits) == held(replay(clips["large"], family, "local")[0])


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
