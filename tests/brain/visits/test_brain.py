"""The brain's loop, with a sight that answers from a table."""

import io
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brain.people.gallery import Gallery, Photo
from brain.process.state import BrainState
from brain.settings.brain import BrainSettings
from brain.vision.backend import DetectedObject, Face, FaceEmbedding
from brain.vision.picture import Picture
from brain.visits.brain import Brain
from nerves.messages import Box, Detections, Fact, Frame, Visit
from tests.people import face as a_face

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
BODY, HEAD = Box(0.4, 0.2, 0.2, 0.8), Box(0.46, 0.22, 0.08, 0.12)
ALICE, STRANGER = 1, 2


def jpeg(number: int) -> bytes:
    """A picture that says which one it is: its width."""
    out = io.BytesIO()
    Image.fromarray(np.zeros((64, 64 + number, 3), np.uint8)).save(out, "JPEG")
    return out.getvalue()


class Table:
    """A sight that looks up what to see by the picture's number."""

    name, min_person_score = "table", 0.4

    def __init__(self, see: Callable[[int], tuple[list[DetectedObject], int | None]]) -> None:
        self._see = see
        self.weighted_vectors = 0

    def detect(self, picture: Picture) -> list[DetectedObject]:
        return self._see(picture.width - 64)[0]

    def find_faces(self, picture: Picture, within: Box | None = None) -> list[Face]:
        return [Face(HEAD, 0.9, 80)] if within and self._see(picture.width - 64)[1] else []

    def identify(self, picture: Picture, face: Face) -> None:  # noqa: ARG002 - the protocol\'s
        return

    def embed(self, picture: Picture, face: Face) -> FaceEmbedding | None:
        whose = self._see(picture.width - 64)[1]
        self.weighted_vectors += 1
        assert whose
        return FaceEmbedding(a_face(whose, picture.width), face.width, 50.0, 0.0, 1.0)


def nobody(_: int) -> tuple[list[DetectedObject], int | None]:
    return [], None


def somebody(whose: int | None, frames: range) -> Callable[[int], tuple[list[DetectedObject], int | None]]:
    return lambda number: ([DetectedObject("person", BODY, 0.9)], whose) if number in frames else ([], None)


def shown(brain: Brain, numbers: Iterable[int], *, fps: float = 2) -> list[Visit]:
    facts: list[Fact] = []
    for number in numbers:
        at = START + timedelta(seconds=number / fps)
        facts += brain.see(Frame("hall", jpeg(number), at, number))
    return [fact for fact in facts if isinstance(fact, Visit)]


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery(tmp_path / "gallery.db") as gallery:
        yield gallery


def told(visits: list[Visit]) -> list[tuple[str, str, str | None, bool]]:
    return [(visit.phase, visit.verdict, visit.who, visit.alert) for visit in visits]


def test_a_stranger_alerts_once_and_not_once_a_frame(gallery: Gallery) -> None:
    gallery.learn("alice", [Photo(a_face(ALICE), "0", "a.jpg")])
    brain = Brain(Table(somebody(STRANGER, range(5, 40))), gallery, BrainSettings())
    assert told(shown(brain, range(60))) == [
        ("started", "identifying", None, False),
        ("decided", "stranger", None, True),
        ("ended", "stranger", None, False),
    ]


def test_family_is_greeted_and_nobody_is_alerted(gallery: Gallery) -> None:
    gallery.learn("alice", [Photo(a_face(ALICE), "0", "a.jpg")])
    brain = Brain(Table(somebody(ALICE, range(5, 40))), gallery, BrainSettings())
    visits = shown(brain, range(60))
    assert told(visits)[1] == ("decided", "family", "alice", False)
    assert not any(visit.alert for visit in visits)


def test_a_back_is_unidentified_at_the_deadline(gallery: Gallery) -> None:
    brain = Brain(Table(somebody(None, range(4, 60))), gallery, BrainSettings())
    decided = next(visit for visit in shown(brain, range(60)) if visit.phase == "decided")
    assert (decided.verdict, decided.alert) == ("unidentified", True)
    assert decided.at - decided.since == timedelta(seconds=10)


def test_a_visit_that_ends_before_the_deadline_is_decided_first(gallery: Gallery) -> None:
    brain = Brain(Table(somebody(None, range(4, 8))), gallery, BrainSettings())
    assert [visit.phase for visit in shown(brain, range(30))] == ["started", "decided", "ended"]


def test_a_later_name_corrects_the_verdict_on_the_same_visit(gallery: Gallery) -> None:
    gallery.learn("alice", [Photo(a_face(ALICE), "0", "a.jpg")])

    def see(number: int) -> tuple[list[DetectedObject], int | None]:
        return [DetectedObject("person", BODY, 0.9)], ALICE if number > 30 else None

    visits = shown(Brain(Table(see), gallery, BrainSettings()), range(50))
    assert told(visits)[1:] == [("decided", "unidentified", None, True), ("corrected", "family", "alice", False)]
    assert len({visit.visit for visit in visits}) == 1
    assert [visit.seq for visit in visits] == [1, 2, 3]


def test_a_cat_is_seen_and_is_no_visit(gallery: Gallery) -> None:
    brain = Brain(Table(lambda _: ([DetectedObject("cat", BODY, 0.8)], None)), gallery, BrainSettings())
    facts = list(brain.see(Frame("hall", jpeg(0), START)))
    assert [sighting.label for fact in facts if isinstance(fact, Detections) for sighting in fact.detections] == ["cat"]
    assert shown(brain, range(1, 30)) == []


def test_one_lucky_pattern_in_one_frame_is_nobody(gallery: Gallery) -> None:
    brain = Brain(Table(somebody(None, range(5, 6))), gallery, BrainSettings())
    assert shown(brain, range(30)) == []


