"""How do a face network's vectors scatter? Measures `brain/face_space.npz` anew.

    KINWATCH_MODELS=... python benchmarks/face_space.py PEOPLE_FOLDER STRANGERS_FOLDER... [--out FILE] [--jobs 2]

PEOPLE_FOLDER has a folder of photos a person; a STRANGERS_FOLDER has one photo each of other people. The scatter of
one person's faces is the mean of that of the photos as they are and of that of the same as a room camera gives them.
The scatter of people's points is that of the strangers' photos less that of one person's. With few people both are
uncertain in all but their size: 80 % of that is taken as round. What is written are means and covariances; no face
can be read out of them.
"""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.shapes import VARIANTS, as_camera, found
from brain.measure.cache import EmbeddingCache
from brain.measure.embeddings import EmbeddingReader, PictureVariant, model
from brain.models import packs
from brain.models.local import LocalBackend
from brain.people.enroll import PHOTO_TYPES
from brain.verdict.odds import Array, FaceSpace
from brain.vision.backend import Vector
from kinwatch.console import progress
from nerves.settings import load

ROUND = 0.8


def fit(clean: Mapping[str, Vector], camera: Mapping[str, Vector], strangers: Vector) -> FaceSpace:
    """Return how faces scatter.

    Args:
        clean: For each person the vectors of photos, n x 128; at least two.
        camera: The same photos as a camera gives them, m x 128.
        strangers: One vector each of many people, k x 128.
    """
    own = sum(_scatter(clean[name], clean[name].mean(axis=0), 1) for name in clean) / len(clean)
    seen = sum(_scatter(camera[name], clean[name].mean(axis=0), 0) for name in clean) / len(clean)
    within = np.asarray((own + seen) / 2)
    between = np.cov(strangers.T.astype(np.float64)) - own
    whiten = np.linalg.inv(np.linalg.cholesky(_rounder(within)))
    variances, turn = np.linalg.eigh(whiten @ _rounder(between) @ whiten.T)
    return FaceSpace(strangers.mean(axis=0).astype(np.float64), turn.T @ whiten, np.maximum(variances, 1e-3))


def _scatter(vectors: Vector, centre: Vector, lost: int) -> Array:
    apart = (vectors - centre).astype(np.float64)
    return np.asarray(apart.T @ apart / (len(vectors) - lost))


def _rounder(scatter: Array) -> Array:
    return np.asarray((1 - ROUND) * scatter + ROUND * np.trace(scatter) / len(scatter) * np.eye(len(scatter)))


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", type=Path)
    parser.add_argument("strangers", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=Path("brain/face_space.npz"))
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    people = {name: photos for name, photos in found(options.people).items() if len(photos) > 1}
    space = measured(people, options.jobs, options.strangers)
    arrays = {name: getattr(space, name).astype(np.float16) for name in ("centre", "axes", "between")}
    np.savez_compressed(options.out, **arrays)
    print(f"{options.out}: {len(people)} people, {options.out.stat().st_size} bytes")


def measured(people: Mapping[str, Sequence[Path]], jobs: int, strangers: Sequence[Path]) -> FaceSpace:
    """Look at the photos and return how the faces scatter."""
    views = {name: [PictureVariant(photo) for photo in photos] for name, photos in people.items()}
    cameras = {
        name: [as_camera(photo, number) for photo in photos for number in range(VARIANTS)]
        for name, photos in people.items()
    }
    others = [
        PictureVariant(photo)
        for folder in strangers
        for photo in sorted(folder.iterdir())
        if photo.suffix in PHOTO_TYPES
    ]
    everything = [*others, *(view for some in (views, cameras) for mine in some.values() for view in mine)]
    house = load()
    folders = packs.model_folders(house.data_dir)
    with EmbeddingCache(house.data_dir / "cache" / "embeddings.db") as cache, progress("looking") as show:
        embeddings = EmbeddingReader(
            partial(LocalBackend, "standard", folders), model("standard"), cache, jobs
        ).embeddings(everything, show)

    def vectors(some: Sequence[PictureVariant]) -> Vector:
        return np.stack([embedding.vector for view in some if (embedding := embeddings.get(view))])

    return fit(
        {name: vectors(some) for name, some in views.items()},
        {name: vectors(some) for name, some in cameras.items()},
        vectors(others),
    )


if __name__ == "__main__":
    main()
