"""`kinwatch retrain` on real and on made-up pictures: what it learns, what it refuses, what survives its death."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from brain.models.retrained import RetrainedBackend
from brain.retrain.backbone import MOBILENET_V1
from brain.retrain.job import training_part
from brain.retrain.quiet import quiet
from brain.vision.picture import Picture
from kinwatch import cli
from nerves.errors import ModelError
from nerves.messages import Box
from tests.paths import ROOT

COLOURS = {"cat": (220, 40, 40), "nobody": (40, 200, 40), "people": (40, 40, 220)}

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="tensorflow is not installed"),
]


class Done(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line that a person gets."""
        lines = [line for line in self.err.splitlines() if line.startswith("kinwatch: ")]
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("kinwatch: ")


Command = Callable[..., Done]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Run the command in this process: TensorFlow is loaded once."""
    monkeypatch.setenv("KINWATCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def run(*words: str | Path) -> Done:
        monkeypatch.setattr(sys, "argv", ["kinwatch", "retrain", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.run_app()
        return Done(int(str(ended.value.code or 0)), *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an extractor of 12 features: the mean colours of a picture's quarters."""
    training = training_part()
    layers = training.keras.layers
    with quiet():
        network = training.keras.Sequential(
            [training.keras.Input((32, 32, 3)), layers.AveragePooling2D(16), layers.Flatten()]
        )
        content = training.tf.lite.TFLiteConverter.from_keras_model(network).convert()
    path = tmp_path_factory.mktemp("tiny") / "tiny.tflite"
    path.write_bytes(content)
    return path


