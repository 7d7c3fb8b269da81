"""A human's word: what is learned from it, by whom it is heard, and that it is neither lost nor learned twice."""

import io
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from PIL import Image

from brain.album.album import Album, PastVisit
from brain.album.learn import label_record, learn, reference_faces
from brain.people.gallery import Gallery, LabelRecord, Photo
from brain.process.album_writer import AlbumWriter, past_visit
from brain.process.label_inbox import LabelInbox
from brain.process.state import BrainState
from brain.settings.brain import AlbumSettings, BrainSettings
from brain.vision.backend import DetectedObject, Face, FaceEmbedding, Vector
from brain.vision.crop import Crop
from brain.vision.picture import Picture
from brain.visits.brain import Brain
from nerves.durable_queue import DurableQueue as Inbox
from nerves.errors import MessageError
from nerves.messages import Box, Fact, Frame, Label, Visit
from tests.paths import ROOT
from tests.people import face as a_face
from tests.people import faces

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
BODY, HEAD = Box(0.4, 0.2, 0.2, 0.8), Box(0.46, 0.22, 0.08, 0.12)
ALICE, STRANGER, POSTER = 1, 2, 3


def face(of: int, number: int = 0, *, spread: float = 0.25) -> Vector:
    """A face as dlib sees it: people about 0.85 apart, the faces of one within 0.45 or so."""
    who = np.random.default_rng(of).normal(size=128)
    now = np.random.default_rng([of, number]).normal(size=128)
    return (0.6 * who / np.linalg.norm(who) + spread * now / np.linalg.norm(now)).astype(np.float32)


def crop(of: int, second: float, *, weight: float = 0.9) -> Crop:
    return Crop(START + timedelta(seconds=second), f"{of} {second}".encode(), face(of, round(second)), weight, 60.0)


def word(visit: UUID, who: str | None = "alice") -> LabelRecord:
    return LabelRecord(visit, "hall", who, "family", None, START, None)


def visited(album: Album, crops: list[Crop]) -> UUID:
    visit = PastVisit(uuid4(), "hall", START, START, "stranger", stranger="stranger-1", box=BODY)
    album.put(visit, crops)
    return visit.visit


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery(tmp_path / "gallery.db") as gallery:
        yield gallery


@pytest.fixture
def album(tmp_path: Path) -> Iterator[Album]:
    with Album(tmp_path / "album.db") as album:
        yield album


def test_the_good_faces_of_a_visit_become_photos_of_the_person(album: Album, gallery: Gallery) -> None:
    visit = visited(album, [crop(ALICE, 0), crop(ALICE, 1), crop(ALICE, 2), crop(ALICE, 3, weight=0.1)])
    learned = learn(word(visit), album, gallery)
    assert (learned.photos, learned.left_out, learned.why) == (3, 1, "")
    assert gallery.nearest(face(ALICE, 9), START)[0].name == "alice"
    assert {reference.visit for reference in gallery.references("alice")} == {visit}
    assert gallery.labels()[0].box == BODY
    assert [one.named for one in album.visits()] == [True]


def test_the_same_label_again_changes_nothing(album: Album, gallery: Gallery) -> None:
    visit = visited(album, [crop(ALICE, second) for second in range(3)])
    for _ in range(2):
        learn(word(visit), album, gallery)
    assert gallery.people()[0].photos == 3
    assert len(gallery.labels()) == 1


def test_the_same_label_again_unlearns_nothing_after_the_pictures_were_removed(album: Album, gallery: Gallery) -> None:
    visit = visited(album, [crop(ALICE, second) for second in range(3)])
    assert learn(word(visit), album, gallery).photos == 3
    album.discard([visit])
    again = learn(word(visit), album, gallery)
    assert (again.photos, again.why) == (0, "it was said before, and its pictures have gone since")
    assert gallery.people()[0].photos == 3


def test_faces_of_a_person_who_crossed_are_not_learned() -> None:
    mixed = [crop(ALICE, 0), crop(ALICE, 1), crop(STRANGER, 2), crop(ALICE, 3)]
    assert [found.at.second for found, _ in reference_faces(mixed)] == [0, 1, 3]
    assert reference_faces([]) == []


