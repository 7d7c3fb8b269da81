import pytest

from brain.vision.geometry import area, holds_middle, iou, overlap
from nerves.messages import Box

OUTER = Box(0.2, 0.3, 0.4, 0.4)


def test_areas_in_literal_boxes() -> None:
    one, other = Box(0.0, 0.0, 0.2, 0.2), Box(0.1, 0.1, 0.2, 0.2)
    assert area(Box(0.1, 0.1, 0.2, 0.3)) == pytest.approx(0.06)
    assert overlap(one, other) == pytest.approx(0.01)
    assert iou(one, other) == pytest.approx(1 / 7)


def test_boxes_apart_share_nothing() -> None:
    assert overlap(Box(0.0, 0.0, 0.1, 0.1), Box(0.5, 0.5, 0.1, 0.1)) == 0.0
    assert iou(Box(0.0, 0.0, 0.1, 0.1), Box(0.5, 0.0, 0.1, 0.1)) == 0.0
    assert iou(Box(0.5, 0.5, 0.0, 0.0), Box(0.5, 0.5, 0.0, 0.0)) == 0.0


@pytest.mark.parametrize(
    ("x", "y", "is_inside"),
    [
        (0.4, 0.5, True),
        (0.25, 0.35, True),
        (0.55, 0.65, True),
        (0.15, 0.5, False),
        (0.65, 0.5, False),
        (0.4, 0.25, False),
        (0.4, 0.75, False),
    ],
)
def test_a_box_holds_another_whose_middle_is_inside(x: float, y: float, is_inside: bool) -> None:  # noqa: FBT001
    assert holds_middle(OUTER, Box(x - 0.1, y - 0.15, 0.2, 0.3)) == is_inside


def test_the_edge_is_inside() -> None:
    whole = Box(0.0, 0.0, 1.0, 1.0)
    assert holds_middle(whole, Box(-0.5, -0.5, 1.0, 1.0))
    assert holds_middle(whole, Box(0.5, 0.5, 1.0, 1.0))
