"""A camera that is mounted on its side or upside down, set right by `rotate`."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from brain.models.local import LocalBackend
from brain.vision.picture import Picture
from nerves.exif import capture_time, with_capture_time
from senses.camera import CameraSettings, video, watch
from senses.camera.shot import Pixels
from senses.camera.turn import turned
from tests import turned as by_tag
from tests.senses.camera.test_camera import NOON, camera, clip, send, served, some

# The picture as the tilted camera delivers it, for each setting that sets it right.
TILTED = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
ROTATIONS = tuple(TILTED)
MAX_LOSS_LEVELS = 4.0


def upright() -> Image.Image:
    """A picture without symmetry."""
    pixels = np.zeros((96, 160, 3), np.uint8)
    pixels[..., 2] = np.linspace(0, 200, 160, dtype=np.uint8)
    pixels[:24, :40, 0] = 250
    return Image.fromarray(pixels)


def bgr(image: Image.Image) -> Pixels:
    return np.ascontiguousarray(np.asarray(image)[:, :, ::-1])


def jpeg(image: Image.Image) -> bytes:
    return video.encoded(bgr(image), quality=95)


def is_upright(found: bytes) -> bool:
    shown, wanted = Picture(found).full, bgr(upright())
    return shown.shape == wanted.shape and float(np.abs(shown.astype(int) - wanted).mean()) < MAX_LOSS_LEVELS


@pytest.mark.parametrize("rotate", ROTATIONS)
def test_pixels_and_jpegs_are_turned_clockwise(rotate: int) -> None:
    tilted = upright().transpose(TILTED[rotate])
    exact = turned(bgr(tilted), rotate)
    assert isinstance(exact, np.ndarray)
    assert np.array_equal(exact, bgr(upright()))
    assert is_upright(video.encoded(turned(jpeg(tilted), rotate), quality=90))


def test_without_a_setting_nothing_is_touched() -> None:
    picture, pixels = jpeg(upright()), bgr(upright())
    assert turned(picture, 0) is picture
    assert turned(pixels, 0) is pixels


def test_a_damaged_picture_is_left_to_the_brain() -> None:
    assert turned(b"\xff\xd8 no picture", 90) == b"\xff\xd8 no picture"


@pytest.mark.parametrize("tag", by_tag.ORIENTATION_TAGS)
def test_the_tag_of_the_camera_counts_first(tag: int) -> None:
    tilted = upright().transpose(TILTED[90])
    sent = video.encoded(turned(by_tag.turned(tilted, tag), 90), quality=95)
    assert is_upright(sent)
    assert is_upright(with_capture_time(sent, NOON))
    assert capture_time(with_capture_time(sent, NOON)) == NOON


@pytest.mark.parametrize("rotate", [45, -90, 360, "left"])
def test_other_angles_are_refused(rotate: object) -> None:
    with pytest.raises(ValidationError, match="rotate"):
        camera("0", rotate=rotate)
    assert CameraSettings.model_validate({"kind": "camera", "place": "x", "source": "0"}).rotate == 0


@pytest.mark.parametrize("rotate", ROTATIONS)
def test_a_still_camera_is_turned(rotate: int) -> None:
    tilted = jpeg(upright().transpose(TILTED[rotate]))
    with served(lambda request: send(request, tilted)) as host:
        (frame,) = some(watch(camera(f"http://{host}/", rotate=rotate)), 1)
    assert is_upright(frame.jpeg)


@pytest.mark.parametrize("rotate", ROTATIONS)
def test_a_folder_and_a_clip_are_turned(tmp_path: Path, rotate: int) -> None:
    tilted = upright().transpose(TILTED[rotate])
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(jpeg(tilted))
    (folder / "b.png").write_bytes(_png(tilted))
    frames = some(watch(camera(folder, pace="fast", rotate=rotate)), 2)
    frames += some(watch(camera(clip(tmp_path / "clip.avi", [bgr(tilted)] * 5), pace="fast", rotate=rotate)), 1)
    assert [is_upright(frame.jpeg) for frame in frames] == [True] * 3


def test_the_width_is_that_of_the_turned_picture(tmp_path: Path) -> None:
    tall = upright().resize((1600, 960)).transpose(TILTED[90])
    (tmp_path / "a.jpg").write_bytes(jpeg(tall))
    (frame,) = some(watch(camera(tmp_path, pace="fast", rotate=90, watch_width=320)), 1)
    assert (Picture(frame.jpeg).width, Picture(frame.jpeg).height) == (320, 192)


@pytest.mark.media
@pytest.mark.models
@pytest.mark.parametrize("rotate", ROTATIONS)
def test_a_face_of_a_tilted_camera_is_found(tmp_path: Path, media: Path, rotate: int) -> None:
    with Image.open(media / "family" / "me" / "me_03.jpg") as photo:
        (tmp_path / "a.jpg").write_bytes(jpeg(photo.convert("RGB").transpose(TILTED[rotate])))
    backend = LocalBackend("standard", [Path(os.environ["KINWATCH_MODELS"])])
    (right,) = some(watch(camera(tmp_path, pace="fast", rotate=rotate)), 1)
    (wrong,) = some(watch(camera(tmp_path, pace="fast")), 1)
    assert len(backend.find_faces(Picture(right.jpeg))) == 1
    assert not backend.find_faces(Picture(wrong.jpeg))


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
