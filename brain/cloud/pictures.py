"""Pure: prepares a picture for Rekognition: brings it within the limits and removes everything but the pixels."""

from collections.abc import Iterator
from functools import cache

import cv2
import numpy as np

from brain.cloud.errors import CloudPicture
from brain.people.enroll import to_upright_image
from brain.vision.picture import Picture, Pixels
from nerves.errors import BadPicture
from nerves.jpeg import SOI, picture_end, segments

__all__ = ["MAX_REQUEST_BYTES", "MIN_SIDE_PX", "blank", "fit_for_rekognition", "upright"]

# Amazon's limits for a picture that is sent within the request.
MIN_SIDE_PX, MAX_REQUEST_BYTES = 80, 5_242_880
MAX_SIDE_PX = 10_000
REKOGNITION_JPEG_QUALITY = 90
# Reduce a little more than the square root says: the size of a JPEG is not proportional to its area.
SHRINK_FACTOR = 0.9
APP_MARKERS, COMMENT_MARKER, JFIF_MARKER, ADOBE_MARKER = range(0xE0, 0xF0), 0xFE, 0xE0, 0xEE


def fit_for_rekognition(jpeg: bytes) -> bytes:
    """Return the picture, enlarged or reduced if needed, without place, time, camera and thumbnail.

    It is upright, and boxes stay the same fractions of it. The orientation tag is removed too.

    Raises:
        CloudPicture: It is not a picture, or cannot be brought within the limits.
    """
    try:
        picture = Picture(jpeg)
        if min(picture.width, picture.height) < MIN_SIDE_PX:
            return _enlarged(picture)
        bare = b"".join(_bare(jpeg)) if picture.is_stored_upright else _written(picture.full)
        return bare if len(bare) <= MAX_REQUEST_BYTES else _reduced(picture, len(bare))
    except BadPicture as error:
        message = f"a picture that cannot be sent: {error}"
        raise CloudPicture(message) from error


def upright(photo: bytes) -> bytes:
    """Return a photo of any format and orientation as a JPEG that can be sent. Raises `CloudPicture`."""
    try:
        turned = to_upright_image(photo)
    except BadPicture as error:
        raise CloudPicture(str(error)) from error
    return fit_for_rekognition(_written(np.ascontiguousarray(np.asarray(turned)[:, :, ::-1])))


@cache
def blank() -> bytes:
    """Return a grey JPEG of the smallest permitted size, 80 x 80 pixels."""
    return _written(np.full((MIN_SIDE_PX, MIN_SIDE_PX, 3), 128, np.uint8))


def _enlarged(picture: Picture) -> bytes:
    factor = MIN_SIDE_PX / min(picture.width, picture.height)
    if factor * max(picture.width, picture.height) > MAX_SIDE_PX:
        message = f"a picture that cannot be sent: {picture.width} x {picture.height} pixels"
        raise CloudPicture(message)
    return _written(_resized(picture.full, factor))


def _reduced(picture: Picture, size: int) -> bytes:
    factor = 1.0
    jpeg = b""
    while not jpeg or len(jpeg) > MAX_REQUEST_BYTES:
        factor *= SHRINK_FACTOR * min(1.0, MAX_REQUEST_BYTES / (len(jpeg) or size)) ** 0.5
        if factor * min(picture.width, picture.height) < MIN_SIDE_PX:
            message = f"a picture that cannot be sent: {size} bytes"
            raise CloudPicture(message)
        jpeg = _written(_resized(picture.full, factor))
    return jpeg


def _resized(pixels: Pixels, factor: float) -> Pixels:
    high, wide = (max(MIN_SIDE_PX, round(side * factor)) for side in pixels.shape[:2])
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(pixels, (wide, high), interpolation=way).astype(np.uint8, copy=False)


def _written(pixels: Pixels) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, REKOGNITION_JPEG_QUALITY])[1])


def _bare(jpeg: bytes) -> Iterator[bytes]:
    """Yield the parts of a JPEG that are needed to decode its pixels."""
    end = len(SOI)
    yield jpeg[:end]
    for marker, start, end in segments(jpeg):
        if marker in (JFIF_MARKER, ADOBE_MARKER) or (marker not in APP_MARKERS and marker != COMMENT_MARKER):
            yield jpeg[start:end]
    yield jpeg[end : picture_end(jpeg)]
