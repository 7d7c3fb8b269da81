"""`kinwatch album`, on files, without a broker; and a house that learns a name while it runs."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from brain.album.album import Album, PastVisit
from brain.album.strangers import Strangers
from brain.people.gallery import Gallery
from brain.vision.backend import Vector
from brain.vision.crop import Crop
from kinwatch.cli import app
from nerves.broker import private_broker
from nerves.bus import open_link
from nerves.errors import KinwatchError
from nerves.messages import Label, Verdict, Visit, now
from tests.paths import ROOT
from tests.waiting import soon

# Two visits of the same minute, one of the next day.
FIRST = UUID("0193f5a2-7c1e-7000-8000-000000000001")
SECOND = UUID("0193f5a2-7d1e-7000-8000-000000000002")
THIRD = UUID("0193faaa-7d1e-7000-8000-000000000003")


def face(of: int, number: int) -> Vector:
    who, now = (np.random.default_rng(seed).normal(size=128) for seed in (of, [of, number]))
    return (0.6 * who / np.linalg.norm(who) + 0.2 * now / np.linalg.norm(now)).astype(np.float32)


def picture(of: int, number: int) -> bytes:
    shade = np.random.default_rng([of, number]).integers(0, 255, (8, 8, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(shade, (160, 200)))[1].tobytes()


def put(album: Album, visit: UUID, of: int, *, verdict: Verdict = "stranger", days: int = 0) -> None:
    at = now() - timedelta(days=days)
    crops = [
        Crop(at + timedelta(seconds=n), picture(of, n + days), face(of, n + 10 * days), 0.9, 60.0) for n in range(4)
    ]
    met = Strangers(album.strangers).recognise(visit, [crop.vector for crop in crops], [0.9] * 4, at)  # type: ignore[misc]
    stranger = met.name if met and verdict == "stranger" else None
    album.put(PastVisit(visit, "hall", at, at, verdict, stranger=stranger, alert=True), crops)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Somebody came the day before yesterday and today, somebody else today too."""
    monkeypatch.setenv("KINWATCH_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("KINWATCH_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    with Album(tmp_path / "album.db") as album:
        put(album, FIRST, 1, days=2)
        put(album, SECOND, 2)
        put(album, THIRD, 1)
    return tmp_path


def run(*words: str) -> Result:
    result = CliRunner().invoke(app, ["album", *words], catch_exceptions=True)
    if result.exception and not isinstance(result.exception, SystemExit | KinwatchError):
        raise result.exception
    return result


def names() -> list[str]:
    return [json.loads(line)["name"] for line in run("list", "--json").stdout.splitlines()]


@pytest.mark.usefixtures("home")
def test_the_list_shows_the_newest_last_with_ids_that_can_be_typed() -> None:
    lines = run("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["0193f5a2-7c", "0193f5a2-7d", "0193faaa-7d"]
    assert "hall  stranger-1  ALERT  4 faces" in lines[0]
    assert names() == ["stranger-1", "stranger-2", "stranger-1"]
    assert len(run("list", "--since", "1d").stdout.splitlines()) == 2
    assert run("list", "--verdict", "family").stdout == "no such visit\n"


def test_a_visit_is_named_by_the_beginning_of_its_id(home: Path) -> None:
    result = run("name", "0193f5a2-7d", "Alice")
    assert result.stdout == "1 visit called Alice: learned 4 pictures; kinwatch album undo takes it back\n"
    assert names() == ["stranger-1", "Alice", "stranger-1"]
    with Gallery(home / "gallery.db") as gallery:
        assert [(one.name, one.group) for one in gallery.people()] == [("Alice", "family")]
        assert gallery.nearest(face(2, 99), datetime.now(UTC))[0].distance < 0.4


def test_a_stranger_is_named_with_all_visits_and_taken_back_in_one_step(home: Path) -> None:
    assert run("name", "stranger-1", "Bob", "--group", "guest", "--until", "3d").stdout.startswith(
        "2 visits called Bob"
    )
    assert names() == ["Bob", "stranger-2", "Bob"]
    with Album(home / "album.db") as album:
        assert {encounter.number for encounter in album.strangers.encounters()} == {2}
    assert run("undo").stdout == "taken back: 2 visits called Bob\n"
    assert names() == ["stranger-1", "stranger-2", "stranger-1"]
    with Gallery(home / "gallery.db") as gallery, Album(home / "album.db") as album:
        assert gallery.people() == []
        assert {encounter.number for encounter in album.strangers.encounters()} == {1, 2}
    assert run("undo").stdout == "nothing has been said that could be taken back\n"


def test_a_visit_is_of_somebody_known_with_hours_which_stay_when_named_again(home: Path) -> None:
    maria = ["--group", "known", "--hours", "tue 09:00-12:00"]
    assert run("name", "stranger-1", "Maria", *maria).stdout.startswith("2 visits called Maria")
    run("name", "0193f5a2-7d", "Maria")
    with Gallery(home / "gallery.db") as gallery:
        assert [(one.group, one.hours) for one in gallery.people()] == [("known", ("Tue 09:00-12:00",))]
    run("name", "0193f5a2-7d", "Maria", "--group", "known", "--hours", "sat")
    with Gallery(home / "gallery.db") as gallery:
        assert [(one.group, one.hours) for one in gallery.people()] == [("known", ("Sat",))]
    assert run("list", "--verdict", "known").stdout == "no such visit\n"


@pytest.mark.usefixtures("home")
def test_naming_one_visit_names_the_others_of_that_stranger() -> None:
    run("name", "0193faaa", "Bob")
    assert names() == ["Bob", "stranger-2", "Bob"]


def test_a_poster_is_called_not_a_person(home: Path) -> None:
    run("name", "0193f5a2-7d", "--not-a-person")
    assert names()[1] == "not a person"
    with Gallery(home / "gallery.db") as gallery:
        assert len(gallery.negatives()) == 4
        assert gallery.people() == []


def test_the_faces_are_drawn_for_their_owner_alone(home: Path) -> None:
    result = run("show", "stranger-1")
    file = home / "album.png"
    assert str(file) in result.stdout.replace("\n", "")
    assert file.stat().st_mode & 0o077 == 0
    both, every = cv2.imread(str(file)), home / "every.png"
    run("show", "--out", str(every))
    best = cv2.imread(str(every))
    assert both is not None
    assert best is not None
    assert both.shape[0] > best.shape[0], "eight faces of a stranger, and one of each visit"


@pytest.mark.usefixtures("home")
def test_a_discarded_visit_is_removed() -> None:
    assert run("discard", "0193faaa", "0193f5a2-7c").stdout == "2 visits discarded\n"
    assert names() == ["stranger-2"]


def test_forgetting_a_person_removes_their_visits(home: Path) -> None:
    run("name", "0193faaa", "Bob")
    result = CliRunner().invoke(app, ["forget", "Bob"])
    assert result.exit_code == 0, result.output
    assert names() == ["stranger-2"]
    left = b"".join(file.read_bytes() for file in home.glob("*.db*"))
    assert picture(1, 0) not in left
    assert face(1, 0).tobytes() not in left
    assert face(2, 0).tobytes() in left


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["name", "ffff", "Bob"], "no visit in the album begins with ffff: see kinwatch album list"),
        (["name", "0193f5a2", "Bob"], "0193f5a2 may be 2 visits: 0193f5a2-7c, 0193f5a2-7d; write more of it"),
        (["name", "stranger-9", "Bob"], "stranger-9 is not in the album: see kinwatch album list"),
        (["name", "0193faaa"], "say who it was: "),
        (["name", "0193faaa", "Bob", "--not-a-person"], "say who it was: "),
        (["name", "0193faaa", "Bob", "--until", "3d"], "--until is for guests: add --group guest"),
        (["name", "0193faaa", "Bob", "--hours", "sat"], "--hours is for people who are neither family nor guests: add"),
        (["name", "0193faaa", "x" * 41], "cannot be a name"),
        (["list", "--since", "yesterday"], "--since yesterday: not a time; write 2d"),
        (["show", "--out", "nowhere/x.png"], "nowhere/x.png cannot be written: "),
    ],
)
@pytest.mark.usefixtures("home")
def test_an_error_of_the_album_is_one_line(words: list[str], said: str) -> None:
    result = run(*words)
    assert isinstance(result.exception, KinwatchError)
    assert said in str(result.exception)
    assert "\n" not in str(result.exception)
    assert names() == ["stranger-1", "stranger-2", "stranger-1"]


