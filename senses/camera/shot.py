"""One picture on its way from a source to the bus."""

from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Away", "Image", "Pixels", "Shot"]

Pixels = npt.NDArray[np.uint8]
"""Height x width x 3, BGR."""
Image = bytes | Pixels
"""A JPEG as its source sent it, or pixels that are still to be encoded."""


class Shot(NamedTuple):
    """One picture of a source, not yet looked at."""

    image: Image
    at: datetime
    seconds: float
    number: int | None = None


class Away(NamedTuple):
    """There is no picture: the camera cannot be reached."""

    why: str
