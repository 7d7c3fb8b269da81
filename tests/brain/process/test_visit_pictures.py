from pathlib import Path

import pytest

from brain.process.state import BrainState
from brain.process.visit_pictures import VisitPictures
from brain.visits.visit import OpenVisit
from nerves.database import Database
from nerves.messages import Box, Verdict
from tests.brain.context.sightings import NOON
from tests.brain.process.test_house_memory import written

JPEG, BETTER = b"a picture", b"a better picture"


def seen(verdict: Verdict = "unidentified", picture: bytes | None = JPEG) -> OpenVisit:
    return OpenVisit("hall", NOON, NOON, Box(0, 0, 1, 1), verdict=verdict, picture=picture, best=0.5)


def stored(path: Path) -> list[tuple[bytes | None, float]]:
    with BrainState(path) as state:
        return [(visit.picture, visit.best) for visit in state.visits()]


@pytest.mark.parametrize("verdict", ["identifying", "unidentified"])
def test_a_visit_that_may_still_alert_has_its_picture_after_a_restart(tmp_path: Path, verdict: Verdict) -> None:
    with BrainState(tmp_path / "brain.db") as state:
        state.store([], [seen(verdict)])
    assert stored(tmp_path / "brain.db") == [(JPEG, 0.5)]


@pytest.mark.parametrize("verdict", ["family", "stranger"])
def test_of_all_others_the_next_picture_is_taken(tmp_path: Path, verdict: Verdict) -> None:
    alerted = seen()
    alerted.alerted = True
    with BrainState(tmp_path / "brain.db") as state:
        state.store([], [seen(verdict), seen(picture=None), alerted])
    assert stored(tmp_path / "brain.db") == [(None, 0.0)] * 3


def test_a_picture_is_written_when_it_changes_and_dropped_with_its_visit(tmp_path: Path) -> None:
    visit, put, drop = seen(), "INSERT OR REPLACE", "DELETE FROM pictures"
    with Database(tmp_path / "brain.db") as database:
        VisitPictures(database).store([visit])
        pictures, counts = VisitPictures(database), []
        pictures.restore([visit])
        for picture, visits in ((JPEG, [visit]), (BETTER, [visit]), (BETTER, [visit]), (BETTER, [])):
            visit.picture = picture
            with written(database) as words:
                pictures.store(visits)
            counts.append([word for word in words if word in (put, drop)])
    assert counts == [[], [put], [], [drop]]
