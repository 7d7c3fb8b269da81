"""Clips, folders and single pictures: shots with the recording's own time."""

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nerves.errors import CameraLost
from nerves.messages import Frame
from senses.camera import video
from senses.camera.shot import Image, Shot

__all__ = ["Recording", "recorded_shots", "recording", "still"]

log = logging.getLogger(__name__)

START = datetime.fromtimestamp(0, UTC)
STILLS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
JPEGS = frozenset({".jpg", ".jpeg"})
SOI = b"\xff\xd8"
STILL_S, STILL_FPS = 3, 5


class Recording:
    """The frames of one clip, picture or folder; each iteration starts from the beginning.

    `total` is the number of frames, or None if the file does not say.
    """

    def __init__(self, path: Path, *, fps: float, quality: int = 90) -> None:
        self.path, self.fps, self.quality = path, fps, quality
        self.total = _total(path)

    def __iter__(self) -> Iterator[Frame]:
        jpeg, encoded_of = b"", None
        for shot in recorded_shots(self.path, fps=self.fps):
            if shot.image is not encoded_of:
                encoded_of, jpeg = shot.image, video.encoded(shot.image, quality=self.quality)
            yield Frame(self.path.stem, jpeg, shot.at, shot.number)


def recording(path: Path, *, fps: float, quality: int = 90) -> Recording:
    """Open a clip to read all of it: at most `fps` frames of each second, numbered as in the clip.

    A frame's time is its second in the clip, counted from 1970; its place is the name of the file. A single picture
    is a scene of 3 seconds.

    Raises:
        CameraLost: The file cannot be read; the message names it.
    """
    return Recording(path, fps=fps, quality=quality)


def recorded_shots(path: Path, *, fps: float) -> Iterator[Shot]:
    """Yield at most `fps` pictures of each second of a clip, of a picture (3 s) or of a folder (1/fps s a picture).

    Raises:
        CameraLost: There is no picture.
    """
    count = 0
    for number, seconds, image in _images(path, fps):
        count += 1
        yield Shot(image, START + timedelta(seconds=seconds), seconds, number)
    if not count:
        message = f"{path}: holds no picture"
        raise CameraLost(message)


def _total(path: Path) -> int | None:
    _check(path)
    if path.is_dir():
        return len(_stills(path))
    if path.suffix.lower() in STILLS:
        still(path)
        return STILL_S * STILL_FPS
    with video.clip(path) as clip:
        return clip.total


def _images(path: Path, fps: float) -> Iterator[tuple[int, float, Image]]:
    _check(path)
    if path.is_dir():
        for number, image in enumerate(_usable(_stills(path))):
            yield number, number / fps, image
    elif path.suffix.lower() in STILLS:
        image = still(path)
        for number in range(STILL_S * STILL_FPS):
            yield number, number / STILL_FPS, image
    else:
        with video.clip(path) as clip:
            yield from clip.frames(fps)


def _usable(files: Iterable[Path]) -> Iterator[Image]:
    for file in files:
        try:
            image = still(file)
        except CameraLost as error:
            log.warning("skipped a picture: %s", error)
        else:
            yield image


def _check(path: Path) -> None:
    """Raise `CameraLost` if there is nothing to read."""
    try:
        if not path.exists():
            message = f"{path}: no such file or folder: check the path"
            raise CameraLost(message)
        if path.is_dir():
            next(path.iterdir(), None)
            return
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise CameraLost(message) from error
    if empty:
        message = f"{path}: an empty file (0 bytes)"
        raise CameraLost(message)


def _stills(folder: Path) -> list[Path]:
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in STILLS and file.is_file())
    if not files:
        message = f"{folder}: no picture in this folder: it needs .jpg or .png files"
        raise CameraLost(message)
    return files


def still(path: Path) -> Image:
    """Read one picture: a JPEG as bytes, even if damaged (the brain reports that); other formats as pixels."""
    _check(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise CameraLost(message) from error
    if data.startswith(SOI):
        return data
    image = video.pixels(data)
    if image is not None:
        return image
    if path.suffix.lower() in JPEGS:
        return data
    message = f"{path}: not a picture that can be read: check that the file is whole"
    raise CameraLost(message)
