"""A picture is the upright one, however its camera has stored it."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from brain.cloud.pictures import fit_for_rekognition
from brain.people.enroll import to_upright_image
from brain.vision.picture import Picture
from nerves.errors import BadPicture
from nerves.exif import UPRIGHT, capture_time, orientation
from nerves.messages import Box
from senses.reduced import reduced
from tests.turned import ORIENTATION_TAGS, turned

# JPEG loses a little: the mean difference of two correct readings, in grey levels.
MAX_LOSS_LEVELS = 3.0


def scene(wide: int, high: int) -> Image.Image:
    """A picture without symmetry: it grows brighter to the right, greener downwards, and has a red corner."""
    pixels = np.zeros((high, wide, 3), np.uint8)
    pixels[..., 2] = np.linspace(0, 200, wide, dtype=np.uint8)
    pixels[..., 1] = np.linspace(0, 200, high, dtype=np.uint8)[:, None]
    pixels[: high // 4, : wide // 4, 0] = 250
    return Image.fromarray(pixels)


def loss(one: np.ndarray, other: np.ndarray) -> float:
    assert one.shape == other.shape
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize("is_long", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tag", ORIENTATION_TAGS)
def test_a_stored_picture_is_read_upright(tag: int, order: str, *, is_long: bool) -> None:
    jpeg, seen = turned(scene(160, 96), tag, order=order, is_long=is_long), np.asarray(scene(160, 96))[:, :, ::-1]
    picture = Picture(jpeg)
    assert (picture.width, picture.height) == (160, 96)
    assert loss(picture.full, seen) < MAX_LOSS_LEVELS
    assert picture.full.flags.c_contiguous
    corner = picture.crop(Box(0, 0, 0.2, 0.2))
    assert corner[..., 2].mean() > 200
    assert picture.is_stored_upright == (tag == 1)


@pytest.mark.parametrize("tag", ORIENTATION_TAGS)
def test_the_small_picture_is_upright_too(tag: int) -> None:
    picture = Picture(turned(scene(1920, 1088), tag))
    assert picture.small.shape == (544, 960, 3)
    assert loss(picture.small, np.asarray(scene(960, 544))[:, :, ::-1]) < MAX_LOSS_LEVELS


@pytest.mark.parametrize("tag", ORIENTATION_TAGS)
def test_motion_and_the_cloud_see_the_upright_picture(tag: int) -> None:
    jpeg = turned(scene(320, 192), tag)
    grey = reduced(jpeg)
    assert grey is not None
    assert loss(grey, np.asarray(scene(320, 192).convert("L"))) < MAX_LOSS_LEVELS
    with Image.open(io.BytesIO(fit_for_rekognition(jpeg))) as sent:
        assert not sent.getexif()
        assert loss(np.asarray(sent), np.asarray(scene(320, 192))) < MAX_LOSS_LEVELS


@given(st.binary(max_size=60), st.integers(0, 60))
def test_damaged_exif_data_turns_nothing_and_raises_nothing(junk: bytes, at: int) -> None:
    jpeg = turned(scene(64, 48), 6)
    damaged = jpeg[: 12 + at] + junk + jpeg[12 + at + len(junk) :]
    orientation(damaged)
    orientation(junk)
    assert orientation(b"\xff\xd8\xff\xe1\x00\x10Exif\x00\x00" + junk[:8]) == UPRIGHT


def test_a_tag_that_means_nothing_is_upright() -> None:
    for value in (0, 9, 255):
        jpeg = bytearray(turned(scene(64, 48), 1))
        jpeg[jpeg.index(b"\x12\x01") + 8] = value
        assert Picture(bytes(jpeg)).is_stored_upright


def test_the_time_is_read_beside_the_orientation() -> None:
    exif, out = Image.Exif(), io.BytesIO()
    exif[0x0112] = 8
    exif.get_ifd(0x8769).update({0x9003: "2026:11:21 14:00:00", 0x9011: "+02:00"})
    scene(64, 48).save(out, "JPEG", exif=exif)
    at = capture_time(out.getvalue())
    assert at is not None
    assert at.isoformat() == "2026-11-21T12:00:00+00:00"
    assert (Picture(out.getvalue()).width, Picture(out.getvalue()).height) == (48, 64)


@pytest.mark.parametrize("mark", [b"", b"\xff\xd9", b"\xff\xd8\xff\xe0 another picture \xff\xd9" + bytes(100)])
def test_what_a_camera_appends_is_left_out(mark: bytes) -> None:
    out = io.BytesIO()
    scene(96, 96).save(out, "JPEG")
    jpeg = out.getvalue()
    picture = Picture(jpeg + mark + b"serial number 4711" * 20)
    assert loss(picture.full, Picture(jpeg).full) == 0
    assert b"4711" not in fit_for_rekognition(picture.jpeg)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_a_thumbnails_end_is_not_the_pictures(share: float) -> None:
    thumbnail, out = io.BytesIO(), io.BytesIO()
    scene(32, 32).save(thumbnail, "JPEG")
    scene(400, 300).save(out, "JPEG", exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00" + thumbnail.getvalue())
    cut = out.getvalue()[: int(share * len(out.getvalue()))]
    with pytest.raises(BadPicture, match="truncated"):
        Picture(cut)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("tag", [1, 6])
def test_a_scanners_grey_picture_of_16_bits_is_a_photo(tmp_path: Path, kind: str, tag: int) -> None:
    grey, exif = scene(120, 80).convert("L"), Image.Exif()
    stored = grey if tag == 1 else grey.transpose(Image.Transpose.ROTATE_90)
    exif[0x0112] = tag
    Image.fromarray(np.asarray(stored).astype(np.uint16) * 257).save(tmp_path / "scan", kind, exif=exif)
    seen = to_upright_image((tmp_path / "scan").read_bytes()).convert("L")
    assert loss(np.asarray(seen), np.asarray(grey)) < MAX_LOSS_LEVELS
