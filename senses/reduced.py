"""A small grey copy of a JPEG for motion detection. The JPEG is decoded only as far as that needs."""

import io

import numpy as np
from PIL import Image

from nerves.exif import orientation
from nerves.jpeg import MAX_MEGAPIXELS
from senses.motion import Grey

__all__ = ["fitting", "reduced"]

MOTION_SIDE_PX = 320  # the longer side of the picture that is searched for motion
PIXELS_PER_MEGAPIXEL = 1_000_000


def reduced(jpeg: bytes) -> Grey | None:
    """Return the picture in grey, upright, height x width; None if it cannot be decoded or is too large.

    Its longer side has 320 to 640 pixels, or fewer if the picture itself is smaller.
    """
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
            if image.width * image.height > MAX_MEGAPIXELS * PIXELS_PER_MEGAPIXEL:
                return None
            image.draft("L", fitting(*image.size))  # decodes at 1/8, 1/4 or 1/2 size if that is enough
            is_swapped, down, across = orientation(jpeg)
            stored = np.asarray(image.convert("L"))
            return np.ascontiguousarray((stored.swapaxes(0, 1) if is_swapped else stored)[::down, ::across])
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def fitting(width: int, height: int) -> tuple[int, int]:
    """Return width and height, reduced so that the longer side has at most 320 pixels."""
    factor = min(MOTION_SIDE_PX / max(width, height), 1)
    return max(round(width * factor), 1), max(round(height * factor), 1)