def test_a_label_without_a_good_face_is_stored_and_teaches_nothing(album: Album, gallery: Gallery) -> None:
    back = visited(album, [Crop(START, b"back", None, 0.0, 0.0)])
    assert learn(word(back), album, gallery).why == "no face of this visit is good enough to learn"
    assert learn(word(uuid4()), album, gallery).why == "this visit is not in the album"
    assert gallery.people() == []
    assert len(gallery.labels()) == 2


def test_a_guest_who_is_labelled_again_stays_a_guest(gallery: Gallery) -> None:
    end = START + timedelta(days=3)
    gallery.learn("bob", [Photo(face(5), "0", "bob.jpg")], group="guest", until=end)
    told = Label(place="hall", visit=uuid4(), who="bob")
    assert (label_record(told, gallery).group, label_record(told, gallery).until) == ("guest", end)
    assert label_record(told.model_copy(update={"who": "carol"}), gallery).group == "family"
    assert label_record(Label(place="hall", visit=uuid4(), who="bob", group="family"), gallery).group == "family"


def test_a_button_with_the_name_and_group_of_a_guest_does_not_make_the_pass_endless(gallery: Gallery) -> None:
    end = START + timedelta(days=3)
    gallery.learn("bob", [Photo(face(5), "0", "bob.jpg")], group="guest", until=end)
    button = Label(place="hall", visit=uuid4(), who="bob", group="guest", at=START)
    assert label_record(button, gallery).until == end
    longer = button.model_copy(update={"until": end + timedelta(days=1)})
    assert label_record(longer, gallery).until == end + timedelta(days=1)
    again = button.model_copy(update={"at": end})  # the pass has ended: this is a new one
    assert label_record(again, gallery).until is None


def test_somebody_known_who_is_labelled_again_keeps_the_hours(gallery: Gallery) -> None:
    gallery.learn("maria", [Photo(face(5), "0", "m.jpg")], group="known", hours=["Tue 09:00-12:00"])
    for told in (
        Label(place="hall", visit=uuid4(), who="maria"),
        Label(place="hall", visit=uuid4(), who="maria", group="known"),
    ):
        record = label_record(told, gallery)
        assert (record.group, record.hours) == ("known", ("Tue 09:00-12:00",))
    promoted = label_record(Label(place="hall", visit=uuid4(), who="maria", group="family"), gallery)
    assert (promoted.group, promoted.hours) == ("family", ())


def test_a_label_with_the_group_known_teaches_somebody_new(album: Album, gallery: Gallery) -> None:
    visit = visited(album, [crop(STRANGER, second) for second in range(3)])
    told = Label.read("kinwatch/hall/label", Label(place="hall", visit=visit, who="Postman", group="known").payload())
    assert learn(label_record(told, gallery), album, gallery).photos == 3
    assert [(one.name, one.group, one.hours) for one in gallery.people()] == [("Postman", "known", ())]


# What arrives from the bus.


def lessons(folder: Path, gallery: Gallery, album: Album | None) -> tuple[LabelInbox, Inbox]:
    inbox = Inbox(folder / "inbox.db", "told", max_tries=3, base_s=0.0)
    return LabelInbox(inbox, gallery, lambda: album), inbox


def nothing(_: UUID) -> None:
    """Show no open visit."""


def test_a_label_is_learned_once(tmp_path: Path, album: Album, gallery: Gallery) -> None:
    visit = visited(album, [crop(ALICE, second) for second in range(3)])
    heard, inbox = lessons(tmp_path, gallery, album)
    body = Label(place="hall", visit=visit, who="alice").payload()
    for _ in range(2):  # the broker may bring it twice
        heard.receive("kinwatch/hall/label", body)
    heard.learn_waiting(nothing)
    assert inbox.counts() == {"waiting": 0, "dead": 0, "done": 1}
    assert gallery.people()[0].photos == 3
    inbox.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"who": "alice"}',
        b'{"visit": "x"}',
        b'{"visit": "0193f5a2-7c1e-7000-8000-000000000000", "who": ""}',
        b'{"visit": "0193f5a2-7c1e-7000-8000-000000000000", "who": "a", "until": "2026-11-22T00:00:00Z"}',
    ],
)
def test_an_unreadable_label_is_logged_and_dropped(tmp_path: Path, gallery: Gallery, body: bytes) -> None:
    heard, inbox = lessons(tmp_path, gallery, None)
    with pytest.raises(MessageError, match=r"^kinwatch/hall/label: "):
        heard.receive("kinwatch/hall/label", body)
    assert inbox.counts()["waiting"] == 0
    inbox.close()


