"""Clips and a stand-in for the tests of the cascade: a clip's left half shows `wife` alone, its right half `me`."""

from pathlib import Path

import cv2
import numpy as np

from tests.rekognition import SeenFace, SeenThing, Shown

# So small, the faces of the two are 15 to 25 pixels wide: too little for a verdict of our own.
SMALL = (192, 108)


def half(clip: Path, out: Path, *, left: bool, size: tuple[int, int] = SMALL, times: int = 1, empty_s: int = 0) -> Path:
    """Write one half of a clip, made small: the left one shows `wife` alone, the right one `me`."""
    read = cv2.VideoCapture(str(clip))
    frames = []
    while (frame := read.read()[1]) is not None:
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        middle = size[0] // 2
        frames.append(small[:, :middle] if left else small[:, middle:])
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(out), cv2.VideoWriter.fourcc(*"mp4v"), read.get(cv2.CAP_PROP_FPS), (width, height))
    for frame in frames * times + [np.full_like(frames[0], 128)] * round(empty_s * read.get(cv2.CAP_PROP_FPS)):
        writer.write(frame)
    writer.release()
    read.release()
    return out


class Scene:
    """What is in front of the camera, for the stand-in to know: nobody it could not tell, so each crop is of them."""

    def __init__(self) -> None:
        self.who: str | None = None
        self.box = (0.25, 0.2, 0.5, 0.6)
        self.things: tuple[SeenThing, ...] = ()

    def __call__(self, _: bytes) -> Shown:
        return Shown((SeenFace(self.who, box=self.box),), self.things)


def a_photo() -> bytes:
    return cv2.imencode(".jpg", np.full((112, 112, 3), 128, np.uint8))[1].tobytes()
