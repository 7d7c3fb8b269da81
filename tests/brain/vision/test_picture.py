import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from brain.vision.picture import Picture
from nerves.errors import BadPicture
from nerves.messages import Box


def jpeg(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), 128, np.uint8)).save(out, "JPEG")
    return out.getvalue()


@pytest.mark.parametrize(("size", "small"), [((640, 480), 640), ((1920, 1080), 960), ((3840, 2160), 960)])
def test_the_small_picture_keeps_at_least_640_pixels(size: tuple[int, int], small: int) -> None:
    picture = Picture(jpeg(*size))
    assert picture.small.shape[1] == small
    assert picture.full.shape == (size[1], size[0], 3)


def test_a_picture_of_a_hundred_megapixels_is_refused_before_it_is_decoded() -> None:
    out = io.BytesIO()
    Image.new("L", (10_000, 10_000)).save(out, "JPEG", quality=10)
    with pytest.raises(BadPicture, match=r"10000 x 10000 pixels: more than 40 megapixels"):
        Picture(out.getvalue())


def test_a_picture_too_small_to_show_anybody_is_refused() -> None:
    with pytest.raises(BadPicture, match="too small"):
        Picture(jpeg(8, 8))


def test_a_camera_that_pads_the_end_is_forgiven() -> None:
    assert Picture(jpeg(64, 64) + bytes(20)).width == 64


@given(st.binary(max_size=300))
def test_garbage_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(BadPicture, match=r".+"):
        Picture(data)


@given(st.integers(2, 600))
def test_a_cut_picture_is_refused(length: int) -> None:
    with pytest.raises(BadPicture, match=r".+"):
        Picture(jpeg(64, 64)[:length])


floats = st.floats(-1, 2)


@given(floats, floats, floats, floats)
def test_boxes_are_clipped_to_the_picture(x: float, y: float, w: float, h: float) -> None:
    picture = Picture(jpeg(64, 48))
    left, top, right, bottom = picture.to_pixels(Box(x, y, w, h))
    assert left >= 0
    assert top >= 0
    assert right <= 64
    assert bottom <= 48
    picture.crop(Box(x, y, w, h))
