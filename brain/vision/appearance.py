"""What the clothes and build of a person look like: colours and texture of the upper and the lower body.

Clothes say who somebody may be for some hours only; `brain.verdict.clothes` says how much. The numbers below were tried
on the clips, cameras and rooms of `benchmarks/appearance.py`, which compares the result with other descriptors.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from brain.vision.packed import PackedVector
from brain.vision.picture import Picture, Pixels
from nerves.messages import Box

__all__ = ["APPEARANCE_NUMBERS", "Appearance", "describe_appearance"]

Numbers = npt.NDArray[np.floating]

# A smaller box, in pixels of the reduced picture, shows no clothes.
MIN_BODY_WIDTH_PX, MIN_BODY_HEIGHT_PX = 14, 28
# A box lower than this share of its width shows a head at the edge of the picture, or somebody who lies.
MIN_HEIGHT_PER_WIDTH = 0.8
# From this share on, the box of a person reaches down to the legs: a standing adult's is 1.7 to 3.6 times as high as
# wide (clips, median 2.3), head and shoulders are 1.0 to 1.3 times.
LEGS_HEIGHT_PER_WIDTH = 1.7
CROP_WIDTH_PX, CROP_HEIGHT_PX = 48, 96
# Top, bottom, left, right of the parts in the crop, in pixels. The head is left out, and so are the sides, because the
# room is seen there.
TORSO_PX, LEGS_PX = (16, 46, 12, 36), (52, 88, 14, 34)
TORSO_WITHOUT_LEGS_PX = (34, 92, 10, 38)
# Assumed: legs are hidden more often, and trousers are more alike.
TORSO_SHARE = 0.6
# Cameras differ in exposure and white balance, so the mean of each colour of the picture is moved towards a middle
# grey. Rooms differ too: a dark room is no dark picture of a bright one. Half of the way (as an exponent) was best when
# cameras and rooms were changed: AUC of the colours 0.92; all the way 0.88, without 0.89.
MIDDLE_GREY, BALANCE_EXPONENT = 118.0, 0.5
MIN_BALANCE_GAIN, MAX_BALANCE_GAIN = 0.5, 2.0
# The light of the whole picture is measured on every fourth pixel, averaged to this size.
LIGHT_STEP_PX, LIGHT_WIDTH_PX, LIGHT_HEIGHT_PX = 4, 40, 24
# Histograms: the squares of the numbers of one part add up to 1, in these shares. Light changes texture less than
# colours. When each clip was judged by odds fitted to the others, a pair cost 0.57 bits with a texture share of 0.3,
# 0.48 with 0.6 and 0.45 with 0.8. People in the clips hardly change their pose, which flatters texture: so not 0.8.
HUE_SHARE, LIGHTNESS_SHARE, TEXTURE_SHARE = 0.2, 0.2, 0.6
HUE_BINS, HUE_LIMIT_LAB = 7, 48.0
LIGHTNESS_BINS, LIGHTNESS_MAX_LAB = 8, 100.0
GRADIENT_BINS, GRADIENT_MAX_LOG, DIRECTION_BINS = 6, 3.5, 6
APPEARANCE_NUMBERS = 2 * (HUE_BINS**2 + LIGHTNESS_BINS + GRADIENT_BINS + DIRECTION_BINS)
# How far the colours of a picture are from its median colour (90th percentile, in shares of red and green). A grey
# picture has up to 0.01, with a cast, noise and JPEG 50 too; the clips have 0.05 to 0.22.
CHROMA_NONE_SPREAD, CHROMA_FULL_SPREAD = 0.012, 0.036
CHROMA_QUANTILE = 0.9
# Darker pixels have no reliable colour, 0 to 255.
MIN_COLOUR_LEVEL = 24.0


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """The clothes and build of a person in one picture, or the mean of several."""

    vector: PackedVector
    """138 numbers. The smaller the Euclidean distance of two vectors, 0 to 1.41, the more alike two people look."""
    chroma: float
    """How coloured the picture is, 0 (infrared, grey) to 1."""


def describe_appearance(picture: Picture, box: Box) -> Appearance | None:
    """Return what the person in a box looks like; None if the box is too small or shows too little of the body."""
    pixels = picture.small
    body = _cut_out(pixels, box)
    height, width = body.shape[:2]
    if width < MIN_BODY_WIDTH_PX or height < max(MIN_BODY_HEIGHT_PX, MIN_HEIGHT_PER_WIDTH * width):
        return None
    how = cv2.INTER_AREA if height > CROP_HEIGHT_PX else cv2.INTER_LINEAR
    crop = cv2.resize(body, (CROP_WIDTH_PX, CROP_HEIGHT_PX), interpolation=how).astype(np.float32)
    channels = _light(pixels)
    if height >= LEGS_HEIGHT_PER_WIDTH * width:
        upper, lower = _parts(crop, _gains(channels), TORSO_PX, LEGS_PX)
    else:
        (upper,) = _parts(crop, _gains(channels), TORSO_WITHOUT_LEGS_PX)
        lower = upper
    vector = np.concatenate([np.sqrt(TORSO_SHARE) * upper, np.sqrt(1 - TORSO_SHARE) * lower]).astype(np.float32)
    return Appearance(vector, _chroma(channels))


def _cut_out(pixels: Pixels, box: Box) -> Pixels:
    height, width = pixels.shape[:2]
    left, top = max(0, round(box.x * width)), max(0, round(box.y * height))
    right, bottom = max(0, round((box.x + box.w) * width)), max(0, round((box.y + box.h) * height))
    return pixels[top:bottom, left:right]


def _light(pixels: Pixels) -> Numbers:
    """Return a picture at a very small size as 3 rows of numbers: blue, green, red."""
    sparse = np.ascontiguousarray(pixels[::LIGHT_STEP_PX, ::LIGHT_STEP_PX])
    light = cv2.resize(sparse, (LIGHT_WIDTH_PX, LIGHT_HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(light.reshape(-1, 3).T, np.float32)


def _gains(channels: Numbers) -> Numbers:
    """Return the factors of blue, green and red that move a picture towards a middle grey."""
    grey = MIDDLE_GREY / np.maximum(channels.mean(axis=1), 1.0)
    return np.asarray(np.clip(grey, MIN_BALANCE_GAIN, MAX_BALANCE_GAIN) ** BALANCE_EXPONENT, np.float32)


def _chroma(channels: Numbers) -> float:
    """Return how coloured a picture is: 0 to 1."""
    total = channels[0] + channels[1] + channels[2]
    lit = total >= 3 * MIN_COLOUR_LEVEL
    if not lit.any():
        return 0.0
    green, red = channels[1:, lit] / total[lit]
    spread = np.maximum(np.abs(green - _at_share(green, 0.5)), np.abs(red - _at_share(red, 0.5)))
    far = _at_share(spread, CHROMA_QUANTILE)
    return min(max((far - CHROMA_NONE_SPREAD) / (CHROMA_FULL_SPREAD - CHROMA_NONE_SPREAD), 0.0), 1.0)


def _at_share(values: Numbers, share: float) -> float:
    """Return the value that this share of the values does not exceed; NumPy's quantile takes ten times as long."""
    return float(np.sort(values)[int(share * (len(values) - 1))])


