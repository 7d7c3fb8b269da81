"""Measure the household's own gallery: every photo is judged by the others, as if it had never been enrolled."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from brain.measure.advice import Nearest
from brain.measure.household import Case, Figures, alone, figures, nearest
from brain.measure.visits import decide
from brain.people.resemblance import Resemblance, resemblances
from brain.verdict.evidence import KnownPerson
from brain.vision.backend import FaceEmbedding

__all__ = ["Own", "Someone", "measure_gallery"]


@dataclass(frozen=True)
class Someone:
    """One person in the gallery."""

    name: str
    photos: int
    own: float | None
    """The median of the distances from each photo to the nearest other one of the person; None for a single photo."""
    farthest: float | None
    """The largest of these distances."""
    other: float | None
    """The smallest distance to a photo of somebody else; None if nobody else is enrolled."""
    whose: str | None
    """The person in that photo."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures as `kinwatch measure --json` prints them."""
        return {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(self).items()}


@dataclass(frozen=True)
class Own:
    """What was measured on the gallery."""

    people: tuple[Someone, ...]
    resemblances: tuple[Resemblance, ...]
    """Who could be taken for whom."""
    pictures: Figures
    """Each photo judged by the others, and once more as a stranger's, with its person removed from the gallery."""
    visits: Figures
    """Only visits of the given strangers: the gallery stores no pictures from which family visits could be composed."""
    family: tuple[Nearest, ...]
    strangers: tuple[Nearest, ...]


def measure_gallery(known: Sequence[KnownPerson], visits: Sequence[tuple[str, Sequence[FaceEmbedding]]]) -> Own:
    """Return how near the people of a gallery are to each other, and to strangers.

    Args:
        known: The gallery.
        visits: For each stranger a name to show and the embeddings of a visit, first that of the unchanged photo.
    """
    left_out = [(one, vector, _without(known, one, row)) for one in known for row, vector in enumerate(one.vectors)]
    others = [(one, vector, [other for other in known if other is not one]) for one, vector, _ in left_out]
    cases = [alone(one.name, _bare(vector), rest) for one, vector, rest in left_out if len(one.vectors) > 1]
    cases += [alone(None, _bare(vector), rest) for _, vector, rest in others if rest]
    cases += [alone(None, embeddings[0], known) for _, embeddings in visits]
    strangers = [_near(one.name, one.name, vector, rest) for one, vector, rest in others if rest]
    strangers += [_near("", shown, embeddings[0].vector, known) for shown, embeddings in visits]
    family = tuple(_near(one.name, f"a photo of {one.name}", vector, rest) for one, vector, rest in left_out)
    return Own(
        tuple(_someone(one, [near for near in family if near.who == one.name]) for one in known),
        tuple(resemblances(known)),
        figures(cases),
        figures(Case(None, *decide(embeddings, known)[:2]) for _, embeddings in visits),
        family,
        tuple(strangers),
    )


def _without(known: Sequence[KnownPerson], one: KnownPerson, row: int) -> list[KnownPerson]:
    """Return the gallery without one photo."""
    rest = replace(one, vectors=np.delete(one.vectors, row, axis=0))
    return [rest if other is one else other for other in known]


def _bare(vector: np.ndarray[Any, np.dtype[np.float32]]) -> FaceEmbedding:
    """Return an embedding with this vector, no quality figures, and a face confidence of 1."""
    return FaceEmbedding(vector, 0.0, 0.0, 0.0, 1.0)


def _near(who: str, shown: str, vector: np.ndarray[Any, np.dtype[np.float32]], known: Sequence[KnownPerson]) -> Nearest:
    away = nearest(vector, known)
    own = next((distance for distance, one in away if one.name == who), np.inf)
    other, whose = next(((distance, one.name) for distance, one in away if one.name != who), (np.inf, ""))
    return Nearest(who or shown, shown, own, other, whose)


def _someone(one: KnownPerson, near: Sequence[Nearest]) -> Someone:
    own = [found.own for found in near if np.isfinite(found.own)]
    other = min(near, key=lambda found: found.other, default=None)
    alone_here = other is None or not np.isfinite(other.other)
    return Someone(
        one.name,
        len(one.vectors),
        float(np.median(own)) if own else None,
        max(own, default=None),
        None if alone_here or other is None else other.other,
        None if alone_here or other is None else other.whose,
    )
