"""The time inside a JPEG: EXIF DateTimeOriginal, SubSecTimeOriginal and OffsetTimeOriginal."""

import re
import struct
from collections.abc import Iterator
from datetime import UTC, datetime

__all__ = ["stamped", "taken"]

SOI = b"\xff\xd8"
MAGIC = b"Exif\x00\x00"
APP1, START_OF_SCAN, END = 0xE1, 0xDA, 0xD9
EXIF_IFD, DATE, OFFSET, SUBSECOND = 0x8769, 0x9003, 0x9011, 0x9291
ASCII, LONG = 2, 4
ENTRY = 12
MAX_ENTRIES = 512
INLINE = 4  # a value of up to four bytes stands in the entry itself
WRITTEN = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")
ZONE = re.compile(r"[+-]\d\d:\d\d")


def stamped(jpeg: bytes, at: datetime) -> bytes:
    """Return the JPEG with the time it was taken (UTC, to 1 ms); untouched if it has EXIF or is no JPEG."""
    if not jpeg.startswith(SOI) or _tiff(jpeg) is not None:
        return jpeg
    return SOI + _segment(at.astimezone(UTC)) + jpeg[len(SOI) :]


def taken(jpeg: bytes) -> datetime | None:
    """Return when the JPEG says it was taken, in UTC; None if it does not say, or cannot be read."""
    tiff = _tiff(jpeg)
    if tiff is None:
        return None
    try:
        return _time(tiff)
    except (struct.error, ValueError, OverflowError):
        return None


def _segment(at: datetime) -> bytes:
    date = at.strftime("%Y:%m:%d %H:%M:%S").rjust(19, "0").encode() + b"\x00"
    zone = b"+00:00\x00"
    milliseconds = f"{at.microsecond // 1000:03}".encode() + b"\x00"
    pointer = struct.pack("<HHHIII", 1, EXIF_IFD, LONG, 1, 26, 0)
    values = 26 + 2 + 3 * ENTRY + 4
    entries = struct.pack("<HHHII", 3, DATE, ASCII, len(date), values)
    entries += struct.pack("<HHII", OFFSET, ASCII, len(zone), values + len(date))
    entries += struct.pack("<HHI4sI", SUBSECOND, ASCII, len(milliseconds), milliseconds, 0)
    body = MAGIC + b"II*\x00" + struct.pack("<I", 8) + pointer + entries + date + zone
    return struct.pack(">BBH", 0xFF, APP1, 2 + len(body)) + body


def _tiff(jpeg: bytes) -> bytes | None:
    """Return what EXIF wraps, without copying the rest of the picture."""
    for marker, start, end in _segments(jpeg):
        if marker == APP1 and jpeg.startswith(MAGIC, start, end):
            return jpeg[start + len(MAGIC) : end]
    return None


def _segments(jpeg: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, first and past-the-last byte of what precedes the picture itself."""
    at = len(SOI)
    while jpeg.startswith(SOI) and at + 4 <= len(jpeg) and jpeg[at] == 0xFF:  # noqa: PLR2004
        marker, size = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4])
        if marker == 0xFF:  # noqa: PLR2004 - a fill byte
            at += 1
            continue
        if marker in (START_OF_SCAN, END):
            return
        yield marker, at + 4, at + 2 + size
        at += 2 + max(size, 2)


def _time(tiff: bytes) -> datetime | None:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None
    first = _directory(tiff, order, struct.unpack_from(f"{order}I", tiff, 4)[0])
    if EXIF_IFD not in first:
        return None
    fields = _directory(tiff, order, struct.unpack(f"{order}I", first[EXIF_IFD][:4])[0])
    date = WRITTEN.match(_text(fields.get(DATE)))
    if date is None:
        return None
    digits = re.match(r"\d*", _text(fields.get(SUBSECOND)))
    fraction = (digits.group() if digits else "").ljust(6, "0")[:6]
    # Without an offset, UTC is as good a guess as any: a wrong one is hours off, and is not trusted.
    zone = ZONE.match(_text(fields.get(OFFSET)))
    year, month, day, hour, minute, second = date.groups()
    written = f"{year}-{month}-{day}T{hour}:{minute}:{second}.{fraction}{zone.group() if zone else '+00:00'}"
    return datetime.fromisoformat(written).astimezone(UTC)


def _directory(tiff: bytes, order: str, at: int) -> dict[int, bytes]:
    """Return the values of one directory by tag; of numbers, the first four bytes."""
    values: dict[int, bytes] = {}
    (count,) = struct.unpack_from(f"{order}H", tiff, at)
    for place in range(at + 2, at + 2 + ENTRY * min(count, MAX_ENTRIES), ENTRY):
        tag, kind, size, value = struct.unpack_from(f"{order}HHI4s", tiff, place)
        if kind == ASCII and size > INLINE:
            (start,) = struct.unpack(f"{order}I", value)
            value = tiff[start : start + size]
        values[tag] = value
    return values


def _text(value: bytes | None) -> str:
    return (value or b"").split(b"\x00")[0].decode("ascii", "replace")