def _parts(crop: Numbers, gains: Numbers, *parts: tuple[int, int, int, int]) -> list[Numbers]:
    """Return the numbers of each part of a crop, BGR."""
    # Colours need half of the size only.
    half = cv2.resize(crop, (CROP_WIDTH_PX // 2, CROP_HEIGHT_PX // 2), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(np.minimum(half * (gains / 255), 1.0).astype(np.float32), cv2.COLOR_BGR2LAB)
    grey = np.sqrt(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY))
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    found = []
    for top, bottom, left, right in parts:
        inside = (slice(top, bottom), slice(left, right))
        colours = _colours(np.asarray(lab[top // 2 : bottom // 2, left // 2 : right // 2], np.float32).reshape(-1, 3))
        texture = _texture(np.float32(across[inside]).ravel(), np.float32(down[inside]).ravel())
        found.append(np.concatenate([colours, texture]))
    return found


def _colours(lab: Numbers) -> Numbers:
    """Return the square roots of two histograms of Lab pixels, n x 3: hue with saturation, and lightness."""
    reach = 2 * HUE_LIMIT_LAB
    across, right = _places((lab[:, 1] + HUE_LIMIT_LAB) / reach, HUE_BINS)
    down, below = _places((lab[:, 2] + HUE_LIMIT_LAB) / reach, HUE_BINS)
    cell = across * HUE_BINS + down
    hues = sum(
        np.bincount(cell + move, weight, HUE_BINS**2)
        for move, weight in (
            (0, (1 - right) * (1 - below)),
            (1, (1 - right) * below),
            (HUE_BINS, right * (1 - below)),
            (HUE_BINS + 1, right * below),
        )
    )
    lightness = _histogram(lab[:, 0] / LIGHTNESS_MAX_LAB, LIGHTNESS_BINS)
    return np.concatenate([np.sqrt(HUE_SHARE / len(lab) * hues), np.sqrt(LIGHTNESS_SHARE / len(lab) * lightness)])


def _texture(across: Numbers, down: Numbers) -> Numbers:
    """Return the square roots of two histograms of gradients, n and n: how strong they are, and in which direction."""
    strength = np.hypot(across, down)
    strong = _histogram(np.log1p(strength) / GRADIENT_MAX_LOG, GRADIENT_BINS) / len(strength)
    turns = (np.arctan2(down, across) % np.pi) / np.pi
    where = np.minimum((turns * DIRECTION_BINS).astype(np.intp), DIRECTION_BINS - 1)
    directions = np.bincount(where, strength, DIRECTION_BINS) / max(float(strength.sum()), 1e-6)
    return np.asarray(np.sqrt(TEXTURE_SHARE / 2 * np.concatenate([strong, directions])), np.float32)


def _histogram(values: Numbers, bins: int) -> npt.NDArray[np.float64]:
    """Return the histogram of values of 0 to 1; each value is shared between its two nearest bins."""
    low, share = _places(values, bins)
    return np.asarray(np.bincount(low, 1 - share, bins) + np.bincount(low + 1, share, bins))


def _places(values: Numbers, bins: int) -> tuple[npt.NDArray[np.intp], Numbers]:
    """Return the bin below each value of 0 to 1, and how much of the value belongs to the next bin."""
    places = np.clip(values * (bins - 1), 0, bins - 1 - 1e-3)
    low = places.astype(np.intp)
    return low, np.asarray(places - low, np.float32)
