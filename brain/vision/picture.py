"""A JPEG for the brain, seen upright: reduced to find people, at full size to find faces."""

import io
import struct
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt
from PIL.JpegImagePlugin import JpegImageFile

from nerves.errors import BadPicture
from nerves.exif import UPRIGHT, orientation
from nerves.jpeg import MAX_MEGAPIXELS, MIN_SIDE, fault
from nerves.messages import Box

__all__ = ["MAX_MEGAPIXELS", "Picture", "Pixels"]

Pixels = npt.NDArray[np.uint8]

# The detectors resize pictures to 416 pixels or fewer. Decoding to at least this size leaves enough detail for that.
SMALL_SIDE_PX = 640


class Picture:
    """One JPEG, decoded only when its pixels are needed.

    It is turned as its EXIF orientation says: the pixels, the size and all boxes are those of the upright picture.

    Raises:
        BadPicture: The bytes are not a JPEG, are cut short, or have too many or too few pixels.
    """

    def __init__(self, jpeg: bytes) -> None:
        self.jpeg = jpeg
        width, height = _size(jpeg)
        self._orientation = orientation(jpeg)
        self.width, self.height = (height, width) if self._orientation.is_swapped else (width, height)

    @property
    def is_stored_upright(self) -> bool:
        """Whether the JPEG itself holds the upright pixels, so that nothing must be turned."""
        return self._orientation == UPRIGHT

    @cached_property
    def full(self) -> Pixels:
        """The pixels at full size: height x width x 3, BGR."""
        return self._decode(1)

    @cached_property
    def small(self) -> Pixels:
        """The pixels reduced by 1, 2, 4 or 8; the longer side is at least 640 pixels unless the picture is smaller."""
        side = max(self.width, self.height)
        factor = next((factor for factor in (8, 4, 2) if side >= factor * SMALL_SIDE_PX), 1)
        return self.full if factor == 1 else self._decode(factor)

    def drop_pixels(self) -> None:
        """Free the decoded pixels; they are decoded again when they are needed."""
        self.__dict__.pop("full", None)
        self.__dict__.pop("small", None)

    def to_pixels(self, box: Box) -> tuple[int, int, int, int]:
        """Return a box as left, top, right, bottom in pixels of the full picture, clipped to it."""
        left, top = max(0, round(box.x * self.width)), max(0, round(box.y * self.height))
        right = min(self.width, round((box.x + box.w) * self.width))
        bottom = min(self.height, round((box.y + box.h) * self.height))
        return left, top, right, bottom

    def to_fractions(self, left: float, top: float, right: float, bottom: float) -> Box:
        """Return pixels of the full picture as a box in fractions, clipped to the picture."""
        x, y = min(max(left / self.width, 0.0), 1.0), min(max(top / self.height, 0.0), 1.0)
        x2, y2 = min(max(right / self.width, 0.0), 1.0), min(max(bottom / self.height, 0.0), 1.0)
        return Box(x, y, max(x2 - x, 0.0), max(y2 - y, 0.0))

    def crop(self, box: Box) -> Pixels:
        """Return the part of the full picture inside a box, BGR; empty if the box is outside the picture."""
        left, top, right, bottom = self.to_pixels(box)
        return self.full[top:bottom, left:right]

    def _decode(self, factor: int) -> Pixels:
        flag = {
            1: cv2.IMREAD_COLOR,
            2: cv2.IMREAD_REDUCED_COLOR_2,
            4: cv2.IMREAD_REDUCED_COLOR_4,
            8: cv2.IMREAD_REDUCED_COLOR_8,
        }[factor]
        # OpenCV must not turn it: its reading of the tag might differ from ours, and then the boxes would be wrong.
        pixels = cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)
        if pixels is None:
            message = "a JPEG that cannot be decoded"
            raise BadPicture(message)
        return self._upright(pixels.astype(np.uint8, copy=False))

    def _upright(self, stored: Pixels) -> Pixels:
        if self.is_stored_upright:
            return stored
        is_swapped, down, across = self._orientation
        return np.ascontiguousarray((stored.swapaxes(0, 1) if is_swapped else stored)[::down, ::across])


def _size(jpeg: bytes) -> tuple[int, int]:
    """Return width and height, read from the header only."""
    if message := fault(jpeg):
        raise BadPicture(message)
    try:
        # Image.open() would warn about large pictures; they are refused below.
        with JpegImageFile(io.BytesIO(jpeg)) as image:
            width, height = image.size
    except (OSError, SyntaxError, ValueError, IndexError, struct.error) as error:
        message = f"a damaged JPEG ({len(jpeg)} bytes)"
        raise BadPicture(message) from error
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        message = f"{width} x {height} pixels: more than {MAX_MEGAPIXELS} megapixels"
        raise BadPicture(message)
    if min(width, height) < MIN_SIDE:
        message = f"{width} x {height} pixels: too small to show anybody"
        raise BadPicture(message)
    return width, height
