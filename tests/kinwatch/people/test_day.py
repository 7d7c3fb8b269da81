"""`kinwatch day`, on an album that the brain's own writer has filled."""

import json
import os
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from brain.album.album import Album
from brain.album.day import DayVisit
from brain.context.decision import Decision
from brain.context.incident import OpenIncident, joined
from brain.context.terms import ContextOdds
from brain.people.gallery import Gallery
from brain.people.records import Photo
from brain.process.album_writer import AlbumWriter
from brain.settings.brain import AlbumSettings
from brain.verdict.judge import Judgement
from brain.vision.backend import Vector
from brain.vision.crop import Crop
from brain.visits.visit import OpenVisit
from kinwatch.cli import app
from kinwatch.commands.timeline import MAX_LANES, bars_by_place
from nerves.errors import KinwatchError, SettingsError
from nerves.messages import Box, Group, Verdict

SIZE_PX = (600, 1400, 3)


def yesterday() -> date:
    return datetime.now().astimezone().date() - timedelta(days=1)


def vector(of: int, number: int) -> Vector:
    who, now = (np.random.default_rng(seed).normal(size=128) for seed in (of, [of, number]))
    return (0.6 * who / np.linalg.norm(who) + 0.2 * now / np.linalg.norm(now)).astype(np.float32)


class Writer:
    """Writes visits of a day as the brain does: open visits, through the writer."""

    def __init__(self, folder: Path, day: date) -> None:
        self._writer = AlbumWriter(folder / "album.db", AlbumSettings())
        self._day = day
        self.incident: OpenIncident | None = None

    def close(self) -> None:
        self._writer.close()

    def at(self, clock: str) -> datetime:
        return datetime.fromisoformat(f"{self._day}T{clock}").astimezone()

    def visit(
        self, clock: str, place: str, verdict: Verdict, who: str | None = None, *, seconds: int = 30, faces: int = 0
    ) -> OpenVisit:
        """Store a visit that did not ring."""
        at = self.at(clock)
        crops = tuple(Crop(at + timedelta(seconds=n), b"jpeg %d" % n, vector(7, n), 0.9, 60.0) for n in range(faces))
        visit = OpenVisit(
            place, at, at + timedelta(seconds=seconds), Box(0, 0, 1, 1), picture=b"jpeg", crops=crops, decided_at=at
        )
        visit.hold(Judgement(verdict, who, ("5 faces used",) if who else ("no face was seen",)))
        self._writer.put([visit])
        return visit

    def calm(self, clock: str, place: str, who: str | None, *reasons: str, log_odds: float = 4.0) -> OpenVisit:
        """Store an unidentified visit that the context has calmed."""
        visit = self.visit(clock, place, "unidentified")
        visit.take_context(Decision(alert=False, context=ContextOdds(log_odds, who, reasons), is_calm=True))
        self._writer.put([visit])
        return visit

    def ring(self, clock: str, visit: OpenVisit, *, goes_on: bool = False) -> OpenVisit:
        """Let a visit ring, as a new incident or as part of the last one."""
        incident = self.incident if goes_on else None
        at = visit.decided_at = self.at(clock)
        self.incident = joined(incident, visit.id, visit.place, visit.verdict, visit.id, at, rings=True)
        visit.incident = self.incident.message()
        visit.message("decided", at, alert=True)
        self._writer.put([visit])
        return visit

    def join(self, visit: OpenVisit) -> OpenVisit:
        """Let a visit belong to the last incident without ringing."""
        assert self.incident
        self.incident = joined(self.incident, visit.id, visit.place, visit.verdict, visit.id, visit.first, rings=False)
        visit.incident = self.incident.message()
        self._writer.put([visit])
        return visit

    def correct(self, visit: OpenVisit, judgement: Judgement) -> None:
        """Let a later frame change the verdict."""
        visit.hold(judgement)
        self._writer.put([visit])


