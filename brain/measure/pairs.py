"""Measure pairs of pictures: how well the distance of two faces tells one person from two."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from brain.measure import curves
from brain.measure.embeddings import EmbeddingReader, PictureVariant, Progress
from brain.measure.folders import Unusable
from brain.settings.matching import MATCH_DISTANCE, STRANGER_DISTANCE
from brain.verdict.proportion import Proportion

__all__ = ["PAIRS_FILE", "Pairs", "measure_pairs"]

PAIRS_FILE = "pairs.csv"
SAME_WORDS = {
    "1": True,
    "true": True,
    "yes": True,
    "same": True,
    "0": False,
    "false": False,
    "no": False,
    "different": False,
}
FALSE_ACCEPT_RATES = (0.01, 0.001)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """The distances of all pairs; infinite if a picture of the pair shows no face."""

    same: Floats
    different: Floats

    @property
    def no_face(self) -> int:
        """The number of pairs in which a picture shows no face."""
        return int(np.isinf(self.same).sum() + np.isinf(self.different).sum())

    def as_json(self) -> dict[str, Any]:
        """Return the figures as `kinwatch measure --json` prints them."""
        best = curves.best(self.same, self.different)
        accepted = [curves.accepted_at(self.same, self.different, false) for false in FALSE_ACCEPT_RATES]
        error = curves.equal_error(self.same, self.different)
        return {
            "accuracy": _rounded(best.rate),
            "threshold": round(best.threshold, 3),
            "tar_at_far_1pct": _rounded(accepted[0].rate),
            "tar_at_far_0_1pct": _rounded(accepted[1].rate),
            "no_face": self.no_face,
            "same": len(self.same),
            "different": len(self.different),
            "intervals": {
                "accuracy": best.rate.as_json(),
                "tar_at_far_1pct": accepted[0].rate.as_json(),
                "tar_at_far_0_1pct": accepted[1].rate.as_json(),
            },
            "at": {f"{limit:.2f}": self._at(limit) for limit in (MATCH_DISTANCE, STRANGER_DISTANCE)},
            "area_under_curve": round(curves.area_under_curve(self.same, self.different), 4),
            "equal_error": {"threshold": round(error.threshold, 3), "rate": _rounded(error.rate)},
        }

    def _at(self, limit: float) -> dict[str, Any]:
        return {
            "right": curves.correct(self.same, self.different, limit).as_json(),
            "same_accepted": curves.within(self.same, limit).as_json(),
            "different_accepted": curves.within(self.different, limit).as_json(),
        }


def measure_pairs(folder: Path, reader: EmbeddingReader, show: Progress) -> Pairs:
    """Return the distances of the pairs in FOLDER/pairs.csv; a pair with a damaged picture is left out.

    Raises:
        Unusable: The file cannot be read or has a wrong line, no pair has two faces, or one kind of pair is missing.
    """
    rows = list(_rows(folder))
    embeddings = reader.embeddings([PictureVariant(file) for row in rows for file in row[:2]], show)
    distances: dict[bool, list[float]] = {True: [], False: []}
    for one, other, same in rows:
        if one in reader.bad or other in reader.bad:
            continue
        first, second = embeddings[PictureVariant(one)], embeddings[PictureVariant(other)]
        both = first is not None and second is not None
        distances[same].append(float(np.linalg.norm(first.vector - second.vector)) if both else np.inf)  # type: ignore[union-attr]
    if not any(np.isfinite(found).any() for found in distances.values()) or not all(distances.values()):
        needed = "pairs of one person and pairs of two are needed, with faces"
        message = f"{folder / PAIRS_FILE}: {needed} (kinwatch docs measure)"
        raise Unusable(message)
    return Pairs(np.array(distances[True]), np.array(distances[False]))


def _rows(folder: Path) -> Iterator[tuple[Path, Path, bool]]:
    file = folder / PAIRS_FILE
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            for number, row in enumerate(csv.DictReader(opened), start=2):
                same = SAME_WORDS.get(str(row.get("same")).strip().lower())
                one, other = row.get("file_x"), row.get("file_y")
                if same is None or not one or not other:
                    message = f"{file}: line {number}: a pair is file_x,file_y,same, with 1 for the same person, else 0"
                    raise Unusable(message)
                yield folder / one, folder / other, same
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}"
        raise Unusable(message) from error


def _rounded(rate: Proportion) -> float:
    return round(rate.rate or 0.0, 4)
