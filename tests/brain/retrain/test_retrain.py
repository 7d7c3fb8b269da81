import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from brain.models.labels import kind
from brain.models.litert import Extractor, Network
from brain.retrain import job
from brain.retrain.backbone import MOBILENET_V1
from brain.retrain.dataset.cache import FeatureCache
from brain.retrain.dataset.distort import Distortion
from brain.retrain.dataset.labelled import BadFolder, LabelledPicture, read, split_dataset
from brain.retrain.faces import CachedBackend, Compared, compare
from brain.retrain.folder import CannotWrite, check, replacing
from brain.retrain.marks import mark, worst
from brain.retrain.quiet import quiet
from brain.retrain.training_data import Schedule, TrainingData
from brain.verdict.proportion import Proportion
from brain.vision.backend import DetectedObject, Face, FaceEmbedding
from nerves.errors import ModelError
from nerves.messages import Box
from tests.paths import ROOT

NAMES = st.lists(st.text("abcdefgh0123", min_size=1, max_size=8), unique=True, max_size=40)


def samples(label: str, names: list[str]) -> list[LabelledPicture]:
    return [LabelledPicture(Path(label, f"{name}.jpg"), label) for name in names]


def sets(those: list[LabelledPicture]) -> dict[str, str | None]:
    return {one.path.name: one.set for one in those}


@given(NAMES, NAMES)
def test_a_picture_stays_in_its_set_when_others_are_added(names: list[str], more: list[str]) -> None:
    before, warnings = split_dataset(samples("cat", names), 20, 20)
    after = sets(split_dataset(samples("cat", [*names, *(set(more) - {*names})]), 20, 20)[0])
    taken = any("is used for training" in line for line in warnings)
    assert taken or all(after[name] == part for name, part in sets(before).items())


def test_the_shares_are_about_what_was_asked_for() -> None:
    done, warnings = split_dataset(samples("cat", [str(number) for number in range(4000)]), 10, 20)
    parts = [one.set for one in done]
    assert parts.count("validation") == pytest.approx(400, abs=60)
    assert parts.count("test") == pytest.approx(800, abs=80)
    assert warnings == []


def test_pictures_of_one_moment_stay_together() -> None:
    names = [f"{moment}_nohash_{number}" for moment in range(50) for number in range(3)]
    done = sets(split_dataset(samples("cat", names), 30, 30)[0])
    assert all(len({done[f"{moment}_nohash_{number}.jpg"] for number in range(3)}) == 1 for moment in range(50))


def test_a_label_with_few_pictures_is_warned_of_and_always_has_one_to_train_with() -> None:
    for number in range(60):
        done, warnings = split_dataset(samples("cat", [f"{number}-{one}" for one in range(2)]), 45, 45)
        assert [one.set for one in done].count("training") >= 1
        assert all(line.startswith("cat: ") for line in warnings)
        assert any("to train with; 20 and more are good" in line for line in warnings)
        assert any("no validation picture" in line or "no test picture" in line for line in warnings)


def folders(folder: Path, **counts: int) -> Path:
    for label, count in counts.items():
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (folder / label / f"{label}{number}.jpg").touch()
    return folder


def test_a_given_test_folder_is_the_test(tmp_path: Path) -> None:
    folders(tmp_path / "train", cat=30, dog=30)
    folders(tmp_path / "test", cat=2, dog=1, cow=1)
    labelled = read(tmp_path)
    assert labelled.labels == ("cat", "dog")
    assert labelled.given_test
    assert [one.path.parent.name for one in labelled.samples if one.set == "test"] == ["cat", "cat", "dog"]
    assert "cow" in labelled.warnings[0]
    done, _ = split_dataset(labelled.samples, 10, 0)
    assert sum(one.set == "test" for one in done) == 3


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ({}, "no label; at least two are needed"),
        ({"cat": 3}, "only one label (cat)"),
        ({"cat": 3, "dog": 0}, "/dog: no picture in this folder"),
    ],
)
def test_a_folder_that_teaches_nothing_is_reported(tmp_path: Path, counts: dict[str, int], why: str) -> None:
    with pytest.raises(BadFolder) as caught:
        read(folders(tmp_path, **counts))
    assert why in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def noise(seed: int = 1, height: int = 40, width: int = 60) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@given(st.integers(0, 90), st.integers(0, 300), st.integers(0, 99), st.booleans(), st.integers(0, 9))
