"""The room of the scene: a garage at dusk, seen by a camera with a little noise, and figures close to the camera.

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

__all__ = ["SCENE_SIZE_PX", "Figure", "Pose", "empty_room", "lit_figure", "place_figure", "with_noise"]

SCENE_SIZE_PX = (800, 600)
"""Width and height of every frame."""

ROOM_LIGHT = 0.54
# The columns of the garage that make 4:3.
GARAGE_COLUMNS = slice(40, 707)
# A round lamp with a reflector looks like a face to a face detector: centre and radius in the frame.
LAMP_CIRCLE_PX = ((593, 187), 42)
NOISE_DEVIATION = 2.5
# Every frame has the same noise, shifted by up to this many pixels.
MAX_GRAIN_SHIFT_PX = 128
SHADOW_STRENGTH = 0.45
SHADOW_SHIFT_PX = (34, 14)
# The border around a figure in which its shadow fades.
SHADOW_MARGIN_PX = 60


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure in the light of the room, with the shadow it throws."""

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
    """1 is as large as the figure's own picture."""
    tilt: float = 0.0
    """In degrees, counter-clockwise."""
    mirrored: bool = False


@cache
def empty_room() -> Pixels:
    """Return the empty garage."""
    garage = cv2.resize(
        bundled("stereo_motorcycle")[:, GARAGE_COLUMNS], SCENE_SIZE_PX, interpolation=cv2.INTER_CUBIC
    ).astype(np.float32)
    (x, y), radius = LAMP_CIRCLE_PX
    lamp = cv2.circle(np.zeros(garage.shape[:2], np.float32), (x, y), radius, 1.0, cv2.FILLED)
    matt = cv2.GaussianBlur(lamp, (0, 0), 6)[..., None]
    garage = garage * (1 - matt) + cv2.GaussianBlur(garage, (0, 0), 2) * (0.5 * matt)
    lit: Pixels = np.clip(garage * ROOM_LIGHT, 0, 255).astype(np.uint8)
    return lit


def lit_figure(cutout: Cutout, light: float, feet: tuple[float, float]) -> Figure:
    """Return a cut-out as a figure: in the light of the room, with its shadow."""
    lit = (cutout.picture * light).astype(np.float32)
    picture = np.pad(
        lit, ((SHADOW_MARGIN_PX, SHADOW_MARGIN_PX), (SHADOW_MARGIN_PX, SHADOW_MARGIN_PX), (0, 0)), mode="edge"
    )
    alpha = np.pad(cutout.alpha, SHADOW_MARGIN_PX)
    shadow = soft(alpha, 18) * np.float32(SHADOW_STRENGTH)
    x, y = feet
    return Figure(picture, alpha, shadow, (x + SHADOW_MARGIN_PX, y + SHADOW_MARGIN_PX))


def place_figure(frame: Pixels, figure: Figure, pose: Pose) -> Pixels:
    """Return the frame with the figure in it."""
    matrix = _matrix(figure.feet, pose)
    thrown = matrix + np.array([[0, 0, SHADOW_SHIFT_PX[0]], [0, 0, SHADOW_SHIFT_PX[1]]])
    left, right = _columns(figure, thrown, matrix)
    if left >= right:
        return frame
    alpha = _warped(figure.alpha, matrix, left, right)[..., None]
    shade = 1 - _warped(figure.shadow, thrown, left, right)[..., None]
    picture = _warped(figure.picture, matrix, left, right)
    part = frame[:, left:right] * (shade * (1 - alpha)) + picture * alpha
    placed = frame.copy()
    placed[:, left:right] = np.clip(part, 0, 255)
    return placed


def with_noise(frame: Pixels, generator: np.random.Generator) -> Pixels:
    """Return the frame with noise, as from a camera."""
    width, height = SCENE_SIZE_PX
    down, right = generator.integers(0, MAX_GRAIN_SHIFT_PX, 2)
    grain = _grain()[down : down + height, right : right + width]
    return cv2.add(frame, grain, dtype=cv2.CV_8U).astype(np.uint8, copy=False)


@cache
def _grain() -> npt.NDArray[np.int16]:
    width, height = SCENE_SIZE_PX
    noise = np.random.default_rng(1).normal(
        0, NOISE_DEVIATION, (height + MAX_GRAIN_SHIFT_PX, width + MAX_GRAIN_SHIFT_PX, 3)
    )
    return np.rint(noise).astype(np.int16)


def _matrix(feet: tuple[float, float], pose: Pose) -> npt.NDArray[np.float64]:
    """Return the affine map from the figure's picture to the frame."""
    across = -pose.scale if pose.mirrored else pose.scale
    turn = np.deg2rad(pose.tilt)
    linear = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) @ np.diag([across, pose.scale])
    shift = np.array([pose.x, pose.y]) - linear @ np.array(feet)
    return np.hstack([linear, shift[:, None]])


def _columns(figure: Figure, *matrices: npt.NDArray[np.float64]) -> tuple[int, int]:
    """Return the columns of the frame that the figure or its shadow can touch."""
    height, width = figure.alpha.shape
    corners = np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
    xs = np.concatenate([(matrix @ corners)[0] for matrix in matrices])
    return max(0, int(xs.min())), min(SCENE_SIZE_PX[0], int(xs.max()) + 1)


def _warped(picture: Mask, matrix: npt.NDArray[np.float64], left: int, right: int) -> Mask:
    shifted = matrix - np.array([[0, 0, left], [0, 0, 0]])
    return cv2.warpAffine(picture, shifted, (right - left, SCENE_SIZE_PX[1]), flags=cv2.INTER_LINEAR).astype(
        np.float32, copy=False
    )
