"""What the context knows, on disk."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.context.house_log import HouseLog, PhoneReport
from brain.context.incident import OpenIncident
from brain.context.memory import HouseMemory
from brain.context.occupancy import Suspect
from brain.context.sighting import Sighting
from brain.context.walks import Continuation
from brain.process.house_memory import HouseMemoryStore
from brain.process.packed_memory import pack_house, pack_sighting, sighting_row, unpack
from brain.process.state import BrainState
from brain.vision.appearance import APPEARANCE_NUMBERS, Appearance
from nerves.database import Database
from nerves.messages import Verdict
from tests.brain.context.sightings import ENTRANCES, NOON, RED, after_noon, log_of, sighting

MOMENTS = st.integers(0, 40_000_000_000).map(lambda microseconds: NOON + timedelta(microseconds=microseconds))
PLACES, NAMES = st.sampled_from(["door", "hall", "kitchen"]), st.sampled_from(["ann", "ben", "Zoë ☂"])
VERDICTS: st.SearchStrategy[Verdict] = st.sampled_from(["identifying", "unidentified", "family", "stranger"])
ODDS = st.floats(-50, 50)
LOOKS = st.builds(
    lambda seed, chroma: Appearance(np.random.default_rng(seed).random(APPEARANCE_NUMBERS, np.float32), chroma),
    st.integers(0, 9),
    st.floats(0, 1),
)


IDS = st.frozensets(st.uuids(), max_size=3)
INCIDENTS = st.builds(
    OpenIncident,
    st.uuids(),
    MOMENTS,
    MOMENTS,
    st.lists(PLACES, max_size=3).map(tuple),
    IDS,
    IDS,
    st.sampled_from(["unidentified", "stranger"]),
    st.integers(0, 3),
)


@st.composite
def sightings(draw: st.DrawFn) -> Sighting:
    first = draw(MOMENTS)
    return Sighting(
        draw(st.uuids(version=4)),
        draw(PLACES),
        first,
        first + timedelta(seconds=draw(st.integers(0, 100))),
        draw(VERDICTS),
        draw(st.none() | NAMES),
        draw(st.none() | LOOKS),
        draw(st.integers(0, 8)),
        is_open=draw(st.booleans()),
        is_still=draw(st.booleans()),
        face_log_odds=draw(ODDS),
        likely=draw(st.none() | NAMES),
    )


@st.composite
def memories(draw: st.DrawFn) -> HouseMemory:
    log = log_of(*draw(st.lists(sightings(), max_size=8)))
    for one in draw(st.sets(st.sampled_from([*log.sightings]))) if log.sightings else ():
        log.learn_way(one)
    for person, at, is_home in draw(st.lists(st.tuples(NAMES, MOMENTS, st.booleans()), max_size=4)):
        log.report_phone(person, PhoneReport(at, is_home))
    for person, at in draw(st.lists(st.tuples(NAMES, MOMENTS), max_size=4)):
        log.hours.learn(person, at)
    log.watched_since = draw(MOMENTS)
    roots = draw(st.lists(st.builds(Suspect, st.uuids(), MOMENTS, st.booleans(), st.booleans()), max_size=3))
    alerted = draw(st.dictionaries(st.tuples(PLACES, NAMES), MOMENTS, max_size=3))
    return HouseMemory(draw(MOMENTS), log, {one.root: one for one in roots}, alerted, draw(st.none() | INCIDENTS))


def packed(memory: HouseMemory) -> tuple[list[bytes], bytes]:
    rows = [pack_sighting(sighting_row(memory.log, visit)) for visit in memory.log.sightings]
    return rows, pack_house(memory)


@settings(max_examples=40, deadline=None)
@given(memories())
def test_what_is_unpacked_is_what_was_packed(memory: HouseMemory) -> None:
    again = unpack(*packed(memory), memory.at)
    assert again.at == memory.at
    for name in ("links", "learnt", "phones", "watched_since", "roots", "bodies", "after", "by_person"):
        assert getattr(again.log, name) == getattr(memory.log, name)
    assert (again.log.travel.gaps, again.log.travel.arrivals) == (memory.log.travel.gaps, memory.log.travel.arrivals)
    assert again.log.hours.counts == memory.log.hours.counts
    assert (again.suspects, again.alerted, again.incident) == (memory.suspects, memory.alerted, memory.incident)
    for before, after in zip(memory.log.sightings.values(), again.log.sightings.values(), strict=True):
        assert replace(after, appearance=None) == replace(before, appearance=None)
        assert (after.appearance is None) == (before.appearance is None)
        if after.appearance and before.appearance:
            assert np.array_equal(after.appearance.vector, before.appearance.vector)
            assert after.appearance.chroma == before.appearance.chroma


def test_what_is_stored_last_is_loaded(tmp_path: Path) -> None:
    log, other = log_of(sighting("hall", 0, 2, "ann", clothes=RED)), log_of(sighting("hall", 100))
    suspect = Suspect(uuid4(), NOON, from_outside=True, is_stranger=False)
    first, second = HouseMemory(NOON, log, {suspect.root: suspect}), HouseMemory(after_noon(9), other)
    with Database(tmp_path / "brain.db") as database:
        store = HouseMemoryStore(database)
        for memory in (first, second, first):
            store.store(memory)
            found = HouseMemoryStore(database).load()
            assert found is not None
            assert (packed(found), found.at) == (packed(memory), memory.at)


@contextmanager
def written(database: Database) -> Iterator[list[str]]:
    """Collect the first three words of what is written meanwhile."""
    words: list[str] = []
    with database.open() as connection:
        connection.set_trace_callback(lambda text: words.append(" ".join(text.split()[:3])))
        yield words
        connection.set_trace_callback(None)


def test_only_what_has_changed_is_written(tmp_path: Path) -> None:
    seen = [sighting("hall", 100 * number, who="ann", clothes=RED) for number in range(50)]
    log = log_of(*seen)
    time, visit, house = "INSERT OR REPLACE", "INSERT INTO sightings", "INSERT OR REPLACE"
    with Database(tmp_path / "brain.db") as database:
        store = HouseMemoryStore(database)
        store.store(HouseMemory(NOON, log))
        store = HouseMemoryStore(database)
        found = store.load()
        assert found is not None
        with written(database) as words:
            store.store(found)
        assert words == ["BEGIN IMMEDIATE", time, "COMMIT"]
        found.log.update(replace(found.log.sightings[seen[7].visit], last=after_noon(9999)))
        found.log.report_phone("ann", PhoneReport(NOON, is_home=True))
        with written(database) as words:
            store.store(found)
        assert words == ["BEGIN IMMEDIATE", visit, house, time, "COMMIT"]
        del found.log.sightings[seen[8].visit]
        with written(database) as words:
            store.store(found)
        assert words == ["BEGIN IMMEDIATE", "DELETE FROM sightings", time, "COMMIT"]


def test_the_order_of_the_visits_stays(tmp_path: Path) -> None:
    log = log_of(sighting("hall", 0), sighting("hall", 100), sighting("hall", 200))
    first = next(iter(log.sightings.values()))
    with Database(tmp_path / "brain.db") as database:
        store = HouseMemoryStore(database)
        store.store(HouseMemory(NOON, log))
        log.update(replace(first, last=after_noon(50)))
        store.store(HouseMemory(NOON, log))
        found = HouseMemoryStore(database).load()
    assert found is not None
    assert list(found.log.sightings) == list(log.sightings)


def test_nothing_stored_is_nothing_known(tmp_path: Path) -> None:
    with BrainState(tmp_path / "brain.db") as state:
        assert state.memory(NOON, ENTRANCES) is None


DAMAGES = [
    "UPDATE sightings SET body = '{}'",
    "UPDATE sightings SET body = replace(CAST(body AS TEXT), 'family', 'friend')",
    "UPDATE sightings SET body = x'ff00'",
    "UPDATE memory SET value = 'no JSON' WHERE key = 'house'",
    "UPDATE memory SET value = 'yesterday' WHERE key = 'at'",
    "ALTER TABLE sightings RENAME COLUMN body TO facts",
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_older_table_is_a_clear_line_and_the_brain_starts_empty(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    log = log_of(sighting("hall", 0, 2, "ann", clothes=RED))
    with BrainState(tmp_path / "brain.db") as state:
        state.mode = "night"
        state.store([], [], HouseMemory(NOON, log))
    with Database(tmp_path / "brain.db") as database, database.transaction() as connection:
        connection.execute(damage)
    with BrainState(tmp_path / "brain.db") as state, caplog.at_level(logging.WARNING):
        assert state.memory(NOON, ENTRANCES) is None
        [line] = caplog.messages
        assert "brain.db: who was seen and who is in cannot be read and is forgotten: " in line
        assert "\n" not in line
        state.store([], [], HouseMemory(NOON, log))
    with BrainState(tmp_path / "brain.db") as state:
        found = state.memory(NOON, ENTRANCES)
        assert found is not None
        assert [one.who for one in found.log.of("ann")] == ["ann"]
        assert state.mode == "night"


def test_walking_times_with_other_intervals_are_dropped() -> None:
    log = log_of()
    log.travel.gaps = {"hall>kitchen": [1, 2, 3], "kitchen>hall": [0, 0, 1, 0, 0, 0]}
    log.travel.arrivals = {"hall": [1, 2], "kitchen": [1]}
    travel = unpack(*packed(HouseMemory(NOON, log)), NOON).log.travel
    assert (travel.gaps, travel.arrivals) == ({"kitchen>hall": [0, 0, 1, 0, 0, 0]}, {"hall": [1, 2]})


def test_a_way_that_is_a_circle_is_cut() -> None:
    one, other = sighting("hall", 0, 2), sighting("kitchen", 10)
    log: HouseLog = log_of(one, other, by_continuity=False)
    links: dict[UUID, Continuation] = {}
    links[one.visit], links[other.visit] = Continuation(other.visit, 3.0), Continuation(one.visit, 3.0)
    log.links = links
    found = unpack(*packed(HouseMemory(NOON, log)), NOON).log
    assert list(found.links) == [other.visit]
    assert found.root(other.visit).visit == one.visit
