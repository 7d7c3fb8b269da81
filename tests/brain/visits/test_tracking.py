from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.vision.backend import DetectedObject, Face
from brain.vision.geometry import iou
from brain.visits.observe import ObservedPerson, observe
from brain.visits.tracking import Track, affinity, match, speed
from nerves.messages import Box

LEFT, RIGHT = Box(0.1, 0.2, 0.2, 0.7), Box(0.6, 0.2, 0.2, 0.7)


def person(box: Box) -> ObservedPerson:
    return ObservedPerson(box, 0.9)


def trail(box: Box, unseen_s: float = 0.1) -> Track:
    return Track(box, None, unseen_s)


def head(x: float, y: float, size: float = 0.08, score: float = 0.9) -> Face:
    return Face(Box(x, y, size, size), score, 640 * size)


def test_two_people_keep_their_trails() -> None:
    assert match([person(RIGHT), person(LEFT)], [trail(LEFT), trail(RIGHT)]) == {0: 1, 1: 0}


def test_somebody_new_has_no_trail() -> None:
    assert match([person(LEFT), person(RIGHT)], [trail(LEFT)]) == {0: 0}


def test_a_walk_is_one_trail_at_two_frames_a_second() -> None:
    steps = [Box(0.05 + 0.12 * step, 0.2, 0.2, 0.7) for step in range(7)]
    assert all(match([person(after)], [trail(before, 0.5)]) == {0: 0} for before, after in pairwise(steps))


def test_whoever_comes_in_by_the_other_door_is_somebody_else() -> None:
    gone = Track(
        Box(0.75, 0.2, 0.2, 0.7), None, 1.0, speed(None, Box(0.6, 0.2, 0.2, 0.7), Box(0.75, 0.2, 0.2, 0.7), 0.5)
    )
    assert match([person(Box(0.0, 0.2, 0.2, 0.7))], [gone]) == {}


def test_who_walks_is_expected_further_on() -> None:
    moves = speed(None, Box(0.1, 0.2, 0.1, 0.7), Box(0.3, 0.2, 0.1, 0.7), 1.0)
    ahead, behind = person(Box(0.38, 0.2, 0.1, 0.7)), person(Box(0.22, 0.2, 0.1, 0.7))
    walker = Track(Box(0.3, 0.2, 0.1, 0.7), None, 1.0, moves)
    assert affinity(ahead, walker) > affinity(behind, walker)


def test_a_speed_is_believed_by_half_after_eight_tenths_of_a_second() -> None:
    still = Box(0.3, 0.2, 0.1, 0.7)
    assert speed((0.4, 0.0, 0.4, 0.2), still, still, 0.8) == pytest.approx((0.2, 0.0, 0.2, 0.1))
    assert speed(None, still, Box(0.46, 0.2, 0.1, 0.7), 0.8) == pytest.approx((0.1, 0.0, 0.1, 0.0))
    assert speed((0.4, 0.0, 0.4, 0.0), still, Box(0.5, 0.2, 0.1, 0.7), 0.2) == pytest.approx((0.52, 0.0, 0.52, 0.0))


def test_no_time_leaves_a_speed_as_it_was() -> None:
    held = (0.4, 0.0, 0.4, 0.0)
    assert speed(held, LEFT, RIGHT, 0.0) == held
    assert speed(None, LEFT, RIGHT, -0.1) is None


def test_the_same_face_is_followed_although_the_bodies_are_apart() -> None:
    face = Box(0.42, 0.2, 0.08, 0.1)
    seen, gone = ObservedPerson(LEFT, 0.9, Face(face, 0.9, 51)), Track(RIGHT, face, 0.1)
    assert affinity(seen, gone) == pytest.approx(1.0)
    assert affinity(person(LEFT), gone) == pytest.approx(-0.2451, abs=1e-4)
    assert affinity(seen, trail(RIGHT)) == pytest.approx(-0.2451, abs=1e-4)


def test_two_people_close_together_are_distinguished_by_their_faces() -> None:
    left, right = Box(0.30, 0.20, 0.08, 0.10), Box(0.52, 0.20, 0.08, 0.10)
    tracks = [Track(Box(0.25, 0.2, 0.3, 0.7), left, 0.1), Track(Box(0.35, 0.2, 0.3, 0.7), right, 0.1)]
    # Each body is nearer to the other's last place; the faces have not moved.
    seen = [
        ObservedPerson(Box(0.36, 0.2, 0.3, 0.7), 0.9, Face(left, 0.9, 51)),
        ObservedPerson(Box(0.24, 0.2, 0.3, 0.7), 0.9, Face(right, 0.9, 51)),
    ]
    assert match([person(each.box) for each in seen], tracks) == {0: 1, 1: 0}
    assert match(seen, tracks) == {0: 0, 1: 1}


STILL = (0.0, 0.0, 0.0, 0.0)


def test_the_shared_part_counts_less_the_distance() -> None:
    seen, gone = person(Box(0.1, 0.1, 0.2, 0.2)), Track(Box(0.0, 0.0, 0.2, 0.2), None, 1.0, STILL)
    assert affinity(seen, gone) == pytest.approx(1 / 7 - 1 / 9)


