"""The brain with context: who is calmed, who waits for the entry delay, and what rings once."""

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from brain.context.terms import ContextOdds
from brain.people.gallery import Gallery, Photo
from brain.process.state import BrainState
from brain.settings.brain import BrainSettings
from brain.settings.context import ContextSettings, PlaceSettings
from brain.settings.policy import PolicySettings
from brain.vision.appearance import APPEARANCE_NUMBERS, Appearance
from brain.vision.backend import DetectedObject, Face, FaceEmbedding
from brain.vision.picture import Picture
from brain.visits import alerting
from brain.visits.brain import Brain
from brain.visits.visit import OpenVisit
from nerves.messages import Box, Detections, Fact, Frame, Mode, Presence, Visit
from tests.people import face as a_face

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
ALICE, BOB, STRANGER = 1, 3, 2
FAMILY = {"alice": ALICE, "bob": BOB, "carol": 4, "dave": 5}
RED, BLUE, GREEN = 0, 1, 2
FRAMES_PER_SECOND = 2
# The entrance is the door; one walks from there to the hall and on to the kitchen.
PLACES = {
    "door": PlaceSettings(entrance=True, next_to=("hall",)),
    "hall": PlaceSettings(next_to=("door", "kitchen")),
    "kitchen": PlaceSettings(next_to=("hall",)),
}


@dataclass(frozen=True)
class Body:
    """Somebody in a picture."""

    face: int | None = None
    clothes: int | None = RED
    """None if the clothes are not seen."""
    x: float = 0.4
    chroma: float = 1.0

    @property
    def box(self) -> Box:
        return Box(self.x, 0.2, 0.2, 0.8)

    @property
    def head(self) -> Box:
        return Box(self.x + 0.06, 0.22, 0.08, 0.12)


@cache
def jpeg(number: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.zeros((64, 64 + number, 3), np.uint8)).save(out, "JPEG")
    return out.getvalue()


class Scene:
    """A vision that sees the bodies it is given."""

    name, min_person_score = "scene", 0.4

    def __init__(self) -> None:
        self.bodies: tuple[Body, ...] = ()
        self.looks = 0

    def detect(self, picture: Picture) -> list[DetectedObject]:  # noqa: ARG002 - the protocol's
        return [DetectedObject("person", body.box, 0.9) for body in self.bodies]

    def find_faces(self, picture: Picture, within: Box | None = None) -> list[Face]:  # noqa: ARG002 - the protocol's
        faces = [Face(body.head, 0.9, 80) for body in self.bodies if body.face is not None]
        return [face for face in faces if within and within.x <= face.box.x < within.x + within.w]

    def identify(self, picture: Picture, face: Face) -> None:  # noqa: ARG002 - the protocol's
        return

    def embed(self, picture: Picture, face: Face) -> FaceEmbedding | None:  # noqa: ARG002 - the protocol's
        whose = self._nearest(face.box.x - 0.06).face
        assert whose is not None
        self.looks += 1
        return FaceEmbedding(a_face(whose, self.looks), face.width, 50.0, 0.0, 1.0)

    def describe(self, picture: Picture, box: Box) -> Appearance | None:  # noqa: ARG002 - the brain's
        body = self._nearest(box.x)
        if body.clothes is None:
            return None
        return Appearance(np.eye(APPEARANCE_NUMBERS, dtype=np.float32)[body.clothes], body.chroma)

    def _nearest(self, x: float) -> Body:
        return min(self.bodies, key=lambda body: abs(body.x - x))