def test_a_label_that_always_fails_is_parked(tmp_path: Path, gallery: Gallery) -> None:
    heard, inbox = lessons(tmp_path, gallery, None)
    heard.receive("kinwatch/hall/label", Label(place="hall", visit=uuid4(), who="alice").payload())
    heard.learn_waiting(nothing)
    assert inbox.counts() == {"waiting": 0, "dead": 1, "done": 0}
    inbox.close()


LEARNER = """
    import sys
    from pathlib import Path
    from brain.album.album import Album
    from brain.people.gallery import Gallery
    from brain.process.label_inbox import LabelInbox
    from nerves.durable_queue import DurableQueue

    folder = Path(sys.argv[1])
    with Album(folder / "album.db") as album, Gallery(folder / "gallery.db") as gallery:
        lessons = LabelInbox(DurableQueue(folder / "inbox.db", "told"), gallery, lambda: album)
        print("ready", flush=True)
        lessons.study(lambda visit: None)
"""


@pytest.mark.timeout(90)
def test_labels_are_learned_completely_and_once_though_the_brain_is_killed(tmp_path: Path) -> None:
    with Album(tmp_path / "album.db") as album, Gallery(tmp_path / "gallery.db") as gallery:
        heard, inbox = lessons(tmp_path, gallery, album)
        for number in range(20):
            visit = visited(album, [crop(100 + number, second) for second in range(3)])
            told = Label(place="hall", visit=visit, who=f"person {number}")
            heard.receive("kinwatch/hall/label", told.payload())
        chance = random.Random(0)  # noqa: S311 - when to kill
        for _ in range(8):
            learner = subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(LEARNER), str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
            )
            assert learner.stdout is not None
            learner.stdout.readline()
            time.sleep(chance.uniform(0, 0.06))
            learner.send_signal(signal.SIGKILL)
            learner.wait()
            learner.stdout.close()
            assert all(person.photos == 3 for person in gallery.people()), "half a word was learned"
            if not inbox.counts()["waiting"]:
                break
        heard.learn_waiting(nothing)
        assert inbox.counts()["waiting"] == 0
        assert len(gallery.labels()) == len(gallery.people()) == 20
        assert all(person.photos == 3 for person in gallery.people())
        inbox.close()


# What the brain makes of it while the visit lasts.


class Room:
    """A sight that sees one person in every picture; `whose` says whose face, by the picture's number."""

    name, min_person_score = "room", 0.4

    def __init__(self, whose: Callable[[int], int | None]) -> None:
        self._whose = whose

    def detect(self, _: Picture) -> list[DetectedObject]:
        return [DetectedObject("person", BODY, 0.9)]

    def find_faces(self, picture: Picture, within: Box | None = None) -> list[Face]:
        return [Face(HEAD, 0.9, 80)] if within and self._whose(picture.width - 64) else []

    def identify(self, picture: Picture, found: Face) -> None:  # noqa: ARG002 - the protocol\'s
        return

    def embed(self, picture: Picture, found: Face) -> FaceEmbedding | None:
        whose = self._whose(picture.width - 64)
        assert whose
        # Looks of one visit have light and pose in common.
        return FaceEmbedding(faces(whose, 90, alike=0.4)[picture.width - 64], found.width, 50.0, 0.0, 1.0)


def jpeg(number: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.zeros((64, 64 + number, 3), np.uint8)).save(out, "JPEG")
    return out.getvalue()


def shown(brain: Brain, numbers: range, later: timedelta = timedelta()) -> list[Visit]:
    facts: list[Fact] = []
    for number in numbers:
        facts += brain.see(Frame("hall", jpeg(number), START + later + timedelta(seconds=number / 2), number))
    return [fact for fact in facts if isinstance(fact, Visit)]


def held(visits: list[Visit]) -> list[tuple[str, str, str | None, bool]]:
    return [(visit.phase, visit.verdict, visit.who, visit.alert) for visit in visits]


