"""What can be said of a JPEG without decoding it."""

__all__ = ["fault"]

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
# Some cameras pad the end.
PADDING = 64


def fault(jpeg: bytes) -> str | None:
    """Return why these bytes are no whole JPEG; None if they may be one."""
    if not jpeg:
        return "an empty picture (0 bytes)"
    if not jpeg.startswith(SOI):
        return f"not a JPEG ({len(jpeg)} bytes, beginning with {jpeg[:8]!r})"
    if EOI not in jpeg[-PADDING:]:
        return f"a truncated JPEG ({len(jpeg)} bytes, no end mark)"
    return None
