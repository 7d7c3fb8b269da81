"""When the brain asks for a closer look."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brain.people.gallery import Gallery, Photo
from brain.people.records import LabelRecord
from brain.settings.brain import BrainSettings
from brain.settings.policy import PolicySettings
from brain.verdict.policy import ActiveMode
from brain.visits.brain import Brain
from brain.visits.visit import OpenVisit
from brain.visits.wishes import Wishes, needs_closer_look
from nerves.errors import MessageError
from nerves.messages import Box, LookCloser, Verdict, read_fact
from tests.brain.visits.test_brain import ALICE, START, Table, shown, somebody
from tests.people import face as a_face

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HALF_A_SECOND = timedelta(seconds=0.5)
POLICY = PolicySettings()
SOMEBODY = OpenVisit(place="hall", first=NOON, last=NOON, box=Box(0.4, 0.2, 0.2, 0.8), hits=3, score=2.0)


def is_needed(*, mode: ActiveMode = "home", policy: PolicySettings = POLICY, **fields: object) -> bool:
    return needs_closer_look(replace(SOMEBODY, **fields), policy, mode, NOON)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdict", "is_asked"),
    [
        ("identifying", True),
        ("unidentified", True),
        ("family", False),
        ("guest", False),
        ("known", False),
        ("stranger", False),
    ],
)
def test_a_closer_look_is_asked_for_until_it_is_known_who_it_is(verdict: Verdict, *, is_asked: bool) -> None:
    assert is_needed(verdict=verdict) is is_asked


@pytest.mark.parametrize("verdict", ["identifying", "unidentified"])
def test_no_closer_look_where_nobody_would_care(verdict: Verdict) -> None:
    nobody = LabelRecord(SOMEBODY.id, "hall", None, "family", None, NOON, None)
    assert not is_needed(verdict=verdict, mode="off")
    assert not is_needed(verdict=verdict, is_not_a_person=True)
    assert not is_needed(verdict=verdict, label=nobody)


def test_an_unidentified_visit_is_looked_at_only_if_it_may_alert() -> None:
    quiet = PolicySettings(quiet_at_home=True)
    assert not is_needed(verdict="unidentified", is_calm=True)
    assert not is_needed(verdict="unidentified", policy=quiet)
    assert is_needed(verdict="unidentified", policy=quiet, mode="night")
    assert not is_needed(verdict="unidentified", policy=PolicySettings(on=frozenset({"stranger"})))
    assert is_needed(verdict="unidentified", alerted=True)  # a face may still turn it into family


def test_about_an_old_visit_the_brain_asks_only_while_a_face_is_in_view() -> None:
    last = NOON + timedelta(seconds=61)
    assert is_needed(verdict="unidentified", last=last - timedelta(seconds=1))
    assert not is_needed(verdict="unidentified", last=last)
    assert is_needed(verdict="unidentified", last=last, compared_at=last - timedelta(seconds=3))
    assert not is_needed(verdict="unidentified", last=last, compared_at=last - timedelta(seconds=4))


def test_a_wish_is_renewed_every_two_seconds_and_holds_for_five() -> None:
    wishes, porch = Wishes(POLICY), replace(SOMEBODY, place="porch")
    asked = [
        (half, wish.place, wish.seconds)
        for half in range(7)
        for wish in wishes.due([SOMEBODY, SOMEBODY, *([porch] if half else [])], "home", NOON + half * HALF_A_SECOND)
    ]
    assert asked == [(0, "hall", 5), (1, "porch", 5), (4, "hall", 5), (5, "porch", 5)]
    assert not wishes.due([replace(SOMEBODY, verdict="family")], "home", NOON + timedelta(hours=1))


def test_a_clock_that_was_set_back_does_not_silence_the_wishes() -> None:
    wishes = Wishes(POLICY)
    assert wishes.due([SOMEBODY], "home", NOON)
    assert wishes.due([SOMEBODY], "home", NOON - timedelta(hours=1))


def asked_at(brain: Brain, numbers: range) -> list[int]:
    """Show the brain two frames a second; return the numbers of those after which it asked for a closer look."""
    asked = []
    for number in numbers:
        shown(brain, [number])
        asked += [number for _ in brain.wishes(START + number * HALF_A_SECOND)]
    return asked


def test_the_brain_asks_from_the_second_detection_until_the_verdict(tmp_path: Path) -> None:
    with Gallery(tmp_path / "gallery.db") as people:
        people.learn("alice", [Photo(a_face(ALICE), "0", "a.jpg")])
        brain = Brain(Table(somebody(ALICE, range(2, 40))), people, BrainSettings())
        asked = asked_at(brain, range(44))
    assert brain.counts["visits"] == 1
    assert asked == [3]  # the faces decide before the wish has to be renewed


def test_the_brain_asks_about_a_back_until_the_visit_ends(tmp_path: Path) -> None:
    with Gallery(tmp_path / "gallery.db") as people:
        brain = Brain(Table(somebody(None, range(2, 30))), people, BrainSettings())
        asked = asked_at(brain, range(60))
    assert asked == [3, 7, 11, 15, 19, 23, 27, 31, 35]


def test_the_brain_asks_for_nothing_in_mode_off(tmp_path: Path) -> None:
    with Gallery(tmp_path / "gallery.db") as people:
        brain = Brain(Table(somebody(None, range(40))), people, BrainSettings())
        brain.mode = "off"
        assert not asked_at(brain, range(40))
        assert brain.visits


def test_a_wish_travels_as_any_fact_and_needs_no_field() -> None:
    wish = LookCloser(place="hall")
    assert wish.topic == "kinwatch/hall/look_closer"
    assert read_fact(wish.topic, wish.payload()) == wish
    by_hand = read_fact(wish.topic, b"{}")
    assert isinstance(by_hand, LookCloser)
    assert by_hand.seconds == 5
    with pytest.raises(MessageError, match="less than or equal to 60"):
        read_fact(wish.topic, b'{"seconds": 3600}')
