"""The stage: a garage at dusk, seen by a camera with a little noise, and figures that stand close to it.

The garage is `Motorcycle` of the Middlebury stereo data, as scikit-image brings it; Middlebury grants
permission to use and publish it and asks to cite Scharstein et al., High-resolution stereo datasets with
subpixel-accurate ground truth, GCPR 2014.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from kinwatch.demo.scene.outlines import Cutout, Mask, Pixels, bundled, soft

__all__ = ["SIZE", "Actor", "Pose", "developed", "dressed", "place", "room"]

SIZE = (800, 600)
"""Width and height of every frame."""

LIGHT = 0.54
# The columns of the garage that make 4:3.
COLUMNS = slice(40, 707)
# A round lamp with a reflector looks like a face to a face detector: centre and radius in the frame.
LAMP = ((593, 187), 42)
NOISE = 2.5
# The same noise is laid on every frame, each time up to this many pixels elsewhere.
GRAIN = 128
SHADE = 0.45
SHADE_AT = (34, 14)
# Around a figure, for its shadow to fade.
MARGIN = 60


@dataclass(frozen=True, slots=True)
class Actor:
    """A figure in the light of the stage, with the shadow it throws."""

    picture: Mask
    alpha: Mask
    shadow: Mask
    feet: tuple[float, float]
    """The point of the picture that a pose places."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a figure is."""

    x: float
    """In pixels from the left."""
    y: float
    """In pixels from the top."""
    scale: float
    """1: as large as its picture."""
    tilt: float = 0.0
    """In degrees, counter-clockwise."""
    mirrored: bool = False


@cache
def room() -> Pixels:
    """Return the empty garage."""
    garage = cv2.resize(bundled("stereo_motorcycle")[:, COLUMNS], SIZE, interpolation=cv2.INTER_CUBIC).astype(
        np.float32
    )
    (x, y), radius = LAMP
    lamp = cv2.circle(np.zeros(garage.shape[:2], np.float32), (x, y), radius, 1.0, cv2.FILLED)
    matt = cv2.GaussianBlur(lamp, (0, 0), 6)[..., None]
    garage = garage * (1 - matt) + cv2.GaussianBlur(garage, (0, 0), 2) * (0.5 * matt)
    lit: Pixels = np.clip(garage * LIGHT, 0, 255).astype(np.uint8)
    return lit


def dressed(cutout: Cutout, light: float, feet: tuple[float, float]) -> Actor:
    """Return a cut-out as an actor: its light matched to the room's, its shadow ready."""
    lit = (cutout.picture * light).astype(np.float32)
    picture = np.pad(lit, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="edge")
    alpha = np.pad(cutout.alpha, MARGIN)
    shadow = soft(alpha, 18) * np.float32(SHADE)
    x, y = feet
    return Actor(picture, alpha, shadow, (x + MARGIN, y + MARGIN))


def place(frame: Pixels, actor: Actor, pose: Pose) -> Pixels:
    """Return the frame with the actor in it."""
    matrix = _matrix(actor.feet, pose)
    thrown = matrix + np.array([[0, 0, SHADE_AT[0]], [0, 0, SHADE_AT[1]]])
    left, right = _columns(actor, thrown, matrix)
    if left >= right:
        return frame
    alpha = _warped(actor.alpha, matrix, left, right)[..., None]
    shade = 1 - _warped(actor.shadow, thrown, left, right)[..., None]
    figure = _warped(actor.picture, matrix, left, right)
    part = frame[:, left:right] * (shade * (1 - alpha)) + figure * alpha
    placed = frame.copy()
    placed[:, left:right] = np.clip(part, 0, 255)
    return placed


def developed(frame: Pixels, generator: np.random.Generator) -> Pixels:
    """Return the frame as a camera would deliver it: with noise."""
    width, height = SIZE
    down, right = generator.integers(0, GRAIN, 2)
    grain = _grain()[down : down + height, right : right + width]
    return cv2.add(frame, grain, dtype=cv2.CV_8U).astype(np.uint8, copy=False)


@cache
def _grain() -> npt.NDArray[np.int16]:
    width, height = SIZE
    noise = np.random.default_rng(1).normal(0, NOISE, (height + GRAIN, width + GRAIN, 3))
    return np.rint(noise).astype(np.int16)


def _matrix(feet: tuple[float, float], pose: Pose) -> npt.NDArray[np.float64]:
    """Return the affine map from the actor's picture to the frame."""
    across = -pose.scale if pose.mirrored else pose.scale
    turn = np.deg2rad(pose.tilt)
    linear = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) @ np.diag([across, pose.scale])
    shift = np.array([pose.x, pose.y]) - linear @ np.array(feet)
    return np.hstack([linear, shift[:, None]])


def _columns(actor: Actor, *matrices: npt.NDArray[np.float64]) -> tuple[int, int]:
    """Return the columns of the frame that the figure or its shadow can touch."""
    height, width = actor.alpha.shape
    corners = np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
    xs = np.concatenate([(matrix @ corners)[0] for matrix in matrices])
    return max(0, int(xs.min())), min(SIZE[0], int(xs.max()) + 1)


def _warped(picture: Mask, matrix: npt.NDArray[np.float64], left: int, right: int) -> Mask:
    shifted = matrix - np.array([[0, 0, left], [0, 0, 0]])
    return cv2.warpAffine(picture, shifted, (right - left, SIZE[1]), flags=cv2.INTER_LINEAR).astype(
        np.float32, copy=False
    )
