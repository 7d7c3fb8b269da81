"""How a vector is stored as JSON."""

from typing import Annotated

import numpy as np
from pydantic import PlainSerializer, PlainValidator

from brain.vision.backend import Vector

__all__ = ["PackedVector"]


def _packed(vector: Vector) -> str:
    return vector.astype("<f4").tobytes().hex()


def _unpacked(value: object) -> Vector:
    return value if isinstance(value, np.ndarray) else np.frombuffer(bytes.fromhex(str(value)), "<f4")


PackedVector = Annotated[Vector, PlainValidator(_unpacked), PlainSerializer(_packed, when_used="json")]
"""32-bit floats, little endian, as hexadecimal digits."""
