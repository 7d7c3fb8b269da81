"""What a human's label of a visit changes in the context."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from brain.context.memory import HouseMemory
from brain.context.occupancy import whereabouts
from brain.people.gallery import Gallery, Photo
from brain.people.records import LabelRecord
from brain.settings.brain import BrainSettings
from nerves.messages import Group
from tests.brain.visits.test_context import ALICE, BLUE, PLACES, STRANGER, Body, House
from tests.people import face as a_face


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery(tmp_path / "gallery.db") as gallery:
        gallery.learn("alice", [Photo(a_face(ALICE), "0", "a.jpg")])
        yield gallery


@pytest.fixture
def house(gallery: Gallery) -> House:
    return House(gallery, BrainSettings(places=PLACES))


def label(house: House, gallery: Gallery, visit: UUID, who: str | None, group: Group = "family") -> None:
    gallery.learn_label(LabelRecord(visit, "door", who, group, None, house.now, None), [])


def memory(house: House) -> HouseMemory:
    return house.brain.memory(house.now)


def where_is_alice(house: House) -> str:
    return whereabouts(memory(house).log, "alice", house.now, ["door"])


def stranger_comes_in(house: House) -> UUID:
    house.show("door", Body(STRANGER, BLUE), seconds=8)
    house.show("door", seconds=2)
    house.show("hall", Body(STRANGER, BLUE), seconds=8)
    house.leave("door")
    house.leave("hall")
    assert house.alerts()
    assert memory(house).suspects
    return house.visits[-1].visit


def test_a_label_of_a_visit_that_has_ended_says_who_is_in_and_explains_the_stranger(
    house: House, gallery: Gallery
) -> None:
    visit = stranger_comes_in(house)
    label(house, gallery, visit, "alice")
    house.show("kitchen", Body(clothes=BLUE), seconds=20)
    assert where_is_alice(house) == "in"
    assert memory(house).suspects == {}
    assert house.visits[-1].probably == "alice"
    assert not house.visits[-1].alert


def test_a_label_that_is_taken_back_says_nothing_any_more(house: House, gallery: Gallery) -> None:
    label(house, gallery, stranger_comes_in(house), "alice")
    house.show("kitchen", seconds=1)
    assert where_is_alice(house) == "in"
    gallery.undo()
    house.show("kitchen", seconds=1)
    assert where_is_alice(house) == "unknown"


def test_a_person_who_is_forgotten_is_not_in_the_log_any_more(house: House, gallery: Gallery) -> None:
    house.show("hall", Body(ALICE), seconds=10)
    house.leave("hall")
    house.phone("alice")
    assert (len(memory(house).log.of("alice")), len(memory(house).log.phones)) == (1, 1)
    gallery.forget("alice")
    house.show("hall", seconds=1)
    assert (memory(house).log.sightings, memory(house).log.phones) == ({}, {})


def test_what_is_labelled_as_no_person_after_it_has_ended_was_nobody(house: House, gallery: Gallery) -> None:
    house.show("kitchen", Body(clothes=BLUE), seconds=15)
    house.leave("kitchen")
    assert len(memory(house).suspects) == 1
    label(house, gallery, house.visits[-1].visit, None)
    house.show("kitchen", seconds=1)
    assert (memory(house).suspects, memory(house).log.sightings) == ({}, {})


def test_what_is_labelled_as_no_person_while_it_is_seen_is_nobody(house: House, gallery: Gallery) -> None:
    house.show("kitchen", Body(clothes=BLUE), seconds=15)
    assert len(memory(house).suspects) == 1
    label(house, gallery, house.visits[-1].visit, None)
    house.show("kitchen", Body(clothes=BLUE), seconds=15)
    house.leave("kitchen")
    assert (memory(house).suspects, memory(house).log.sightings) == ({}, {})
