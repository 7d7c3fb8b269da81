"""Pure: who lives together in the benchmark of visits, who visits, and of which views a visit is made.

Chance depends on a photo's name alone where views are made, so that another seed draws from the same views.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from brain.measure.degrade import burst, camera
from brain.measure.embeddings import PictureVariant
from brain.people.enroll import PHOTO_TYPES

__all__ = ["SHAPES", "VARIANTS", "People", "Visit", "as_camera", "families", "found", "halves", "visits"]

ENROLLED, SHOWN = 8, 4  # photos that a family member needs at least, to be enrolled and to visit
FAMILIES = 12
BURST_FRAMES, BURST_PHOTOS = 7, 8
VARIANTS = 3

People = Mapping[str, Sequence[Path]]
Rng = np.random.Generator


@dataclass(frozen=True, eq=False)
class Visit:
    """One visit to one family."""

    shape: str
    who: str
    member: bool
    family: int
    views: tuple[PictureVariant, ...]


def found(folder: Path) -> dict[str, list[Path]]:
    """Return the photos of each person."""
    files = {
        one.name: sorted(file for file in one.iterdir() if file.suffix.lower() in PHOTO_TYPES)
        for one in sorted(folder.iterdir())
        if one.is_dir()
    }
    return {name: photos for name, photos in files.items() if photos}


def halves(people: People) -> tuple[People, People]:
    """Return two halves by a hash of the name, each with as many who have photos enough for family."""
    enough = [name for name in people if len(people[name]) >= ENROLLED + SHOWN]
    orders = [sorted(some, key=_hash) for some in (enough, sorted(set(people) - set(enough)))]
    return (
        {name: people[name] for order in orders for name in order[0::2]},
        {name: people[name] for order in orders for name in order[1::2]},
    )


def families(people: People, rng: Rng) -> list[dict[str, list[Path]]]:
    """Return who lives together, and the photos of them that are enrolled."""
    enough = [name for name in people if len(people[name]) >= ENROLLED + SHOWN]
    size = min(len(enough), 4)
    return [
        {
            str(name): [people[name][i] for i in rng.choice(len(people[name]), ENROLLED, replace=False)]
            for name in rng.choice(enough, int(rng.integers(min(3, size), size + 1)), replace=False)
        }
        for _ in range(FAMILIES)
    ]


def visits(people: People, homes: Sequence[Mapping[str, Sequence[Path]]], count: int, rng: Rng) -> Iterator[Visit]:
    """Yield `count` visits by family and twice as many by strangers in each shape, people and families taking turns."""
    members = [(name, number) for number, home in enumerate(homes) for name in home]
    strangers = [(name, number) for number, home in enumerate(homes) for name in people if name not in home]
    for shape, compose in SHAPES.items():
        for pairs, wanted in ((members, count), (strangers, 2 * count)):
            for who, number in _turns(pairs, wanted, rng):
                enrolled = homes[number].get(who, ())
                photos = [photo for photo in people[who] if photo not in enrolled]
                yield Visit(shape, who, who in homes[number], number, tuple(compose(photos, rng)))


def _turns(pairs: Sequence[tuple[str, int]], wanted: int, rng: Rng) -> Iterator[tuple[str, int]]:
    """Yield pairs so that everybody comes about equally often, each to family after family."""
    names = sorted({name for name, _ in pairs})
    turns = {name: rng.permutation([number for one, number in pairs if one == name]) for name in names}
    for turn in range(wanted):
        mine = turns[names[turn % len(names)]]
        yield names[turn % len(names)], int(mine[turn // len(names) % len(mine)])


def _clean(photos: Sequence[Path], rng: Rng) -> list[PictureVariant]:
    return [PictureVariant(photo) for photo in _some(photos, int(rng.integers(6, 13)), rng)]


def _cam(photos: Sequence[Path], rng: Rng, *, least: int, most: int) -> list[PictureVariant]:
    chosen = _some(photos, int(rng.integers(least, most + 1)), rng)
    return [as_camera(photo, int(rng.integers(VARIANTS))) for photo in chosen]


def _burst(photos: Sequence[Path], rng: Rng) -> list[PictureVariant]:
    photo = sorted(photos, key=lambda photo: _hash(photo.name))[int(rng.integers(min(BURST_PHOTOS, len(photos))))]
    return [PictureVariant(photo, how) for how in burst(_rng(photo, "burst"), BURST_FRAMES)]


def _long(photos: Sequence[Path], rng: Rng) -> list[PictureVariant]:
    order = _some(photos, len(photos), rng)
    views = [as_camera(order[i % len(order)], i // len(order)) for i in range(int(rng.integers(20, 42)))]
    return [views[i] for i in rng.permutation(len(views))]


SHAPES: dict[str, Callable[[Sequence[Path], Rng], list[PictureVariant]]] = {
    "clean": _clean,
    "cam": partial(_cam, least=6, most=12),
    "cam 1-3": partial(_cam, least=1, most=3),
    "burst": _burst,
    "long": _long,
}


def _some(photos: Sequence[Path], count: int, rng: Rng) -> list[Path]:
    return [photos[i] for i in rng.permutation(len(photos))[:count]]


def as_camera(photo: Path, variant: int) -> PictureVariant:
    """Return what a room camera makes of a photo; each variant is another moment."""
    """Return a photo as a camera gives it; each variant is another one."""
    return PictureVariant(photo, camera(_rng(photo, str(variant))))


def _rng(photo: Path, what: str) -> Rng:
    """Return chance that depends on the photo alone, so that another seed draws from the same views."""
    return np.random.default_rng(int(_hash(f"{photo.parent.name}/{photo.name} {what}")[:15], 16))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
