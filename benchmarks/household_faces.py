"""The faces of the household benchmark: real photos, as room cameras would have taken them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.household_life import FAMILY, HELPERS
from benchmarks.shapes import found
from brain.measure.cache import EmbeddingCache
from brain.measure.degrade import Degradation, burst
from brain.measure.embeddings import EmbeddingReader, PictureVariant, Progress, model
from brain.models import packs
from brain.models.local import LocalBackend
from brain.verdict.evidence import MIN_USABLE_WEIGHT, face_weight
from brain.vision.backend import FaceEmbedding, Vector
from nerves.settings import load

__all__ = ["MIN_MOMENT_WEIGHT", "Cast", "Looks", "cast", "read_faces", "weight"]

ENROLLED_PHOTOS, SHOWN_PHOTOS = 8, 4  # photos that somebody known needs at least, to be enrolled and to be seen
BURST_FRAMES = 4  # pictures of one moment
FAR_FACE_WIDTHS_PX = (18.0, 22.0)  # a face that hardly counts
MIN_MOMENT_FACES = 2  # a moment with fewer usable faces counts as poor
MIN_MOMENT_WEIGHT = 0.3  # and so does one whose faces weigh less, in the mean

Rng = np.random.Generator


@dataclass(frozen=True, eq=False)
class Looks:
    """The faces of one photo, as a room camera sees them."""

    photo: Vector
    """The vector of the photo itself; it is enrolled if the person is known."""
    moment: tuple[FaceEmbedding, ...]
    """The usable faces of one moment; empty if there are fewer than two."""
    poor: tuple[FaceEmbedding, ...]
    """Faces of little or no weight."""


@dataclass(frozen=True, eq=False)
class Cast:
    """Who is who in the house."""

    enrolled: Mapping[str, Sequence[Vector]]
    """The vectors of the enrolled photos of the family, the guest and the cleaner."""
    shown: Mapping[str, Sequence[Looks]]
    """The other photos of the same people."""
    strangers: Sequence[Sequence[Looks]]
    """The photos of everybody else."""


def cast(people: Mapping[str, Sequence[Looks]], rng: Rng) -> Cast:
    """Return who plays whom: six of those who have photos enough, and everybody else as intruders.

    Raises:
        ValueError: Fewer than six people have photos enough.
    """
    roles = FAMILY + HELPERS
    least = ENROLLED_PHOTOS + SHOWN_PHOTOS
    enough = [name for name in sorted(people) if sum(bool(looks.moment) for looks in people[name]) >= least]
    chosen = [str(name) for name in rng.permutation(enough)[: len(roles)]]
    if len(chosen) < len(roles):
        message = f"only {len(chosen)} people have {least} photos; {len(roles)} are needed"
        raise ValueError(message)
    enrolled, shown = {}, {}
    for role, name in zip(roles, chosen, strict=True):
        photos = [people[name][number] for number in rng.permutation(len(people[name]))]
        enrolled[role] = [looks.photo for looks in photos[:ENROLLED_PHOTOS]]
        shown[role] = photos[ENROLLED_PHOTOS:]
    return Cast(enrolled, shown, [people[name] for name in sorted(people) if name not in chosen])


def read_faces(folder: Path, jobs: int, show: Progress) -> dict[str, list[Looks]]:
    """Return the faces of everybody in a folder of photos a person, from the cache where they are in it."""
    house = load()
    folders = packs.model_folders(house.data_dir)
    pack = packs.choose_pack("auto", folders)
    people = found(folder)
    views = {photo: _views(photo) for photos in people.values() for photo in photos}
    with EmbeddingCache(house.data_dir / "cache" / "embeddings.db") as cache:
        reader = EmbeddingReader(partial(LocalBackend, pack, folders), model(pack), cache, jobs)
        every = [view for some in views.values() for view in some]
        embeddings = reader.embeddings(every, show)
    seen = {
        name: [looks for photo in photos if (looks := _looks([embeddings.get(view) for view in views[photo]]))]
        for name, photos in people.items()
    }
    return {name: looks for name, looks in seen.items() if any(one.moment for one in looks)}


def _views(photo: Path) -> list[PictureVariant]:
    """Return the photo itself, one moment, and the same face far away; chance depends on the photo's name alone."""
    digest = hashlib.sha256(f"{photo.parent.name}/{photo.name} household".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8]))
    moment: list[Degradation] = burst(rng, BURST_FRAMES)
    far = replace(moment[0], face=float(rng.uniform(*FAR_FACE_WIDTHS_PX)))
    return [PictureVariant(photo), *(PictureVariant(photo, how) for how in (*moment, far))]


def _looks(embeddings: Sequence[FaceEmbedding | None]) -> Looks | None:
    photo, *others = embeddings
    if photo is None:
        return None
    usable = tuple(one for one in others[:BURST_FRAMES] if one and weight(one) > MIN_USABLE_WEIGHT)
    poor = tuple(one for one in others if one and not any(one is other for other in usable))
    if len(usable) < MIN_MOMENT_FACES or sum(map(weight, usable)) / len(usable) < MIN_MOMENT_WEIGHT:
        return Looks(photo.vector, (), (*poor, *usable))
    return Looks(photo.vector, usable, poor)


def weight(embedding: FaceEmbedding) -> float:
    """Return how much a face counts, 0 to 1."""
    return face_weight(embedding.width, embedding.sharpness, embedding.yaw) * embedding.face_confidence