def enrolled(folder: Path, *people: tuple[str, Group]) -> None:
    with Gallery(folder / "gallery.db") as gallery:
        for number, (name, group) in enumerate(people):
            photos = [Photo(vector(100 + number, one), f"{name}{one}", "photo") for one in range(3)]
            gallery.learn(name, photos, group=group)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KINWATCH_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("KINWATCH_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    enrolled(tmp_path, ("Alice", "family"), ("Bob", "family"), ("Gina", "guest"))
    return tmp_path


@pytest.fixture
def writer(home: Path) -> Iterator[Writer]:
    opened = Writer(home, yesterday())
    yield opened
    opened.close()


def run(*words: str) -> Result:
    result = CliRunner().invoke(app, ["day", *words], catch_exceptions=True)
    if result.exception and not isinstance(result.exception, SystemExit | KinwatchError):
        raise result.exception
    return result


def facts(*words: str) -> dict[str, Any]:
    (line,) = run(*words, "--json").stdout.splitlines()
    return dict(json.loads(line))


def ids(visits: list[dict[str, Any]]) -> list[UUID]:
    return [UUID(visit["visit"]) for visit in visits]


def full_day(writer: Writer) -> dict[str, OpenVisit]:
    """Write a day with everything: family, calmed visits, two incidents, rings that were family."""
    for clock, place, who in (
        ("07:02:00", "kitchen", "Alice"),
        ("07:10:00", "hall", "Bob"),
        ("07:40:00", "hall", "Alice"),
        ("18:05:00", "hall", "Alice"),
    ):
        writer.visit(clock, place, "family", who, seconds=400)
    writer.visit("18:30:00", "porch", "guest", "Gina", seconds=60)
    writer.calm("07:03:00", "hall", "Alice", "Alice was at kitchen 3 s before", "the same clothes")
    writer.calm("07:20:00", "kitchen", "Alice", "Alice was at hall 5 s before", "the same clothes")
    writer.calm("20:00:00", "kitchen", None, "nobody unknown has come in")
    stranger = writer.ring("14:02:20", writer.visit("14:02:10", "porch", "stranger", seconds=50, faces=3))
    follower = writer.join(writer.visit("14:03:10", "hall", "unidentified", seconds=20))
    second = writer.ring("14:04:30", writer.visit("14:04:10", "kitchen", "stranger", seconds=90), goes_on=True)
    late = writer.ring("21:15:12", writer.visit("21:15:00", "hall", "unidentified", seconds=40, faces=4))
    writer.correct(late, Judgement("family", "Alice", ("600:1 for Alice",)))
    return {"stranger": stranger, "follower": follower, "second": second, "late": late}


def test_each_ring_stands_with_its_visits_and_the_reason(writer: Writer) -> None:
    visits = full_day(writer)
    lines = [line.rstrip() for line in run("yesterday").stdout.splitlines()]
    assert lines[0].endswith(": 12 visits, rang 3 times")
    first = next(number for number, line in enumerate(lines) if line.startswith("RANG 14:02:20"))
    assert lines[first].endswith("rang twice: 14:02:20, 14:04:30")
    assert "porch, hall, kitchen" in lines[first]
    assert "3 visits" in lines[first]
    assert lines[first + 1].split()[:3] == ["14:02:10-14:03:00", "porch", "stranger"]
    assert lines[first + 1].endswith("rang 14:02:20; no face was seen")
    assert lines[first + 2].split()[1:3] == ["hall", "unidentified"]
    assert "rang" not in lines[first + 2]
    assert str(visits["stranger"].id).startswith(lines[first + 1].split()[3])
    assert lines[first + 4].startswith("RANG 21:15:12")


def test_what_did_not_ring_is_counted_and_each_calmed_visit_has_its_reason(writer: Writer) -> None:
    full_day(writer)
    out = run("yesterday").stdout
    assert "4 visits of family: Alice 3, Bob 1\n1 visit of guests: Gina 1\n" in out
    assert (
        "3 unidentified visits were calmed: 2 Alice (the same clothes ...), 1 family (nobody unknown has come in)"
        in out
    )
    (line,) = [line for line in out.splitlines() if "kitchen 3 s before" in line]
    assert "probably Alice 55:1" in line
    assert line.endswith("Alice was at kitchen 3 s before; the same clothes")


def test_a_ring_that_was_family_is_named_with_the_command_that_stands_there(writer: Writer, home: Path) -> None:
    visits = full_day(writer)
    lines = run("yesterday").stdout.splitlines()
    assert "This ring was family: name it and it will not ring again." in lines
    (command,) = [line.strip() for line in lines if line.strip().startswith("kinwatch album name")]
    short = command.split()[3]
    assert str(visits["late"].id).startswith(short)
    assert command.split()[4] == "Alice"
    done = CliRunner().invoke(app, command.split()[1:])
    assert done.stdout.startswith("1 visit called Alice: learned 4 pictures")
    with Gallery(home / "gallery.db") as gallery:
        assert gallery.nearest(vector(7, 99), datetime.now().astimezone())[0].name == "Alice"
    lines = run("yesterday").stdout.splitlines()
    assert lines[-2:] == ["This ring was family.", "  1 named already"]


def test_rings_that_context_takes_for_family_are_probable_and_faceless_ones_teach_nothing(writer: Writer) -> None:
    for clock, who, faces in (("10:00:00", "Bob", 3), ("11:00:00", None, 3), ("12:00:00", "Alice", 0)):
        visit = writer.ring(clock, writer.visit(clock, "hall", "unidentified", faces=faces))
        visit.take_context(Decision(alert=False, context=ContextOdds(3.0, who, ("the same clothes",))))
        writer.correct(visit, Judgement("identifying", None, ()))
    guest = writer.ring("13:00:00", writer.visit("13:00:00", "hall", "unidentified", faces=3))
    guest.take_context(Decision(alert=False, context=ContextOdds(3.0, "Gina", ("the same clothes",))))
    writer.correct(guest, Judgement("identifying", None, ()))
    found = facts("yesterday")
    assert [one["who"] for one in found["were_family"]] == ["Bob", "family", "Alice"]
    commands = [one["command"] for one in found["were_family"]]
    assert commands[0].endswith(" Bob")
    assert commands[1].endswith(" NAME")
    assert commands[2] is None
    lines = run("yesterday").stdout.splitlines()
    assert "These 3 rings were probably family: name them and they will not ring again." in lines
    assert f"  {commands[0]}    # if it was Bob: probably, 20:1" in lines
    assert f"  {commands[1]}    # if it was one of the family: probably, 20:1" in lines
    sure = writer.ring("14:00:00", writer.visit("14:00:00", "hall", "unidentified", faces=3))
    writer.correct(sure, Judgement("family", "Alice", ()))
    more = run("yesterday").stdout.splitlines()
    assert "These 4 rings were family or probably family: name them and they will not ring again." in more
    assert any(line.startswith("  1 without a good face: there is nothing to learn from ") for line in lines)


def test_a_label_says_who_it_was(writer: Writer) -> None:
    poster = writer.ring("10:00:00", writer.visit("10:00:00", "hall", "unidentified"))
    bob = writer.ring("11:00:00", writer.visit("11:00:00", "hall", "stranger", faces=3))
    for visit, words in ((poster, ["--not-a-person"]), (bob, ["Bob"])):
        assert CliRunner().invoke(app, ["album", "name", str(visit.id), *words]).exit_code == 0
    found = facts("yesterday")
    assert [(one["kind"], one["name"], one["labelled"]) for each in found["incidents"] for one in each["visits"]] == [
        ("not a person", "not a person", True),
        ("family", "Bob", True),
    ]
    assert ids(found["were_family"]) == [bob.id]
    assert "Bob (you said)" in run("yesterday").stdout


def test_the_poster_that_the_brain_knows_is_not_a_person(writer: Writer) -> None:
    poster = writer.visit("10:00:00", "hall", "unidentified")
    poster.not_a_person_reason = "you said on 3 November that this is not a person: has always been where it is"
    writer.correct(poster, Judgement("unidentified", None, ()))
    (found,) = facts("yesterday")["others"]
    assert (found["kind"], found["name"], found["labelled"]) == ("not a person", "not a person", False)
    assert found["reasons"] == [poster.not_a_person_reason]


def test_what_the_policy_did_not_want_says_so(writer: Writer) -> None:
    stranger = writer.visit("10:00:00", "hall", "stranger")
    stranger.take_context(Decision(alert=False, quiet="quiet: the policy says no alerts in mode off"))
    writer.correct(stranger, Judgement("stranger", None, stranger.reasons))
    writer.visit("11:00:00", "hall", "known", "Dora")
    out = run("yesterday").stdout
    assert "1 visit of people who are known: Dora 1\n1 other visit did not ring\n" in out
    assert "quiet: the policy says no alerts in mode off; no face was seen" in out
    assert ": 2 visits, did not ring" in out


def test_json_is_one_object_with_every_visit_once(writer: Writer) -> None:
    visits = full_day(writer)
    found = facts(yesterday().isoformat())
    assert (found["day"], found["visits"], found["rings"], found["remark"]) == (yesterday().isoformat(), 12, 3, "")
    first, second = found["incidents"]
    assert ids(first["visits"]) == [visits[name].id for name in ("stranger", "follower", "second")]
    assert [datetime.fromisoformat(at) for at in first["rings"]] == [writer.at("14:02:20"), writer.at("14:04:30")]
    assert first["places"] == ["porch", "hall", "kitchen"]
    assert second["visits"][0]["reasons"] == ["600:1 for Alice"]
    every = [
        *ids([visit for incident in found["incidents"] for visit in incident["visits"]]),
        *(visit for group in ("recognised", "calmed", "others") for visit in ids(found[group])),
    ]
    assert len(set(every)) == len(every) == 12
    assert {visit["odds"] for visit in found["calmed"]} == {55}


def test_a_visit_belongs_to_the_local_day_on_which_it_began(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        writer = Writer(home, yesterday())
        last = writer.visit("23:59:30", "hall", "stranger", seconds=90)
        first = writer.visit("00:00:00", "hall", "stranger")
        writer.close()
        before, found, after = (facts((yesterday() + timedelta(days=days)).isoformat()) for days in (-1, 0, 1))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert ids(found["others"]) == [first.id, last.id]
    assert (before["visits"], after["visits"]) == (0, 0)
    assert "T12:00" in found["begin"] or "T11:00" in found["begin"]


def test_an_incident_over_midnight_is_told_on_both_days(home: Path) -> None:
    writer = Writer(home, yesterday() - timedelta(days=1))
    writer.ring("23:59:00", writer.visit("23:58:50", "porch", "stranger"))
    incident = writer.incident
    writer.close()
    writer = Writer(home, yesterday())
    writer.incident = incident
    writer.join(writer.visit("00:00:10", "hall", "unidentified"))
    writer.close()
    lines = run("yesterday").stdout.splitlines()
    assert lines[0].endswith(": 1 visit, did not ring")
    assert any(line.startswith("rang the day before") for line in lines)


@pytest.mark.usefixtures("home")
def test_an_empty_album_says_so() -> None:
    assert run().stdout == "the album is empty: visits come into it while the brain runs (kinwatch up)\n"
    assert facts()["visits"] == 0


def test_a_day_without_visits_is_one_line(writer: Writer) -> None:
    writer.visit("10:00:00", "hall", "stranger")
    today = datetime.now().astimezone().date()
    assert run().stdout == f"nobody was seen on {today:%A} {today.day} {today:%B %Y}\n"
    early = run((yesterday() - timedelta(days=3)).isoformat()).stdout
    assert early.startswith("nothing is stored of ")
    assert ": the album begins on " in early
    old = run("2020-02-03").stdout
    assert old == "Monday 3 February 2020 is too long ago: the album has the visits of the last 30 days\n"


def test_a_day_whose_family_visits_are_gone_says_so(home: Path) -> None:
    day = yesterday() - timedelta(days=9)
    writer = Writer(home, day)
    writer.visit("10:00:00", "hall", "stranger")
    writer.close()
    assert run(day.isoformat()).stdout.splitlines()[-1] == (
        "visits of people with a name are removed after 7 days: those of this day are gone"
    )


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("2026-02-30", "not a day"),
        ("tomorrow", "not a day"),
        ("9999-12-31", "has not come yet"),
        ("0001-01-01", "not a day"),
    ],
)
def test_a_wrong_day_is_one_clear_line(word: str, why: str) -> None:
    error = run(word).exception
    assert isinstance(error, SettingsError)
    assert why in str(error)
    assert "\n" not in str(error)


