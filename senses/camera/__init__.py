"""The camera sense: it turns USB, RTSP, HTTP, a clip or a folder of pictures into frames.

`recorded.recording` reads a clip for `kinwatch replay`.
"""

from collections.abc import Iterator

from nerves.messages import Fact, Frame, Trouble
from nerves.services import Context, Sense
from senses.camera.settings import CameraSettings, camera_topics
from senses.closer import CloserLook

__all__ = ["CameraSettings", "sense", "watch"]


def watch(
    settings: CameraSettings, context: Context | None = None, heard: Iterator[Fact] | None = None
) -> Iterator[Frame | Trouble]:
    """Yield the camera's frames while something moves, and one frame every `sweep_s` in any case.

    While the brain asks for a closer look, frames are larger and come more often, even if nothing moves.
    If a live camera is away, frozen, covered, blurred or in the dark, yield one `Trouble`, and another when it has
    recovered; an absent camera is retried for ever. While the camera switch of its place is off, the camera is
    released and nothing is yielded.

    Raises:
        CameraLost: The file or folder holds no picture.
    """
    from senses.camera.privacy import PrivacySwitch  # noqa: PLC0415
    from senses.camera.stored_health import StoredHealth  # noqa: PLC0415
    from senses.camera.watching import camera_frames  # noqa: PLC0415 - OpenCV takes a second to load

    closer = CloserLook()
    switch = PrivacySwitch(context, heard and closer.watching(heard))
    return camera_frames(settings, switch, StoredHealth(context), closer)


sense = Sense(CameraSettings, watch, camera_topics)
