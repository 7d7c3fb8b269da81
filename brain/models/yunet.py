"""YuNet finds faces, through OpenCV's own adapter."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from brain.vision.boxes import RawDetection
from brain.vision.picture import Pixels

__all__ = ["Yunet"]

YUNET_OVERLAP = 0.3
MAX_YUNET_FACES = 200
# The network halves its input five times, so a side below 32 pixels would become 0.
MIN_YUNET_SIDE_PX = 32
FACE_COLUMNS = [14, 0, 1, 2, 3]  # score, left, top, width, height


class Yunet:
    """Finds faces in BGR pixels of any size.

    Args:
        path: `face_detection_yunet_2023mar.onnx`.
        threads: Processor threads of OpenCV in this whole process; OpenCV has no finer setting.
    """

    def __init__(self, path: Path, threads: int) -> None:
        cv2.setNumThreads(threads)
        with _quiet():
            self._net = cv2.FaceDetectorYN.create(
                str(path), "", (MIN_YUNET_SIDE_PX, MIN_YUNET_SIDE_PX), 0.5, YUNET_OVERLAP, MAX_YUNET_FACES
            )

    def find(self, pixels: Pixels, floor: float) -> list[RawDetection]:
        """Return the faces that score at least `floor` (0 to 1), the highest score first."""
        pixels = _padded(pixels)
        self._net.setScoreThreshold(floor)
        self._net.setInputSize((pixels.shape[1], pixels.shape[0]))
        rows = self._net.detect(pixels)[1]
        if not np.ndim(rows):  # None if there is no face, although the annotation excludes it
            return []
        found = [
            RawDetection("face", score, left, top, left + width, top + height)
            for score, left, top, width, height in rows[:, FACE_COLUMNS].tolist()
            if np.isfinite((score, left, top, width, height)).all()
        ]
        return sorted(found, key=lambda one: -one.score)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the warning of OpenCV 5, at every load, that its new engine has no targets to choose from."""
    log = getattr(cv2.utils, "logging", None)  # OpenCV 4 has no such module, and does not warn
    if log is None:
        yield
        return
    level = log.getLogLevel()
    log.setLogLevel(log.LOG_LEVEL_ERROR)
    yield
    log.setLogLevel(level)


def _padded(pixels: Pixels) -> Pixels:
    """Return the pixels, with grey added at the right and the bottom if the picture is too small."""
    height, width = pixels.shape[:2]
    if min(height, width) >= MIN_YUNET_SIDE_PX:
        return pixels
    padded = np.full((max(height, MIN_YUNET_SIDE_PX), max(width, MIN_YUNET_SIDE_PX), 3), 114, np.uint8)
    padded[:height, :width] = pixels
    return padded
