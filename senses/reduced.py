"""A JPEG in grey and small, to find what moved: no more of it is decoded than that needs."""

import io

import numpy as np
from PIL import Image

from nerves.jpeg import MAX_MEGAPIXELS
from senses.motion import Grey

__all__ = ["fitting", "reduced"]

MOTION_SIDE_PX = 320  # pixels: the longer side of what is searched for motion
PIXELS_PER_MEGAPIXEL = 1_000_000


def reduced(jpeg: bytes) -> Grey | None:
    """Return the picture in grey, its longer side 320 to 640 pixels where it has as many; None if it is none."""
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
            if image.width * image.height > MAX_MEGAPIXELS * PIXELS_PER_MEGAPIXEL:
                return None
            image.draft("L", fitting(*image.size))  # decodes an eighth, a quarter or a half where that is enough
            return np.asarray(image.convert("L"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def fitting(width: int, height: int) -> tuple[int, int]:
    """Return the size at which the longer side has 320 pixels at most."""
    factor = min(MOTION_SIDE_PX / max(width, height), 1)
    return max(round(width * factor), 1), max(round(height * factor), 1)
