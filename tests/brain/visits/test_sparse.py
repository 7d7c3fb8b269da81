"""Cameras that send one picture, or two or three, and then nothing for minutes: battery cameras and doorbells."""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from PIL import Image

from brain.context.incident import OpenIncident, body_in
from brain.models.local import LocalBackend
from brain.people.enroll import read_photo
from brain.people.gallery import Gallery, Photo
from brain.process.state import BrainState
from brain.settings.brain import BrainSettings
from brain.vision.backend import DetectedObject, Face, FaceEmbedding, VisionBackend
from brain.vision.picture import Picture
from brain.visits.brain import Brain
from brain.visits.rhythm import FrameRhythm
from brain.visits.visit import ONE_PICTURE_REASON
from nerves.messages import Box, Frame, Visit
from tests.people import face as a_face

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
TICK_S, VISIT_SILENCE_S = 0.5, 60
ALICE, STRANGER = 1, 2
ENTRANCE = {"places": {"door": {"entrance": True}}}


@dataclass(frozen=True)
class Somebody:
    """Somebody in a picture."""

    x: float = 0.4
    score: float = 0.8
    who: int | None = None
    """Whose face is seen; None if none is."""


Shots = Iterable[tuple[float, Sequence[Somebody]]]


class Drawn:
    """A vision backend that knows who is in each of its pictures: their width says which one it is."""

    name, min_person_score = "drawn", 0.4

    def __init__(self) -> None:
        self.pictures: list[Sequence[Somebody]] = []

    def draw(self, people: Sequence[Somebody]) -> bytes:
        self.pictures.append(people)
        out = io.BytesIO()
        Image.fromarray(np.zeros((64, 63 + len(self.pictures), 3), np.uint8)).save(out, "JPEG")
        return out.getvalue()

    def _people(self, picture: Picture) -> Sequence[Somebody]:
        return self.pictures[picture.width - 64]

    def detect(self, picture: Picture) -> list[DetectedObject]:
        return [DetectedObject("person", Box(one.x, 0.2, 0.2, 0.8), one.score) for one in self._people(picture)]

    def find_faces(self, picture: Picture, within: Box | None = None) -> list[Face]:
        return [
            Face(Box(one.x + 0.06, 0.22, 0.08, 0.12), 0.9, 80)
            for one in self._people(picture)
            if within and one.x == within.x and one.who is not None
        ]

    def identify(self, picture: Picture, face: Face) -> None:  # noqa: ARG002 - the protocol's
        return

    def embed(self, picture: Picture, face: Face) -> FaceEmbedding | None:
        whose = next(one.who for one in self._people(picture) if one.x + 0.06 == face.box.x)
        return FaceEmbedding(a_face(whose or 0, picture.width), face.width, 50.0, 0.0, 1.0)


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery(tmp_path / "gallery.db") as gallery:
        gallery.learn("alice", [Photo(a_face(ALICE, seed), str(seed), f"{seed}.jpg") for seed in range(5)])
        yield gallery


def lived(brain: Brain, frames: Iterable[tuple[float, bytes]], *, after_s: float = 120) -> list[Visit]:
    """Show the frames to the brain, each at its second, and let the time between and after them pass."""
    found: list[Visit] = []
    second, waiting = 0.0, sorted(frames, key=lambda frame: frame[0])
    end = waiting[-1][0] + after_s
    while second <= end:
        while waiting and waiting[0][0] <= second:
            at, jpeg = waiting.pop(0)
            facts = brain.see(Frame("door", jpeg, START + timedelta(seconds=at)))
            found += [fact for fact in facts if isinstance(fact, Visit)]
        if "door" in brain.busy_places:
            found += brain.tick("door", START + timedelta(seconds=second))
        second += TICK_S
    return found


def seen(gallery: Gallery, shots: Shots, **settings: Any) -> list[Visit]:  # noqa: ANN401 - as in kinwatch.yaml
    drawn = Drawn()
    brain = Brain(drawn, gallery, BrainSettings.model_validate(settings))
    return lived(brain, [(at, drawn.draw(people)) for at, people in shots])


def alerts(visits: Iterable[Visit]) -> list[float]:
    return [(visit.at - START).total_seconds() for visit in visits if visit.alert]


