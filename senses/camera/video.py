"""All that OpenCV does for a camera: open, read, decode and encode."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path

import cv2
import numpy as np

from nerves.errors import CameraLost
from senses.camera.shot import Image, Pixels
from senses.motion import Grey
from senses.reduced import fitting, reduced

__all__ = ["Clip", "clip", "encoded", "grey", "live", "pixels", "retrieve_image"]

TIMEOUT_MS = 10_000
USB_SIZE = (1920, 1080)
LIKELY_FPS = (0.1, 240.0)  # browsers write 1000 into their recordings

# OpenCV reads these environment variables when it opens a source; values that are already set stay.
OPTIONS = {
    "OPENCV_FFMPEG_LOGLEVEL": "-8",  # FFmpeg writes to stderr, past Python's logging
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_flags;prefer_tcp",
}


def pixels(data: bytes) -> Pixels | None:
    """Decode a picture of any format; None if it cannot be decoded."""
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if image is None else image.astype(np.uint8, copy=False)


def encoded(image: Image, *, quality: int, max_width: int | None = None) -> bytes:
    """Return the picture as JPEG; a JPEG that is not too wide, or cannot be decoded, is returned unchanged.

    Args:
        image: The picture.
        quality: 1 to 100.
        max_width: In pixels; a wider picture is scaled down to it.
    """
    if max_width is not None:
        image = _scaled_down(image, max_width)
    if isinstance(image, bytes):
        return image
    done, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        message = f"{image.shape[1]} x {image.shape[0]} pixels: more than a JPEG can hold"
        raise CameraLost(message)
    return jpeg.tobytes()


def _scaled_down(image: Image, max_width: int) -> Image:
    """Return the picture, at most this many pixels wide."""
    whole = pixels(image) if isinstance(image, bytes) else image
    if whole is None or whole.shape[1] <= max_width:
        return image
    height, width = whole.shape[:2]
    size = max_width, max(round(height * max_width / width), 1)
    return cv2.resize(whole, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def grey(image: Image) -> Grey | None:
    """Return the picture in grey, its longer side at most 320 pixels; None if it cannot be decoded."""
    whole = reduced(image) if isinstance(image, bytes) else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if whole is None:
        return None
    height, width = whole.shape
    small = cv2.resize(whole, fitting(width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False)


def live(source: int | str) -> Iterator[cv2.VideoCapture]:
    """Yield the capture of a USB camera (its number or device) or a stream each time it holds a new picture.

    Raises:
        CameraLost: It cannot be opened, or sends no picture for 10 s.
    """
    api = cv2.CAP_FFMPEG if isinstance(source, str) and "://" in source else cv2.CAP_ANY
    with _opened(source, api) as capture:
        if not capture.isOpened():
            what = "the address, user and password" if api == cv2.CAP_FFMPEG else "its cable, and who else uses it"
            message = f"cannot be opened: check {what}"
            raise CameraLost(message)
        if api != cv2.CAP_FFMPEG:
            _enlarge(capture)
        while capture.grab():
            yield capture
        message = "sends no more pictures"
        raise CameraLost(message)


def _enlarge(capture: cv2.VideoCapture) -> None:
    """Ask a USB camera for 1080p; it gives the nearest it has. OpenCV's own choice is 640 x 480."""
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, USB_SIZE[0])
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, USB_SIZE[1])


def retrieve_image(capture: cv2.VideoCapture) -> Pixels | None:
    """Return the picture that was grabbed last."""
    done, image = capture.retrieve()
    return image.astype(np.uint8, copy=False) if done else None


class Clip:
    """A video file, opened: its frames by number and second."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture
        fps, total = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._fps = fps if isfinite(fps) and LIKELY_FPS[0] <= fps <= LIKELY_FPS[1] else None
        self.total = int(total) if isfinite(total) and 0 < total < 2**31 else None

    def frames(self, fps: float) -> Iterator[tuple[int, float, Pixels]]:
        """Yield at most `fps` frames of each second: number from 0, seconds from the beginning, picture."""
        number, last = 0, -1
        while self._capture.grab():
            seconds = self._seconds(number)
            wanted = int(seconds * fps + 1e-6)
            image = retrieve_image(self._capture) if wanted > last else None
            if image is not None:
                last = wanted
                yield number, seconds, image
            number += 1

    def _seconds(self, number: int) -> float:
        if self._fps:
            return number / self._fps
        return max(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, 0.0)


@contextmanager
def clip(path: Path) -> Iterator[Clip]:
    """Open a video file for the duration of a `with`.

    Raises:
        CameraLost: It cannot be read.
    """
    with _opened(str(path.absolute()), cv2.CAP_FFMPEG) as capture:
        if not capture.isOpened():
            message = f"{path}: not a video that can be read: check that the file is whole"
            raise CameraLost(message)
        yield Clip(capture)


@contextmanager
def _opened(source: int | str, api: int) -> Iterator[cv2.VideoCapture]:
    for name, value in OPTIONS.items():
        os.environ.setdefault(name, value)
    if "OPENCV_LOG_LEVEL" not in os.environ:
        _silence()
    capture = cv2.VideoCapture()
    capture.setExceptionMode(False)
    options = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, TIMEOUT_MS]
    try:
        if isinstance(source, int):
            capture.open(source, api)
        else:
            capture.open(source, api, options if api == cv2.CAP_FFMPEG else [])
        yield capture
    finally:
        capture.release()


def _silence() -> None:
    # OpenCV 4 has `setLogLevel` at the top level, OpenCV 5 in `utils.logging`.
    set_level = getattr(cv2, "setLogLevel", None) or getattr(cv2.utils, "logging", cv2).setLogLevel
    set_level(0)
