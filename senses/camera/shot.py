"""One picture of a source, before it becomes a frame on the bus."""

from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Away", "Image", "Pixels", "Shot"]

Pixels = npt.NDArray[np.uint8]
"""Height x width x 3, BGR."""
Image = bytes | Pixels
"""A JPEG as its source sent it, or pixels that are not yet encoded."""


class Shot(NamedTuple):
    """One picture of a source, not yet checked for motion."""

    image: Image
    at: datetime
    seconds: float
    """A monotonic time for a live camera; the time in the clip for a recording."""
    number: int | None = None
    """The number of the frame in a recording, from 0."""


class Away(NamedTuple):
    """The camera cannot be reached, so there is no picture."""

    why: str
