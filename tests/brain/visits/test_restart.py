"""The brain is killed and started again: the context goes on, and nothing rings twice."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest

from brain.context.occupancy import whereabouts
from brain.people.gallery import Gallery, Photo
from brain.process.packed_memory import pack_house, pack_sighting, sighting_row
from brain.process.state import BrainState
from brain.settings.brain import BrainSettings
from brain.visits.brain import Brain
from nerves.messages import Fact, Visit
from tests.brain.visits.test_context import ALICE, BLUE, PLACES, START, STRANGER, Body, House
from tests.paths import ROOT
from tests.people import face as a_face

SETTINGS = BrainSettings(places=PLACES)
# What the brain's loop does, by the clock of the tests.
STORE_EVERY = timedelta(seconds=5)


class StoringHouse(House):
    """A house whose brain stores its state as the brain's loop does, and starts from what is stored."""

    def __init__(self, gallery: Gallery, state: BrainState, at: datetime = START) -> None:
        super().__init__(gallery, SETTINGS)
        self.now, self.state, self.stored = at, state, at
        memory = state.memory(at, SETTINGS.entrances)
        self.brain = Brain(
            self.scene, gallery, SETTINGS, visits=state.visits(), memory=memory, describe=self.scene.describe
        )

    def _take(self, facts: Iterator[Fact] | Iterator[Visit]) -> None:
        before = len(self.visits)
        super()._take(facts)
        if len(self.visits) > before or self.now - self.stored >= STORE_EVERY:
            visits = [*self.brain.visits, *self.brain.waiting_visits]
            self.state.store(self.visits[before:], visits, self.brain.memory(self.now))
            self.stored = self.now


def knows(house: House) -> dict[str, Any]:
    """Return what the context of a house knows."""
    memory = house.brain.memory(house.now)
    return {
        "at": house.now.isoformat(),
        "alice": whereabouts(memory.log, "alice", house.now, SETTINGS.entrances),
        "house": json.loads(pack_house(memory)),
        "log": [json.loads(pack_sighting(sighting_row(memory.log, visit))) for visit in memory.log.sightings],
        "alerts": [str(visit.visit) for visit in house.alerts()],
    }


def alice_comes_home(house: House) -> None:
    house.show("door", Body(ALICE), seconds=6)
    house.show("door", seconds=1)
    house.show("hall", Body(ALICE), seconds=6)
    house.leave("door")
    house.leave("hall")


def somebody_comes(house: House) -> None:
    alice_comes_home(house)
    house.wait(60)
    house.show("door", Body(clothes=BLUE), seconds=5)
    house.leave("door", 10)


def somebody_rings(house: House) -> None:
    somebody_comes(house)
    house.wait(60)


def a_stranger_rings(house: House) -> None:
    alice_comes_home(house)
    house.show("door", Body(STRANGER, BLUE), seconds=10)
    house.leave("door")


ACTS: dict[str, Callable[[House], None]] = {
    act.__name__: act for act in (alice_comes_home, somebody_comes, somebody_rings, a_stranger_rings)
}


def live(folder: Path, act: str) -> dict[str, Any]:
    """Let something happen in a house, and return what its context knows; the state stays open."""
    gallery = Gallery(folder / "gallery.db")
    gallery.learn("alice", [Photo(a_face(ALICE), "0", "a.jpg")])
    house = StoringHouse(gallery, BrainState(folder / "brain.db"))
    ACTS[act](house)
    house.wait(STORE_EVERY.total_seconds())
    return knows(house)


SCRIPT = """
import json, os, signal, sys
from pathlib import Path
from tests.brain.visits.test_restart import live
print(json.dumps(live(Path(sys.argv[1]), sys.argv[2])), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(folder: Path, act: str) -> dict[str, Any]:
    """Let something happen in a process of its own, kill it, and return what its context knew."""
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT, str(folder), act]
    done = subprocess.run(command, env=environ, cwd=ROOT, check=False, stdout=subprocess.PIPE)
    assert done.returncode == -9
    found: dict[str, Any] = json.loads(done.stdout)
    return found


Restart = Callable[..., StoringHouse]


@pytest.fixture
def restart(tmp_path: Path) -> Iterator[Restart]:
    opened: list[Gallery | BrainState] = []

    def started(before: dict[str, Any], pause_s: float = 10) -> StoringHouse:
        gallery, state = Gallery(tmp_path / "gallery.db"), BrainState(tmp_path / "brain.db")
        opened.extend([gallery, state])
        return StoringHouse(gallery, state, datetime.fromisoformat(before["at"]) + timedelta(seconds=pause_s))

    yield started
    for one in opened:
        one.__exit__(None, None, None)


@pytest.mark.timeout(60)
def test_killed_between_an_arrival_and_its_alert_the_context_says_the_same_and_it_rings_once(
    tmp_path: Path, restart: Restart
) -> None:
    before = killed(tmp_path, "somebody_comes")
    assert (before["alice"], before["alerts"]) == ("in", [])
    assert len(before["house"]["suspects"]) == 1
    house = restart(before, 10)
    after = knows(house)
    assert {key: after[key] for key in ("alice", "house", "log")} == {
        key: before[key] for key in ("alice", "house", "log")
    }
    arrival = UUID(before["log"][-1]["sighting"]["visit"])
    house.wait(120)
    [alert] = house.alerts()
    assert (alert.visit, alert.at - alert.since) == (arrival, timedelta(seconds=45))
    assert alert.picture


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("pause_s", "rings"), [(10, 0), (60, 0), (3600, 1)])
def test_killed_after_an_alert_the_same_body_rings_again_after_a_long_pause_only(
    tmp_path: Path, restart: Restart, pause_s: float, rings: int
) -> None:
    before = killed(tmp_path, "somebody_rings")
    assert len(before["alerts"]) == 1
    house = restart(before, pause_s)
    house.show("kitchen", Body(clothes=BLUE), seconds=20)
    house.leave("kitchen", 120)
    assert len(house.alerts()) == rings
    [incident] = {visit.incident.id for visit in house.visits if visit.incident}
    assert (str(incident) == before["house"]["incident"]["id"]) is (rings == 0)


@pytest.mark.timeout(60)
def test_killed_after_a_stranger_has_rung_nobody_in_the_house_is_calmed(tmp_path: Path, restart: Restart) -> None:
    house = restart(killed(tmp_path, "a_stranger_rings"))
    house.show("kitchen", Body(), seconds=20)
    assert house.visits[-1].probably is None
    assert any(reason.startswith("somebody unknown is in the house since") for reason in house.visits[-1].reasons)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("pause_s", "alice"), [(10, "in"), (590, "in"), (3600, "unknown")])
def test_who_is_in_still_calms_after_a_short_pause_and_not_after_a_long_one(
    tmp_path: Path, restart: Restart, pause_s: float, alice: Literal["in", "unknown"]
) -> None:
    before = killed(tmp_path, "alice_comes_home")
    assert before["alice"] == "in"
    house = restart(before, pause_s)
    assert knows(house)["alice"] == alice
    house.show("kitchen", Body(clothes=None), seconds=20)
    house.leave("kitchen")
    assert (house.alerts() == []) is (alice == "in")
