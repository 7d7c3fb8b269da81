"""What can be learned of a JPEG without decoding it."""

from collections.abc import Iterator

__all__ = ["MAX_MEGAPIXELS", "MIN_SIDE", "SOI", "fault", "picture_end", "segments", "size"]

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
# Some cameras pad the end. Here the end mark is found without reading the whole picture.
MAX_PADDING_BYTES = 64
# Larger than any camera for a home (8K is 33); a 100-megapixel JPEG would take 300 MB to decode.
MAX_MEGAPIXELS = 40
MIN_SIDE = 16
# The markers SOF0 to SOF15 begin the frame header, which holds the size. Three of that range mean something else.
FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
FILL_BYTE, START_OF_SCAN, END_OF_IMAGE = 0xFF, 0xDA, 0xD9
SEGMENT_HEAD_BYTES = 4  # marker and length


def fault(jpeg: bytes) -> str | None:
    """Return why these bytes are no complete JPEG; None if they may be one."""
    if not jpeg:
        return "an empty picture (0 bytes)"
    if not jpeg.startswith(SOI):
        return f"not a JPEG ({len(jpeg)} bytes, beginning with {jpeg[:8]!r})"
    if EOI not in jpeg[-MAX_PADDING_BYTES:] and picture_end(jpeg) is None:
        return f"a truncated JPEG ({len(jpeg)} bytes, no end mark)"
    return None


def picture_end(jpeg: bytes) -> int | None:
    """Return the position after the picture's end mark; None if there is none.

    Some cameras append data of their own. An end mark inside a segment is a thumbnail's, and does not count.
    """
    scan = max((end for _, _, end in segments(jpeg)), default=len(SOI))
    if not jpeg.startswith(bytes((FILL_BYTE, START_OF_SCAN)), scan):
        return None
    found = jpeg.find(EOI, scan)  # compressed data never holds these two bytes
    return found + len(EOI) if found >= 0 else None


def size(jpeg: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels from the frame header; None if there is no such header."""
    for marker, start, _ in segments(jpeg):
        if marker in FRAME_HEADERS:
            height, width = int.from_bytes(jpeg[start + 5 : start + 7]), int.from_bytes(jpeg[start + 7 : start + 9])
            return (width, height) if width and height else None
    return None


def segments(jpeg: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield each segment before the compressed picture: its marker, its first byte and the byte after its last.

    A segment begins with the marker and the length, two bytes each; its end may lie beyond a truncated JPEG.
    """
    at = len(SOI)
    while jpeg.startswith(SOI) and at + SEGMENT_HEAD_BYTES <= len(jpeg) and jpeg[at] == FILL_BYTE:
        marker = jpeg[at + 1]
        if marker == FILL_BYTE:
            at += 1
            continue
        if marker in (START_OF_SCAN, END_OF_IMAGE):
            return
        end = at + 2 + max(int.from_bytes(jpeg[at + 2 : at + 4]), 2)
        yield marker, at, end
        at = end
