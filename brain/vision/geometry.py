"""Pure: areas and overlaps of boxes. All boxes of a call have the same unit."""

from nerves.messages import Box

__all__ = ["area", "holds_middle", "iou", "overlap"]


def area(box: Box) -> float:
    """Return the area of a box; if the box is in fractions of a picture, its share of the picture."""
    return box.w * box.h


def overlap(one: Box, other: Box) -> float:
    """Return the area that two boxes share."""
    width = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    height = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    return max(width, 0.0) * max(height, 0.0)


def iou(one: Box, other: Box) -> float:
    """Return the intersection over union: the shared area divided by the joint area, 0 to 1."""
    shared = overlap(one, other)
    joint = area(one) + area(other) - shared
    return shared / joint if joint > 0 else 0.0


def holds_middle(outer: Box, inner: Box) -> bool:
    """Return whether the centre of the box `inner` is inside the box `outer`."""
    x, y = inner.x + inner.w / 2, inner.y + inner.h / 2
    return outer.x <= x <= outer.x + outer.w and outer.y <= y <= outer.y + outer.h