def ended(visits: Iterable[Visit]) -> list[Visit]:
    return [visit for visit in visits if visit.phase == "ended"]


def test_one_clear_picture_is_a_visit(gallery: Gallery) -> None:
    visits = seen(gallery, [(0, [Somebody()])])
    assert [(visit.phase, visit.verdict, visit.alert) for visit in visits] == [
        ("started", "identifying", False),
        ("decided", "unidentified", True),
        ("ended", "unidentified", False),
    ]
    assert alerts(visits) == [15]
    assert all(ONE_PICTURE_REASON in visit.reasons for visit in visits)


@pytest.mark.parametrize("place", [{}, ENTRANCE, ENTRANCE | {"policy": {"entry_delay_s": 0}}])
@pytest.mark.parametrize("pause_s", [35, 70, 200])
@pytest.mark.parametrize("who", [None, STRANGER])
def test_five_pictures_of_somebody_minutes_apart_ring_once(
    gallery: Gallery, place: dict[str, Any], pause_s: float, who: int | None
) -> None:
    visits = seen(gallery, [(pause_s * number, [Somebody(x=0.1 * number, who=who)]) for number in range(5)], **place)
    assert len(alerts(visits)) == 1
    assert len(ended(visits)) == (5 if pause_s > VISIT_SILENCE_S else 1)
    assert {visit.incident.people for visit in ended(visits) if visit.incident} == {1}


def test_after_a_longer_pause_it_rings_again(gallery: Gallery) -> None:
    assert len(alerts(seen(gallery, [(500 * number, [Somebody()]) for number in range(3)]))) == 3


def test_two_people_in_one_picture_are_two_visits_and_one_ring(gallery: Gallery) -> None:
    visits = seen(gallery, [(70 * number, [Somebody(x=0.1), Somebody(x=0.7)]) for number in range(3)])
    assert len(ended(visits)) == 6
    assert len(alerts(visits)) == 1
    assert max(visit.incident.people for visit in visits if visit.incident) == 2


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("step_s", [0.5, 2, 6])
def test_one_picture_of_a_burst_is_enough(gallery: Gallery, which: int, step_s: float) -> None:
    bursts = [(200 * burst + step_s * number, number) for burst in range(2) for number in range(3)]
    visits = seen(gallery, [(at, [Somebody()] if number == which else []) for at, number in bursts])
    assert len(ended(visits)) == 2
    assert len(alerts(visits)) == 1


def test_a_burst_that_shows_two_good_faces_names_at_once(gallery: Gallery) -> None:
    visits = seen(gallery, [(at, [Somebody(who=ALICE)]) for at in (0, 1, 2)])
    assert {visit.who for visit in visits if visit.phase == "decided"} == {"alice"}
    assert ONE_PICTURE_REASON not in visits[-1].reasons
    strangers = seen(gallery, [(at, [Somebody(who=STRANGER)]) for at in (0, 1, 2)])
    assert {visit.verdict for visit in strangers if visit.phase == "decided"} == {"stranger"}


def test_whoever_was_named_there_calms_nobody_who_comes_later(gallery: Gallery) -> None:
    shots = [*((at, [Somebody(who=ALICE)]) for at in (0, 1, 2)), (900, [Somebody()])]
    visits = seen(gallery, shots)
    assert [visit.who for visit in ended(visits)] == ["alice", None]
    assert alerts(visits) == [915]


def test_an_unclear_picture_is_nobody(gallery: Gallery) -> None:
    assert seen(gallery, [(70 * number, [Somebody(score=0.55)]) for number in range(3)]) == []


# Ordinary cameras: one detection in one of many frames is nobody.


def test_a_flicker_in_the_first_frame_is_nobody(gallery: Gallery) -> None:
    stream = [(0.2 * number, []) for number in range(1, 30)]
    assert seen(gallery, [(0, [Somebody()]), *stream]) == []


@pytest.mark.parametrize("late_s", [0, 0.4, 2])
def test_a_flicker_in_a_camera_s_rare_frames_is_nobody(gallery: Gallery, late_s: float) -> None:
    sweeps = [((10 + late_s) * number, []) for number in range(1, 20)]
    assert seen(gallery, [(0, [Somebody()]), *sweeps]) == []
    middle = [(at, [Somebody()] if number == 9 else []) for number, (at, _) in enumerate(sweeps)]
    assert seen(gallery, middle) == []


