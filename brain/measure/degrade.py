"""Degrade a photo: as a room camera would have taken it, or as it would look a moment later. Pure functions."""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from brain.vision.picture import Pixels

__all__ = ["Degradation", "as_seen", "burst", "camera", "moment"]

Rng = np.random.Generator
# Ranges for a picture from a room camera: the width of the face, its movement while the shutter is open as a share of
# that width, the standard deviation of the noise (of 255), and the JPEG quality (the upper bound is exclusive).
FACE_WIDTHS_PX = (28.0, 64.0)
MOTION_SHARES = (0.0, 0.12)
NOISE_DEVIATIONS = (2.0, 8.0)
CAMERA_JPEG_QUALITIES = (50, 81)
# Consecutive frames have nearly the same values, and new noise.
BURST_SHIFT_PX, BURST_VARIATION = 2.0, 0.08


@dataclass(frozen=True, slots=True)
class Degradation:
    """How a picture is degraded. The same values give the same bytes."""

    face: float | None = None
    """The new width of the face, in pixels; None leaves it unchanged."""
    scale: float = 1.0
    """A factor that is applied to the size after `face`."""
    shift: tuple[float, float] = (0.0, 0.0)
    """The shift right and down, in pixels of the resulting picture."""
    moved: float = 0.0
    """How far the face moves while the shutter is open, as a share of its width."""
    angle: float = 0.0
    """The direction of that movement, in radians."""
    soft: float = 0.0
    """The blur of the lens: its standard deviation as a share of the face's width."""
    noise: float = 0.0
    """The standard deviation of the noise, of 255."""
    quality: int = 95
    """The JPEG quality."""
    seed: int = 0
    """The seed of the noise."""


def camera(rng: Rng) -> Degradation:
    """Return a random degradation, as by a room camera."""
    return Degradation(
        face=float(rng.uniform(*FACE_WIDTHS_PX)),
        shift=_tremble(rng),
        moved=float(rng.uniform(*MOTION_SHARES)),
        angle=float(rng.uniform(0, math.pi)),
        noise=float(rng.uniform(*NOISE_DEVIATIONS)),
        quality=int(rng.integers(*CAMERA_JPEG_QUALITIES)),
        seed=int(rng.integers(1 << 31)),
    )


def burst(rng: Rng, frames: int) -> list[Degradation]:
    """Return the degradations of one face in consecutive frames of a room camera: nearly the same in all frames."""
    first = camera(rng)
    face = first.face or FACE_WIDTHS_PX[0]
    return [
        replace(
            first,
            face=float(np.clip(face * rng.normal(1.0, BURST_VARIATION / 2), *FACE_WIDTHS_PX)),
            shift=_tremble(rng),
            moved=float(np.clip(first.moved * rng.normal(1.0, 2 * BURST_VARIATION), *MOTION_SHARES)),
            angle=first.angle + float(rng.normal(0.0, 2 * BURST_VARIATION)),
            seed=int(rng.integers(1 << 31)),
        )
        for _ in range(frames)
    ]


def moment(rng: Rng) -> Degradation:
    """Return a small degradation: as if the photo had been taken a moment later by a fairly good camera."""
    return Degradation(
        scale=float(rng.uniform(0.8, 1.05)),
        shift=_tremble(rng),
        moved=float(rng.uniform(0.0, 0.04)),
        angle=float(rng.uniform(0, math.pi)),
        soft=float(rng.uniform(0.0, 0.015)),
        noise=float(rng.uniform(1.0, 5.0)),
        quality=int(rng.integers(70, 91)),
        seed=int(rng.integers(1 << 31)),
    )


def as_seen(pixels: Pixels, width: float, how: Degradation) -> bytes:
    """Return the degraded picture as JPEG.

    Args:
        pixels: The picture, BGR.
        width: The width of its face, in pixels.
        how: The degradation.
    """
    scale = how.scale * (how.face / width if how.face else 1.0)
    seen = _moved(_soft(_scaled(pixels, scale, how.shift), how.soft * width * scale), how, how.moved * width * scale)
    if how.noise:
        noisy = np.random.default_rng(how.seed).normal(0.0, how.noise, seen.shape)
        seen = (seen + noisy).astype(np.float32)
    clipped = np.clip(np.rint(seen), 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", clipped, [cv2.IMWRITE_JPEG_QUALITY, how.quality])[1].tobytes()


def _tremble(rng: Rng) -> tuple[float, float]:
    return float(rng.uniform(-BURST_SHIFT_PX, BURST_SHIFT_PX)), float(rng.uniform(-BURST_SHIFT_PX, BURST_SHIFT_PX))


def _scaled(pixels: Pixels, scale: float, shift: tuple[float, float]) -> npt.NDArray[np.float32]:
    height, width = pixels.shape[:2]
    size = max(16, round(width * scale)), max(16, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    matrix = np.array([[1.0, 0.0, shift[0]], [0.0, 1.0, shift[1]]], np.float32)
    shifted = cv2.warpAffine(small, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return shifted.astype(np.float32)


def _soft(pixels: npt.NDArray[np.float32], deviation: float) -> npt.NDArray[np.float32]:
    return cv2.GaussianBlur(pixels, (0, 0), deviation).astype(np.float32) if deviation > 0 else pixels


def _moved(pixels: npt.NDArray[np.float32], how: Degradation, length: float) -> npt.NDArray[np.float32]:
    """Blur along a line of `length` pixels in the direction `how.angle`."""
    if length <= 0:
        return pixels
    middle = math.ceil(length / 2) + 1
    kernel = np.zeros((2 * middle + 1, 2 * middle + 1))
    for step in np.linspace(-length / 2, length / 2, max(2, 8 * middle)):
        x, y = middle + step * math.cos(how.angle), middle + step * math.sin(how.angle)
        left, top = math.floor(x), math.floor(y)
        kernel[top : top + 2, left : left + 2] += np.outer([top + 1 - y, y - top], [left + 1 - x, x - left])
    blurred = cv2.filter2D(pixels, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT_101)
    return blurred.astype(np.float32)