def picture(path: Path, colour: tuple[int, int, int], seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    pixels = np.array(colour) + random.integers(-40, 41, (48, 64, 3)) + random.integers(-30, 31, 3)
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
    return path


def colours(folder: Path, **counts: int) -> Path:
    for label, count in counts.items():
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            picture(folder / label / f"{label}_{number}.jpg", COLOURS[label], number)
    return folder


def seen(path: Path) -> Picture:
    return Picture(path.read_bytes())


def test_colours_are_learned_and_litert_alone_distinguishes_them(command: Command, tiny: Path, tmp_path: Path) -> None:
    folder = colours(tmp_path / "rooms", cat=40, nobody=40, people=40)
    done = command(folder, "--backbone", tiny, "--steps", "300", "--learning-rate", "0.02", "--json")
    assert done.status == 0, done.err
    (line,) = done.out.splitlines()
    facts = json.loads(line)
    assert {"test_accuracy", "test_count", "classes", "seconds", "model", "labels", "report"} <= facts.keys()
    assert facts["test_accuracy"] == 1
    assert facts["classes"] == ["cat", "nobody", "people"]
    assert Path(facts["labels"]).read_text().split() == ["cat", "nobody", "people"]
    out = Path(facts["report"]).parent
    for name in ("report.html", "report.json", "model.json", "confusion.png", "training.png"):
        assert (out / name).stat().st_size > 100, name
    report = json.loads((out / "report.json").read_text())
    assert report["test_accuracy"]["count"] == facts["test_count"] == sum(map(sum, report["confusion"]))
    assert any(why in report["faces"]["skipped"] for why in ("no label is a person", "no face models here"))
    sight = RetrainedBackend(out)
    likeliest = {label: sight.classify(seen(picture(tmp_path / "new.jpg", COLOURS[label], 999))) for label in COLOURS}
    assert {label: found[0][0] for label, found in likeliest.items()} == {label: label for label in COLOURS}
    assert all(sum(chance for _, chance in found) == pytest.approx(1, abs=1e-4) for found in likeliest.values())
    shown = {label: sight.detect(seen(picture(tmp_path / "new.jpg", COLOURS[label], 999))) for label in COLOURS}
    assert shown["nobody"] == []
    assert [(thing.label, thing.box) for thing in shown["cat"]] == [("cat", Box(0, 0, 1, 1))]
    assert [(thing.label, thing.box) for thing in shown["people"]] == [("person", Box(0, 0, 1, 1))]
    somebody = seen(picture(tmp_path / "new.jpg", COLOURS["people"], 999))
    (whole,) = sight.find_faces(somebody)
    assert (whole.box, sight.identify(somebody, whole), sight.embed(somebody, whole)) == (Box(0, 0, 1, 1), {}, None)
    assert sight.find_faces(seen(picture(tmp_path / "new.jpg", COLOURS["nobody"], 999))) == []


def test_the_brain_sees_by_what_was_retrained(
    command: Command, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = colours(tmp_path / "rooms", cat=40, nobody=40, people=40)
    assert command(folder, "--backbone", tiny, "--steps", "300", "--learning-rate", "0.02").status == 0
    shots = {label: picture(tmp_path / f"{label}.jpg", COLOURS[label], 999) for label in COLOURS}
    capsys.readouterr()
    settings = tmp_path / "kinwatch.yaml"
    settings.write_text("brain: {vision: retrained}\n")
    monkeypatch.setattr(
        sys, "argv", ["kinwatch", "replay", *map(str, shots.values()), "--json", "--config", str(settings)]
    )
    with suppress(SystemExit):
        cli.run_app()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    summaries = {Path(line["summary"]["clip"]).stem: line["summary"]["visits"] for line in lines if "summary" in line}
    assert {label: [visit["verdict"] for visit in visits] for label, visits in summaries.items()} == {
        "cat": [],
        "nobody": [],
        "people": ["stranger"],
    }


def test_distorted_copies_are_trained_with_and_a_damaged_cache_is_no_error(
    command: Command, tiny: Path, tmp_path: Path
) -> None:
    folder = colours(tmp_path / "rooms", cat=15, nobody=15)
    words = (folder, "--backbone", tiny, "--steps", "20", "--no-faces", "--flip", "--crop", "10", "--scale", "10")
    assert command(*words, "--brightness", "10", "--copies", "2").status == 0
    rows = [path for path in (tmp_path / "data" / "cache" / "features").rglob("*") if path.is_file()]
    report = json.loads((tmp_path / "data" / "retrained" / "report.json").read_text())
    training = sum(label["training"] for label in report["classes"].values())
    assert len(rows) == 30 + 2 * training
    before = {row: row.read_bytes() for row in rows}
    for row in rows[::2]:
        row.write_bytes(b"damaged")
    assert command(*words, "--brightness", "10", "--copies", "2").status == 0
    assert {row: row.read_bytes() for row in rows} == before
    again = json.loads((tmp_path / "data" / "retrained" / "report.json").read_text())
    assert again["training"] == report["training"]


def test_a_corrupt_picture_is_named_and_left_out(command: Command, tiny: Path, tmp_path: Path) -> None:
    folder = colours(tmp_path / "rooms", cat=12, nobody=12)
    (folder / "cat" / "empty.jpg").touch()
    (folder / "cat" / "text.jpg").write_text("hello")
    (folder / "nobody" / "cut.jpg").write_bytes((folder / "nobody" / "nobody_0.jpg").read_bytes()[:700])
    (folder / "nobody" / "twin.png").mkdir()
    done = command(folder, "--backbone", tiny, "--steps", "10", "--no-faces")
    assert done.status == 0, done.err
    for name, why in {"empty.jpg": "an empty file", "text.jpg": "not a picture", "cut.jpg": "damaged"}.items():
        assert any(f"{name}: " in line and why in line for line in done.err.splitlines()), done.err
    report = json.loads((tmp_path / "data" / "retrained" / "report.json").read_text())
    assert sum(report["classes"]["cat"][part] for part in ("training", "validation", "test")) == 12


def test_a_picture_that_is_trained_with_is_not_in_the_test(command: Command, tiny: Path, tmp_path: Path) -> None:
    colours(tmp_path / "rooms" / "train", cat=12, nobody=12)
    colours(tmp_path / "rooms" / "test", cat=14, nobody=14)
    done = command(tmp_path / "rooms", "--backbone", tiny, "--steps", "10", "--no-faces", "--json")
    assert done.status == 0, done.err
    assert "because the same picture is trained with" in done.err
    assert json.loads(done.out)["test_count"] < 28


def test_three_pictures_of_a_label_are_warned_of_and_trained(command: Command, tiny: Path, tmp_path: Path) -> None:
    folder = colours(tmp_path / "rooms", cat=3, nobody=30)
    done = command(folder, "--backbone", tiny, "--steps", "10", "--no-faces")
    assert done.status == 0, done.err
    assert "cat: only" in done.err
    assert "cat: no " in done.err


@pytest.mark.parametrize(
    ("make", "words", "status", "why"),
    [
        (lambda _: None, [], 1, "rooms: no such folder"),
        (lambda rooms: rooms.mkdir(), [], 1, "rooms: no label"),
        (lambda rooms: colours(rooms, cat=3), [], 1, "rooms: only one label (cat)"),
        (lambda rooms: colours(rooms, cat=3, nobody=0), [], 1, "nobody: no picture in this folder"),
        (lambda rooms: colours(rooms, cat=3, nobody=3), ["--backbone", "vgg"], 1, "mobilenet_v2"),
        (lambda rooms: colours(rooms, cat=3, nobody=3), ["--backbone", "mobilenet_v2", "--weights", "x.h5"], 1, "x.h5"),
        (lambda rooms: colours(rooms, cat=3, nobody=3), ["--weights", "x.h5"], 1, "--weights is for --backbone"),
        (lambda rooms: colours(rooms, cat=3, nobody=3), ["--backbone", "rooms/cat/cat_0.jpg"], 1, "cat_0.jpg: not a"),
        (lambda rooms: colours(rooms, cat=3, nobody=3), ["--out", "rooms"], 1, "rooms exists and was not made by"),
        (lambda rooms: colours(rooms, cat=3, nobody=3), ["--validation", "50", "--test", "60"], 2, "no picture"),
    ],
)
def test_a_folder_that_cannot_be_learned_is_reported_in_one_line(
    command: Command, tmp_path: Path, make: Callable[[Path], Any], words: list[str], status: int, why: str
) -> None:
    make(tmp_path / "rooms")
    done = command("rooms", *words)
    assert done.status == status
    assert why in done.complaint
    assert not (tmp_path / "data" / "retrained").exists()


def test_a_label_of_corrupt_pictures_alone_is_an_error(command: Command, tiny: Path, tmp_path: Path) -> None:
    folder = colours(tmp_path / "rooms", cat=12, nobody=0)
    (folder / "nobody" / "text.jpg").write_text("hello")
    done = command(folder, "--backbone", tiny)
    assert done.status == 1
    assert "nobody: none of its 1 pictures can be used" in done.complaint


def test_without_the_default_extractor_the_choices_are_said(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINWATCH_MODELS", str(tmp_path))
    done = command(colours(tmp_path / "rooms", cat=3, nobody=3))
    assert done.status == 1
    assert MOBILENET_V1 in done.complaint
    assert "inception_v3" in done.complaint


@pytest.mark.media
@pytest.mark.models
def test_a_given_test_folder_judges_and_face_vectors_know_better(command: Command, media: Path, tmp_path: Path) -> None:
    for part, count in (("train", 6), ("test", 4)):
        for label in ("me", "wife", "people"):
            (tmp_path / "them" / part / label).mkdir(parents=True)
            for photo in sorted((media / "retrain" / part / label).iterdir())[:count]:
                shutil.copy(photo, tmp_path / "them" / part / label)
    done = command(tmp_path / "them", "--steps", "60", "--json")
    assert done.status == 0, done.err
    assert json.loads(done.out)["test_count"] == 12
    faces = json.loads((tmp_path / "data" / "retrained" / "report.json").read_text())["faces"]
    assert (faces["people"], faces["strangers"]) == (["me", "wife"], ["people"])
    assert faces["vectors"]["family_right"]["count"] >= 7
    assert faces["vectors"]["strangers_accepted"]["count"] == 0


@pytest.mark.media
@pytest.mark.models
def test_the_whole_folder_is_learned_well_above_chance(command: Command, media: Path, tmp_path: Path) -> None:
    done = command(media / "retrain", "--steps", "150", "--no-faces", "--json")
    assert done.status == 0, done.err
    facts = json.loads(done.out)
    assert facts["test_count"] == 105
    assert facts["test_accuracy"] > 0.65  # always `people` is 0.57
    out = tmp_path / "data" / "retrained"
    sight = RetrainedBackend(out)
    report = json.loads((out / "report.json").read_text())
    wrong = {mistake["path"]: mistake["called"] for mistake in report["mistakes"]}
    assert wrong
    assert [sight.classify(seen(Path(path)))[0][0] for path in wrong] == [*wrong.values()]


def test_a_model_that_is_damaged_or_absent_is_named(command: Command, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(ModelError, match=r"model\.json is not there: run `kinwatch retrain FOLDER`"):
        RetrainedBackend(out)
    folder = colours(tmp_path / "rooms", cat=12, nobody=12)
    assert command(folder, "--backbone", tiny, "--steps", "5", "--no-faces", "--out", out).status == 0
    head = out / "head.tflite"
    head.write_bytes(head.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match=r"head\.tflite is not the file that was written"):
        RetrainedBackend(out)
    (out / "model.json").write_text("{")
    with pytest.raises(ModelError, match=r"model\.json is damaged"):
        RetrainedBackend(out)


def test_killed_while_it_writes_the_old_or_the_new_model_runs(command: Command, tiny: Path, tmp_path: Path) -> None:
    folder = colours(tmp_path / "rooms", cat=12, nobody=12, people=12)
    words = [str(folder), "--backbone", str(tiny), "--steps", "30", "--no-faces", "--learning-rate", "0.05"]
    assert command(*words).status == 0
    random, data = Random(time.time_ns()), tmp_path / "data"  # noqa: S311 - moments, not secrets
    new = picture(tmp_path / "new.jpg", COLOURS["cat"], 999)
    before = {*data.glob(".retrained.kinwatch-????????")}
    with subprocess.Popen(
        [sys.executable, "-m", "kinwatch", "retrain", *words, "--seed", "1"],
        cwd=ROOT,
        env=os.environ | {"KINWATCH_DATA_DIR": str(data)},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as child:
        while child.poll() is None and {*data.glob(".retrained.kinwatch-????????")} <= before:
            time.sleep(0.005)
        time.sleep(random.random() * 0.8)
        os.kill(child.pid, signal.SIGKILL)
    assert RetrainedBackend(data / "retrained").classify(seen(new))[0][0] == "cat"
    assert command(*words).status == 0
    assert len([*(tmp_path / "data").glob(".retrained.kinwatch-????????")]) == 1
