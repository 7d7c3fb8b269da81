import itertools
import os
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import IO

import cv2
import numpy as np
import pytest

from brain.models.local import LocalBackend
from brain.vision.backend import DetectedObject, Face
from brain.vision.picture import Picture
from kinwatch.demo import scene
from kinwatch.demo.camera import DemoCamera
from kinwatch.demo.scene import ACTS, SCENE_FPS, SCENE_SIZE_PX, Pixels
from kinwatch.demo.scene.acts import Act
from kinwatch.demo.scene.people import write_portrait
from nerves.errors import CameraLost
from tests.waiting import scaled


@pytest.mark.parametrize("act", ACTS)
def test_an_act_is_as_long_and_as_large_as_it_says(act: str) -> None:
    played = list(scene.act_frames(act))
    assert len(played) == ACTS[act].seconds * SCENE_FPS
    assert {(frame.shape, frame.dtype) for frame in played} == {
        ((SCENE_SIZE_PX[1], SCENE_SIZE_PX[0], 3), np.dtype(np.uint8))
    }


@pytest.mark.parametrize("act", ACTS)
def test_an_act_is_the_same_every_time(act: str) -> None:
    twice = zip(scene.act_frames(act), scene.act_frames(act), strict=True)
    assert all(np.array_equal(one, other) for one, other in itertools.islice(twice, 0, 40, 3))


def test_the_empty_room_is_still_but_for_the_noise_of_a_camera() -> None:
    first, *others = (frame.astype(float) for frame in scene.act_frames("empty"))
    for frame in others:
        assert 0.5 < np.abs(frame - first).mean() < 5
        assert np.abs(cv2.blur(frame, (15, 15)) - cv2.blur(first, (15, 15))).max() < 5


