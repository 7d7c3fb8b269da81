"""Sightings, logs and households for the tests of the context."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import numpy as np

from brain.context.house_log import HouseLog
from brain.context.sighting import Sighting
from brain.context.terms import Household
from brain.context.travel import TravelTimes
from brain.settings.context import ContextSettings, PlaceSettings
from brain.vision.appearance import Appearance
from nerves.messages import Verdict

__all__ = ["ENTRANCES", "INFRARED", "NOON", "OTHER", "PLACES", "RED", "after_noon", "household", "log_of", "sighting"]

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
RED = Appearance(np.array([0.0, 0.0], np.float32), 1.0)
# 0.9 apart: nobody takes them for the same clothes (tests/brain/verdict/test_clothes.py).
OTHER = Appearance(np.array([0.9, 0.0], np.float32), 1.0)
INFRARED = Appearance(np.array([0.0, 0.0], np.float32), 0.0)
PLACES = {"door": PlaceSettings(entrance=True), "hall": PlaceSettings(), "kitchen": PlaceSettings()}
ENTRANCES = frozenset({"door"})


def after_noon(seconds: float) -> datetime:
    """Return the time this long after noon."""
    return NOON + timedelta(seconds=seconds)


def sighting(  # noqa: PLR0913 - what a sighting is
    place: str,
    first_s: float,
    last_s: float | None = None,
    who: str | None = None,
    verdict: Verdict | None = None,
    clothes: Appearance | None = None,
    *,
    looks: int = 1,
    is_open: bool = False,
    is_still: bool = False,
    face: float = 0.0,
    visit: UUID | None = None,
) -> Sighting:
    """Return a visit, by default one of 2 s that has ended; its times are in seconds after noon."""
    return Sighting(
        visit or uuid4(),
        place,
        after_noon(first_s),
        after_noon(first_s + 2 if last_s is None else last_s),
        verdict or ("family" if who else "unidentified"),
        who,
        clothes,
        looks,
        is_open=is_open,
        is_still=is_still,
        face_log_odds=face,
        likely="ann" if face else None,
    )


def log_of(
    *sightings: Sighting,
    places: Mapping[str, PlaceSettings] = PLACES,
    by_continuity: bool = True,
    by_appearance: bool = True,
) -> HouseLog:
    """Return the log of a house in which these visits were seen, in this order."""
    log = HouseLog(TravelTimes(places), by_continuity=by_continuity, by_appearance=by_appearance)
    for one in sightings:
        log.update(one)
    return log


def household(*people: str, guests: frozenset[str] = frozenset(), settings: ContextSettings | None = None) -> Household:
    """Return a household of these people; who is no guest is family."""
    everybody = frozenset(people)
    return Household(everybody, everybody - guests, ENTRANCES, settings or ContextSettings())
