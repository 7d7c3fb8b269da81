"""Measure on labelled pictures how often a stranger is called family, and how often family is not recognised.

Both are measured in two ways: each picture alone, by the nearest enrolled photo, and visits as the brain decides them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from brain.measure.advice import Nearest
from brain.measure.embeddings import EmbeddingReader, PictureVariant, Progress
from brain.measure.folders import PeoplePictures, Unusable
from brain.measure.visits import compose, decide
from brain.people.resemblance import Resemblance, resemblances
from brain.settings.matching import MATCH_DISTANCE, STRANGER_DISTANCE
from brain.verdict.evidence import KnownPerson
from brain.verdict.proportion import Proportion
from brain.vision.backend import FaceEmbedding
from nerves.messages import Verdict

__all__ = ["Case", "Figures", "HouseholdPlan", "HouseholdResult", "alone", "figures", "measure_household", "nearest"]

FAMILY = ("family", "guest", "known")
# With this many visits by family, "none was wrong" means "at most 2 in 100 would be".
FAMILY_VISITS = 200


@dataclass(frozen=True)
class HouseholdPlan:
    """How visits are composed."""

    visits: int | None = None
    """The number of visits by each enrolled person; None composes about 200 visits in all."""
    seed: int = 0
    room: bool = False
    """Whether every picture is degraded as by a room camera."""


class Case(NamedTuple):
    """Who a person was, and what was decided."""

    truth: str | None
    """The name; None for a stranger."""
    verdict: Verdict
    who: str | None


@dataclass(frozen=True)
class Figures:
    """How often each kind of decision was made."""

    strangers_called_family: Proportion
    family_called_stranger: Proportion
    wrong_name: Proportion
    named: Proportion
    """The share of family who got their own name."""
    decided: Proportion
    """The share of all cases with a verdict other than `unidentified`."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures as `kinwatch measure --json` prints them."""
        return {name: rate.as_json() for name, rate in vars(self).items()}


@dataclass(frozen=True)
class HouseholdResult:
    """What was measured on labelled pictures."""

    pictures: Figures
    visits: Figures
    family: tuple[Nearest, ...]
    """Every test picture of an enrolled person, with its distances to their own photos and to those of others."""
    strangers: tuple[Nearest, ...]
    """Every picture of a stranger."""
    people: dict[str, int]
    """The number of enrolled photos that show a face, by name."""
    resemblances: tuple[Resemblance, ...]
    """Who could be taken for whom, of the people who are enrolled."""


def figures(cases: Iterable[Case]) -> Figures:
    """Return how often each kind of decision was made."""
    every = list(cases)
    strangers = [case for case in every if case.truth is None]
    family = [case for case in every if case.truth is not None]
    return Figures(
        Proportion(sum(case.verdict in FAMILY for case in strangers), len(strangers)),
        Proportion(sum(case.verdict == "stranger" for case in family), len(family)),
        Proportion(sum(case.who not in (None, case.truth) for case in family), len(family)),
        Proportion(sum(case.who == case.truth for case in family), len(family)),
        Proportion(sum(case.verdict != "unidentified" for case in every), len(every)),
    )


def nearest(
    embedding: FaceEmbedding | npt.NDArray[np.float32], known: Sequence[KnownPerson]
) -> list[tuple[float, KnownPerson]]:
    """Return everybody with the distance to their nearest photo, the nearest person first.

    The distance is infinite for a person without vectors.
    """
    vector = embedding.vector if isinstance(embedding, FaceEmbedding) else embedding
    away = [(float(np.linalg.norm(one.vectors - vector, axis=1).min(initial=np.inf)), one) for one in known]
    return sorted(away, key=lambda pair: pair[0])


def alone(truth: str | None, embedding: FaceEmbedding | None, known: Sequence[KnownPerson]) -> Case:
    """Return the decision on one picture alone: a name up to 0.50, a stranger beyond 0.60, else `unidentified`."""
    if embedding is None or not known:
        return Case(truth, "unidentified", None)
    distance, first = nearest(embedding, known)[0]
    if distance <= MATCH_DISTANCE:
        return Case(truth, first.group, first.name)
    return Case(truth, "stranger" if distance > STRANGER_DISTANCE else "unidentified", None)


