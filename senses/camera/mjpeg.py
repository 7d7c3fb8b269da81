"""Find the JPEGs in a stream of bytes by JPEG's own structure.

The boundaries and lengths of a multipart stream are ignored: cameras get both wrong.
"""

import re
from collections.abc import Iterable, Iterator

from nerves.errors import CameraLost

__all__ = ["MAX_JPEG_BYTES", "jpegs"]

MAX_JPEG_BYTES = 20_000_000
SOI, EOI = b"\xff\xd8", b"\xff\xd9"
BEGINNING = b"\xff\xd8\xff"
# The next marker in compressed data, where 0xFF 0x00 is a byte, 0xFF 0xD0 to 0xD7 a restart, 0xFF 0xFF a fill byte.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
START_OF_SCAN = 0xDA
JPEG_CUT, JPEG_INCOMPLETE = -1, 0  # the data breaks JPEG's structure; its end has not arrived yet


def jpegs(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield each complete JPEG, byte for byte; JPEGs that are cut off or have a damaged structure are skipped.

    Raises:
        CameraLost: 20 MB held no complete JPEG.
    """
    pending = bytearray()
    for chunk in chunks:
        complete = EOI in pending[-1:] + chunk
        pending += chunk
        if complete:
            yield from _whole(pending)
        if len(pending) > MAX_JPEG_BYTES:
            message = f"sends no JPEG: {MAX_JPEG_BYTES // 1_000_000} MB without a complete one"
            raise CameraLost(message)


def _whole(pending: bytearray) -> Iterator[bytes]:
    """Yield the complete JPEGs in `pending`, and leave there what may become one."""
    start = _begin(pending, 0)
    while start < len(pending):
        end = _end(pending, start)
        if end == JPEG_INCOMPLETE:
            break
        if end != JPEG_CUT:
            yield bytes(pending[start:end])
        start = _begin(pending, end if end != JPEG_CUT else start + len(SOI))
    del pending[:start]


def _begin(data: bytearray, after: int) -> int:
    found = data.find(BEGINNING, after)
    # The last two bytes may be part of a beginning.
    return found if found >= 0 else max(after, len(data) - len(SOI))


def _end(data: bytearray, start: int) -> int:
    """Return where the JPEG that begins at `start` ends; JPEG_INCOMPLETE or JPEG_CUT if it does not."""
    at = start + len(SOI)
    while at + 4 <= len(data):
        if data[at] != 0xFF:  # noqa: PLR2004
            return JPEG_CUT
        kind = data[at + 1]
        if kind == EOI[1]:
            return at + len(EOI)
        if kind in (0x00, SOI[1]):
            return JPEG_CUT
        at = _after(data, at, kind)
    if data[at : at + 2] == EOI:
        return at + len(EOI)
    return JPEG_INCOMPLETE


def _after(data: bytearray, at: int, kind: int) -> int:
    """Return the position of the marker after the one at `at`."""
    if kind == 0xFF:  # noqa: PLR2004 - a fill byte
        return at + 1
    if kind in BARE_MARKERS:
        return at + 2
    at += 2 + int.from_bytes(data[at + 2 : at + 4])
    if kind != START_OF_SCAN:
        return at
    marker = MARKER.search(data, at)
    return marker.start() if marker else len(data)
