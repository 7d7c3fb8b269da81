"""The EXIF data of a JPEG: when it was taken (DateTimeOriginal and its companions), and which side is up."""

import re
import struct
from datetime import UTC, datetime
from typing import NamedTuple

from nerves.jpeg import SEGMENT_HEAD_BYTES, SOI, segments

__all__ = ["UPRIGHT", "Orientation", "capture_time", "orientation", "with_capture_time"]

MAGIC = b"Exif\x00\x00"
APP1_MARKER = 0xE1
EXIF_IFD_TAG, DATE_TAG, OFFSET_TAG, SUBSECOND_TAG = 0x8769, 0x9003, 0x9011, 0x9291
ORIENTATION_TAG = 0x0112
ASCII_TYPE, LONG_TYPE = 2, 4
ENTRY_BYTES = 12
MAX_ENTRIES = 512
MAX_INLINE_BYTES = 4  # a value of up to four bytes stands in the entry itself
DATE_TEXT = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")
ZONE_TEXT = re.compile(r"[+-]\d\d:\d\d")


class Orientation(NamedTuple):
    """How stored pixels are read to see the picture upright: first the swap, then the steps."""

    is_swapped: bool
    """Whether stored rows are columns."""
    down: int
    """1: rows are read from the top, -1: from the bottom."""
    across: int
    """1: columns are read from the left, -1: from the right."""


UPRIGHT = Orientation(is_swapped=False, down=1, across=1)
# The values 1 to 8 of the tag, in this order.
ORIENTATIONS = tuple(
    Orientation(is_swapped, down, across)
    for is_swapped in (False, True)
    for down, across in ((1, 1), (1, -1), (-1, -1), (-1, 1))
)


def with_capture_time(jpeg: bytes, at: datetime) -> bytes:
    """Return the JPEG with the time it was taken (UTC, to 1 ms); unchanged if it has EXIF data or is no JPEG."""
    if not jpeg.startswith(SOI) or _tiff(jpeg) is not None:
        return jpeg
    return SOI + _segment(at.astimezone(UTC)) + jpeg[len(SOI) :]


def capture_time(jpeg: bytes) -> datetime | None:
    """Return the time the JPEG was taken, from its EXIF data, in UTC; None if there is none, or it cannot be read."""
    tiff = _tiff(jpeg)
    if tiff is None:
        return None
    try:
        return _time(tiff)
    except (struct.error, ValueError, OverflowError):
        return None


def orientation(jpeg: bytes) -> Orientation:
    """Return how the pixels must be read to see the picture upright; `UPRIGHT` if its EXIF data says nothing of it."""
    tiff = _tiff(jpeg)
    if tiff is None:
        return UPRIGHT
    try:
        value = _number(tiff, ORIENTATION_TAG)
    except struct.error:
        return UPRIGHT
    return ORIENTATIONS[value - 1] if 1 <= value <= len(ORIENTATIONS) else UPRIGHT


def _segment(at: datetime) -> bytes:
    date = at.strftime("%Y:%m:%d %H:%M:%S").rjust(19, "0").encode() + b"\x00"
    zone = b"+00:00\x00"
    milliseconds = f"{at.microsecond // 1000:03}".encode() + b"\x00"
    pointer = struct.pack("<HHHIII", 1, EXIF_IFD_TAG, LONG_TYPE, 1, 26, 0)
    values = 26 + 2 + 3 * ENTRY_BYTES + 4
    entries = struct.pack("<HHHII", 3, DATE_TAG, ASCII_TYPE, len(date), values)
    entries += struct.pack("<HHII", OFFSET_TAG, ASCII_TYPE, len(zone), values + len(date))
    entries += struct.pack("<HHI4sI", SUBSECOND_TAG, ASCII_TYPE, len(milliseconds), milliseconds, 0)
    body = MAGIC + b"II*\x00" + struct.pack("<I", 8) + pointer + entries + date + zone
    return struct.pack(">BBH", 0xFF, APP1_MARKER, 2 + len(body)) + body


def _tiff(jpeg: bytes) -> bytes | None:
    """Return the TIFF data inside the EXIF segment, or None; the rest of the picture is not copied."""
    for marker, start, end in segments(jpeg):
        data = start + SEGMENT_HEAD_BYTES
        if marker == APP1_MARKER and jpeg.startswith(MAGIC, data, end):
            return jpeg[data + len(MAGIC) : end]
    return None


def _first_directory(tiff: bytes) -> tuple[str, dict[int, bytes]]:
    """Return the byte order, as `struct` spells it, and the values of the first directory; none if that is unknown."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return "<", {}
    return order, _directory(tiff, order, struct.unpack_from(f"{order}I", tiff, 4)[0])


def _number(tiff: bytes, tag: int) -> int:
    """Return a small number of the first directory; 0 if it is not there."""
    order, first = _first_directory(tiff)
    value = first.get(tag, bytes(4))
    (short,), (long,) = struct.unpack(f"{order}H", value[:2]), struct.unpack(f"{order}I", value[:4])
    return int(short or long)  # a short stands in the first two bytes; some programs write a long


def _time(tiff: bytes) -> datetime | None:
    order, first = _first_directory(tiff)
    if EXIF_IFD_TAG not in first:
        return None
    fields = _directory(tiff, order, struct.unpack(f"{order}I", first[EXIF_IFD_TAG][:4])[0])
    date = DATE_TEXT.match(_text(fields.get(DATE_TAG)))
    if date is None:
        return None
    digits = re.match(r"\d*", _text(fields.get(SUBSECOND_TAG)))
    fraction = (digits.group() if digits else "").ljust(6, "0")[:6]
    # Without an offset assume UTC: if that is wrong, the time is hours off, and the brain does not trust it.
    zone = ZONE_TEXT.match(_text(fields.get(OFFSET_TAG)))
    year, month, day, hour, minute, second = date.groups()
    written = f"{year}-{month}-{day}T{hour}:{minute}:{second}.{fraction}{zone.group() if zone else '+00:00'}"
    return datetime.fromisoformat(written).astimezone(UTC)


def _directory(tiff: bytes, order: str, at: int) -> dict[int, bytes]:
    """Return the values of one directory by tag; a number as its first four bytes."""
    values: dict[int, bytes] = {}
    (count,) = struct.unpack_from(f"{order}H", tiff, at)
    for place in range(at + 2, at + 2 + ENTRY_BYTES * min(count, MAX_ENTRIES), ENTRY_BYTES):
        tag, kind, size, value = struct.unpack_from(f"{order}HHI4s", tiff, place)
        if kind == ASCII_TYPE and size > MAX_INLINE_BYTES:
            (start,) = struct.unpack(f"{order}I", value)
            value = tiff[start : start + size]
        values[tag] = value
    return values


def _text(value: bytes | None) -> str:
    return (value or b"").split(b"\x00")[0].decode("ascii", "replace")
