"""A camera as a sense: USB, RTSP, HTTP, a clip or a folder of pictures -> frames.

`recorded.recording` reads a clip for `kinwatch replay`.
"""

from collections.abc import Iterator

from nerves.messages import Fact, Frame, Trouble
from nerves.services import Context, Sense
from senses.camera.settings import CameraSettings, camera_topics

__all__ = ["CameraSettings", "sense", "watch"]


def watch(
    settings: CameraSettings, context: Context | None = None, heard: Iterator[Fact] | None = None
) -> Iterator[Frame | Trouble]:
    """Yield what the camera sees while something moves, and a frame now and then anyway.

    A live camera that is away, frozen, covered, blurred or in the dark is `Trouble`, told once, and again when it has
    recovered; it is tried for ever. While the eyes at its place are closed, the camera is let go and there is
    nothing. A file or folder without pictures raises `CameraLost`.
    """
    from senses.camera.privacy import PrivacySwitch  # noqa: PLC0415
    from senses.camera.stored_health import StoredHealth  # noqa: PLC0415
    from senses.camera.watching import camera_frames  # noqa: PLC0415 - OpenCV takes a second to load

    return camera_frames(settings, PrivacySwitch(context, heard), StoredHealth(context))


sense = Sense(CameraSettings, watch, camera_topics)
