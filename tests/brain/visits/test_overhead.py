"""The search in turned pictures of a camera on the ceiling."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from benchmarks.views_scenes import crossing_scenes, turned_scene
from brain.models.local import LocalBackend
from brain.people.gallery import Gallery
from brain.settings.brain import BrainSettings
from brain.settings.context import PlaceSettings
from brain.vision.backend import DetectedObject, VisionBackend
from brain.vision.picture import Picture, Pixels
from brain.visits.brain import Brain
from brain.visits.frame_analysis import FrameAnalysis
from brain.visits.overhead import OverheadSearch
from nerves.messages import Box, Detections, Frame, Visit
from tests.backends import Blind
from tests.cameras import jpeg

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
CEILING = {"room": PlaceSettings(overhead=True)}
BODY, SOFA = Box(0.25, 0.25, 0.25, 0.5), Box(0.6, 0.5, 0.4, 0.5)
PERSON = DetectedObject("person", BODY, 0.8)


def room(*, somebody: bool = False, grey: int = 100) -> Pixels:
    """A room of 640 x 360 pixels; somebody is where `BODY` is."""
    pixels = np.full((360, 640, 3), grey, np.uint8)
    if somebody:
        pixels[90:270, 160:320] = 20
    return pixels


class Turning(Blind):
    """A vision backend that looks up what a picture shows at each turn (0: as it is), and notes the turns."""

    def __init__(self, shown: dict[int, list[DetectedObject]]) -> None:
        self.shown, self.turns = shown, list[int]()

    def detect(self, _picture: Picture) -> list[DetectedObject]:
        return self.shown.get(0, [])

    def detect_turned(self, _picture: Picture, quarters: int) -> list[DetectedObject]:
        self.turns.append(quarters)
        return self.shown.get(quarters, [])


class Watched:
    """A place whose pictures are searched one after the other."""

    def __init__(self, backend: VisionBackend, place: str = "room") -> None:
        self.backend, self.place, self._search = backend, place, OverheadSearch(CEILING)

    def found(self, pixels: Pixels) -> list[DetectedObject]:
        return self._search.detected(self.place, FrameAnalysis(self.backend, jpeg(pixels)), sure=0.4)


def test_while_nothing_moves_no_picture_is_turned() -> None:
    backend = Turning({1: [PERSON]})
    place = Watched(backend)
    assert [place.found(room()) for _ in range(4)] == [[]] * 4
    assert backend.turns == []


def test_what_moves_is_looked_for_at_one_turn_after_the_other() -> None:
    backend = Turning({3: [PERSON]})
    place = Watched(backend)
    assert [place.found(room(somebody=number % 2 > 0)) for number in range(5)] == [[], [], [], [PERSON], [PERSON]]
    assert backend.turns == [1, 2, 3, 1, 2, 3]  # who is new is looked at in every turn


def test_something_smaller_than_a_person_moves_and_no_picture_is_turned() -> None:
    backend = Turning({1: [PERSON]})
    place = Watched(backend)
    place.found(room())
    mouse = room()
    mouse[180:200, 300:330] = 20  # 0.3 % of the picture
    assert place.found(mouse) == []
    assert backend.turns == []


def test_somebody_who_stands_still_is_found_again() -> None:
    backend = Turning({1: [PERSON]})
    place = Watched(backend)
    place.found(room())
    assert [place.found(room(somebody=True)) for _ in range(3)] == [[PERSON]] * 3
    assert backend.turns == [1, 2, 3, 1, 1]


def test_somebody_who_is_lost_is_looked_for_at_every_turn_and_then_no_more() -> None:
    backend = Turning({1: [PERSON]})
    place = Watched(backend)
    place.found(room())
    place.found(room(somebody=True))
    backend.shown, backend.turns = {}, []
    for _ in range(8):
        place.found(room(somebody=True))
    assert backend.turns == [1, 2, 3, 1]


def test_somebody_whom_the_picture_shows_as_it_is_is_found_once_and_compared_with_animals_once() -> None:
    backend = Turning({0: [PERSON], 1: [PERSON]})
    place = Watched(backend)
    assert [place.found(room(somebody=number % 2 > 0)) for number in range(3)] == [[PERSON]] * 3
    assert backend.turns == [1, 2, 3]


def test_somebody_who_turns_is_followed_from_the_picture_as_it_is() -> None:
    backend = Turning({0: [PERSON]})
    place = Watched(backend)
    assert place.found(room(somebody=True)) == [PERSON]
    backend.shown = {1: [PERSON]}
    assert place.found(room(somebody=True)) == [PERSON]


def test_furniture_that_looks_like_a_turned_person_is_nobody() -> None:
    place = Watched(Turning({1: [DetectedObject("person", SOFA, 0.9)]}))
    place.found(room())
    assert place.found(room(somebody=True)) == []


def test_where_the_light_is_switched_no_picture_is_turned() -> None:
    backend = Turning({1: [PERSON]})
    place = Watched(backend)
    place.found(room())
    lit = room()
    lit += np.linspace(0, 150, 640).astype(np.uint8)[None, :, None]  # a lamp on the right
    assert place.found(lit) == []
    assert backend.turns == []


@pytest.mark.parametrize(("score", "is_person"), [(0.7, True), (0.8, False), (0.9, False)])
@pytest.mark.parametrize("animal_turn", [0, 1, 2, 3])
@pytest.mark.parametrize("person_turn", [0, 1])
def test_whoever_looks_more_like_an_animal_at_any_turn_is_nobody(
    person_turn: int, animal_turn: int, score: float, *, is_person: bool
) -> None:
    shown: dict[int, list[DetectedObject]] = {turn: [] for turn in range(4)}
    shown[person_turn].append(PERSON)
    shown[animal_turn].append(DetectedObject("cat", BODY, score))
    place = Watched(Turning(shown))
    place.found(room())
    assert (PERSON in place.found(room(somebody=True))) == is_person


def test_a_cat_in_somebodys_arms_hides_nobody() -> None:
    cat = DetectedObject("cat", Box(0.3, 0.3, 0.1, 0.15), 0.9)
    place = Watched(Turning({1: [PERSON, cat]}))
    place.found(room())
    assert place.found(room(somebody=True)) == [PERSON]


def test_other_places_and_other_backends_are_not_searched() -> None:
    backend = Turning({1: [PERSON]})
    for place in (Watched(backend, "hall"), Watched(Blind())):
        place.found(room())
        assert place.found(room(somebody=True)) == []
    assert backend.turns == []


# With the models


@pytest.fixture(scope="module")
def standard() -> LocalBackend:
    return LocalBackend("standard", [Path(os.environ["KINWATCH_MODELS"])])


def seen(pictures: Iterator[tuple[int, Pixels]], fps: float, see: Callable[[Frame], Iterator[object]]) -> list[object]:
    return [
        fact
        for order, (number, pixels) in enumerate(pictures)
        for fact in see(Frame("room", jpeg(pixels), START + timedelta(seconds=order / fps), number))
    ]


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
@pytest.mark.parametrize(("overhead", "least", "most"), [(True, 26, 30), (False, 0, 6)])
def test_a_visitor_upside_down_is_one_visit(
    standard: LocalBackend, media: Path, tmp_path: Path, *, overhead: bool, least: int, most: int
) -> None:
    """The first visitor, frames 52 to 188."""
    scene = turned_scene(media, quarters=2, height=1, step=4)
    pictures = ((number, pixels) for number, pixels in scene.pictures if 50 <= number <= 188)
    with Gallery(tmp_path / "gallery.db") as gallery:
        brain = Brain(standard, gallery, BrainSettings(places={"room": PlaceSettings(overhead=overhead)}))
        facts = seen(pictures, scene.fps, brain.see)
    shown = [any(one.label == "person" for one in fact.detections) for fact in facts if isinstance(fact, Detections)]
    assert least <= sum(shown[5:]) <= most
    assert len({fact.visit for fact in facts if isinstance(fact, Visit)}) == overhead


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(90)
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_no_cat_and_no_dog_that_crosses_is_a_visit(
    standard: LocalBackend, media: Path, tmp_path: Path, quarters: int
) -> None:
    for scene in crossing_scenes(media, quarters, labels={"cat", "dog"}):
        with Gallery(tmp_path / "gallery.db") as gallery:
            brain = Brain(standard, gallery, BrainSettings(places=CEILING))
            facts = seen(scene.pictures, scene.fps, brain.see)
        assert [fact for fact in facts if isinstance(fact, Visit)] == [], scene.name
