"""Download one file of a model completely, or fail."""

import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path

from nerves.errors import ModelError

__all__ = ["Progress", "download"]

Progress = Callable[[int, int], None]
"""Called with the bytes so far, and the bytes in all."""

DOWNLOAD_TIMEOUT_S = 30
BLOCK_BYTES = 1 << 16


def download(addresses: Sequence[str], path: Path, *, max_bytes: int, progress: Progress) -> str:
    """Write to `path` what the first address that answers gives, a block more than `most` bytes at most.

    Returns:
        The address.

    Raises:
        ModelError: None of the addresses gave a whole file.
    """
    failures = []
    for address in addresses:
        try:
            _save(address, path, max_bytes, progress)
        except (OSError, HTTPException) as error:
            failures.append(f"{address}: {getattr(error, 'reason', None) or error}")
            if isinstance(error, urllib.error.HTTPError):
                error.close()
        else:
            return address
    message = f"{path.name} could not be fetched; is this machine online? ({'; '.join(failures)})"
    raise ModelError(message)


def _save(address: str, path: Path, most: int, progress: Progress) -> None:
    with (
        urllib.request.urlopen(address, timeout=DOWNLOAD_TIMEOUT_S) as answer,  # noqa: S310 -- https addresses of our own
        path.open("wb") as opened,
    ):
        length = int(answer.headers.get("Content-Length") or 0)
        total, done = min(length or most, most), 0
        while done <= most and (block := answer.read(BLOCK_BYTES)):
            done += opened.write(block)
            progress(min(done, total), total)
        if done < min(length, most):
            message = f"it ended after {done} of {length} bytes: try again"
            raise OSError(message)
