"""JPEGs whose pixels lie on their side, with the EXIF orientation that says so."""

import io
import struct

from PIL import Image

__all__ = ["ORIENTATION_TAGS", "turned"]

# How a camera that writes this tag stores an upright picture.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
ORIENTATION_TAGS = tuple(STORED)
SHORT_TYPE, LONG_TYPE = 3, 4


def turned(image: Image.Image, tag: int, *, order: str = "<", is_long: bool = False, quality: int = 92) -> bytes:
    """Return an upright picture as a JPEG that is stored as `tag` says, in EXIF data of a byte order, `<` or `>`."""
    way, out = STORED[tag], io.BytesIO()
    (image if way is None else image.transpose(way)).save(out, "JPEG", quality=quality, subsampling=0)
    value = struct.pack(f"{order}I", tag) if is_long else struct.pack(f"{order}HH", tag, 0)
    kind = LONG_TYPE if is_long else SHORT_TYPE
    directory = struct.pack(f"{order}HHHI", 1, 0x0112, kind, 1) + value + struct.pack(f"{order}I", 0)
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HI", 42, 8)
    body = b"Exif\x00\x00" + head + directory
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", 2 + len(body)) + body + out.getvalue()[2:]
