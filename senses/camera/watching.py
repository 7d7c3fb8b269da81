"""Choose which of a source's pictures are sent as frames, and report what is wrong with the camera."""

import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nerves.errors import CameraLost
from nerves.messages import Frame, Trouble
from senses.camera import live, recorded, video
from senses.camera.health import Health
from senses.camera.privacy import PrivacySwitch
from senses.camera.settings import CameraSettings
from senses.camera.shot import Away, Shot
from senses.camera.stored_health import StoredHealth
from senses.gate import Gate
from senses.motion import Grey, Motion

__all__ = ["camera_frames", "moving", "played", "reported"]

log = logging.getLogger(__name__)

MEMORY_S = 1.0  # long enough to see a slow walker, short enough to forget who has left


def camera_frames(settings: CameraSettings, switch: PrivacySwitch, stored: StoredHealth) -> Iterator[Frame | Trouble]:
    """Yield the frames to send.

    For a live camera, also yield a `Trouble` whenever its state changes. Yield nothing while the switch is off.
    """
    is_live, health = live.is_live(settings.source), Health(stored.last_reported())

    def look(pictures: Iterator[Shot | Away]) -> Iterator[Shot | Trouble]:
        health.reset()
        return reported(pictures, settings, health)

    if is_live:
        shots = switch.while_enabled(lambda: live.live_shots(settings), look)
    else:
        shots = switch.while_enabled(lambda: played(settings), lambda pictures: moving(pictures, settings))
    for shot in shots:
        if isinstance(shot, Trouble):
            yield shot
            stored.store(shot.what)  # after it was sent: twice is better than never
            continue
        jpeg = video.encoded(shot.image, quality=settings.quality)
        yield Frame(settings.place, jpeg, shot.at, shot.number)


def moving(shots: Iterable[Shot], settings: CameraSettings) -> Iterator[Shot]:
    """Yield the shots with motion, those for `linger_s` after it, and one every `sweep_s`."""
    is_sent = _sending(settings)
    return (shot for shot in shots if is_sent(shot, video.grey(shot.image)))


def reported(
    shots: Iterable[Shot | Away], settings: CameraSettings, health: Health | None = None
) -> Iterator[Shot | Trouble]:
    """Yield the shots to send, each after a `Trouble` if the camera's state has changed."""
    is_sent, health = _sending(settings), health or Health()
    for shot in shots:
        if isinstance(shot, Away):
            grey, report = None, health.camera_away(shot.why)
        else:
            grey = video.grey(shot.image)
            report = health.check(grey, shot.seconds)
        if report:
            log.warning("%s: %s: %s", settings.place, report.what, report.detail)
            yield Trouble(place=settings.place, what=report.what, detail=report.detail)
        if isinstance(shot, Shot) and is_sent(shot, grey):
            yield shot


def _sending(settings: CameraSettings) -> Callable[[Shot, Grey | None], bool]:
    """Return a function that takes one shot after another, with its grey picture, and tells whether to send it."""
    gate = Gate(sweep_s=settings.sweep_s, linger_s=settings.linger_s)
    motion = Motion(sensitivity=settings.sensitivity, memory=settings.fps * MEMORY_S)
    # A picture that cannot be decoded is sent: the brain then tells the household. Dropping it would hide the fault.
    return lambda shot, grey: gate.passes(shot.seconds, moved=grey is None or motion.moved(grey))


def played(
    settings: CameraSettings,
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Generator[Shot, None, None]:
    """Yield the pictures of a file or folder in real time, or as fast as they are read."""
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
        yield from recorded.recorded_shots(path, fps=settings.fps)
    except CameraLost as error:
        message = f"{settings.place}: {error}"
        raise CameraLost(message) from error