def test_a_distorted_copy_is_the_same_every_time(crop: int, scale: int, light: int, flip: bool, number: int) -> None:  # noqa: FBT001
    how = Distortion(flip=flip, crop=crop, scale=scale, brightness=light)
    once, again = (how.apply(noise(), "ab" * 32, number) for _ in range(2))
    assert np.array_equal(once, again)
    assert 1 <= once.shape[0] <= 40
    assert 1 <= once.shape[1] <= 60


def test_copies_differ_from_each_other_and_no_change_makes_no_copy() -> None:
    how = Distortion(copies=5, flip=True, crop=20, brightness=10)
    assert len({how.apply(noise(), "ab" * 32, number).tobytes() for number in range(how.count)}) == 5
    assert Distortion(copies=5).count == 0
    assert np.array_equal(Distortion().apply(noise(), "ab" * 32, 0), noise())
    mirrored = {Distortion(flip=True).apply(noise(), "ab" * 32, number).tobytes() for number in range(20)}
    assert mirrored == {noise().tobytes(), noise()[:, ::-1].tobytes()}


def test_a_row_is_made_once_and_again_where_its_file_is_damaged(tmp_path: Path) -> None:
    made = []

    def make() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        made.append(1)
        return np.array([1, 2, 3], np.float32)

    def get() -> list[float]:
        row: list[float] = FeatureCache(tmp_path / "cache").row("key", make).tolist()
        return row

    assert (get(), get(), len(made)) == ([1, 2, 3], [1, 2, 3], 1)
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    for damage in (b"", b"x", file.read_bytes()[:-1], b"\0" * 44):
        file.write_bytes(damage)
        assert get() == [1, 2, 3]
    assert len(made) == 5


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    assert FeatureCache(tmp_path / "cache").row("key", lambda: np.ones(2, np.float32)).tolist() == [1, 1]


def test_the_interval_of_the_report_is_that_of_clopper_and_pearson() -> None:
    low, high = Proportion(9, 10).interval
    assert (round(low, 3), round(high, 3)) == (0.555, 0.997)
    assert Proportion(0, 0).rate is None
    assert Proportion(0, 0).interval == (0, 1)


def test_marks_count_what_was_called_what() -> None:
    chances = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]], np.float32)
    marks = mark([0, 0, 1, 1], chances)
    assert marks.right == Proportion(2, 4)
    assert marks.confusion.tolist() == [[1, 1], [1, 1]]
    assert marks.recall == (Proportion(1, 2), Proportion(1, 2))
    assert worst([0, 0, 1, 1], chances, 9) == [1, 3]
    assert mark([], np.zeros((0, 2), np.float32)).right == Proportion(0, 0)


@pytest.mark.parametrize(
    ("label", "meaning"),
    [
        ("nobody", "nobody"),
        ("Empty", "nobody"),
        ("cat", "animal"),
        ("black_cats", "animal"),
        ("dog walker", "somebody"),
        ("people", "strangers"),
        ("Strangers", "strangers"),
        ("wife", "somebody"),
        ("?", "somebody"),
    ],
)
def test_a_label_means_what_its_last_word_says(label: str, meaning: str) -> None:
    assert kind(label) == meaning


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "result"
    for text in ("one", "two"):
        with replacing(out) as new:
            (new / "file").write_text(text)
        assert (out / "file").read_text() == text
    with pytest.raises(CannotWrite), replacing(out) as new:
        (new / "file").write_bytes((tmp_path / "absent").read_bytes())
    assert (out / "file").read_text() == "two"
    (out.parent / ".result.kinwatch-killed12").mkdir()
    with replacing(out) as new:
        (new / "file").write_text("four")
    assert sorted(path.name for path in out.parent.iterdir() if path.is_dir() and not path.is_symlink()) == [new.name]


def test_a_folder_of_somebody_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").touch()
    for refuse in (check, lambda out: replacing(out).__enter__()):
        with pytest.raises(CannotWrite, match="move it away"):
            refuse(tmp_path / "photos")
    (tmp_path / "empty").mkdir()
    with replacing(tmp_path / "empty") as new:
        (new / "file").touch()
    assert (tmp_path / "empty" / "file").exists()


