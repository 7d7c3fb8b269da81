"""Files that a command writes about people: only their owner can read them, and they are never half written."""

import os
import tempfile
from pathlib import Path

from nerves.errors import GalleryError

__all__ = ["write_private"]


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read; an older file stays until the new one is complete.

    Raises `GalleryError` if it cannot be written.
    """
    try:
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
        temporary = Path(name)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise GalleryError(message) from error
