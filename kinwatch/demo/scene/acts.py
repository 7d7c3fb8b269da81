"""The acts of the scene: who comes into the room, when and where."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from math import pi, sin

import numpy as np

from kinwatch.demo.scene.cat import cat
from kinwatch.demo.scene.outlines import Pixels
from kinwatch.demo.scene.people import filmer, woman
from kinwatch.demo.scene.room import Figure, Pose, empty_room, lit_figure, place_figure, with_noise

__all__ = ["ACTS", "SCENE_FPS", "Act", "act_frames"]

SCENE_FPS = 10
"""Frames a second."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happens in front of the camera."""

    seconds: float
    figure: Callable[[], Figure] | None = None
    """Makes the figure; None if nobody comes."""
    pose: Callable[[float], Pose] | None = None
    """Returns where the figure is, for the seconds since the act began."""


@cache
def _cat() -> Figure:
    return lit_figure(cat(), 0.88, (425, 430))


@cache
def _woman() -> Figure:
    return lit_figure(woman(), 0.85, (230, 440))


@cache
def _filmer() -> Figure:
    return lit_figure(filmer(), 1.18, (285, 150))


def _prowls(time: float) -> Pose:
    """Cross from the left to the right, as cats walk: smoothly, nodding a little."""
    return Pose(-320 + 1400 * time / CAT_S, 606 + 4 * sin(5 * time), 0.62, tilt=1.5 * sin(2.5 * time))


def _greets(time: float) -> Pose:
    """Come in from the right, look at the camera, go out on the left."""
    x = _walked(time, WOMAN_S, 1.3, (1160, 400, -480))
    sway = sin(2 * pi * 0.4 * time)
    return Pose(x + 10 * sway, 610 - 5 * sin(2 * pi * time), 1.15 + 0.04 * sin(1.3 * time), tilt=1.2 * sway)


def _films(time: float) -> Pose:
    """Come in from the right with his back to the camera, film the room, go out again."""
    x = _walked(time, FAR_S, 1.4, (1040, 566, 1040))
    y, scale = 175 + 3 * sin(2 * pi * 0.3 * time), 1.13 + 0.02 * sin(0.7 * time)
    return Pose(x + 8 * sin(0.9 * time), y, scale, tilt=-25.5 + 1.5 * sin(0.8 * time), mirrored=True)


def _walked(time: float, seconds: float, pace: float, way: tuple[float, float, float]) -> float:
    """Return the x coordinate of somebody who comes in, stays and goes, in pixels.

    Args:
        time: Seconds since the act began.
        seconds: How long the act takes.
        pace: Seconds to come in, and to go out.
        way: Where the person starts, stays and ends, in pixels.
    """
    start, stay, end = way
    come, gone = min(time / pace, 1.0), max((time - seconds) / pace + 1, 0.0)
    return start + (stay - start) * (2 - come) * come + (end - stay) * gone * gone


CAT_S, WOMAN_S, FAR_S = 6.0, 10.0, 16.0

ACTS = {
    "empty": Act(3.0),
    "cat": Act(CAT_S, _cat, _prowls),
    "woman": Act(WOMAN_S, _woman, _greets),
    "far": Act(FAR_S, _filmer, _films),
}
"""What can be played, by name."""


def act_frames(act: str) -> Iterator[Pixels]:
    """Yield the pictures of an act, BGR, `FPS` for each of its seconds; the same ones every time."""
    played = ACTS[act]
    generator = np.random.default_rng(list(ACTS).index(act))
    for count in range(round(played.seconds * SCENE_FPS)):
        frame = empty_room()
        if played.figure and played.pose:
            frame = place_figure(frame, played.figure(), played.pose(count / SCENE_FPS))
        yield with_noise(frame, generator)