WRITER = """
import sys
from pathlib import Path
from brain.retrain.folder import replacing
number = 0
while True:
    number += 1
    with replacing(Path(sys.argv[1])) as new:
        for part in range(20):
            (new / f"part{part}").write_text(str(number))
    print(number, flush=True)
"""


@pytest.mark.timeout(60)
def test_a_writer_killed_at_any_moment_leaves_a_whole_folder(tmp_path: Path) -> None:
    out, random = tmp_path / "result", Random(1)  # noqa: S311 - moments, not secrets
    for _ in range(10):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(out)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout
            child.stdout.readline()
            time.sleep(random.random() * 0.05)
            os.kill(child.pid, signal.SIGKILL)
        parts = {path.read_text() for path in out.iterdir()}
        assert len([*out.iterdir()]) == 20
        assert len(parts) == 1
    assert len([*tmp_path.glob(".result.kinwatch-????????")]) <= 2


class Table:
    """A sight that finds in a picture of one colour the face with that colour as its vector; two if it is dark."""

    name = "table"
    min_person_score = 0.5

    def detect(self, _picture: object) -> list[DetectedObject]:
        return []

    def find_faces(self, picture: object, within: Box | None = None) -> list[Face]:  # noqa: ARG002
        light = int(picture.full.mean())  # type: ignore[attr-defined]
        return [Face(Box(0, 0, 1, 1), 1.0, 100.0)] * (0 if light < 20 else 2 if light < 40 else 1)

    def embed(self, picture: object, face: Face) -> FaceEmbedding:  # noqa: ARG002
        return FaceEmbedding((picture.full.mean(axis=(0, 1)) / 255).astype(np.float32), 100.0, 50.0, 0.0, 1.0)  # type: ignore[attr-defined]


def plain(path: Path, *colour: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 64), colour).save(path, quality=95)
    return path


def test_vectors_and_the_layer_are_judged_on_the_same_pictures(tmp_path: Path) -> None:
    me, cat, stranger = (255, 255, 0), (0, 0, 0), (0, 90, 255)
    them = [
        LabelledPicture(plain(tmp_path / "me" / "1.png", *me), "me", "training"),
        LabelledPicture(plain(tmp_path / "me" / "2.png", *me), "me", "test"),
        LabelledPicture(plain(tmp_path / "me" / "3.png", 0, 0, 0), "me", "test"),
        LabelledPicture(plain(tmp_path / "cat" / "1.png", *cat), "cat", "training"),
        LabelledPicture(plain(tmp_path / "sofa" / "1.png", *cat), "sofa", "training"),
        LabelledPicture(plain(tmp_path / "people" / "1.png", *stranger), "people", "test"),
    ]
    called = {one.path: "me" for one in them if one.set == "test"}
    found = compare(them, called, CachedBackend(Table(), FeatureCache(tmp_path / "cache")), lambda *_: None)
    assert found == Compared(
        ("me",), ("people",), Proportion(2, 2), Proportion(1, 2), Proportion(1, 1), Proportion(0, 1), 1
    )
    without = [one for one in them if one.label != "me"]
    assert "fewer than half" in str(
        compare(without, called, CachedBackend(Table(), FeatureCache(tmp_path)), lambda *_: None)
    )
    assert "no label is a person" in str(
        compare(without[:1], {}, CachedBackend(Table(), FeatureCache(tmp_path)), lambda *_: None)
    )


def test_only_the_training_takes_tensorflow_along() -> None:
    code = (
        "import sys, brain.process.loop, kinwatch.cli, kinwatch.commands.retraining, brain.models.retrained\n"
        "from brain.models.litert import interpreter\n"
        "import ai_edge_litert.interpreter\n"
        "print([name for name in ('tensorflow', 'keras', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    named = [
        path.relative_to(ROOT).as_posix()
        for package in ("kinwatch", "nerves", "senses", "brain", "actuators")
        for path in (ROOT / package).rglob("*.py")
        if "import tensorflow" in path.read_text() or "from tensorflow" in path.read_text()
    ]
    assert named == ["brain/retrain/training.py"]


@pytest.fixture(scope="module")
def training() -> ModuleType:
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("tensorflow is not installed")
    return job.training_part()


