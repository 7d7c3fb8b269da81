"""The pictures that faces are compared with: `brain.rekognition.pictures`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from brain.cloud.errors import CloudPicture
from brain.cloud.pictures import upright
from brain.settings.rekognition import s3_object
from nerves.errors import SettingsError

__all__ = ["ComparePicture", "read_all"]


class ComparePicture(NamedTuple):
    """One picture of a person."""

    name: str
    image: dict[str, object]
    """The `Image` parameter of Rekognition: the bytes of a JPEG, or an object in a bucket."""


def read_all(pictures: Mapping[str, Sequence[str]]) -> tuple[ComparePicture, ...]:
    """Return all pictures, with the files read. Raises `SettingsError` that names a picture that cannot be used."""
    return tuple(_read(name, source) for name, sources in pictures.items() for source in sources)


def _read(name: str, source: str) -> ComparePicture:
    there = s3_object(source)
    if there:
        return ComparePicture(name, {"S3Object": {"Bucket": there.bucket, "Name": there.key}})
    path = Path(source).expanduser()
    try:
        jpeg = upright(path.read_bytes())
    except (OSError, CloudPicture) as error:
        why = error.strerror if isinstance(error, OSError) else error
        message = f"brain.rekognition.pictures.{name}: {path}: {why}"
        raise SettingsError(message) from error
    return ComparePicture(name, {"Bytes": jpeg})
