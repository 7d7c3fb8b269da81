"""A name of somebody who is elsewhere, as far as is known."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from brain.context.house_log import PhoneReport
from brain.context.sighting import Sighting
from brain.people.gallery import Gallery
from brain.settings.brain import BrainSettings
from brain.visits.alerting import Alerting
from brain.visits.visit import OpenVisit
from nerves.messages import Box
from tests.brain.context.sightings import PLACES, RED, after_noon, sighting


@pytest.fixture
def alerting(tmp_path: Path) -> Iterator[Alerting]:
    with Gallery(tmp_path / "gallery.db") as gallery:
        yield Alerting(BrainSettings(places=PLACES), gallery)


def seen(alerting: Alerting, *sightings: Sighting) -> None:
    for one in sightings:
        alerting.log.update(one)


def visit(at: datetime, place: str = "hall") -> OpenVisit:
    return OpenVisit(place, at, at + timedelta(seconds=2), Box(0.1, 0.1, 0.2, 0.8))


def comes_in(alerting: Alerting, place: str = "hall") -> OpenVisit:
    """Somebody passes the door, and is at a place now."""
    found = visit(after_noon(8), place)
    seen(alerting, sighting("door", 0, 3, clothes=RED))
    seen(alerting, sighting(place, 8, clothes=RED, visit=found.id))
    return found


@pytest.mark.parametrize(("ago_s", "contradicts"), [(1795, True), (1805, False)])
def test_who_was_just_in_does_not_come_from_outside(alerting: Alerting, ago_s: float, *, contradicts: bool) -> None:
    seen(alerting, sighting("kitchen", -ago_s - 2, -ago_s, "ann"))
    found = comes_in(alerting)
    assert alerting.contradicts(found, "ann") is contradicts
    assert not alerting.contradicts(found, "ben")


def test_who_was_seen_to_leave_may_come_back_and_who_is_at_the_door_may_leave(alerting: Alerting) -> None:
    seen(alerting, sighting("kitchen", -400, -390, "ann"))
    assert not alerting.contradicts(comes_in(alerting, "door"), "ann")
    seen(alerting, sighting("door", -380, -370, "ann"))
    assert not alerting.contradicts(comes_in(alerting), "ann")


@pytest.mark.parametrize("is_home", [False, True])
def test_who_is_out_with_the_phone_does_not_appear_inside(alerting: Alerting, *, is_home: bool) -> None:
    seen(alerting, sighting("door", -5000, -4990, "ann"))
    assert not alerting.contradicts(visit(after_noon(0)), "ann")
    alerting.log.report_phone("ann", PhoneReport(after_noon(-4900), is_home=False))
    assert alerting.contradicts(visit(after_noon(0)), "ann")
    alerting.log.report_phone("ann", PhoneReport(after_noon(-100), is_home=is_home))
    assert alerting.contradicts(visit(after_noon(0)), "ann") is not is_home
