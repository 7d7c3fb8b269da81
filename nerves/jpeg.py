"""What can be said of a JPEG without decoding it."""

__all__ = ["MAX_MEGAPIXELS", "MIN_SIDE", "fault", "size"]

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
# Some cameras pad the end.
PADDING = 64
# Larger than any camera for a home (8K is 33); a 100-megapixel JPEG would take 300 MB to decode.
MAX_MEGAPIXELS = 40
MIN_SIDE = 16
# Of the marks that begin a frame's own head, with its size, these three are something else.
HEADS, OTHERS = range(0xC0, 0xD0), frozenset({0xC4, 0xC8, 0xCC})
FILL, SCAN = 0xFF, 0xDA


def fault(jpeg: bytes) -> str | None:
    """Return why these bytes are no whole JPEG; None if they may be one."""
    if not jpeg:
        return "an empty picture (0 bytes)"
    if not jpeg.startswith(SOI):
        return f"not a JPEG ({len(jpeg)} bytes, beginning with {jpeg[:8]!r})"
    if EOI not in jpeg[-PADDING:]:
        return f"a truncated JPEG ({len(jpeg)} bytes, no end mark)"
    return None


def size(jpeg: bytes) -> tuple[int, int] | None:
    """Return width and height as the JPEG's head says; None where it says nothing."""
    at = len(SOI)
    while at + 9 <= len(jpeg) and jpeg[at] == FILL:
        mark = jpeg[at + 1]
        if mark == FILL:
            at += 1
        elif mark == SCAN:
            break
        elif mark in HEADS and mark not in OTHERS:
            height, width = int.from_bytes(jpeg[at + 5 : at + 7]), int.from_bytes(jpeg[at + 7 : at + 9])
            return (width, height) if width and height else None
        else:
            at += 2 + max(int.from_bytes(jpeg[at + 2 : at + 4]), 2)
    return None
