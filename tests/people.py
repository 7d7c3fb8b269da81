"""People who do not exist: vectors scattered as dlib's are."""

from functools import cache

import numpy as np

from brain.verdict import odds
from brain.vision.backend import Vector

__all__ = ["face", "faces"]


def faces(of: int, count: int, seed: int = 0, alike: float = 1.0) -> list[Vector]:
    """Return looks at somebody; below 1 they share so much of their errors, as frames that follow each other do."""
    space = odds.dlib_space()
    someone = np.random.default_rng(of).normal(0, space.between**0.5)
    chance = np.random.default_rng([of, seed, 9])
    common = chance.normal(0, 1, 128)
    errors = [alike**0.5 * chance.normal(0, 1, 128) + (1 - alike) ** 0.5 * common for _ in range(count)]
    return [(space.centre + _back() @ (someone + error)).astype(np.float32) for error in errors]


def face(of: int, seed: int = 0) -> Vector:
    """Return one look at somebody."""
    return faces(of, 1, seed)[0]


@cache
def _back() -> odds.Array:
    return np.asarray(np.linalg.inv(odds.dlib_space().axes), np.float64)
