"""Somebody of the group known: named like family and guests, and an alert outside the agreed hours only."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from brain.people.gallery import Gallery, LabelRecord, Photo
from brain.settings.brain import BrainSettings
from brain.settings.policy import PolicySettings
from brain.vision.backend import DetectedObject
from brain.visits.brain import Brain
from nerves.hours import WEEKDAYS, is_outside_hours
from nerves.messages import Frame, Group, Mode, Visit
from tests.brain.visits.test_brain import BODY, START, STRANGER, Table, jpeg, shown, somebody, told
from tests.people import face, faces

MARIA = 4
LOCAL = START.astimezone()
TODAY, TOMORROW = WEEKDAYS[LOCAL.weekday()], WEEKDAYS[(LOCAL.weekday() + 1) % 7]
BEFORE, AFTER = LOCAL - timedelta(hours=1), LOCAL + timedelta(hours=1)
NOW = f"{TODAY} {BEFORE:%H:%M}-{AFTER:%H:%M}"

PHOTOS = [Photo(vector, str(number), "m.jpg") for number, vector in enumerate(faces(MARIA, 5, seed=99))]


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery(tmp_path / "gallery.db") as gallery:
        yield gallery


def visits_of_maria(
    folder: Path, hours: Sequence[str], *, mode: Mode = "home", settings: BrainSettings | None = None
) -> list[Visit]:
    with Gallery(folder / "gallery.db") as gallery:
        gallery.learn("Maria", PHOTOS, group="known", hours=hours)
        gallery.learn("Alice", [Photo(face(1), "a", "a.jpg")])
        brain = Brain(Table(somebody(MARIA, range(5, 40))), gallery, settings or BrainSettings())
        brain.mode = mode
        return shown(brain, range(60))


@pytest.mark.parametrize("hours", [(), (NOW,), (TODAY,), (TOMORROW, f"{BEFORE:%H:%M}-{AFTER:%H:%M}")])
def test_somebody_known_is_named_and_alerts_nobody_at_the_agreed_time(tmp_path: Path, hours: Sequence[str]) -> None:
    visits = visits_of_maria(tmp_path, hours)
    assert told(visits) == [
        ("started", "identifying", None, False),
        ("decided", "known", "Maria", False),
        ("ended", "known", "Maria", False),
    ]
    assert not any(is_outside_hours(visit.reasons) for visit in visits)


@pytest.mark.parametrize("mode", ["home", "away", "night"])
def test_somebody_known_outside_the_hours_alerts_once_with_name_and_reason(tmp_path: Path, mode: Mode) -> None:
    visits = visits_of_maria(tmp_path, [f"{TOMORROW[:3]} 09:00-12:00"], mode=mode)
    assert told(visits) == [
        ("started", "identifying", None, False),
        ("decided", "known", "Maria", True),
        ("ended", "known", "Maria", False),
    ]
    assert visits[1].reasons[0] == f"Maria outside the agreed hours: {TOMORROW[:3]} 09:00-12:00"
    assert any(reason.startswith("Maria ") and " for" in reason for reason in visits[1].reasons[1:])
    assert visits[2].reasons == visits[1].reasons
    assert visits[1].incident is None


def test_nobody_known_alerts_in_mode_off(tmp_path: Path) -> None:
    visits = visits_of_maria(tmp_path, [TOMORROW], mode="off")
    assert not any(visit.alert for visit in visits)
    assert is_outside_hours(visits[1].reasons)


def test_a_household_may_alert_for_everybody_known(tmp_path: Path) -> None:
    settings = BrainSettings(policy=PolicySettings(on=frozenset({"known"})))
    assert [visit.alert for visit in visits_of_maria(tmp_path, [], settings=settings)] == [False, True, False]


@pytest.mark.parametrize(("first", "last", "alerts"), [(-60, 1, False), (1, 60, True)])
def test_the_beginning_of_a_visit_counts_for_the_hours(
    gallery: Gallery, first: int, last: int, *, alerts: bool
) -> None:
    begin, end = (LOCAL + timedelta(minutes=minutes) for minutes in (first, last))
    gallery.learn("Maria", PHOTOS, group="known", hours=[f"{begin:%H:%M}-{end:%H:%M}"])
    brain = Brain(Table(somebody(MARIA, range(5, 40))), gallery, BrainSettings())
    late = START + timedelta(seconds=57)  # the visit begins half a second before the minute is over
    facts = [fact for n in range(20) for fact in brain.see(Frame("hall", jpeg(n), late + timedelta(seconds=n / 2), n))]
    decided = next(fact for fact in facts if isinstance(fact, Visit) and fact.phase == "decided")
    assert decided.since < START + timedelta(minutes=1) <= decided.at
    assert (decided.verdict, decided.alert) == ("known", alerts)


def test_a_label_outside_the_hours_is_a_human_word_and_no_alert(gallery: Gallery) -> None:
    gallery.learn("Maria", PHOTOS, group="known", hours=[TOMORROW])
    brain = Brain(Table(somebody(None, range(4, 60))), gallery, BrainSettings())
    visit = shown(brain, range(10))[0]
    gallery.learn_label(LabelRecord(visit.visit, "hall", "Maria", "known", None, START, None, (TOMORROW,)), [])
    named = shown(brain, range(10, 60))
    assert (named[0].verdict, named[0].who, named[0].reasons) == ("known", "Maria", ("you said so",))
    assert not any(visit.alert for visit in named)


@pytest.mark.parametrize(("group", "alerts"), [("family", False), ("guest", False), ("known", True)])
def test_somebody_known_lets_no_stranger_in(gallery: Gallery, group: Group, *, alerts: bool) -> None:
    gallery.learn("Maria", PHOTOS, group=group)
    scene = {**dict.fromkeys(range(5, 20), MARIA), **dict.fromkeys(range(40, 60), STRANGER)}
    sees = Table(lambda n: ([DetectedObject("person", BODY, 0.9)], scene[n]) if n in scene else ([], None))
    settings = BrainSettings(policy=PolicySettings(accompanied=True, accompanied_s=60))
    visits = shown(Brain(sees, gallery, settings), range(80))
    assert [visit.verdict for visit in visits if visit.phase == "decided"] == [group, "stranger"]
    assert any(visit.alert for visit in visits) == alerts
