"""Pure: writes a person's name and the hash of a photo as the ids that AWS stores: ExternalImageId and UserId.

AWS accepts only `[a-zA-Z0-9_.:-]`. A plain name stays readable; its spaces become dots. Any other name is written as
a number in base 64.
"""

import re
from typing import NamedTuple

from brain.cloud.errors import CloudError

__all__ = ["FaceId", "label", "name_of", "read_label", "user_id"]

PLAIN = re.compile(r"[a-zA-Z0-9_-]+(?: [a-zA-Z0-9_-]+)*")
KEPT = re.compile(r"[a-zA-Z0-9_-]+(?:\.[a-zA-Z0-9_-]+)*")
SHA256 = re.compile(r"[0-9a-f]{64}")
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Bits per character. 16: every living script; 18: emoji and rare characters; 21: all of Unicode.
WIDTHS = {"b": 16, "c": 18, "d": 21}
LONGEST_LABEL, LONGEST_USER = 255, 128
LAST_LETTER = 0x10FFFF


class FaceId(NamedTuple):
    """The person's name and the photo's hash of a face in the collection."""

    name: str
    sha256: str


def label(name: str, sha256: str) -> str:
    """Return the ExternalImageId of a person's photo. Raises `CloudError` if the name is too long."""
    return _fitting(f"{_written(name)}:{sha256}", name, LONGEST_LABEL)


def read_label(text: str) -> FaceId | None:
    """Return the name and the hash in an ExternalImageId; None if kinwatch did not write it."""
    written, _, sha256 = text.rpartition(":")
    name = _read(written)
    return FaceId(name, sha256) if name is not None and SHA256.fullmatch(sha256) else None


def user_id(name: str) -> str:
    """Return a person's UserId. Raises `CloudError` if the name is too long."""
    return _fitting(_written(name), name, LONGEST_USER)


def name_of(user: str) -> str | None:
    """Return the name in a UserId; None if kinwatch did not write it."""
    return _read(user)


def _fitting(text: str, name: str, longest: int) -> str:
    if len(text) > longest:
        message = f"the name {name!r} is too long for AWS: choose a shorter one"
        raise CloudError(message)
    return text


def _written(name: str) -> str:
    if PLAIN.fullmatch(name):
        return name.replace(" ", ".")
    mark = next(mark for mark, width in WIDTHS.items() if all(ord(letter) >> width == 0 for letter in name))
    number = 1
    for letter in name:
        number = number << WIDTHS[mark] | ord(letter)
    digits = ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return f":{mark}{digits}"


def _read(written: str) -> str | None:
    if KEPT.fullmatch(written):
        return written.replace(".", " ")
    width, number, letters = WIDTHS.get(written[1:2], 0), 0, ""
    if not written.startswith(":") or not width or not all(digit in DIGITS for digit in written[2:]):
        return None
    for digit in written[2:]:
        number = number * len(DIGITS) + DIGITS.index(digit)
    while number > 1:
        number, letter = number >> width, number & ((1 << width) - 1)
        if letter > LAST_LETTER:
            return None
        letters = chr(letter) + letters
    return letters or None
