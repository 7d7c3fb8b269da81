"""The command as a person meets it: real processes, real pictures, bad input."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.faults import Broker
from tests.paths import ROOT

PACKS = pytest.mark.parametrize("pack", ["standard", "built-in"])


def run(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("KINWATCH_CONFIG")}
    return subprocess.run(
        [sys.executable, "-m", "kinwatch", *words],
        cwd=folder,
        env=inherited | {"KINWATCH_DATA_DIR": str(folder / "data"), "PYTHONPATH": str(ROOT)} | env,
        capture_output=True,
        text=True,
        check=False,
    )


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a person gets; it is never a traceback."""
    assert "Traceback" not in done.stderr, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("kinwatch: ")]
    assert len(lines) == 1, done.stderr
    return lines[0].removeprefix("kinwatch: ")


def summaries(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = [line["summary"] for line in lines if "summary" in line]
    return {Path(summary["clip"]).name: summary for summary in found}


def enrolled(folder: Path, media: Path, pack: str) -> None:
    for name in ("me", "wife"):
        photos = sorted((media / "family" / name).glob("*.jpg"))
        done = run(folder, "enroll", name, *map(str, photos), "--pack", pack)
        assert done.returncode == 0, done.stderr


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(200)
@PACKS
def test_four_people_seen_from_behind_are_four_visits(tmp_path: Path, media: Path, pack: str) -> None:
    clip = media / "clips" / "visits_1_4.mp4"
    summary = summaries(run(tmp_path, "replay", str(clip), "--json", "--pack", pack))[clip.name]
    with (media / "clips_ground_truth.csv").open() as rows:
        truth = [row for row in csv.DictReader(rows) if row["file"].endswith(clip.name)]
    spans = [(int(row["first_frame"]), int(row["last_frame"])) for row in truth if row["label"] == "person"]
    empty = [(int(row["first_frame"]), int(row["last_frame"])) for row in truth if row["label"] == "none"]
    assert len(summary["visits"]) == 4
    for visit, (first, last) in zip(summary["visits"], spans, strict=True):
        assert first - 20 <= visit["first_frame"]
        assert visit["last_frame"] <= last + 20
        assert (visit["verdict"], visit["who"], visit["alerts"]) == ("unidentified", None, 1)
        assert not any(visit["first_frame"] <= end and start <= visit["last_frame"] for start, end in empty)


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(100)
@PACKS
def test_the_family_is_known_and_two_strangers_are_not(tmp_path: Path, media: Path, pack: str) -> None:
    clips = [str(media / "clips" / name) for name in ("me_and_wife_facing.mp4", "corridor_two_strangers.mp4")]
    unknown = summaries(run(tmp_path, "replay", *clips, "--json", "--pack", pack))
    for summary in unknown.values():
        assert [(visit["verdict"], visit["alerts"]) for visit in summary["visits"]] == [("stranger", 1)] * 2
    enrolled(tmp_path, media, pack)
    done = run(tmp_path, "replay", *clips, "--json", "--pack", pack)
    known = summaries(done)
    family = known["me_and_wife_facing.mp4"]["visits"]
    assert sorted((visit["who"], visit["verdict"], visit["alerts"]) for visit in family) == [
        ("me", "family", 0),
        ("wife", "family", 0),
    ]
    assert {visit["verdict"] for visit in known["corridor_two_strangers.mp4"]["visits"]} <= {"stranger", "unidentified"}
    first = json.loads(done.stdout.splitlines()[0])
    assert [*first][:2] == ["clip", "visit"]
    assert {"seq", "place", "at", "frame", "phase", "verdict", "who", "alert", "reasons"} <= first.keys()
    assert "picture" not in first


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(300)
def test_people_are_visits_and_animals_and_rooms_are_not(tmp_path: Path, media: Path) -> None:
    with (media / "stills_ground_truth.csv").open() as rows:
        labels = {row["file"]: row["label"] for row in csv.DictReader(rows) if row["label"] != "unsure"}
    done = run(tmp_path, "replay", *(str(media / name) for name in labels), "--json", "--pack", "standard")
    seen = {name: bool(summary["visits"]) for name, summary in summaries(done).items()}
    false = [name for name, label in labels.items() if label != "person" and seen[Path(name).name]]
    people = [seen[Path(name).name] for name, label in labels.items() if label == "person"]
    assert false == []
    assert sum(people) >= 0.95 * len(people)


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
def test_a_photo_that_cannot_be_learned_is_named_and_the_gallery_stays(tmp_path: Path, media: Path) -> None:
    enrolled(tmp_path, media, "standard")
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
def test_one_bad_photo_among_good_ones_is_left_out_and_said(tmp_path: Path, media: Path) -> None:
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


@pytest.mark.parametrize("command", ["demo", "up", "sense", "think", "act", "enroll", "people", "forget", "replay"])
def test_help_teaches(tmp_path: Path, command: str) -> None:
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
def test_a_wrong_broker_password_is_said_in_one_line(tmp_path: Path) -> None:
    with Broker(users={"ann": "right"}) as broker:
        url = broker.url.replace("://", "://ann@")
        done = run(tmp_path, "listen", "--seconds", "2", KINWATCH_MQTT_URL=url, KINWATCH_MQTT_PASSWORD="wrong")
        assert done.returncode == 1
        assert complaint(done) == (
            f"the broker at {url} refuses this user name or password: check mqtt.url and KINWATCH_MQTT_PASSWORD"
        )
        done = run(tmp_path, "listen", "--seconds", "1", KINWATCH_MQTT_URL=url, KINWATCH_MQTT_PASSWORD="right")
        assert done.returncode == 0