def test_an_open_visit_is_who_a_human_says_until_it_is_taken_back(album: Album, gallery: Gallery) -> None:
    gallery.learn("bob", [Photo(a_face(5, number), str(number), "b") for number in range(5)])
    brain = Brain(Room(lambda _: STRANGER), gallery, BrainSettings())
    before = shown(brain, range(20))
    assert held(before)[-1] == ("decided", "stranger", None, True)
    album.put(past_visit(brain.visits[0]), brain.visits[0].crops)
    assert learn(word(brain.visits[0].id, "carol"), album, gallery).photos >= 2
    (told,) = shown(brain, range(20, 40))
    assert held([told]) == [("corrected", "family", "carol", False)]
    assert told.reasons == ("you said so",)
    gallery.undo()
    (taken_back,) = shown(brain, range(40, 44))
    assert held([taken_back]) == [("corrected", "stranger", None, False)]
    assert "what you said was taken back" in taken_back.reasons


def test_faces_do_not_overrule_a_human(gallery: Gallery) -> None:
    gallery.learn("bob", [Photo(a_face(5, number), str(number), "b") for number in range(5)])
    brain = Brain(Room(lambda number: None if number < 10 else 5), gallery, BrainSettings())
    shown(brain, range(6))
    gallery.learn_label(word(brain.visits[0].id, "carol"), [])
    assert held(shown(brain, range(6, 60))) == [("decided", "family", "carol", False)]


def test_what_was_labelled_not_a_person_never_alerts_even_after_a_restart(gallery: Gallery, tmp_path: Path) -> None:
    sight = Room(lambda _: POSTER)
    brain = Brain(sight, gallery, BrainSettings())
    shown(brain, range(2))
    gallery.learn_label(word(brain.visits[0].id, None), [])
    (told,) = shown(brain, range(2, 20))
    assert held([told]) == [("decided", "unidentified", None, False)]
    assert told.reasons == ("you said it is not a person",)
    with BrainState(tmp_path / "brain.db") as memory:
        memory.store([], brain.visits)
        again = Brain(sight, gallery, BrainSettings(), visits=memory.visits())
    assert shown(again, range(20, 80)) == []


def test_named_from_the_bus_while_it_lasts_its_pictures_are_learned_at_once(tmp_path: Path, gallery: Gallery) -> None:
    gallery.learn("bob", [Photo(a_face(5, number), str(number), "b") for number in range(5)])
    brain = Brain(Room(lambda _: STRANGER), gallery, BrainSettings())
    shown(brain, range(3))
    keepsakes = AlbumWriter(tmp_path / "album.db", AlbumSettings())
    inbox = Inbox(tmp_path / "inbox.db", "told")
    heard = LabelInbox(inbox, gallery, keepsakes.album)
    heard.receive("kinwatch/hall/label", Label(place="hall", visit=brain.visits[0].id, who="carol").payload())
    heard.learn_waiting(lambda visit: keepsakes.put(each for each in brain.visits if each.id == visit))
    assert {person.name: person.photos for person in gallery.people()} == {"bob": 5, "carol": 2}
    assert held(shown(brain, range(3, 10))) == [("corrected", "family", "carol", False)]
    inbox.close()
    keepsakes.close()


def test_a_stranger_who_comes_again_is_said_to_have_been_here(gallery: Gallery) -> None:
    gallery.learn("bob", [Photo(a_face(5, number), str(number), "b") for number in range(5)])
    brain = Brain(Room(lambda _: STRANGER), gallery, BrainSettings())
    shown(brain, range(20))
    (first,) = brain.finish(START + timedelta(seconds=10))
    soon = next(visit for visit in shown(brain, range(60, 80)) if visit.phase == "decided")
    assert (soon.stranger, soon.times) == ("stranger-1", 1)  # in the next room, say
    list(brain.finish(START + timedelta(seconds=50)))
    again = next(visit for visit in shown(brain, range(60, 80), timedelta(hours=1)) if visit.phase == "decided")
    assert (first.stranger, first.times) == ("stranger-1", 1)
    assert (again.stranger, again.times, again.first_met) == ("stranger-1", 2, first.since)
    assert again.reasons[0] == "stranger-1: seen 2 times today"
