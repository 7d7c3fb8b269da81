"""The picture in a visit message: the person with some of the room around, small enough for any broker."""

import cv2

from brain.vision.picture import Picture, Pixels
from nerves.messages import Box

__all__ = ["MAX_SNAPSHOT_BYTES", "snapshot"]

# Base64 makes four bytes of three, so this is 100 KB in the message.
MAX_SNAPSHOT_BYTES = 75_000
MAX_SNAPSHOT_SIDE_PX = 800
# Margin on each side of a person, in widths and heights of the person.
MARGIN_X, MARGIN_Y = 0.5, 0.15
JPEG_QUALITIES = (90, 80, 65, 50, 35)


def snapshot(picture: Picture, box: Box) -> bytes:
    """Return the part of a picture around a box as a JPEG of at most 75,000 bytes."""
    margin_x, margin_y = max(MARGIN_X * box.w, 0.03), max(MARGIN_Y * box.h, 0.03)
    left, top = max(box.x - margin_x, 0.0), max(box.y - margin_y, 0.0)
    right, bottom = min(box.x + box.w + margin_x, 1.0), min(box.y + box.h + margin_y, 1.0)
    pixels = _at_most(picture.crop(Box(left, top, right - left, bottom - top)), MAX_SNAPSHOT_SIDE_PX)
    while True:
        for quality in JPEG_QUALITIES:
            jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
            if len(jpeg) <= MAX_SNAPSHOT_BYTES:
                return jpeg
        pixels = _at_most(pixels, max(pixels.shape[:2]) // 2)


def _at_most(pixels: Pixels, side: int) -> Pixels:
    scale = side / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(pixels.dtype, copy=False)
