"""`kinwatch measure` as a person meets it, and its plots."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from brain.measure.curves import roc
from brain.verdict.proportion import Proportion
from kinwatch.commands import plots
from tests.paths import ROOT

RATE = {"count", "of", "rate", "low", "high"}


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("KINWATCH_CONFIG")}
    return subprocess.run(
        [sys.executable, "-m", "kinwatch", "measure", *words],
        cwd=folder,
        env=inherited | {"KINWATCH_DATA_DIR": str(folder / "data"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def facts(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    return dict(json.loads(line))


def picture(file: Path) -> tuple[int, int]:
    assert file.stat().st_mode & 0o777 == 0o600
    found = cv2.imread(str(file))
    assert found is not None, file
    assert found.std() > 10
    return found.shape[1], found.shape[0]


@pytest.mark.models
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["gone"], "gone: no such folder"),
        (["empty"], "empty: nothing to measure"),
        (["half"], "half/test: no such folder; train/ and test/ belong together"),
        (["odd"], "odd/pairs.csv: line 2: a pair is file_x,file_y,same"),
        ([], "nobody is enrolled yet"),
        (["empty", "--strangers", "gone"], "empty: nothing to measure"),
    ],
)
def test_a_folder_that_cannot_be_measured_is_reported_in_one_line(tmp_path: Path, words: list[str], says: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "half/train/ann").mkdir(parents=True)
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/pairs.csv").write_text("one,two\n1,2\n")
    done = run(tmp_path, *words)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("kinwatch: ")]
    assert says in line
    assert "Traceback" not in done.stderr


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
def test_pairs_give_the_promised_json_and_plots_and_name_what_is_damaged(tmp_path: Path, media: Path) -> None:
    folder = tmp_path / "pairs"
    folder.mkdir()
    rows = (media / "face_pairs/pairs.csv").read_text().splitlines()
    same, different = ([row for row in rows if row.endswith(end)][:6] for end in (",1", ",0"))
    for row in (*same, *different):
        for file in row.split(",")[:2]:
            shutil.copy(media / "face_pairs" / file, folder)
    (folder / "broken.jpg").write_bytes((folder / same[0].split(",")[0]).read_bytes()[:700])
    broken = f"broken.jpg,{same[0].split(',')[1]},1"
    (folder / "pairs.csv").write_text("\n".join([rows[0], *same, *different, broken]))
    found = facts(run(tmp_path, "pairs", "--json", "--out", "report"))
    assert {"accuracy", "threshold", "tar_at_far_1pct", "tar_at_far_0_1pct", "no_face"} <= set(found["pairs"])
    assert (found["pairs"]["same"], found["pairs"]["different"]) == (6, 6)
    assert found["pairs"]["accuracy"] >= 0.9
    assert [Path(one["file"]).name for one in found["left_out"]] == ["broken.jpg"]
    assert json.loads((tmp_path / "report/report.json").read_text()) == found
    assert picture(tmp_path / "report/det.png")[0] > 500
    assert picture(tmp_path / "report/roc.png")[0] > 500
    assert picture(tmp_path / "report/distances.png")[0] > 500
    (folder / "pairs.csv").write_text("\n".join([rows[0], *same, *different]))
    again = run(tmp_path, "pairs", "--out", "report")
    assert "6 pairs of one person, 6 of two" in again.stdout
    assert "left out" not in again.stderr


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(90)
def test_labelled_folders_and_the_own_gallery(tmp_path: Path, media: Path) -> None:
    for name in ("me", "wife"):
        for number, file in enumerate(sorted((media / "retrain/train" / name).iterdir())[:4]):
            target = tmp_path / "ours" / ("train" if number < 2 else "test") / name / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    strangers = tmp_path / "ours/test/people"
    strangers.mkdir()
    for file in sorted((media / "retrain/test/people").iterdir())[:2]:
        shutil.copy(file, strangers)
    found = facts(run(tmp_path, "ours", "--visits", "1", "--json"))
    for kind in ("pictures", "visits"):
        keys = {"strangers_called_family", "family_called_stranger", "wrong_name", "decided"}
        assert keys <= set(found[kind])
        assert all(set(rate) == RATE for rate in found[kind].values())
    assert found["pictures"]["strangers_called_family"]["of"] == 2
    assert found["visits"]["wrong_name"] | {"high": 0} == {"count": 0, "of": 2, "rate": 0.0, "low": 0.0, "high": 0}
    assert found["recommended"]["threshold"] is None
    assert found["recommended"]["needed"] == 58
    assert [one["name"] for one in found["resemblance"]] == ["me", "wife"]
    assert all(0 < one["relative_passes"] < 1 for one in found["resemblance"])
    assert picture(tmp_path / "kinwatch-measure/visits.png")[1] > 400

    assert "nobody is enrolled" in run(tmp_path).stderr
    enrolled = [str(file) for file in sorted((tmp_path / "ours/train/me").iterdir())]
    words = [sys.executable, "-m", "kinwatch", "enroll", "me", *enrolled]
    environment = dict(os.environ) | {"KINWATCH_DATA_DIR": str(tmp_path / "data"), "PYTHONPATH": str(ROOT)}
    assert subprocess.run(words, env=environment, check=False, capture_output=True).returncode == 0
    own = facts(run(tmp_path, "--json", "--strangers", str(strangers)))
    assert own["people"][0]["name"] == "me"
    assert [(one["name"], one["alike"]) for one in own["resemblance"]] == [("me", [])]
    assert own["visits"]["strangers_called_family"]["of"] == 2
    assert own["recommended"]["threshold"] is None


def test_thresholds_that_are_one_line_share_it(tmp_path: Path) -> None:
    same, different = np.linspace(0.2, 0.65, 60), np.linspace(0.5, 1.0, 60)
    plots.draw_distances(tmp_path / "d.png", {"same": same, "other": different}, {"a": 0.6, "b": 0.603}, "title")
    assert picture(tmp_path / "d.png") == (768, 552)


@pytest.mark.parametrize(
    ("same", "different"),
    [
        (np.linspace(0.2, 0.65, 60), np.linspace(0.5, 1.0, 60)),
        (np.array([0.2, 0.3]), np.array([0.8, 0.9])),
        (np.array([0.9, np.inf]), np.array([0.1, 0.2])),
    ],
)
def test_curves_are_drawn_of_any_pairs(tmp_path: Path, same: np.ndarray, different: np.ndarray) -> None:
    marks = [("match", 0.0, 0.4), ("one to one", 0.1, 0.9)]
    plots.draw_roc(tmp_path / "roc.png", roc(same, different), marks, "title")
    plots.draw_detection_errors(tmp_path / "det.png", roc(same, different), marks, "title")
    assert picture(tmp_path / "roc.png") == (768, 552)
    assert picture(tmp_path / "det.png") == (648, 648)


def test_rates_without_trials_are_left_empty(tmp_path: Path) -> None:
    panels = {
        "mistakes": {"a": {"one": Proportion(0, 60), "two": Proportion(0, 0)}},
        "rest": {"b": {"one": Proportion(9, 9)}},
    }
    plots.draw_rates(tmp_path / "visits.png", panels, "title")
    assert picture(tmp_path / "visits.png")[0] == 864
