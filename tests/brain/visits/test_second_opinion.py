"""A second opinion on a visit that stays undecided: when it is asked for, how often, and what a late answer does."""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from PIL import Image

from brain.cloud.errors import CloudAway, CloudPicture
from brain.cloud.ledger import About
from brain.cloud.worker import RekognitionWorker
from brain.people.gallery import Gallery, Photo
from brain.people.records import LabelRecord
from brain.process.state import BrainState
from brain.settings.brain import BrainSettings
from brain.settings.rekognition import RekognitionSettings
from brain.vision.backend import DetectedObject, Face, FaceEmbedding
from brain.vision.picture import Picture
from brain.visits.brain import Brain
from nerves.messages import Box, Fact, Frame, Visit
from tests.brain.visits.test_brain import START, Table, jpeg, somebody, told
from tests.people import face as a_face

BODY, HEAD = Box(0.4, 0.2, 0.2, 0.8), Box(0.46, 0.22, 0.08, 0.12)
ALICE = 1
# Good enough to ask about, too poor for a verdict of our own.
BLURRED, CLEAR, NO_FACE = 5.0, 50.0, 0.0


class Room:
    """A sight that sees one person, whose face is ever so sharp and ever so wide."""

    name, min_person_score = "room", 0.4

    def __init__(self, frames: range, sharpness: float = BLURRED, width: float = 30.0, sure: float = 1.0) -> None:
        self._frames, self._sharpness, self._width, self._sure = frames, sharpness, width, sure

    def detect(self, picture: Picture) -> list[DetectedObject]:
        return [DetectedObject("person", BODY, 0.9)] if picture.width - 64 in self._frames else []

    def find_faces(self, picture: Picture, within: Box | None = None) -> list[Face]:
        return [Face(HEAD, 0.9, self._width)] if within and picture.width - 64 in self._frames else []

    def identify(self, picture: Picture, face: Face) -> None:  # noqa: ARG002 - the protocol's
        return

    def embed(self, picture: Picture, face: Face) -> FaceEmbedding | None:
        # Always the same look: one that we see ourselves says little.
        return FaceEmbedding(a_face(ALICE), face.width, self._sharpness, 0.0, self._sure) if picture else None


def patient(cloud: "Cloud") -> RekognitionWorker:
    return RekognitionWorker(cloud, everybody, patient=True)


class Cloud:
    """Answers what a test wants, and counts."""

    def __init__(self, answer: Callable[[], Mapping[str, float]]) -> None:
        self._answer = answer
        self.asked: list[tuple[bytes, About]] = []

    def __call__(self, jpeg: bytes, about: About) -> Mapping[str, float]:
        self.asked.append((jpeg, about))
        return self._answer()


def everybody() -> frozenset[str]:
    return frozenset({"alice"})


def alike() -> Mapping[str, float]:
    return {"alice": 99.8}


def shown(brain: Brain, numbers: Iterable[int]) -> list[Visit]:
    facts: list[Fact] = []
    for number in numbers:
        at = START + timedelta(seconds=number / 2)
        facts += [*brain.see(Frame("hall", jpeg(number), at, number)), *brain.answered(lambda _, at=at: at)]
    return [fact for fact in facts if isinstance(fact, Visit)]


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery(tmp_path / "gallery.db") as gallery:
        gallery.learn("alice", [Photo(a_face(ALICE, seed=5), "0", "a.jpg")])
        yield gallery


def test_near_the_deadline_one_face_is_asked_about_and_the_answer_decides(gallery: Gallery) -> None:
    cloud = Cloud(alike)
    brain = Brain(Room(range(40)), gallery, BrainSettings(), second=patient(cloud))
    visits = shown(brain, range(12))
    assert not cloud.asked
    visits += shown(brain, range(12, 40))
    assert told(visits)[-1] == ("decided", "family", "alice", False)
    (asked,) = cloud.asked
    with Image.open(io.BytesIO(asked[0])) as crop:
        assert crop.width < 64
    assert (asked[1].place, asked[1].visit, asked[1].what) == ("hall", visits[0].visit, "a face")


def test_a_visit_decided_here_is_not_sent(gallery: Gallery) -> None:
    cloud = Cloud(alike)
    brain = Brain(Table(somebody(ALICE, range(40))), gallery, BrainSettings(), second=patient(cloud))
    assert told(shown(brain, range(60)))[1] == ("decided", "family", "alice", False)
    assert not cloud.asked


@pytest.mark.parametrize("room", [Room(range(40), width=15.0), Room(range(40), sure=0.0)])
def test_faces_that_are_too_small_or_no_faces_are_not_asked_about(gallery: Gallery, room: Room) -> None:
    cloud = Cloud(alike)
    shown(Brain(room, gallery, BrainSettings(), second=patient(cloud)), range(60))
    assert not cloud.asked


def test_an_empty_room_is_never_shown(gallery: Gallery) -> None:
    cloud = Cloud(alike)
    shown(Brain(Room(range(0)), gallery, BrainSettings(), second=patient(cloud)), range(200))
    assert not cloud.asked


def test_two_faces_are_asked_about_at_most_and_each_once_however_long_somebody_stays(gallery: Gallery) -> None:
    cloud = Cloud(dict)
    shown(Brain(Room(range(300)), gallery, BrainSettings(), second=patient(cloud)), range(300))
    assert len(cloud.asked) == 2
    assert len({picture for picture, _ in cloud.asked}) == 2