@pytest.mark.parametrize("act", [act for act in ACTS if act != "empty"])
def test_a_person_moves_and_leaves_the_room_as_it_was(act: str) -> None:
    empty = next(scene.act_frames("empty")).astype(float)
    apart = [np.abs(cv2.blur(frame - empty, (15, 15))).max() for frame in scene.act_frames(act)]
    assert apart[0] < 10
    assert apart[-1] < 25  # a shadow's last edge
    assert apart[len(apart) // 2] > 50


def test_an_unknown_act_is_refused() -> None:
    with pytest.raises(KeyError), DemoCamera() as camera:
        camera.play("opera")


def watched(camera: DemoCamera) -> HTTPResponse:
    host, port = camera.url.removeprefix("http://").rstrip("/").split(":")
    connection = HTTPConnection(host, int(port), timeout=scaled(5))
    connection.request("GET", "/")
    return connection.getresponse()


def test_the_woman_s_portrait_can_be_opened(tmp_path: Path) -> None:
    write_portrait(tmp_path / "her.png")
    portrait = cv2.imread(str(tmp_path / "her.png"))
    assert portrait is not None
    assert portrait.shape == (512, 512, 3)


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Iterator[DemoCamera]:
    monkeypatch.setitem(ACTS, "wave", Act(1.0, ACTS["woman"].figure, ACTS["woman"].pose))
    with DemoCamera() as camera:
        yield camera


def pictures(stream: IO[bytes]) -> Iterator[Pixels]:
    """Parse a stream as strictly as a browser would not."""
    while stream.readline() == b"--frame\r\n":
        headers = dict(line.rstrip().split(b": ") for line in iter(stream.readline, b"\r\n"))
        assert headers[b"Content-Type"] == b"image/jpeg"
        jpeg = stream.read(int(headers[b"Content-Length"]))
        assert stream.read(2) == b"\r\n"
        decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        yield decoded.astype(np.uint8)


def test_the_camera_shows_parsable_pictures_to_everybody_at_the_scene_s_speed(camera: DemoCamera) -> None:
    with watched(camera) as one, watched(camera) as two:
        assert one.headers.get_content_type() == "multipart/x-mixed-replace"
        next(pictures(two))
        start = time.monotonic()
        shapes = {frame.shape for frame in itertools.islice(pictures(one), 11)}
        assert 0.5 < time.monotonic() - start < scaled(3)
    assert shapes == {(SCENE_SIZE_PX[1], SCENE_SIZE_PX[0], 3)}


def test_an_act_has_been_seen_when_play_returns(camera: DemoCamera) -> None:
    empty = next(scene.act_frames("empty")).astype(float)
    with watched(camera) as stream:
        start = time.monotonic()
        camera.play("wave")
        assert 0.9 < time.monotonic() - start < scaled(3)
        apart = [np.abs(frame - empty).mean() for frame in itertools.islice(pictures(stream), 10)]
    assert min(apart) < 8
    assert max(apart) > 12


def test_a_client_that_leaves_disturbs_no_other(camera: DemoCamera, capfd: pytest.CaptureFixture[str]) -> None:
    port = int(camera.url.rstrip("/").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as rude:
        rude.sendall(b"GET / HTTP/1.1\r\n\r\n")
        rude.recv(100)
    with watched(camera) as stream:
        assert len(list(itertools.islice(pictures(stream), 4))) == 4
    assert capfd.readouterr() == ("", "")


def test_closing_ends_the_streams_and_the_port(camera: DemoCamera) -> None:
    stream = watched(camera)
    camera.__exit__(None, None, None)
    assert len(list(pictures(stream))) < 100
    stream.close()
    with pytest.raises(OSError, match="refused"):
        watched(camera)
    with pytest.raises(CameraLost, match="closed"):
        camera.play("cat")


MODELS = os.environ.get("KINWATCH_MODELS")


@pytest.fixture(scope="module", params=["built-in", "standard"])
def sight(request: pytest.FixtureRequest) -> LocalBackend:
    return LocalBackend(request.param, [Path(MODELS or "")])


def photographed(frame: Pixels) -> Picture:
    return Picture(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())


def seen(sight: LocalBackend, act: str) -> list[tuple[Picture, list[DetectedObject], list[Face]]]:
    """Look at every third picture but the first and last second: things, and the faces inside of people."""
    looked = []
    last = round((ACTS[act].seconds - 1) * SCENE_FPS)
    for frame in itertools.islice(scene.act_frames(act), SCENE_FPS, last, 3):
        picture = photographed(frame)
        things = [
            thing for thing in sight.detect(picture) if thing.label != "person" or thing.score >= sight.min_person_score
        ]
        people = [thing for thing in things if thing.label == "person"]
        looked.append((picture, things, [face for one in people for face in sight.find_faces(picture, one.box)]))
    return looked


def people(looked: list[tuple[Picture, list[DetectedObject], list[Face]]]) -> list[bool]:
    return [any(thing.label == "person" for thing in things) for _, things, _ in looked]


@pytest.mark.models
@pytest.mark.timeout(120)
@pytest.mark.models
@pytest.mark.parametrize("act", ["empty", "cat"])
def test_no_person_is_found_in_an_empty_room(sight: LocalBackend, act: str) -> None:
    looked = seen(sight, act)
    assert not any(people(looked))
    assert not any(face.score >= 0.8 for picture, _, _ in looked for face in sight.find_faces(picture))


@pytest.mark.models
@pytest.mark.timeout(120)
@pytest.mark.models
def test_the_cat_is_seen_as_an_animal(sight: LocalBackend) -> None:
    if "built-in" in sight.name:
        pytest.skip("the built-in pack sees no animals")
    looked = [{thing.label for thing in things} for _, things, _ in seen(sight, "cat")]
    assert sum(bool(labels & {"cat", "dog"}) for labels in looked) >= 0.8 * len(looked)
    assert sum("cat" in labels for labels in looked) >= 0.5 * len(looked)


@pytest.mark.models
@pytest.mark.timeout(120)
@pytest.mark.models
def test_the_woman_is_recognised_by_her_photo(sight: LocalBackend, tmp_path: Path) -> None:
    write_portrait(tmp_path / "her.png")
    portrait = photographed(np.asarray(cv2.imread(str(tmp_path / "her.png")), np.uint8))
    reference = sight.embed(portrait, sight.find_faces(portrait)[0])
    looked = seen(sight, "woman")
    looks = [sight.embed(picture, faces[0]) for picture, _, faces in looked if faces]
    assert reference
    assert sum(people(looked)) >= 0.95 * len(looked)
    assert len(looks) >= 0.95 * len(looked)
    assert all(look and np.linalg.norm(look.vector - reference.vector) < 0.45 and look.width >= 70 for look in looks)


@pytest.mark.models
@pytest.mark.timeout(120)
@pytest.mark.models
def test_the_man_is_seen_and_his_face_is_not(sight: LocalBackend) -> None:
    looked = seen(sight, "far")
    assert sum(people(looked)) >= 0.95 * len(looked)
    assert all(face.width < 20 for _, _, faces in looked for face in faces)
