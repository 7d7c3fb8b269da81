"""A camera that is mounted on its side or upside down: its pictures are turned before they are sent."""

import numpy as np

from senses.camera import video
from senses.camera.shot import Image

__all__ = ["turned"]

QUARTER_DEGREES = 90


def turned(image: Image, degrees: int) -> Image:
    """Return the picture turned clockwise by 0, 90, 180 or 270 degrees, as pixels; by 0 degrees it is unchanged.

    A JPEG that cannot be decoded is returned as it is: the brain reports it.
    """
    if not degrees:
        return image
    decoded = video.pixels(image) if isinstance(image, bytes) else image
    if decoded is None:
        return image
    return np.ascontiguousarray(np.rot90(decoded, -(degrees // QUARTER_DEGREES)))