def test_the_picture_is_drawn_for_its_owner_alone_and_only_if_it_is_wanted(writer: Writer, home: Path) -> None:
    full_day(writer)
    before = set(home.iterdir())
    run("yesterday")
    assert {file.suffix for file in set(home.iterdir()) - before} <= {".db", ".db-wal", ".db-shm"}
    assert run("yesterday", "--picture", "day.png").stdout.splitlines()[-1] == "the timeline is in day.png"
    drawn = cv2.imread(str(home / "day.png"))
    assert drawn is not None
    assert drawn.shape == SIZE_PX
    assert (home / "day.png").stat().st_mode & 0o077 == 0
    red = np.all(np.abs(drawn.astype(int) - (0x28, 0x28, 0xC6)) < 8, axis=2)
    assert red.sum() > 200  # the strangers
    assert not os.path.exists("today.png")  # noqa: PTH110 - relative to the working folder
    run("today", "--picture", "today.png")
    assert not (home / "today.png").exists()


def test_visits_that_overlap_at_a_place_are_drawn_beside_each_other(writer: Writer, home: Path) -> None:
    for _ in range(MAX_LANES + 2):
        writer.visit("10:00:00", "hall", "stranger", seconds=600)
    writer.visit("10:10:00", "hall", "stranger")
    writer.visit("23:59:00", "attic", "stranger", seconds=3600)
    with Album(home / "album.db") as album:
        visits = [DayVisit(past, "", "stranger", "stranger") for past in album.visits()]
    span = (writer.at("00:00:00"), writer.at("00:00:00") + timedelta(days=1))
    found = bars_by_place(visits, span, min_length_h=0.01)
    assert list(found) == ["attic", "hall"]
    assert {bar.lane for bar in found["hall"]} == set(range(MAX_LANES))
    assert found["hall"][-1].lane == 0
    (late,) = found["attic"]
    assert late.begin_h + late.length_h == pytest.approx(24)
