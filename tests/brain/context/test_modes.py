"""Which mode applies to whom, if it has just changed."""

from brain.context.modes import ModeHistory
from tests.brain.context.sightings import after_noon


def test_a_mode_applies_to_who_is_first_seen_when_it_holds() -> None:
    modes = ModeHistory()
    modes.follow("home", after_noon(0))
    modes.follow("home", after_noon(50))
    modes.follow("away", after_noon(100))
    assert modes.of(after_noon(99), "away") == "home"
    assert modes.of(after_noon(100), "away") == "away"


def test_a_mode_that_has_changed_since_the_newest_frame_does_not_apply_to_who_was_seen_before() -> None:
    modes = ModeHistory()
    modes.follow("night", after_noon(0))
    assert modes.of(after_noon(0), "away") == "night"


def test_at_the_start_the_mode_in_force_applies() -> None:
    modes = ModeHistory()
    assert modes.of(after_noon(0), "away") == "away"
    modes.follow("away", after_noon(1))
    assert modes.of(after_noon(0), "away") == "away"
