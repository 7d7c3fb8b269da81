"""Whose face is whose, in literal boxes."""

import pytest

from brain.vision.backend import DetectedObject, Face
from brain.visits.observe import ObservedPerson, _misfit, observe
from nerves.messages import Box

WHOLE = Box(0.0, 0.0, 1.0, 1.0)


def face(box: Box, score: float = 0.7) -> Face:
    return Face(box, score, 64)


def test_a_person_without_a_face_is_seen_from_the_score_on() -> None:
    box = Box(0.2, 0.1, 0.3, 0.8)
    assert observe([DetectedObject("person", box, 0.4)], [], sure=0.4) == [ObservedPerson(box, 0.4)]
    assert observe([DetectedObject("person", box, 0.39)], [], sure=0.4) == []


@pytest.mark.parametrize(
    ("box", "body"),
    [
        (Box(0.45, 0.25, 0.1, 0.08), Box(0.35, 0.21, 0.3, 0.56)),
        (Box(0.0, 0.02, 0.1, 0.1), Box(0.0, 0.0, 0.2, 0.67)),
        (Box(0.9, 0.5, 0.1, 0.1), Box(0.8, 0.45, 0.2, 0.55)),
    ],
    ids=["middle", "upper left corner", "lower right corner"],
)
def test_a_face_that_is_left_over_has_a_body_within_the_picture(box: Box, body: Box) -> None:
    (found,) = observe([DetectedObject("person", WHOLE, 0.15)], [face(box)], sure=0.4)
    assert (found.box.x, found.box.y) == pytest.approx((body.x, body.y))
    assert (found.box.w, found.box.h) == pytest.approx((body.w, body.h))
    assert (found.score, found.face) == (0.7, face(box))


def test_faces_that_are_left_over_come_surest_first() -> None:
    seen = [face(Box(0.1, 0.2, 0.1, 0.1), 0.5), face(Box(0.6, 0.2, 0.1, 0.1), 0.9)]
    found = observe([DetectedObject("person", WHOLE, 0.15)], seen, sure=0.4)
    assert [each.score for each in found] == [0.9, 0.5]


def test_a_person_holds_a_face_of_which_six_tenths_are_inside() -> None:
    assert observe([DetectedObject("person", Box(0.0, 0.0, 0.6, 1.0), 0.9)], [face(WHOLE)], sure=0.4)[0].face
    assert not observe([DetectedObject("person", Box(0.0, 0.0, 0.59, 1.0), 0.9)], [face(WHOLE)], sure=0.4)[0].face


def test_a_face_without_a_size_is_nobody_s() -> None:
    (found,) = observe([DetectedObject("person", WHOLE, 0.9)], [face(Box(0.5, 0.5, 0.0, 0.1))], sure=0.4)
    assert found.face is None


def test_an_animal_takes_a_face_of_which_it_holds_more_than_three_tenths() -> None:
    weak = DetectedObject("person", WHOLE, 0.15)
    for width, count in ((0.3, 1), (0.31, 0)):
        cat = DetectedObject("cat", Box(0.0, 0.0, width, 1.0), 0.9)
        assert len(observe([weak, cat], [face(WHOLE)], sure=0.4)) == count


def test_the_distance_from_where_the_head_should_be_is_in_units_of_the_box() -> None:
    # Upright: the head is at 12 % of the height, here at (0.40, 0.196).
    assert _misfit(Box(0.2, 0.1, 0.4, 0.8), Box(0.45, 0.25, 0.1, 0.1)) == pytest.approx(0.25 + 0.13)
    # Narrow: it is half a width below the top, here at (0.25, 0.15).
    assert _misfit(Box(0.2, 0.1, 0.1, 0.8), Box(0.25, 0.3, 0.1, 0.1)) == pytest.approx(0.5 + 0.25)