def lesson(*, validation: bool) -> TrainingData:
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    rows = (np.eye(3)[labels] * 100 + random.normal(0, 30, (60, 3))).astype(np.float32)
    cut = 40 if validation else 60
    return TrainingData(rows[:cut], labels[:cut], rows[cut:], labels[cut:], 3)


@pytest.mark.timeout(60)
def test_a_layer_is_learned_and_runs_without_tensorflow(training: ModuleType) -> None:
    given_rows = lesson(validation=True)
    shown: list[int] = []
    fitted = training.train_layer(
        given_rows, Schedule(steps=150, learning_rate=0.05), lambda done, _: shown.append(done)
    )
    assert fitted.curve[-1].validation_accuracy > 0.9
    assert shown[-1] <= 150
    head = Network(training.head(fitted), "head")
    logits = given_rows.validation[0] @ fitted.kernel + fitted.bias
    expected = np.exp(logits - logits.max())
    assert head.run(given_rows.validation[:1]) == pytest.approx(expected / expected.sum(), abs=1e-5)


@pytest.mark.timeout(60)
def test_training_stops_when_validation_gets_no_better_and_keeps_the_best(training: ModuleType) -> None:
    right = lesson(validation=True)
    wrong = TrainingData(right.training, right.training_labels, right.training, (right.training_labels + 1) % 3, 3)
    fitted = training.train_layer(wrong, Schedule(steps=1000, patience=3), lambda *_: None)
    losses = {point.step: point.validation_loss for point in fitted.curve}
    assert max(losses) < 1000
    assert losses[fitted.best] == min(losses.values())
    alone = training.train_layer(lesson(validation=False), Schedule(steps=25), lambda *_: None)
    assert (alone.best, alone.curve[-1].validation_loss) == (25, None)


@pytest.mark.timeout(60)
def test_a_keras_network_runs_as_litert_with_the_weights_of_a_file(training: ModuleType, tmp_path: Path) -> None:
    network = training.keras.applications.MobileNetV3Small(weights=None, include_top=False, pooling="avg")
    weights = tmp_path / "small.weights.h5"
    with quiet():
        network.save_weights(weights)
    content = training.convert("mobilenet_v3_small", weights)
    pixels = noise(height=224, width=224)
    row = Extractor(Network(content, "small"), "small", (0, 255)).features(pixels)
    with quiet():
        expected = network(pixels[None, :, :, ::-1].astype(np.float32), training=False).numpy()[0]
    assert row.shape == (576,)
    assert np.corrcoef(row, expected)[0, 1] > 0.99
    with pytest.raises(ModelError, match=r"small\.weights\.h5: does not fit mobilenet_v2"):
        training.convert("mobilenet_v2", weights)
    (tmp_path / "text.weights.h5").write_text("hello")
    with pytest.raises(ModelError, match="does not fit"):
        training.convert("mobilenet_v3_small", tmp_path / "text.weights.h5")


@pytest.mark.timeout(60)
def test_weights_that_cannot_be_downloaded_are_said_in_one_line(
    training: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise Exception("URL fetch failure on https://x: None -- [Errno -2]\nmore")  # noqa: EM101, TRY002, TRY003 - as Keras does

    monkeypatch.setattr(training.keras.applications, "MobileNetV2", offline)
    with pytest.raises(ModelError, match=r"mobilenet_v2 cannot be downloaded .* --weights FILE$"):
        training.convert("mobilenet_v2", None)


@pytest.mark.models
def test_quantised_features_are_times_their_scale() -> None:
    network = Network((Path(os.environ["KINWATCH_MODELS"]) / MOBILENET_V1).read_bytes(), "v1")
    row = Extractor(network, "v1", (-1, 1)).features(noise())
    assert row.shape == (1024,)
    steps = row / 0.023528477
    assert np.abs(steps - steps.round()).max() < 0.01
    assert row.max() > 0.1


@pytest.mark.models
def test_what_is_no_extractor_is_said() -> None:
    with pytest.raises(ModelError, match="x: not a model that LiteRT can run"):
        Network(b"hello", "x")
    head = Path(os.environ["KINWATCH_MODELS"]) / "yolox_nano_float16_quantize.tflite"
    assert Extractor(Network(head.read_bytes(), "yolox"), "yolox", (0, 255)).size == (416, 416)
