"""Choose which of a source's pictures are sent as frames, and report what is wrong with the camera."""

import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from nerves.errors import CameraLost
from nerves.messages import Frame, Trouble
from senses.camera import live, recorded, video
from senses.camera.health import Health
from senses.camera.main_stream import MainStream
from senses.camera.privacy import PrivacySwitch
from senses.camera.settings import CameraSettings, masked
from senses.camera.shot import Away, Shot
from senses.camera.stored_health import StoredHealth
from senses.camera.turn import turned
from senses.closer import CloserLook
from senses.gate import Gate
from senses.motion import Grey, Motion

__all__ = ["camera_frames", "moving", "played", "reported"]

log = logging.getLogger(__name__)

Picture = TypeVar("Picture")

MEMORY_S = 1.0  # long enough to see a slow walker, short enough to forget who has left


def camera_frames(
    settings: CameraSettings, switch: PrivacySwitch, stored: StoredHealth, closer: CloserLook
) -> Iterator[Frame | Trouble]:
    """Yield the frames to send: larger ones, and all of them, while a closer look is wanted.

    For a live camera, also yield a `Trouble` whenever its state changes. Yield nothing while the switch is off.
    """
    main = _main_stream(settings, closer)
    for shot in _watched(settings, switch, stored, closer, main):
        if isinstance(shot, Trouble):
            yield shot
            stored.store(shot.what)  # after it was sent: twice is better than never
            continue
        sent = main.instead_of(shot) if main else shot
        if sent is not None:
            width = None if closer.is_wanted() else settings.watch_width
            jpeg = video.encoded(turned(sent.image, settings.rotate), quality=settings.quality, max_width=width)
            yield Frame(settings.place, jpeg, sent.at, sent.number)


def _watched(
    settings: CameraSettings, switch: PrivacySwitch, stored: StoredHealth, closer: CloserLook, main: MainStream | None
) -> Iterator[Shot | Trouble]:
    """Yield the shots of the stream that is watched, and its troubles; the main stream is released together with it."""
    settings = settings.model_copy(update={"source": settings.watch_source or settings.source})
    health = Health(stored.last_reported())

    def look(pictures: Iterator[Shot | Away]) -> Iterator[Shot | Trouble]:
        health.reset()
        return reported(pictures, settings, closer, health)

    def fps() -> float:
        return max(settings.fps, settings.closer_fps) if closer.is_wanted() else settings.fps

    if live.is_live(settings.source):
        return switch.while_enabled(lambda: _beside(main, live.live_shots(settings, fps)), look)
    return switch.while_enabled(lambda: _beside(main, played(settings)), lambda shots: moving(shots, settings, closer))


def _main_stream(settings: CameraSettings, closer: CloserLook) -> MainStream | None:
    """Return the camera's main stream if another stream is watched."""
    if settings.watch_source is None:
        return None
    name, fps = f"{settings.place}, main stream: {masked(settings.source)}", max(settings.fps, settings.closer_fps)
    connect = (
        (lambda: live.connected(settings, lambda: fps))
        if live.is_live(settings.source)
        else (lambda: played(settings.model_copy(update={"fps": fps})))
    )
    return MainStream(connect, name=name, closer=closer)


def _beside(main: MainStream | None, shots: Generator[Picture, None, None]) -> Generator[Picture, None, None]:
    """Yield the shots; when they are closed, the main stream is released too."""
    with main or nullcontext():
        yield from shots


def moving(shots: Iterable[Shot], settings: CameraSettings, closer: CloserLook) -> Iterator[Shot]:
    """Yield the shots with motion, those for `linger_s` after it, one every `sweep_s`, and all for a closer look."""
    is_sent = _sending(settings, closer)
    return (shot for shot in shots if is_sent(shot, video.grey(shot.image)))


def reported(
    shots: Iterable[Shot | Away], settings: CameraSettings, closer: CloserLook, health: Health
) -> Iterator[Shot | Trouble]:
    """Yield the shots to send, each after a `Trouble` if the camera's state has changed."""
    is_sent = _sending(settings, closer)
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


def _sending(settings: CameraSettings, closer: CloserLook) -> Callable[[Shot, Grey | None], bool]:
    """Return a function that takes one shot after another, with its grey picture, and tells whether to send it."""
    gate = Gate(sweep_s=settings.sweep_s, linger_s=settings.linger_s)
    motion = Motion(sensitivity=settings.sensitivity, memory=settings.fps * MEMORY_S)

    def is_sent(shot: Shot, grey: Grey | None) -> bool:
        # A picture that cannot be decoded is sent: the brain then tells the household. Dropping it would hide the
        # fault.
        passes = gate.passes(shot.seconds, moved=grey is None or motion.moved(grey))
        return passes or closer.is_wanted()

    return is_sent


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
