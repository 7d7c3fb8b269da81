"""Live cameras: always the newest picture, and a new attempt while the camera is away."""

import logging
import random
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from threading import Condition, Event, Thread

from nerves.errors import CameraLost
from senses.camera import video, web
from senses.camera.settings import CameraSettings, masked
from senses.camera.shot import Away, Image, Shot
from senses.gate import FrameRateLimit

__all__ = [
    "RELEASE_S",
    "NewestShot",
    "Reach",
    "Shots",
    "connected",
    "is_live",
    "lasting",
    "live_shots",
    "newest",
    "read_shots",
]

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
RELEASE_S = 2.0
Shots = Generator[Shot, None, None]
Reach = Generator[Shot | Away, None, None]


def is_live(source: str) -> bool:
    """Return whether a source is a camera or a stream, not a file or a folder."""
    scheme, separator, _ = source.partition("://")
    return source.isdecimal() or source.startswith("/dev/") or (bool(separator) and scheme.lower() != "file")


def live_shots(settings: CameraSettings, fps: Callable[[], float]) -> Reach:
    """Yield the newest picture of a live camera, or why there is none, for ever; older pictures are dropped.

    Args:
        settings: The settings of the camera.
        fps: Returns how many pictures a second are wanted at this moment, at most.
    """
    stop = Event()
    name = f"{settings.place}: {masked(settings.source)}"
    return newest(lasting(lambda: connected(settings, fps), name=name, pause=stop.wait), stop=stop)


def lasting(connect: Callable[[], Shots], *, name: str, pause: Callable[[float], bool]) -> Reach:
    """Yield the shots of one connection after another; wait up to 30 s between two, longer after each failure.

    From the second failure on, `Away` is yielded: a connection that comes back at once is not reported.
    `pause` waits for a number of seconds and returns True to end.
    """
    failures, since = 0, 0.0
    while True:
        try:
            for shot in connect():
                if failures:
                    log.warning("%s is back after %.0f s", name, time.monotonic() - since)
                    failures = 0
                yield shot
            reason = "ended"
        except CameraLost as error:
            reason = masked(str(error))
        if failures:
            yield Away(reason)
        else:
            since = time.monotonic()
            log.warning("%s: %s; trying again until it is back", name, reason)
        if pause(_wait_s(failures)):
            return
        failures += 1


def _wait_s(failures: int) -> float:
    # The wait is random: cameras that lost the same network switch should not all reconnect in the same second.
    return float(min(FIRST_PAUSE_S * 2 ** min(failures, 10), LONGEST_PAUSE_S) * random.uniform(0.5, 1))  # noqa: S311


def newest(shots: Reach, *, stop: Event) -> Reach:
    """Yield the newest of `shots`, which a thread reads as they come; an error of that thread is raised here.

    Closing it waits up to 2 s for the camera to be released.
    """
    slot = NewestShot()
    reader = Thread(target=read_shots, args=(shots, slot, stop), name="camera", daemon=True)
    reader.start()
    try:
        while (shot := slot.take()) is not None:
            yield shot
    finally:
        stop.set()
        reader.join(RELEASE_S)


class NewestShot:
    """Holds the newest shot of a thread that reads; after the last one it returns None or raises the reader's error."""

    def __init__(self) -> None:
        self._filled = Condition()
        self._shot: Shot | Away | None = None
        self._ended = False
        self._error: Exception | None = None

    def put(self, shot: Shot | Away) -> None:
        """Replace the shot that it holds."""
        with self._filled:
            self._shot = shot
            self._filled.notify()

    def end(self, error: Exception | None) -> None:
        """Take it that no further shot comes, and why."""
        with self._filled:
            self._ended, self._error = True, error
            self._filled.notify()

    def take(self, timeout_s: float | None = None) -> Shot | Away | None:
        """Return the newest shot, each only once; None after the last one, or if none came within the time."""
        with self._filled:
            self._filled.wait_for(lambda: self._shot is not None or self._ended, timeout_s)
            shot, self._shot = self._shot, None
            if shot is None and self._error is not None:
                raise self._error
            return shot


def read_shots(shots: Reach, slot: NewestShot, stop: Event) -> None:
    """Put each shot into the slot until `stop` is set, then close the source: what a reading thread does."""
    try:
        with closing(shots):
            for shot in shots:
                if stop.is_set():
                    break
                slot.put(shot)
    except Exception as error:  # noqa: BLE001 - `take` raises it again
        slot.end(error)
    else:
        slot.end(None)


def connected(settings: CameraSettings, fps: Callable[[], float]) -> Shots:
    """Yield at most `fps()` shots a second of one connection to a live camera.

    Raises:
        CameraLost: The camera cannot be reached, or stops sending.
    """
    for image in _images(settings.source, fps):
        yield Shot(image, datetime.now(UTC), time.monotonic())


def _images(source: str, fps: Callable[[], float]) -> Iterator[Image]:
    """Yield at most `fps()` pictures a second until the connection is lost."""
    rate = FrameRateLimit(fps)
    if source.lower().startswith(("http://", "https://")):
        try:
            yield from web.images(source, fps=fps)
        except web.NotPictures:
            pass
        else:
            return
    for capture in video.live(int(source) if source.isdecimal() else source):
        # Pictures that are not due are read too: otherwise they would wait and age in FFmpeg's buffer.
        image = video.retrieve_image(capture) if rate.due(time.monotonic()) else None
        if image is not None:
            yield image