def measure_household(
    labelled: PeoplePictures, reader: EmbeddingReader, plan: HouseholdPlan, show: Progress
) -> HouseholdResult:
    """Return how well the people in the labelled pictures are told apart, by single pictures and by visits.

    Raises:
        Unusable: No picture to be enrolled shows a face.
    """
    visits = {name: _visits(files, count, plan) for name, files, count in _visitors(labelled, plan)}
    files = [file for some in (labelled.enrolled, labelled.tests, labelled.strangers) for file in _all(some)]
    embeddings = reader.embeddings(
        [*map(PictureVariant, files), *(view for views in visits.values() for visit in views for view in visit)], show
    )
    known = enrolled(labelled.enrolled, embeddings)
    seen = [
        (name, file) for name, files in labelled.tests.items() for file in files if PictureVariant(file) in embeddings
    ]
    unseen = [
        (name, file)
        for name, files in labelled.strangers.items()
        for file in files
        if PictureVariant(file) in embeddings
    ]
    pictures = [alone(name, embeddings[PictureVariant(file)], known) for name, file in seen]
    pictures += [alone(None, embeddings[PictureVariant(file)], known) for _, file in unseen]
    truth = dict.fromkeys(labelled.strangers) | {name: name for name in labelled.tests}
    decided = [
        Case(truth[name], *decide([embedding for view in visit if (embedding := embeddings.get(view))], known)[:2])
        for name, views in visits.items()
        for visit in views
        if any(view in embeddings for view in visit)
    ]
    return HouseholdResult(
        figures(pictures),
        figures(decided),
        tuple(_near(name, file, embeddings[PictureVariant(file)], known) for name, file in seen),
        tuple(_near(name, file, embeddings[PictureVariant(file)], known) for name, file in unseen),
        {one.name: len(one.vectors) for one in known},
        tuple(resemblances(known)),
    )


def enrolled(
    files: Mapping[str, Sequence[Path]], embeddings: Mapping[PictureVariant, FaceEmbedding | None]
) -> list[KnownPerson]:
    """Return the people whose photos show a face.

    Raises:
        Unusable: No photo shows a face.
    """
    vectors = {
        name: [embedding.vector for file in those if (embedding := embeddings.get(PictureVariant(file)))]
        for name, those in files.items()
    }
    known = [KnownPerson(name, "family", np.stack(found)) for name, found in vectors.items() if found]
    if not known:
        message = (
            f"no face in any of the {len(_all(files))} pictures to be enrolled: use photos from the front, well lit"
        )
        raise Unusable(message)
    return known


def _visitors(labelled: PeoplePictures, plan: HouseholdPlan) -> list[tuple[str, Sequence[Path], int]]:
    """Return each visitor with their pictures and number of visits.

    A stranger visits once, because another visit with the same photos tells nothing new.
    """
    often = plan.visits or -(-FAMILY_VISITS // max(1, len(labelled.tests)))
    return [
        *((name, files, often) for name, files in labelled.tests.items()),
        *((name, files, 1) for name, files in labelled.strangers.items()),
    ]


def _visits(files: Sequence[Path], count: int, plan: HouseholdPlan) -> list[tuple[PictureVariant, ...]]:
    return list(compose(files, count, seed=plan.seed, room=plan.room))


def _near(name: str, file: Path, embedding: FaceEmbedding | None, known: Sequence[KnownPerson]) -> Nearest:
    away = nearest(embedding, known) if embedding else []
    own = next((distance for distance, one in away if one.name == name), np.inf)
    other, whose = next(((distance, one.name) for distance, one in away if one.name != name), (np.inf, ""))
    return Nearest(name, str(file), own, other, whose)


def _all(files: Mapping[str, Sequence[Path]]) -> list[Path]:
    return [file for those in files.values() for file in those]
