"""Read a photo from disk and find the one face to enrol."""

import hashlib
import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from brain.people.gallery import Photo
from brain.vision.backend import Face, VisionBackend
from brain.vision.picture import MAX_MEGAPIXELS, Picture
from nerves.errors import BadPicture, GalleryError

__all__ = ["PHOTO_TYPES", "read_photo", "to_picture", "to_upright_image"]

PHOTO_TYPES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
# Phones take 12 megapixels and more. A face needs no more than this longer side.
MAX_PHOTO_SIDE_PX = 1920
# If two faces are about the same size, nobody knows whose photo it is. A face narrower than this share of the widest
# one is in the background and does not matter.
RIVAL_WIDTH_RATIO = 0.5
MIN_FACE_WIDTH_PX = 32
# The picture of a reference for people to look at: its side, and the margin around the face in widths of the face.
THUMBNAIL_SIDE_PX, THUMBNAIL_MARGIN = 112, 0.25


def read_photo(path: Path, backend: VisionBackend) -> Photo:
    """Return the one face of a photo.

    Raises:
        GalleryError: The photo cannot be read, or shows no face, several faces or too small a face.
    """
    data = _read(path)
    try:
        shown = to_picture(data)
    except BadPicture as error:
        message = f"{path}: {error}"
        raise GalleryError(message) from error
    face = _only_face(path, backend.find_faces(shown))
    embedding = backend.embed(shown, face)
    if embedding is None:
        message = f"{path}: the face cannot be measured; use a photo that shows it from the front"
        raise GalleryError(message)
    return Photo(embedding.vector, hashlib.sha256(data).hexdigest(), path.name, _thumbnail(shown, face))


def _only_face(path: Path, faces: list[Face]) -> Face:
    if not faces:
        message = f"{path}: no face found; use a photo that shows the face from the front, well lit"
        raise GalleryError(message)
    first = faces[0]
    rivals = [face for face in faces if face.width >= RIVAL_WIDTH_RATIO * first.width]
    if len(rivals) > 1:
        message = f"{path}: {len(rivals)} faces found; use a photo of one person, or cut the others off"
        raise GalleryError(message)
    if first.width < MIN_FACE_WIDTH_PX:
        message = f"{path}: the face is {first.width:.0f} pixels wide; at least {MIN_FACE_WIDTH_PX} are needed"
        raise GalleryError(message)
    return first


def _thumbnail(shown: Picture, face: Face) -> bytes:
    """Return a square around the face, inside the picture, as a small JPEG."""
    wide, high = face.box.w * shown.width, face.box.h * shown.height
    side = min(max(wide, high) * (1 + 2 * THUMBNAIL_MARGIN), shown.width, shown.height)
    left = min(max((face.box.x + face.box.w / 2) * shown.width - side / 2, 0), shown.width - side)
    top = min(max((face.box.y + face.box.h / 2) * shown.height - side / 2, 0), shown.height - side)
    pixels = Image.fromarray(shown.full[:, :, ::-1])
    area = (left, top, left + side, top + side)
    out = io.BytesIO()
    pixels.resize((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX), Image.Resampling.LANCZOS, box=area).save(
        out, "JPEG", quality=85
    )
    return out.getvalue()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise GalleryError(message) from error


def to_upright_image(data: bytes) -> Image.Image:
    """Return a photo of any common format, turned upright, in RGB, with at most 1920 pixels a side.

    Raises:
        BadPicture: The bytes are empty, not a picture, damaged, or have too many pixels.
    """
    if not data:
        message = "an empty file (0 bytes)"
        raise BadPicture(message)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is stricter
            with Image.open(io.BytesIO(data)) as image:
                if image.width * image.height > MAX_MEGAPIXELS * 1_000_000:
                    message = f"{image.width} x {image.height} pixels: more than {MAX_MEGAPIXELS} megapixels"
                    raise BadPicture(message)
                turned = ImageOps.exif_transpose(_with_8_bits(image)).convert("RGB")
        turned.thumbnail((MAX_PHOTO_SIDE_PX, MAX_PHOTO_SIDE_PX))
    except UnidentifiedImageError as error:
        message = "not a picture"
        raise BadPicture(message) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        message = f"a damaged picture ({error})"
        raise BadPicture(message) from error
    return turned


def _with_8_bits(image: Image.Image) -> Image.Image:
    """Return a grey picture of 16 bits, as scanners write it, with 8; Pillow itself would make it all white."""
    if not image.mode.startswith("I;16"):
        return image
    grey = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    grey.info = image.info  # with its orientation
    return grey


def to_picture(data: bytes) -> Picture:
    """Return a photo of any common format as a `Picture`.

    Raises:
        BadPicture: The bytes are empty, not a picture, damaged, or have too many pixels.
    """
    out = io.BytesIO()
    to_upright_image(data).save(out, "JPEG", quality=95)
    return Picture(out.getvalue())