def test_an_empty_album_says_how_visits_come_into_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINWATCH_DATA_DIR", str(tmp_path))
    assert "the album is empty: visits come into it while the brain runs" in run("list").stdout
    assert "the album is empty" in str(run("show").exception)


# The house that runs.


@pytest.mark.media
@pytest.mark.models
@pytest.mark.mosquitto
@pytest.mark.timeout(120)
def test_a_running_brain_uses_a_labelled_name_at_the_next_visit(tmp_path: Path, media: Path) -> None:
    """A stranger shows photos of one person's face to the camera; a human says who it is; they come again."""
    photos = [file.read_bytes() for file in sorted((media / "family" / "me").glob("*.jpg"))]
    heard: list[Visit] = []
    env = os.environ | {"KINWATCH_DATA_DIR": str(tmp_path), "KINWATCH_BRAIN__PACK": "standard"}
    env |= {"KINWATCH_BRAIN__TIMING": json.dumps({"gone_s": 1.5, "deadline_s": 6})}
    blank = cv2.imencode(".jpg", np.full((270, 480, 3), 127, np.uint8))[1].tobytes()
    with private_broker(tmp_path) as broker:
        env["KINWATCH_MQTT__URL"] = broker.url
        link = open_link(broker.url, "witness", durable=False)
        link.listen("kinwatch/+/visit", lambda topic, body: heard.append(Visit.read(topic, body)), qos=1)
        with link, (tmp_path / "log").open("wb") as log:
            link.wait_connected(30)
            brain = subprocess.Popen(
                [sys.executable, "-m", "kinwatch", "think"], env=env, cwd=ROOT, stdout=log, stderr=log
            )
            try:
                soon(lambda: b"awake" in (tmp_path / "log").read_bytes(), 40)

                def come(until: Callable[[], Any]) -> None:
                    """Be seen until something is said, then go."""
                    number = itertools.count()

                    def is_answered() -> object:
                        time.sleep(0.3)
                        link.offer("kinwatch/hall/frame", photos[next(number) % len(photos)])
                        return until()

                    soon(is_answered, 30, lambda: [(one.phase, one.verdict, one.reasons) for one in heard])

                def go(count: int) -> None:
                    while sum(one.phase == "ended" for one in heard) < count:
                        link.offer("kinwatch/hall/frame", blank)
                        time.sleep(0.3)

                come(lambda: any(one.verdict == "stranger" for one in heard))
                go(1)
                visit = next(one for one in heard if one.verdict == "stranger").visit
                link.post("kinwatch/hall/label", Label(place="hall", visit=visit, who="Alice").payload()).wait(30)
                soon(lambda: b"learned Alice" in (tmp_path / "log").read_bytes(), 20)
                come(lambda: any(one.visit != visit and one.who == "Alice" for one in heard))
            finally:
                brain.send_signal(signal.SIGTERM)
                brain.wait(20)
    assert not any(one.alert for one in heard if one.visit != visit)
    log_text = (tmp_path / "log").read_text()
    assert log_text.count("awake") == 1, "the brain was restarted"
