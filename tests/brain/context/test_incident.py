from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from brain.context.incident import OpenIncident, in_order, is_worse, joined
from nerves.messages import Verdict
from tests.brain.context.sightings import NOON, after_noon

VISIT, BODY, OTHER_BODY = uuid4(), uuid4(), uuid4()
OPEN = joined(None, VISIT, "hall", "unidentified", BODY, NOON, rings=True)

GAP = timedelta(minutes=2)


def test_the_first_visit_rings() -> None:
    assert is_worse(None, "unidentified", BODY, is_further=False)
    assert (OPEN.since, OPEN.last, OPEN.places, OPEN.rings) == (NOON, NOON, ("hall",), 1)
    assert (OPEN.visits, OPEN.bodies, OPEN.worst) == (frozenset({VISIT}), frozenset({BODY}), "unidentified")


def test_the_same_body_in_another_room_is_an_update() -> None:
    assert not is_worse(OPEN, "unidentified", BODY, is_further=True)
    visit = uuid4()
    updated = joined(OPEN, visit, "kitchen", "unidentified", BODY, after_noon(30), rings=False)
    assert (updated.id, updated.since, updated.last) == (OPEN.id, NOON, after_noon(30))
    assert (updated.places, updated.rings, updated.visits) == (("hall", "kitchen"), 1, frozenset({VISIT, visit}))
    assert updated.bodies == {BODY}


def test_a_place_is_told_once() -> None:
    assert joined(OPEN, uuid4(), "hall", "unidentified", BODY, after_noon(9), rings=False).places == ("hall",)


@pytest.mark.parametrize(
    ("worst", "verdict", "rings"),
    [
        ("unidentified", "stranger", True),
        ("unidentified", "unidentified", False),
        ("stranger", "stranger", False),
        ("stranger", "unidentified", False),
    ],
)
def test_a_stranger_after_somebody_unidentified_rings_once_more(
    worst: Verdict, verdict: Verdict, *, rings: bool
) -> None:
    assert is_worse(replace(OPEN, worst=worst), verdict, BODY, is_further=False) is rings


def test_a_stranger_stays_the_worst() -> None:
    worse = joined(OPEN, VISIT, "hall", "stranger", BODY, after_noon(5), rings=True)
    assert (worse.worst, worse.rings) == ("stranger", 2)
    assert joined(worse, uuid4(), "hall", "unidentified", BODY, after_noon(9), rings=False).worst == "stranger"


def test_a_further_person_rings_and_a_body_that_may_be_the_same_does_not() -> None:
    assert is_worse(OPEN, "unidentified", OTHER_BODY, is_further=True)
    assert not is_worse(OPEN, "unidentified", OTHER_BODY, is_further=False)
    assert joined(OPEN, uuid4(), "door", "unidentified", OTHER_BODY, NOON, rings=True).message().people == 2


@pytest.mark.parametrize(("seconds", "is_open"), [(120, True), (120.001, False)])
def test_an_incident_is_over_after_two_minutes(seconds: float, *, is_open: bool) -> None:
    assert OPEN.is_open(after_noon(seconds), GAP, is_inside=False) is is_open


def test_an_incident_is_not_over_while_somebody_unknown_is_inside() -> None:
    assert OPEN.is_open(after_noon(3600), GAP, is_inside=True)


def test_the_two_minutes_run_from_the_last_visit() -> None:
    updated = joined(OPEN, uuid4(), "hall", "unidentified", BODY, after_noon(100), rings=False)
    assert updated.is_open(after_noon(220), GAP, is_inside=False)
    assert not updated.is_open(after_noon(221), GAP, is_inside=False)


def test_messages_tell_the_incident() -> None:
    told = OPEN.message()
    assert (told.id, told.since, told.places, told.people, told.rings) == (OPEN.id, NOON, ("hall",), 1, 1)
    empty = OpenIncident(uuid4(), NOON, NOON)
    assert (empty.message().people, empty.message().rings) == (0, 0)


def test_the_places_are_in_the_order_in_which_somebody_was_first_seen_there() -> None:
    late = joined(OPEN, uuid4(), "door", "unidentified", BODY, after_noon(45), rings=False)
    assert in_order(late, {"door": NOON, "hall": after_noon(20)}).places == ("door", "hall")
