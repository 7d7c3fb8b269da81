"""Clips before the real models and the context: who is named, what rings, and what stays one visit."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import cv2
import pytest

from brain.models.local import LocalBackend
from brain.people.gallery import Gallery
from brain.settings.brain import BrainSettings
from brain.settings.context import PlaceSettings
from brain.vision.picture import Picture
from brain.visits.brain import Brain
from nerves.messages import Box, Detections, Fact, Frame, Visit
from senses.camera.recorded import recording
from tests.cameras import Pixels, jpeg, read_frames

pytestmark = [pytest.mark.media, pytest.mark.models, pytest.mark.timeout(150)]

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
SIZE = (640, 360)
# The visits of the clip, in seconds: clips_ground_truth.csv has its frames, ten a second.
FOUR_VISITS = [(7.0, 19.0), (24.0, 44.0), (51.5, 69.0), (75.5, 86.0)]
HAIR = (28, 30, 36)  # blue, green, red


@pytest.fixture(scope="module")
def vision() -> LocalBackend:
    return LocalBackend("standard", [Path(os.environ["KINWATCH_MODELS"])])


@pytest.fixture
def family(tmp_path: Path, enrolled: Callable[[str], Path]) -> Iterator[Gallery]:
    """Me and my wife."""
    shutil.copy(enrolled("standard") / "gallery.db", tmp_path)
    with Gallery(tmp_path / "gallery.db") as gallery:
        yield gallery


@pytest.fixture
def nobody(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery(tmp_path / "empty.db") as gallery:
        yield gallery


def seen(vision: LocalBackend, gallery: Gallery, frames: Iterable[Frame], place: str) -> list[Fact]:
    """Return all that the brain says of the frames of an entrance."""
    brain = Brain(vision, gallery, BrainSettings(places={place: PlaceSettings(entrance=True)}))
    facts: list[Fact] = []
    at = START
    for frame in frames:
        at = frame.at
        facts += [*brain.see(frame), *brain.tick(place, at)]
    return [*facts, *brain.finish(at)]


def visits(facts: Iterable[Fact]) -> list[list[Visit]]:
    """Return the messages of each visit, in the order in which the visits began."""
    told = [fact for fact in facts if isinstance(fact, Visit)]
    return [[one for one in told if one.visit == visit] for visit in dict.fromkeys(one.visit for one in told)]


def rings(facts: Iterable[Fact]) -> int:
    return sum(fact.alert for fact in facts if isinstance(fact, Visit))


def verdicts(facts: Iterable[Fact]) -> list[tuple[str, str | None]]:
    return sorted((told[-1].verdict, told[-1].who) for told in visits(facts))


def replayed(vision: LocalBackend, gallery: Gallery, clip: Path, fps: float = 5) -> list[Fact]:
    return seen(vision, gallery, recording(clip, fps=fps), clip.stem)


# The clips as they are


def test_the_family_has_its_names_and_does_not_ring(vision: LocalBackend, family: Gallery, media: Path) -> None:
    facts = replayed(vision, family, media / "clips" / "me_and_wife_facing.mp4")
    assert verdicts(facts) == [("family", "me"), ("family", "wife")]
    assert rings(facts) == 0


@pytest.mark.parametrize("clip", ["me_and_wife_facing.mp4", "corridor_two_strangers.mp4"])
def test_where_nobody_is_enrolled_two_strangers_ring_once(
    vision: LocalBackend, nobody: Gallery, media: Path, clip: str
) -> None:
    facts = replayed(vision, nobody, media / "clips" / clip)
    assert verdicts(facts) == [("stranger", None)] * 2
    assert rings(facts) == 1


def test_two_strangers_get_nobodys_name_and_ring_once(vision: LocalBackend, family: Gallery, media: Path) -> None:
    facts = replayed(vision, family, media / "clips" / "corridor_two_strangers.mp4")
    assert {*verdicts(facts)} <= {("stranger", None), ("unidentified", None)}
    assert len(visits(facts)) == 2
    assert rings(facts) == 1


def test_four_people_seen_from_behind_are_four_visits_and_ring_once(
    vision: LocalBackend, family: Gallery, media: Path
) -> None:
    facts = replayed(vision, family, media / "clips" / "visits_1_4.mp4", fps=2)
    assert verdicts(facts) == [("unidentified", None)] * 4
    for told, (first_s, last_s) in zip(visits(facts), FOUR_VISITS, strict=True):
        assert first_s - 2 <= told[-1].since.timestamp()
        assert told[-1].last.timestamp() <= last_s + 2
    assert rings(facts) == 1


# Composed clips: the father in front of a room


class Studio:
    """Makes frames of the room, the father and the cat."""

    def __init__(self, media: Path) -> None:
        self._empty = [cv2.resize(frame, SIZE) for frame in read_frames(media / "clips" / "visits_1_4.mp4", 30)]
        self._father = [frame[:, 250:] for frame in read_frames(media / "clips" / "me_and_wife_facing.mp4", 56)]
        cat = cv2.imread(str(media / "stills" / "coral_cat_cat_720p.jpg"))
        assert cat is not None
        self._cat = cv2.resize(cat[:, 60:920], (160, 134))

    def empty(self, number: int) -> Pixels:
        return self._empty[number % len(self._empty)].copy()

    def father(self, number: int, x: int = 200) -> Pixels:
        """Return a frame with the father, so many pixels from the left."""
        return _pasted(self.empty(number), self._father[number % len(self._father)], x, 90)

    def father_and_cat(self, number: int) -> Pixels:
        """Return a frame of the two, who walk to the right with each frame."""
        x = 20 + 6 * number
        return _pasted(self.father(number, x), self._cat, x + 230, 226)

    def turned(self, number: int, vision: LocalBackend) -> Pixels:
        """Return a frame with the father, and hair where his face was."""
        frame = self.father(number)
        for face in _faces(vision, frame):
            width, height = face.w * SIZE[0], face.h * SIZE[1]
            middle = int(face.x * SIZE[0] + width / 2), int(face.y * SIZE[1] + 0.4 * height)
            cv2.ellipse(frame, middle, (int(0.75 * width), int(0.85 * height)), 0, 0, 360, HAIR, -1)
        assert not _faces(vision, frame)
        return frame


def _pasted(frame: Pixels, patch: Pixels, x: int, y: int) -> Pixels:
    height, width = patch.shape[:2]
    frame[y : y + height, x : x + width] = patch
    return frame


def _faces(vision: LocalBackend, frame: Pixels) -> list[Box]:
    picture = Picture(jpeg(frame))
    people = [one.box for one in vision.detect(picture) if one.label == "person"]
    return [face.box for box in people for face in vision.find_faces(picture, box)]


def film(*scenes: Iterable[tuple[float, Pixels]]) -> Iterator[Frame]:
    """Yield the frames of scenes; each has the seconds since the frame before."""
    at = START
    for seconds, pixels in chain(*scenes):
        at += timedelta(seconds=seconds)
        yield Frame("hall", jpeg(pixels), at)


@pytest.fixture
def studio(media: Path) -> Studio:
    return Studio(media)


def test_a_cat_that_walks_with_the_father_is_no_visit_and_does_not_ring(
    vision: LocalBackend, family: Gallery, studio: Studio
) -> None:
    walk = ((0.2, studio.father_and_cat(number)) for number in range(35))
    facts = seen(vision, family, film(walk, ((0.2, studio.empty(number)) for number in range(20))), "hall")
    frames = [fact for fact in facts if isinstance(fact, Detections)]
    assert sum(any(one.label == "cat" for one in frame.detections) for frame in frames) >= 10
    assert verdicts(facts) == [("family", "me")]
    assert rings(facts) == 0


def fidgeting(studio: Studio, vision: LocalBackend) -> list[tuple[float, Pixels]]:
    """He moves, and is seen twice a second."""
    return [(0.5, frame) for number in range(30) for frame in 4 * [studio.turned(2 * number, vision)]]


def still(studio: Studio, vision: LocalBackend) -> list[tuple[float, Pixels]]:
    """He sits so still that the camera sends a frame in ten seconds."""
    return [(10, studio.turned(number, vision)) for number in range(6)]


def half_hidden(studio: Studio, vision: LocalBackend) -> list[tuple[float, Pixels]]:
    """For two of each ten seconds he is behind something."""
    turned = 8 * [(1.0, studio.turned(0, vision))]
    return 6 * [*turned, *2 * [(1.0, studio.empty(0))]]


@pytest.mark.parametrize("minute", [fidgeting, still, half_hidden])
def test_whoever_turns_his_back_for_a_minute_is_one_visit_and_does_not_ring(
    vision: LocalBackend, family: Gallery, studio: Studio, minute: Callable[..., list[tuple[float, Pixels]]]
) -> None:
    facing = [(0.2, studio.father(2 * number)) for number in range(14)]
    turned = minute(studio, vision)
    assert sum(seconds for seconds, _ in turned) == 60
    gone = [(0.2, studio.empty(number)) for number in range(20)]
    facts = seen(vision, family, film(facing, turned, facing, gone), "hall")
    [told] = visits(facts)
    assert (told[-1].phase, told[-1].verdict, told[-1].who) == ("ended", "family", "me")
    assert told[-1].last - told[0].since > timedelta(seconds=60)
    assert rings(facts) == 0