def test_a_box_without_a_size_is_nobody_s_track() -> None:
    point = Box(0.5, 0.5, 0.0, 0.0)
    assert affinity(person(point), Track(point, None, 0.1, STILL)) == 0.0
    assert match([person(point)], [Track(point, None, 0.1, STILL)]) == {}


def test_whoever_was_seen_once_is_allowed_a_tenth_for_each_second_up_to_one() -> None:
    assert affinity(person(LEFT), trail(LEFT, 0.5)) == pytest.approx(1.05)
    assert affinity(person(LEFT), trail(LEFT, 5.0)) == pytest.approx(1.1)
    assert affinity(person(LEFT), Track(LEFT, None, 0.5, STILL)) == pytest.approx(1.0)


def test_whoever_moves_is_expected_where_three_seconds_bring_them_and_no_further() -> None:
    start, moves = Box(0.1, 0.3, 0.1, 0.4), (0.1, -0.05, 0.1, 0.05)
    assert affinity(person(Box(0.3, 0.2, 0.1, 0.6)), Track(start, None, 2.0, moves)) == pytest.approx(1.0)
    assert affinity(person(Box(0.4, 0.15, 0.1, 0.7)), Track(start, None, 9.0, moves)) == pytest.approx(1.0)


@pytest.mark.parametrize("shrinks", [(0.05, 0.0, -0.05, 0.0), (0.0, 0.3, 0.0, -0.3)])
def test_a_box_that_would_shrink_to_nothing_stays(shrinks: tuple[float, float, float, float]) -> None:
    box = Box(0.3, 0.2, 0.1, 0.6)
    assert affinity(person(box), Track(box, None, 1.0, shrinks)) == pytest.approx(1.0)


def test_a_box_of_the_least_width_still_moves() -> None:
    moves = (0.0, 0.1, 0.0, 0.1)
    narrow, narrower = Box(0.0, 0.2, 0.02, 0.4), Box(0.0, 0.2, 0.019, 0.4)
    assert affinity(person(Box(0.0, 0.3, 0.02, 0.4)), Track(narrow, None, 1.0, moves)) == pytest.approx(1.0)
    assert affinity(person(narrower), Track(narrower, None, 1.0, moves)) == pytest.approx(1.0)


def test_someone_across_the_room_at_once_is_someone_else() -> None:
    assert match([person(Box(0.85, 0.1, 0.1, 0.3))], [trail(Box(0.0, 0.5, 0.1, 0.3))]) == {}


def test_one_box_with_two_faces_is_two_people() -> None:
    crowd = DetectedObject("person", Box(0.2, 0.1, 0.6, 0.9), 0.9)
    found = observe([crowd], [head(0.3, 0.15), head(0.6, 0.15)], sure=0.4)
    assert len(found) == 2
    assert all(observation.face for observation in found)


def test_a_face_outside_every_person_is_a_person_where_at_least_a_weak_one_is_found() -> None:
    weak = DetectedObject("person", Box(0.2, 0.1, 0.5, 0.8), 0.15)
    assert len(observe([weak], [head(0.4, 0.3)], sure=0.4)) == 1
    assert observe([weak], [], sure=0.4) == []
    assert observe([], [head(0.4, 0.3)], sure=0.4) == []


def test_the_face_of_a_cat_is_nobody() -> None:
    cat, weak = (
        DetectedObject("cat", Box(0.3, 0.2, 0.4, 0.4), 0.8),
        DetectedObject("person", Box(0.3, 0.2, 0.4, 0.4), 0.15),
    )
    assert observe([cat, weak], [head(0.4, 0.3, score=0.99)], sure=0.4) == []


def test_a_face_goes_to_whom_it_fits() -> None:
    near, far = (
        DetectedObject("person", Box(0.1, 0.1, 0.5, 0.9), 0.9),
        DetectedObject("person", Box(0.35, 0.3, 0.12, 0.4), 0.8),
    )
    found = observe([near, far], [head(0.37, 0.31, 0.05), head(0.3, 0.14, 0.1)], sure=0.4)
    assert [round(observation.face.box.y, 2) for observation in found if observation.face] == [0.14, 0.31]


boxes = st.builds(Box, st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.01, 0.9), st.floats(0.01, 0.9))


@given(st.lists(boxes, max_size=6), st.lists(boxes, max_size=6), st.floats(0, 10))
def test_a_trail_is_given_once(seen: list[Box], before: list[Box], unseen_s: float) -> None:
    found = match([person(box) for box in seen], [trail(box, unseen_s) for box in before])
    assert len(set(found.values())) == len(found)


@given(boxes, boxes)
def test_overlap_is_a_share_and_goes_both_ways(one: Box, other: Box) -> None:
    assert 0.0 <= iou(one, other) <= 1.0 + 1e-9
    assert abs(iou(one, other) - iou(other, one)) < 1e-9


@given(boxes)
def test_who_stands_still_is_followed(box: Box) -> None:
    assert match([person(box)], [trail(box)]) == {0: 0}
