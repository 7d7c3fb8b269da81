"""The command as a person meets it: real processes, real pictures, bad input."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.faults import Broker
from tests.kinwatch.command import complaint, run, summaries


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
def test_a_photo_that_cannot_be_learned_is_named_and_the_gallery_stays(
    tmp_path: Path, media: Path, enrolled: Callable[[str], Path]
) -> None:
    shutil.copytree(enrolled("standard"), tmp_path / "data")
    before = run(tmp_path, "people", "--json").stdout
    me, wife = (Image.open(media / "family" / name / f"{name}_00.jpg") for name in ("me", "wife"))
    two = Image.new("RGB", (me.width + wife.width, max(me.height, wife.height)))
    two.paste(me, (0, 0))
    two.paste(wife, (me.width, 0))
    two.save(tmp_path / "two.jpg")
    Image.fromarray(np.full((200, 200, 3), 90, np.uint8)).save(tmp_path / "none.jpg")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "cut.jpg").write_bytes((media / "family" / "me" / "me_00.jpg").read_bytes()[:3000])
    Image.new("L", (10_000, 10_000)).save(tmp_path / "huge.jpg")
    expected = {
        "two.jpg": "2 faces found",
        "none.jpg": "no face found",
        "empty.jpg": "an empty file (0 bytes)",
        "text.jpg": "not a picture",
        "cut.jpg": "damaged",
        "huge.jpg": "more than 40 megapixels",
        "absent.jpg": "no such photo",
    }
    for name, why in expected.items():
        done = run(tmp_path, "enroll", "ann", name)
        assert done.returncode == 1
        assert name in complaint(done)
        assert why in complaint(done)
    assert run(tmp_path, "people", "--json").stdout == before


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
def test_one_bad_photo_among_good_ones_is_left_out_and_reported(tmp_path: Path, media: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    done = run(tmp_path, "enroll", "me", str(media / "family" / "me" / "me_00.jpg"), "empty.jpg", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["learned"] == 1
    assert "left out: empty.jpg" in done.stderr


@pytest.mark.models
@pytest.mark.timeout(60)
def test_clips_that_cannot_be_read_are_named_and_the_others_replayed(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("hello" * 100)
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    Image.fromarray(np.full((200, 200, 3), 90, np.uint8)).save(tmp_path / "good.jpg")
    done = run(tmp_path, "replay", "empty.mp4", "text.mp4", "cut.jpg", "absent.mp4", "good.jpg", "--json")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for name in ("empty.mp4", "text.mp4", "cut.jpg", "absent.mp4"):
        assert name in done.stderr
    assert [*summaries(done)] == ["good.jpg"]


@pytest.mark.models
@pytest.mark.timeout(30)
def test_a_model_file_with_a_wrong_hash_is_named_with_what_helps(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    for file in Path(os.environ["KINWATCH_MODELS"]).glob("*.onnx"):
        (models / file.name).write_bytes(file.read_bytes()[:-1] + b"x")
    Image.fromarray(np.full((200, 200, 3), 90, np.uint8)).save(tmp_path / "good.jpg")
    done = run(tmp_path, "replay", "good.jpg", KINWATCH_MODELS=str(models))
    assert done.returncode == 1
    assert "sha256 differs" in complaint(done)
    assert "kinwatch models pull" in complaint(done)


def test_wrong_settings_end_with_two_and_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "kinwatch.yaml").write_text("senses: {hall: {kind: camera, sorce: '0'}}\n")
    done = run(tmp_path, "up")
    assert done.returncode == 2
    assert "did you mean source" in complaint(done)


@pytest.mark.parametrize(
    "words", [("enroll", "me"), ("replay",), ("nonsense",), ("act",), ("models", "push"), ("replay", "--jsn", "x")]
)
def test_wrong_usage_ends_with_two_and_no_traceback(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run(tmp_path, *words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_forgetting_somebody_unknown_fails_in_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "forget", "ann")
    assert done.returncode == 1
    assert complaint(done) == "nobody is called ann: there is nobody yet"


@pytest.mark.parametrize(
    "command", ["demo", "up", "sense", "think", "act", "enroll", "people", "day", "forget", "replay"]
)
def test_every_command_has_a_help_text(tmp_path: Path, command: str) -> None:
    done = run(tmp_path, command, "--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 5


def test_every_message_and_the_settings_have_a_schema(tmp_path: Path) -> None:
    kinds = json.loads(run(tmp_path, "schema").stdout)
    assert {"visit", "heard", "label", "stored", "status"} <= kinds.keys()
    assert kinds["heard"]["required"] == ["place", "words"]
    settings = json.loads(run(tmp_path, "schema", "settings").stdout)
    assert "camera" in json.dumps(settings["properties"]["senses"])


def test_listening_without_a_broker_says_what_to_do(tmp_path: Path) -> None:
    done = run(tmp_path, "listen", "--seconds", "1")
    assert done.returncode == 1
    assert "kinwatch up" in complaint(done)


@pytest.mark.mosquitto
@pytest.mark.timeout(40)
def test_a_wrong_broker_password_is_reported_in_one_line(tmp_path: Path) -> None:
    with Broker(users={"ann": "right"}) as broker:
        url = broker.url.replace("://", "://ann@")
        done = run(tmp_path, "listen", "--seconds", "2", KINWATCH_MQTT_URL=url, KINWATCH_MQTT_PASSWORD="wrong")
        assert done.returncode == 1
        assert complaint(done) == (
            f"the broker at {url} refuses this user name or password: check mqtt.url and KINWATCH_MQTT_PASSWORD"
        )
        done = run(tmp_path, "listen", "--seconds", "1", KINWATCH_MQTT_URL=url, KINWATCH_MQTT_PASSWORD="right")
        assert done.returncode == 0
