"""From a photo on disk to a photo in the gallery."""

import hashlib
import io
import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from brain.gallery import Photo
from brain.picture import MAX_MEGAPIXELS, Picture
from brain.sights.sight import Face, Sight
from nerves.errors import BadPicture, GalleryError

__all__ = ["PHOTO_TYPES", "photo"]

PHOTO_TYPES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
# Phones take 12 megapixels and more; a face needs no more than this.
LONGER_SIDE = 1920
# Two faces of about the same size: whose photo is it? A face this much narrower than the widest is the background.
RIVAL = 0.5
MIN_WIDTH = 32


def photo(path: Path, sight: Sight) -> Photo:
    """Return the one face of a photo.

    Raises `GalleryError`, in one line that names the file: it cannot be read, shows no face, two faces, or one that is
    too small.
    """
    data = _read(path)
    try:
        picture = Picture(_upright(data))
    except BadPicture as error:
        message = f"{path}: {error}"
        raise GalleryError(message) from error
    face = _only_face(path, sight.faces(picture))
    look = sight.look(picture, face)
    if look is None:
        message = f"{path}: the face cannot be measured; use a photo that shows it from the front"
        raise GalleryError(message)
    return Photo(look.vector, hashlib.sha256(data).hexdigest(), path.name)


def _only_face(path: Path, faces: list[Face]) -> Face:
    if not faces:
        message = f"{path}: no face found; use a photo that shows the face from the front, well lit"
        raise GalleryError(message)
    first = faces[0]
    rivals = [face for face in faces if face.width >= RIVAL * first.width]
    if len(rivals) > 1:
        message = f"{path}: {len(rivals)} faces found; use a photo of one person, or cut the others off"
        raise GalleryError(message)
    if first.width < MIN_WIDTH:
        message = f"{path}: the face is {first.width:.0f} pixels wide; at least {MIN_WIDTH} are needed"
        raise GalleryError(message)
    return first


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise GalleryError(message) from error
    if not data:
        message = f"{path}: an empty file (0 bytes)"
        raise GalleryError(message)
    return data


def _upright(data: bytes) -> bytes:
    """Return a photo of any common format as an upright JPEG of at most 1920 pixels."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # we have a limit of our own
            with Image.open(io.BytesIO(data)) as image:
                if image.width * image.height > MAX_MEGAPIXELS * 1_000_000:
                    message = f"{image.width} x {image.height} pixels: more than {MAX_MEGAPIXELS} megapixels"
                    raise BadPicture(message)
                upright = ImageOps.exif_transpose(image).convert("RGB")
        upright.thumbnail((LONGER_SIDE, LONGER_SIDE))
        out = io.BytesIO()
        upright.save(out, "JPEG", quality=95)
        return out.getvalue()
    except UnidentifiedImageError as error:
        message = "not a picture"
        raise BadPicture(message) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        message = f"a damaged picture ({error})"
        raise BadPicture(message) from error