def test_whoever_leaves_early_is_asked_about_and_corrected_after_all(gallery: Gallery) -> None:
    cloud = Cloud(alike)
    brain = Brain(Room(range(6)), gallery, BrainSettings(), second=patient(cloud))
    visits = shown(brain, range(30))
    assert told(visits) == [
        ("started", "identifying", None, False),
        ("decided", "unidentified", None, True),
        ("ended", "unidentified", None, False),
        ("corrected", "family", "alice", False),
    ]
    assert [visit.seq for visit in visits] == [1, 2, 3, 4]


def test_a_late_answer_corrects_a_visit_and_the_house_has_waited_for_nothing(gallery: Gallery) -> None:
    gate = Event()

    def slowly() -> Mapping[str, float]:
        assert gate.wait(30)
        return alike()

    asker = RekognitionWorker(Cloud(slowly), everybody)
    brain = Brain(Room(range(40)), gallery, BrainSettings(), second=asker)
    visits = shown(brain, range(40))
    assert told(visits)[-1] == ("decided", "unidentified", None, True)
    gate.set()
    asker.close()
    late = list(brain.answered(lambda _: START + timedelta(seconds=30)))
    assert told(late) == [("corrected", "family", "alice", False)]
    assert late[0].visit == visits[0].visit


@pytest.mark.parametrize("error", [CloudAway("nobody answers"), CloudPicture("no face in it")])
def test_without_an_answer_the_verdict_is_our_own(gallery: Gallery, error: Exception) -> None:
    def refuse() -> Mapping[str, float]:
        raise error

    alone = told(shown(Brain(Room(range(40)), gallery, BrainSettings()), range(60)))
    asking = Brain(Room(range(40)), gallery, BrainSettings(), second=patient(Cloud(refuse)))
    assert told(shown(asking, range(60))) == alone


def test_a_fault_is_logged_once(gallery: Gallery, caplog: pytest.LogCaptureFixture) -> None:
    numbers = iter(range(100))

    def refuse() -> Mapping[str, float]:
        message = f"tries again in {next(numbers)} s"
        raise CloudAway(message)

    asker = patient(Cloud(refuse))
    for _ in range(3):
        shown(Brain(Room(range(40)), gallery, BrainSettings(), second=asker), range(60))
    assert len([record for record in caplog.records if "without the cloud" in record.message]) == 1


def test_too_many_questions_at_a_time_are_not_taken(gallery: Gallery) -> None:
    gate = Event()

    def slowly() -> Mapping[str, float]:
        assert gate.wait(30)
        return alike()

    cloud = Cloud(slowly)
    asker = RekognitionWorker(cloud, everybody)
    for _ in range(30):
        shown(Brain(Room(range(6)), gallery, BrainSettings(), second=asker), range(30))
    gate.set()
    asker.close()
    assert len(cloud.asked) <= 10


def test_a_restarted_brain_does_not_ask_again(gallery: Gallery, tmp_path: Path) -> None:
    cloud = Cloud(dict)
    with BrainState(tmp_path / "brain.db") as memory:
        brain = Brain(Room(range(40)), gallery, BrainSettings(), second=patient(cloud))
        memory.store(shown(brain, range(16)), brain.visits)
        assert cloud.asked
        again = Brain(
            Room(range(40)),
            gallery,
            BrainSettings(),
            visits=memory.visits(),
            second=patient(cloud),
        )
        shown(again, range(16, 40))
    assert len(cloud.asked) == 2


def test_a_label_of_an_ended_visit_stands_against_a_late_answer(gallery: Gallery) -> None:
    gate = Event()

    def slowly() -> Mapping[str, float]:
        assert gate.wait(30)
        return alike()

    asker = RekognitionWorker(Cloud(slowly), everybody)
    brain = Brain(Room(range(6)), gallery, BrainSettings(), second=asker)
    visits = shown(brain, range(30))
    assert visits[-1].phase == "ended"
    gallery.learn_label(LabelRecord(visits[0].visit, "hall", "bob", "family", None, START, None), [])
    shown(brain, range(30, 32))
    gate.set()
    asker.close()
    assert not shown(brain, range(32, 36))


def test_a_recording_that_ends_waits_for_the_second_answer_too(gallery: Gallery) -> None:
    answers: Iterator[Mapping[str, float]] = iter([{}, {"alice": 99.8}])
    cloud = Cloud(lambda: next(answers))
    brain = Brain(Room(range(40)), gallery, BrainSettings(), second=patient(cloud))
    frames = [Frame("hall", jpeg(number), START + timedelta(seconds=number / 2), number) for number in range(6)]
    for frame in frames:
        list(brain.see(frame))
    assert not cloud.asked
    ended = list(brain.finish(START + timedelta(seconds=3)))
    assert len(cloud.asked) == 2
    assert [visit.phase for visit in ended][:2] == ["decided", "ended"]
    assert not list(brain.answered(lambda _: START)), "an answer that nobody takes"


@pytest.mark.parametrize(("until", "verdict"), [(None, "guest"), (START - timedelta(days=1), "family")])
def test_a_name_in_the_settings_is_what_the_gallery_says_of_it(
    gallery: Gallery, until: datetime | None, verdict: str
) -> None:
    gallery.learn("zoe", [Photo(a_face(9, seed=5), "9", "z.jpg")], group="guest", until=until)
    pictures = RekognitionSettings(by="compare", pictures={"zoe": ("zoe.jpg",)})
    settings = BrainSettings(vision="cascade", rekognition=pictures)
    brain = Brain(Room(range(40)), gallery, settings, second=patient(Cloud(lambda: {"zoe": 99.9})))
    said = {visit.verdict for visit in shown(brain, range(60))}
    assert "family" not in said
    assert (verdict in said) == (until is None)
