"""From a source's pictures to the frames that travel."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nerves.errors import CameraLost
from nerves.exif import stamped
from nerves.messages import Frame
from senses.camera import live, recorded, video
from senses.camera.gate import Gate
from senses.camera.settings import CameraSettings
from senses.camera.shot import Shot
from senses.motion import Motion

__all__ = ["frames", "moving", "played"]

MEMORY_S = 1.0  # long enough to see a slow walker, short enough to forget who has left


def frames(settings: CameraSettings) -> Iterator[Frame]:
    """Yield the frames of a source that travel; those of a live camera say inside when they were taken."""
    alive = live.is_live(settings.source)
    for shot in moving(live.shots(settings) if alive else played(settings), settings):
        jpeg = video.encoded(shot.image, quality=settings.quality)
        yield Frame(settings.place, stamped(jpeg, shot.at) if alive else jpeg, shot.at, shot.number)


def moving(shots: Iterable[Shot], settings: CameraSettings) -> Iterator[Shot]:
    """Yield the shots with motion, those shortly after it, and one a sweep."""
    gate = Gate(sweep_s=settings.sweep_s, linger_s=settings.linger_s)
    motion = Motion(sensitivity=settings.sensitivity, memory=settings.fps * MEMORY_S)
    for shot in shots:
        grey = video.grey(shot.image)
        # What cannot be decoded travels: the brain says so to the household, silence would not.
        if gate.passes(shot.seconds, moved=grey is None or motion.moved(grey)):
            yield shot


def played(
    settings: CameraSettings,
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Shot]:
    """Yield the pictures of a file or folder, in real time or as fast as they are asked for."""
    path, start, began, offset = _path(settings), datetime.now(UTC), clock(), 0.0
    while True:
        seconds = 0.0
        for shot in _shots(path, settings):
            seconds = offset + shot.seconds
            if settings.pace == "real":
                pause(max(began + seconds - clock(), 0.0))
                yield shot._replace(at=datetime.now(UTC), seconds=seconds)
            else:
                yield shot._replace(at=start + timedelta(seconds=seconds), seconds=seconds)
        if not settings.loop:
            return
        offset = seconds + 1 / settings.fps


def _path(settings: CameraSettings) -> Path:
    source = settings.source
    return Path(unquote(urlsplit(source).path) if source.lower().startswith("file://") else source).expanduser()


def _shots(path: Path, settings: CameraSettings) -> Iterator[Shot]:
    try:
        yield from recorded.shots(path, fps=settings.fps)
    except CameraLost as error:
        message = f"{settings.place}: {error}"
        raise CameraLost(message) from error