class House:
    """A brain, its clock, and what it has published."""

    def __init__(self, gallery: Gallery, settings: BrainSettings, visits: list[OpenVisit] | None = None) -> None:
        self.scene, self.now, self.frames = Scene(), START, 0
        self.brain = Brain(self.scene, gallery, settings, visits=visits or (), describe=self.scene.describe)
        self.visits: list[Visit] = []
        self.detections: list[Detections] = []

    def show(self, place: str, *bodies: Body, seconds: float, fps: float = FRAMES_PER_SECOND) -> list[Visit]:
        """Show bodies at a place for a time; return the messages. All other places are left to the clock."""
        before = len(self.visits)
        for _ in range(round(seconds * fps)):
            self.scene.bodies = bodies
            self.frames += 1
            self._take(self.brain.see(Frame(place, jpeg(self.frames % 97), self.now)))
            self._pass(1 / fps)
        return self.visits[before:]

    def wait(self, seconds: float, *, step_s: float = 0.5) -> list[Visit]:
        """Let time pass without any frame."""
        before = len(self.visits)
        for _ in range(round(seconds / step_s)):
            self._pass(step_s)
        return self.visits[before:]

    def leave(self, place: str, seconds: float = 4) -> list[Visit]:
        """Show nobody at a place until the visits there have ended."""
        return self.show(place, seconds=seconds)

    def phone(self, person: str, *, home: bool = True) -> None:
        self.brain.receive_presence(Presence(place="phones", at=self.now, person=person, home=home))

    def alerts(self) -> list[Visit]:
        return [visit for visit in self.visits if visit.alert]

    def _pass(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        for place in sorted(self.brain.busy_places):
            self._take(self.brain.tick(place, self.now))

    def _take(self, facts: Iterator[Fact] | Iterator[Visit]) -> None:
        for fact in facts:
            if isinstance(fact, Visit):
                self.visits.append(fact)
            elif isinstance(fact, Detections):
                self.detections.append(fact)


Build = Callable[..., House]


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery(tmp_path / "gallery.db") as gallery:
        gallery.learn("alice", [Photo(a_face(ALICE), "0", "a.jpg")])
        yield gallery


@pytest.fixture
def build(gallery: Gallery) -> Build:
    def built(
        *,
        mode: Mode = "home",
        places: dict[str, PlaceSettings] | None = None,
        policy: PolicySettings | None = None,
        context: ContextSettings | None = None,
        visits: list[OpenVisit] | None = None,
    ) -> House:
        settings = BrainSettings(
            places=PLACES if places is None else places,
            policy=policy or PolicySettings(),
            context=context or ContextSettings(),
        )
        house = House(gallery, settings, visits)
        house.brain.mode = mode
        return house

    return built


def learn(gallery: Gallery, *names: str) -> None:
    for name in names:
        gallery.learn(name, [Photo(a_face(FAMILY[name]), name, f"{name}.jpg")])


# Accompanied


@pytest.mark.parametrize(("later_s", "is_quiet"), [(1, True), (5, True), (20, True), (40, False)])
def test_whoever_follows_a_recognised_person_soon_does_not_alert(build: Build, later_s: int, is_quiet: bool) -> None:  # noqa: FBT001 - pytest's
    house = build(places={}, policy=PolicySettings(accompanied=True))
    house.show("door", Body(ALICE), seconds=10)
    house.leave("door", later_s)
    house.show("door", Body(clothes=BLUE), seconds=3)
    house.leave("door")
    assert house.visits[-1].phase == "ended"
    assert bool(house.alerts()) != is_quiet


# The entry delay


def test_somebody_without_a_face_at_an_entrance_alerts_after_the_entry_delay(build: Build) -> None:
    house = build()
    house.show("door", Body(clothes=BLUE), seconds=60)
    [alert] = house.alerts()
    assert alert.at - alert.since == timedelta(seconds=45)
    assert alert.verdict == "unidentified"


def test_the_entry_delay_runs_on_after_the_visit_has_ended(build: Build) -> None:
    house = build()
    house.show("door", Body(clothes=BLUE), seconds=3)
    house.leave("door")
    assert house.visits[-1].phase == "ended"
    house.wait(60)
    [alert] = house.alerts()
    assert alert.at - alert.since == timedelta(seconds=45)


def test_without_an_entry_delay_the_alert_comes_at_the_deadline(build: Build) -> None:
    house = build(policy=PolicySettings(entry_delay_s=0))
    house.show("door", Body(clothes=BLUE), seconds=60)
    [alert] = house.alerts()
    assert alert.at - alert.since == timedelta(seconds=10)


def test_without_an_entry_delay_a_short_visit_alerts_when_it_ends(build: Build) -> None:
    house = build(policy=PolicySettings(entry_delay_s=0))
    house.show("door", Body(clothes=BLUE), seconds=2)
    house.leave("door", 60)
    [alert] = house.alerts()
    assert alert.at - alert.since < timedelta(seconds=10)


@pytest.mark.parametrize(("preset", "delay_s"), [("anxious", 20), ("balanced", 45), ("bold", 90)])
def test_the_preset_decides_how_long_the_entry_delay_is(
    build: Build, preset: Literal["anxious", "balanced", "bold"], delay_s: int
) -> None:
    house = build(mode="away", policy=PolicySettings(preset=preset))
    house.show("door", Body(clothes=BLUE), seconds=5)
    house.leave("door", 200)
    [alert] = house.alerts()
    assert alert.at - alert.since == timedelta(seconds=delay_s)


def test_somebody_inside_waits_while_the_entry_delay_of_an_arrival_runs(build: Build) -> None:
    house = build(mode="away")
    house.show("door", Body(clothes=BLUE), seconds=5)
    house.leave("door", 10)
    house.show("kitchen", Body(clothes=GREEN), seconds=60)
    [alert] = house.alerts()
    assert alert.at - START == timedelta(seconds=45)


def test_a_recording_that_ends_while_an_entry_delay_runs_alerts(build: Build) -> None:
    house = build()
    house.show("door", Body(clothes=BLUE), seconds=5)
    house.leave("door", 10)
    assert [visit.alert for visit in house.brain.finish(house.now)] == [True]


def test_away_from_an_entrance_the_alert_comes_at_the_deadline(build: Build) -> None:
    house = build(mode="away")
    house.show("kitchen", Body(clothes=BLUE), seconds=60)
    [alert] = house.alerts()
    assert alert.at - alert.since == timedelta(seconds=10)


def test_a_name_at_the_next_place_in_time_prevents_the_alert(build: Build) -> None:
    house = build()
    house.show("door", Body(), seconds=5)
    house.leave("door")
    house.show("hall", Body(ALICE), seconds=10)
    house.leave("hall")
    house.wait(120)
    assert house.alerts() == []


def test_a_name_of_another_body_at_the_next_place_does_not_prevent_the_alert(build: Build) -> None:
    house = build()
    house.show("kitchen", Body(ALICE), seconds=10)
    house.leave("kitchen", 120)
    house.show("door", Body(clothes=BLUE), seconds=5)
    house.leave("door", 20)
    house.show("kitchen", Body(ALICE), seconds=10)
    house.wait(120)
    assert len(house.alerts()) == 1


@pytest.mark.parametrize(("home_after_s", "alerts"), [(20, 0), (50, 1)])
def test_a_phone_prevents_the_alert_if_it_comes_home_in_time(build: Build, home_after_s: int, alerts: int) -> None:
    house = build()
    house.phone("alice", home=False)
    house.wait(600, step_s=60)
    house.show("door", Body(clothes=BLUE), seconds=5)
    house.leave("door", home_after_s)
    house.phone("alice")
    house.wait(120)
    assert len(house.alerts()) == alerts


def test_a_phone_that_has_been_home_for_long_does_not_prevent_the_alert(build: Build) -> None:
    house = build()
    house.phone("alice")
    house.wait(600, step_s=60)
    house.show("door", Body(clothes=BLUE), seconds=20)
    house.phone("alice")  # reports again what it has reported before
    house.show("door", Body(clothes=BLUE), seconds=60)
    assert len(house.alerts()) == 1


@pytest.mark.parametrize("is_flapping", [False, True])
def test_the_phone_of_somebody_who_is_in_does_not_calm_other_clothes(build: Build, is_flapping: bool) -> None:  # noqa: FBT001 - pytest's
    house = build()
    house.show("kitchen", Body(ALICE), seconds=10)
    house.leave("kitchen", 300)
    house.show("door", Body(clothes=BLUE), seconds=20)
    if is_flapping:
        house.phone("alice", home=False)
        house.show("door", Body(clothes=BLUE), seconds=1)
    house.phone("alice")
    house.show("door", Body(clothes=BLUE), seconds=60)
    assert len(house.alerts()) == 1


# The mode of the house


def comes_back_dressed_alike(house: House) -> House:
    """Alice goes out; later somebody without a face comes in with her clothes."""
    house.show("door", Body(ALICE), seconds=10)
    house.leave("door", 400)
    house.show("door", Body(), seconds=5)
    house.leave("door", 120)
    return house


def walks_on(house: House) -> House:
    """Alice is in the hall, and a moment later somebody without a face and with her clothes is in the kitchen."""
    house.show("hall", Body(ALICE), seconds=10)
    house.show("hall", seconds=1)
    house.show("kitchen", Body(), seconds=15)
    return house


def test_the_clothes_of_somebody_who_is_out_calm_in_mode_home(build: Build) -> None:
    house = comes_back_dressed_alike(build())
    assert house.alerts() == []
    assert house.visits[-1].probably == "alice"
    assert house.visits[-1].who is None


@pytest.mark.parametrize("mode", ["away", "night"])
def test_in_mode_away_and_night_it_takes_more_but_the_entry_delay_holds(build: Build, mode: Mode) -> None:
    [alert] = comes_back_dressed_alike(build(mode=mode)).alerts()
    assert alert.at - alert.since == timedelta(seconds=45)


@pytest.mark.parametrize("mode", ["home", "night"])
def test_whoever_walks_on_to_the_next_place_is_calmed_at_night_too(build: Build, mode: Mode) -> None:
    house = walks_on(build(mode=mode))
    assert house.alerts() == []
    assert house.visits[-1].probably == "alice"
    assert house.visits[-1].who is None


def test_in_mode_away_with_nobody_in_nothing_calms(build: Build) -> None:
    policy = PolicySettings(calm_home=1, calm_night=1)
    assert comes_back_dressed_alike(build(policy=policy)).alerts() == []
    assert len(comes_back_dressed_alike(build(mode="away", policy=policy)).alerts()) == 1


def test_who_comes_half_a_minute_later_does_not_let_the_first_one_wait(build: Build) -> None:
    house = build()
    house.show("door", Body(clothes=BLUE), seconds=5)
    house.leave("door", 25)
    house.show("door", Body(clothes=GREEN), seconds=5)
    house.leave("door", 60)
    assert 45 <= (house.alerts()[0].at - START).total_seconds() <= 47


@pytest.mark.parametrize(("home_after_s", "alerts"), [(20, 0), (None, 1), (70, 1)])
def test_in_mode_away_the_phone_of_the_first_to_come_home_calms(
    build: Build, home_after_s: int | None, alerts: int
) -> None:
    house = build(mode="auto")
    for person in FAMILY:
        house.phone(person, home=False)
    house.wait(1800, step_s=60)
    assert house.brain.active_mode(house.now) == "away"
    house.show("door", Body(clothes=BLUE), seconds=5)
    house.leave("door", home_after_s or 20)
    if home_after_s is not None:
        house.phone("alice")
    house.wait(60)
    assert len(house.alerts()) == alerts


def test_in_mode_away_a_name_of_the_same_body_calms_though_nobody_was_in_before(build: Build) -> None:
    house = build(policy=PolicySettings(entry_delay_s=60))
    house.brain.mode = "away"
    house.show("door", Body(), seconds=5)
    house.leave("door", 6)
    house.show("hall", Body(), seconds=20)
    house.show("hall", Body(ALICE), seconds=10)
    house.leave("hall", 120)
    assert house.visits[-1].who == "alice"
    assert not house.alerts()


@pytest.mark.parametrize(("calm_s", "later_odds", "alerts"), [(20, 10.1, 0), (20, 9.9, 1), (62, 2.9, 0), (62, 2.8, 1)])
def test_a_calm_visit_stays_so_down_to_half_the_odds_and_after_a_minute_to_a_seventh(
    build: Build, monkeypatch: pytest.MonkeyPatch, calm_s: float, later_odds: float, alerts: int
) -> None:
    odds = 20.1
    monkeypatch.setattr(alerting, "weigh", lambda *_: ContextOdds(math.log(odds)))
    house = build()
    house.show("hall", Body(), seconds=calm_s)
    odds = later_odds
    house.show("hall", Body(), seconds=20)
    assert len(house.alerts()) == alerts


def test_whoever_is_probably_of_the_house_lets_the_unknown_one_ring(build: Build) -> None:
    house = build(places=PLACES | {"porch": PlaceSettings(entrance=True, next_to=("hall",))})
    house.show("kitchen", Body(ALICE), seconds=10)
    house.leave("kitchen", 120)
    house.show("porch", Body(clothes=BLUE), seconds=5)
    house.show("hall", Body(), seconds=60)  # is looked at before the porch, each time
    house.leave("hall", 60)
    assert [visit.place for visit in house.alerts()] == ["porch"]


@pytest.mark.parametrize("is_away_before", [False, True])
def test_the_last_to_leave_is_not_judged_by_the_mode_that_they_set_at_the_door(
    build: Build,
    is_away_before: bool,  # noqa: FBT001 - pytest's
) -> None:
    house = build()
    house.show("kitchen", Body(ALICE), seconds=10)
    house.leave("kitchen", 300)
    if is_away_before:
        house.brain.mode = "away"
        house.leave("hall", 2)
    house.show("door", Body(clothes=None), seconds=10)
    house.brain.mode = "away"
    house.leave("door", 120)
    assert len(house.alerts()) == is_away_before


def test_mode_auto_is_away_when_everybody_has_left(build: Build, gallery: Gallery) -> None:
    learn(gallery, "bob")
    house = build(mode="auto")
    assert house.brain.active_mode(house.now) == "home"
    house.phone("alice", home=False)
    assert house.brain.active_mode(house.now) == "home"
    house.phone("bob", home=False)
    assert house.brain.active_mode(house.now) == "away"
    house.wait(1)
    house.phone("bob")
    assert house.brain.active_mode(house.now) == "home"


def test_mode_auto_is_night_in_the_hours_of_the_night(build: Build) -> None:
    begin = START.astimezone() + timedelta(hours=1)
    house = build(mode="auto", policy=PolicySettings(night=f"{begin:%H:%M}-{begin + timedelta(hours=2):%H:%M}"))
    hours = [house.brain.active_mode(START + timedelta(hours=after)) for after in (0, 2, 4)]
    assert hours == ["home", "night", "home"]


@pytest.mark.parametrize("face", [None, STRANGER])
def test_in_mode_off_nobody_alerts(build: Build, face: int | None) -> None:
    house = build(mode="off")
    house.show("door", Body(face, BLUE), seconds=60)
    house.leave("door", 120)
    assert house.alerts() == []
    assert "quiet: the policy says no alerts in mode off" in house.visits[-1].reasons


def test_a_visit_that_has_alerted_is_not_called_quiet(build: Build) -> None:
    house = build(policy=PolicySettings(on=frozenset({"family"})))
    house.show("door", Body(ALICE), seconds=10)
    house.brain.mode = "off"
    house.leave("door")
    assert len(house.alerts()) == 1
    assert not any("quiet" in reason for visit in house.visits for reason in visit.reasons)


def test_somebody_unidentified_who_comes_with_family_says_why_nothing_rings(build: Build) -> None:
    house = build(places={}, policy=PolicySettings(accompanied=True))
    house.show("door", Body(ALICE), seconds=10)
    house.leave("door", 5)
    house.show("door", Body(clothes=BLUE), seconds=12)
    assert house.visits[-1].verdict == "unidentified"
    assert house.visits[-1].reasons[-1] == "quiet: came together with somebody who is known"


# Strangers


@pytest.mark.parametrize("mode", ["home", "away", "night", "auto"])
@pytest.mark.parametrize("place", ["door", "hall"])
def test_the_face_of_a_stranger_alerts_at_once_whatever_the_context(build: Build, mode: Mode, place: str) -> None:
    house = build(mode=mode)
    house.show("hall", Body(ALICE), seconds=10)
    house.leave("hall")
    house.phone("alice", home=False)
    house.wait(1)
    house.phone("alice")
    house.show(place, Body(STRANGER), seconds=20)
    [alert] = house.alerts()
    assert alert.verdict == "stranger"
    assert alert.at - alert.since < timedelta(seconds=10)


# Incidents


def test_a_body_that_is_seen_at_three_places_alerts_once(build: Build) -> None:
    house = build(places={})
    for place in ("door", "hall", "kitchen"):
        house.show(place, Body(clothes=BLUE), seconds=12)
        house.show(place, seconds=2)
    for place in ("door", "hall", "kitchen"):
        house.leave(place)
    house.wait(120)
    [alert] = house.alerts()
    assert alert.incident is not None
    later = house.visits[house.visits.index(alert) + 1 :]
    decided = [visit for visit in later if visit.phase != "started"]
    assert {visit.place for visit in decided} == {"door", "hall", "kitchen"}
    assert {visit.incident and visit.incident.id for visit in decided} == {alert.incident.id}
    last = decided[-1].incident
    assert last is not None
    assert last.places == ("door", "hall", "kitchen")
    assert (last.people, last.rings) == (1, 1)


def test_a_stranger_after_somebody_unidentified_rings_again(build: Build) -> None:
    house = build(places={})
    house.show("door", Body(clothes=BLUE), seconds=12)
    house.show("door", seconds=2)
    house.show("hall", Body(STRANGER, BLUE), seconds=12)
    first, second = house.alerts()
    assert (first.verdict, second.verdict) == ("unidentified", "stranger")
    assert first.incident
    assert second.incident
    assert first.incident.id == second.incident.id
    assert second.incident.rings == 2


# Restart


def restarted(house: House, build: Build, path: Path) -> House:
    with BrainState(path) as state:
        state.store([], [*house.brain.visits, *house.brain.waiting_visits])
    with BrainState(path) as state:
        after = build(visits=state.visits())
    after.now = house.now
    return after


@pytest.mark.parametrize("down_s", [0, 10, 300])
def test_a_waiting_visit_alerts_after_a_restart(build: Build, tmp_path: Path, down_s: int) -> None:
    house = build()
    house.show("door", Body(clothes=BLUE), seconds=5)
    house.leave("door", 10)
    assert house.brain.visits == []
    assert len(house.brain.waiting_visits) == 1
    again = restarted(house, build, tmp_path / "brain.db")
    again.now += timedelta(seconds=down_s)
    assert again.brain.visits == []
    again.wait(120)
    assert house.alerts() == []
    [alert] = again.alerts()
    assert alert.visit == house.visits[0].visit
    assert alert.seq == house.visits[-1].seq + 1
    assert alert.at - alert.since >= timedelta(seconds=45)
    assert alert.picture
    assert alert.picture == house.visits[-1].picture
    assert again.brain.waiting_visits == []


def test_an_open_visit_whose_person_leaves_during_a_restart_alerts_with_its_picture(
    build: Build, tmp_path: Path
) -> None:
    house = build()
    house.show("door", Body(clothes=BLUE), seconds=20)
    again = restarted(house, build, tmp_path / "brain.db")
    again.wait(120)
    [alert] = again.alerts()
    assert alert.picture
    assert alert.picture == house.visits[-1].picture


# Each kind of context can be switched off


def walks_on_unseen(house: House, _: Gallery) -> None:
    """Alice walks on to the next place; her clothes are not seen."""
    house.show("hall", Body(ALICE, None), seconds=10)
    house.show("hall", seconds=2.5)
    house.show("kitchen", Body(None, None), seconds=15)


def comes_with_her_clothes(house: House, _: Gallery) -> None:
    comes_back_dressed_alike(house)


def appears_while_alice_is_in(house: House, _: Gallery) -> None:
    house.show("hall", Body(ALICE, None), seconds=10)
    house.leave("hall", 200)
    house.show("kitchen", Body(None, None), seconds=15)


def comes_with_a_phone(house: House, _: Gallery) -> None:
    house.phone("alice", home=False)
    house.wait(600, step_s=60)
    house.show("door", Body(clothes=BLUE), seconds=5)
    house.phone("alice")
    house.leave("door", 120)


def comes_with_company(house: House, gallery: Gallery) -> None:
    learn(gallery, "bob", "carol", "dave")
    house.show("door", Body(ALICE, None, x=0.1), seconds=3)
    house.show("door", Body(ALICE, None, x=0.1), Body(None, None, x=0.7), seconds=60)


@pytest.mark.parametrize(
    ("switch", "act", "has_entrance"),
    [
        ("continuity", walks_on_unseen, False),
        ("appearance", comes_with_her_clothes, True),
        ("who_is_in", appears_while_alice_is_in, True),
        ("presence", comes_with_a_phone, True),
        ("company", comes_with_company, True),
    ],
)
def test_each_kind_of_context_calms_unless_it_is_switched_off(
    build: Build,
    gallery: Gallery,
    switch: str,
    act: Callable[[House, Gallery], None],
    has_entrance: bool,  # noqa: FBT001 - pytest's
) -> None:
    places = PLACES if has_entrance else {name: without_entrance(place) for name, place in PLACES.items()}
    calm, alarmed = build(places=places), build(places=places, context=ContextSettings(**{switch: False}))
    act(calm, gallery)
    act(alarmed, gallery)
    assert calm.alerts() == []
    assert [visit.verdict for visit in alarmed.alerts()] == ["unidentified"]


def without_entrance(place: PlaceSettings) -> PlaceSettings:
    return place.model_copy(update={"entrance": False})


def test_an_incident_names_the_places_in_the_order_of_the_way_also_after_an_entry_delay(build: Build) -> None:
    way = ("porch", "hall", "attic")  # the alphabet has another order
    house = build(mode="away", places={"porch": PlaceSettings(entrance=True)})
    for place in way:
        house.show(place, Body(clothes=BLUE), seconds=8)
    house.wait(60)
    assert len(house.alerts()) == 1
    last = max((visit.incident for visit in house.visits if visit.incident), key=lambda one: len(one.places))
    assert last.places == way


def test_another_body_long_after_an_alert_rings_again_and_the_same_one_does_not(build: Build) -> None:
    house = build(places={"porch": PlaceSettings(entrance=True)}, mode="night")
    house.show("hall", Body(clothes=BLUE), seconds=15)
    house.show("hall", seconds=1)
    assert len(house.alerts()) == 1
    house.show("study", Body(clothes=BLUE), seconds=12)
    assert len(house.alerts()) == 1  # the same body, in the next room
    house.leave("study")
    house.wait(300)
    house.show("kitchen", Body(clothes=RED), seconds=15)
    first, second = house.alerts()
    assert first.incident is not None
    assert second.incident is not None
    assert first.incident.id != second.incident.id


def test_whoever_came_in_with_somebody_unknown_waits_as_long_as_they_do(build: Build) -> None:
    house = build(places={"porch": PlaceSettings(entrance=True)})
    first, second = Body(clothes=BLUE, x=0.2), Body(clothes=RED, x=0.7)
    house.show("porch", first, seconds=15)
    house.show("porch", first, second, seconds=5)  # seen at once: two people
    house.show("porch", second, seconds=5)
    house.wait(30)  # the first one's entry delay is over, the second one's is not
    assert house.alerts() == []
    house.wait(20)
    assert len(house.alerts()) == 1


def test_whoever_is_found_to_be_a_stranger_in_the_next_room_waits_no_longer(build: Build) -> None:
    house = build(mode="away")
    house.show("door", Body(clothes=BLUE), seconds=4)
    house.leave("door")
    house.show("hall", Body(STRANGER, clothes=BLUE), seconds=8)
    [alert] = house.alerts()
    assert alert.verdict == "stranger"
    last = max((visit.incident for visit in house.visits if visit.incident), key=lambda one: len(one.places))
    assert last.places == ("door", "hall")
    assert (last.people, last.rings) == (1, 1)
