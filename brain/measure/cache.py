"""A cache of face embeddings on disk, so that each is computed only once."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

import numpy as np

from brain.vision.backend import FaceEmbedding
from nerves.database import Database

__all__ = ["EmbeddingCache"]

CREATE_EMBEDDINGS = """CREATE TABLE embeddings (
    key TEXT PRIMARY KEY, vector BLOB, width REAL, sharpness REAL, yaw REAL, sure REAL)"""
KEYS_PER_QUERY = 500


class EmbeddingCache:
    """Face embeddings by key. A picture in which no face can be measured is stored as None."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self._database.migrate("embeddings", [[CREATE_EMBEDDINGS]])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def get(self, keys: Iterable[str]) -> dict[str, FaceEmbedding | None]:
        """Return the stored embeddings of these keys; a key that is not stored is left out."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, FaceEmbedding | None] = {}
        with self._database.open() as connection:
            for start in range(0, len(wanted), KEYS_PER_QUERY):
                part = wanted[start : start + KEYS_PER_QUERY]
                marks = ", ".join("?" * len(part))
                rows = connection.execute(f"SELECT * FROM embeddings WHERE key IN ({marks})", part)  # noqa: S608 - marks only
                found |= {row[0]: _embedding(*row[1:]) for row in rows}
        return found

    def put(self, embeddings: Mapping[str, FaceEmbedding | None]) -> None:
        """Store embeddings in one transaction, replacing those with the same keys."""
        rows = [
            (
                key,
                embedding.vector.astype("<f4").tobytes(),
                embedding.width,
                embedding.sharpness,
                embedding.yaw,
                embedding.face_confidence,
            )
            if embedding
            else (key, None, None, None, None, None)
            for key, embedding in embeddings.items()
        ]
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?, ?, ?, ?)", rows)


def _embedding(vector: bytes | None, *quality: float) -> FaceEmbedding | None:
    return None if vector is None else FaceEmbedding(np.frombuffer(vector, "<f4").astype(np.float32), *quality)
