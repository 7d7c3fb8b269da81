"""A cache on disk for rows of numbers that take long to compute. It may be deleted at any time."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from brain.vision.boxes import Floats

__all__ = ["FeatureCache"]

DIGEST = hashlib.sha256().digest_size


class FeatureCache:
    """A folder of rows. A damaged row is computed again.

    Args:
        folder: Created when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def row(self, key: str, make: Callable[[], Floats]) -> Floats:
        """Return the row of a key as float32. `make` computes it if it is missing or damaged."""
        name = hashlib.sha256(key.encode()).hexdigest()
        path = self._folder / name[:2] / name[2:]
        row = _load(path)
        if row is None:
            row = make().astype(np.float32)
            _save(path, row)
        return row


def _load(path: Path) -> Floats | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, data = content[:DIGEST], content[DIGEST:]
    return np.frombuffer(data, np.float32) if hashlib.sha256(data).digest() == digest else None


def _save(path: Path, row: Floats) -> None:
    """Store a row. A full or read-only disk is ignored: the row is then computed again later."""
    data = row.tobytes()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as unsure:
            unsure.write(hashlib.sha256(data).digest() + data)
        os.replace(unsure.name, path)  # noqa: PTH105 - one step, because another process may read it
    except OSError:
        return