def test_a_flicker_after_an_outage_is_nobody(gallery: Gallery) -> None:
    def stream(begin: float) -> list[tuple[float, list[Somebody]]]:
        return [(begin + 0.5 * number, []) for number in range(40)]

    for at in (100, 100.5, 101, 119.5):
        shots = dict([*stream(0), *stream(100)]) | {at: [Somebody()]}
        assert seen(gallery, shots.items()) == []


def test_a_camera_of_which_few_frames_are_analysed_is_no_battery_camera(gallery: Gallery) -> None:
    shots = [(0.5 * number, [Somebody()] if number == 130 else []) for number in range(400)]
    assert seen(gallery, shots, timing={"frame_s": 60}) == []


def test_a_short_silence_of_visits_does_not_hide_a_single_picture(gallery: Gallery) -> None:
    visits = seen(gallery, [(0, [Somebody()])], timing={"silent_s": 5})
    assert [visit.phase for visit in visits] == ["started", "decided", "ended"]


def test_a_restarted_brain_ends_the_visit_of_one_picture(gallery: Gallery, tmp_path: Path) -> None:
    drawn = Drawn()
    brain = Brain(drawn, gallery, BrainSettings())
    before = lived(brain, [(0, drawn.draw([Somebody()]))], after_s=20)
    assert len(alerts(before)) == 1
    with BrainState(tmp_path / "brain.db") as state:
        state.store(before, brain.visits)
        later = Brain(drawn, gallery, BrainSettings(), visits=state.visits())
        after = list(later.tick("door", START + timedelta(seconds=61)))
    assert [(visit.phase, visit.visit, visit.alert) for visit in after] == [("ended", before[0].visit, False)]
    assert ONE_PICTURE_REASON in after[0].reasons


def test_a_burst_is_counted_from_the_last_pause() -> None:
    rhythm = FrameRhythm(timedelta(seconds=10))
    assert not rhythm.is_sparse("door")
    for number in range(4):
        rhythm.frame_arrived("door", START + timedelta(seconds=10 * number))
        assert rhythm.is_sparse("door") == (number < 3)
    assert not rhythm.was_sparse("door", START + timedelta(seconds=300))
    rhythm.frame_arrived("door", START + timedelta(seconds=60))
    assert not rhythm.was_sparse("door", START + timedelta(seconds=74))
    assert rhythm.was_sparse("door", START + timedelta(seconds=75))
    assert FrameRhythm(timedelta(seconds=40)).wait == timedelta(seconds=40)


def test_the_pictures_of_another_place_do_not_hide_who_comes_to_the_door() -> None:
    first, second, later = (UUID(int=number) for number in (1, 2, 3))
    incident = OpenIncident(UUID(int=9), START, START, places=("hall",), bodies=frozenset({first, second}))
    assert body_in(incident, later, "door", is_sparse=True, others=0) == later
    assert body_in(incident, later, "hall", is_sparse=False, others=0) == later
    assert [body_in(incident, later, "hall", is_sparse=True, others=count) for count in range(3)] == [
        first,
        second,
        later,
    ]
    assert body_in(None, later, "hall", is_sparse=True, others=0) == later


# Real pictures.


@pytest.fixture(scope="module")
def backend() -> VisionBackend:
    import os  # noqa: PLC0415 - only where models are

    return LocalBackend("standard", [Path(os.environ["KINWATCH_MODELS"])])


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
def test_a_stranger_on_five_pictures_of_a_battery_camera_rings_once(
    gallery: Gallery, media: Path, backend: VisionBackend
) -> None:
    for name in ("me", "wife"):
        photos = sorted((media / "family" / name).glob("*.jpg"))[:5]
        gallery.learn(name, [read_photo(photo, backend) for photo in photos])
    stranger = (media / "stills" / "coral_person_grace_hopper.jpg").read_bytes()
    brain = Brain(backend, gallery, BrainSettings.model_validate(ENTRANCE))
    visits = lived(brain, [(70 * number, stranger) for number in range(5)])
    assert len(ended(visits)) == 5
    assert len(alerts(visits)) == 1
    assert not any(visit.who for visit in visits)
    assert all(visit.picture for visit in visits)
