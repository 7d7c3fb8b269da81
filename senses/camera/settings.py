"""The settings of a camera."""

import re
from typing import Literal

from pydantic import Field

from nerves import topics
from nerves.messages import CameraEnabled, LookCloser
from nerves.services import SenseSettings

__all__ = ["CameraSettings", "camera_topics", "masked"]

SECRET_PARAMETER = re.compile(r"(?i)([?&;][^=&;]*(?:pass|pwd|token|key|auth|secret)[^=&;]*=)[^&;#\s]+")


class CameraSettings(SenseSettings):
    """A camera's table in `kinwatch.yaml`."""

    source: str = Field(min_length=1, coerce_numbers_to_str=True)
    """Where pictures come from: a USB camera's number (0), rtsp://, http(s)://, a video file or a folder."""
    watch_source: str | None = Field(default=None, min_length=1, coerce_numbers_to_str=True)
    """The camera's smaller second stream (sub-stream). It is watched, and `source` is opened for a closer look only."""
    watch_width: int | None = Field(default=None, ge=160, le=7680)
    """Scale pictures down to this width, in pixels, except for a closer look. Left out: as large as they come."""
    fps: float = Field(default=5, gt=0, le=60)
    """Send at most this many frames a second, while something moves."""
    closer_fps: float = Field(default=10, gt=0, le=60)
    """The same for a closer look: while it is undecided who is there, even if nothing moves."""
    sweep_s: float = Field(default=10, gt=0)
    """Send at least one frame in this many seconds, even if nothing moves."""
    linger_s: float = Field(default=4, ge=0)
    """Go on sending frames for this many seconds after the last motion, and after the start."""
    sensitivity: float = Field(default=0.5, ge=0, le=1)
    """The smallest motion that counts, 0 to 1: 2 % of the picture at 0, 0.2 % at 0.5, 0.02 % at 1."""
    quality: int = Field(default=90, ge=1, le=100)
    """JPEG quality, 1 to 100, for sources that do not send JPEG themselves, and for pictures that are turned or scaled
    down."""
    rotate: Literal[0, 90, 180, 270] = 0
    """Turn the pictures clockwise by so many degrees, for a camera that is mounted on its side or upside down."""
    loop: bool = False
    """Play a file or folder over and over."""
    pace: Literal["real", "fast"] = "real"
    """`real`: play a file or folder in real time. `fast`: as fast as possible; frames then have the clip's own time."""


def camera_topics(settings: CameraSettings) -> tuple[str, ...]:
    """Return the subscriptions of a camera: the camera switch of its place, and the wish to look closer there."""
    return tuple(topics.to(settings.place, fact.kind) for fact in (CameraEnabled, LookCloser))


def masked(source: str) -> str:
    """Return a source, or a text that contains one, without the passwords and keys in its URL, for printing."""
    source = re.sub(r"(://[^:/?#]*):.*@", r"\1:***@", source)
    return SECRET_PARAMETER.sub(r"\1***", source)