def test_whoever_leaves_and_comes_back_later_is_a_new_visit(gallery: Gallery) -> None:
    def see(number: int) -> tuple[list[DetectedObject], int | None]:
        return ([DetectedObject("person", BODY, 0.9)], None) if number % 30 < 10 else ([], None)

    assert len({visit.visit for visit in shown(Brain(Table(see), gallery, BrainSettings()), range(90))}) == 3


def test_somebody_missed_for_a_second_is_the_same_visit(gallery: Gallery) -> None:
    def see(number: int) -> tuple[list[DetectedObject], int | None]:
        return ([DetectedObject("person", BODY, 0.9)], None) if number % 5 < 3 else ([], None)

    assert len({visit.visit for visit in shown(Brain(Table(see), gallery, BrainSettings()), range(60))}) == 1


@pytest.mark.parametrize(
    "damaged",
    [b"", b"hello", b"\xff\xd8", jpeg(0)[:200], b"\xff\xd8\xff\xe0" + bytes(500) + b"\xff\xd9", b"\x89PNG" * 40],
    ids=["empty", "text", "two bytes", "truncated", "zeros", "png"],
)
def test_a_picture_that_cannot_be_used_is_counted_and_the_visit_goes_on(
    gallery: Gallery, damaged: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    brain = Brain(Table(somebody(None, range(60))), gallery, BrainSettings())
    before = shown(brain, range(5))
    assert list(brain.see(Frame("hall", damaged, START + timedelta(seconds=2.2)))) == []
    after = shown(brain, range(5, 25))
    assert len({visit.visit for visit in before + after}) == 1
    assert brain.counts["bad"] == 1
    assert "hall: frame dropped: " in caplog.text


def test_verdicts_fall_due_though_no_frame_comes(gallery: Gallery) -> None:
    brain = Brain(Table(somebody(None, range(10))), gallery, BrainSettings())
    shown(brain, range(4))
    visits = [*brain.tick("hall", START + timedelta(seconds=11))]
    assert [visit.verdict for visit in visits] == ["unidentified"]
    visits = [*brain.tick("hall", START + timedelta(seconds=90))]
    assert [visit.phase for visit in visits] == ["ended"]
    assert brain.visits == []


def test_whoever_is_enrolled_while_being_seen_is_known_at_once(gallery: Gallery) -> None:
    brain = Brain(Table(somebody(ALICE, range(200))), gallery, BrainSettings())
    before = shown(brain, range(40))
    gallery.learn("alice", [Photo(a_face(ALICE), "0", "a.jpg")])
    after = shown(brain, range(40, 50))
    assert told(before)[1:] == [("decided", "stranger", None, True)]
    assert told(after) == [("corrected", "family", "alice", False)]


def test_a_clock_that_is_set_back_ends_what_was_open(gallery: Gallery) -> None:
    brain = Brain(Table(somebody(None, range(100))), gallery, BrainSettings())
    before = shown(brain, range(50, 60))
    after = shown(brain, range(10))
    assert [visit.phase for visit in after] == ["decided", "ended", "started"]
    assert len({visit.visit for visit in before + after}) == 2


def test_a_face_is_compared_less_often_once_it_is_known(gallery: Gallery) -> None:
    gallery.learn("alice", [Photo(a_face(ALICE), "0", "a.jpg")])
    backend = Table(somebody(ALICE, range(200)))
    shown(Brain(backend, gallery, BrainSettings()), range(100), fps=10)
    assert 8 <= backend.weighted_vectors <= 16  # of 10 s: every 0.25 s until it is decided, then every second


def test_time_passes_for_each_place_by_itself(gallery: Gallery) -> None:
    brain = Brain(Table(somebody(None, range(10))), gallery, BrainSettings())
    shown(brain, range(4))
    assert [*brain.tick("porch", START + timedelta(seconds=90))] == []


def test_a_restarted_brain_goes_on_with_the_visit(gallery: Gallery, tmp_path: Path) -> None:
    backend = Table(somebody(STRANGER, range(60)))
    with BrainState(tmp_path / "brain.db") as memory:
        brain = Brain(backend, gallery, BrainSettings())
        before = shown(brain, range(10))
        memory.store(before, brain.visits)
    with BrainState(tmp_path / "brain.db") as memory:
        again = Brain(backend, gallery, BrainSettings(), visits=memory.visits())
        after = [*shown(again, range(14, 30)), *again.finish(START + timedelta(seconds=15))]
        assert memory.outbox.counts()["waiting"] == len(before)
    assert {visit.visit for visit in before} == {visit.visit for visit in after}
    assert [visit.seq for visit in before + after] == [1, 2, 3]
    assert sum(visit.alert for visit in before + after) == 1


def test_the_mode_outlives_the_brain(tmp_path: Path) -> None:
    with BrainState(tmp_path / "brain.db") as memory:
        assert memory.mode == "home"
        memory.mode = "night"
    with BrainState(tmp_path / "brain.db") as memory:
        assert memory.mode == "night"


def test_the_picture_of_a_visit_is_a_small_jpeg_of_the_person(gallery: Gallery) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (2160, 3840, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "JPEG", quality=90)
    backend = Table(lambda _: ([DetectedObject("person", BODY, 0.9)], None))
    brain = Brain(backend, gallery, BrainSettings())
    visits = [
        fact
        for number in range(3)
        for fact in brain.see(Frame("hall", out.getvalue(), START + timedelta(seconds=number)))
        if isinstance(fact, Visit)
    ]
    assert visits[0].picture is not None
    assert len(visits[0].picture) <= 75_000
    with Image.open(io.BytesIO(visits[0].picture)) as image:
        assert max(image.size) <= 800
