"""A retrained layer compared with face vectors: both name the persons of the same test pictures."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brain.models.labels import kind
from brain.people.enroll import read_photo, to_picture
from brain.retrain.dataset.cache import FeatureCache
from brain.retrain.dataset.features import Progress
from brain.retrain.dataset.labelled import LabelledPicture
from brain.verdict.proportion import Proportion
from brain.vision.backend import VisionBackend
from brain.vision.boxes import Floats
from nerves.errors import GalleryError

__all__ = ["CachedBackend", "Compared", "compare"]

# The largest Euclidean distance of dlib's 128 numbers at which a face counts as the nearest enrolled person.
MATCH_DISTANCE = 0.50
NO_FACE = np.zeros(0, np.float32)
# If a smaller share of a folder's pictures show one face, the folder is not compared.
MIN_PERSON_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Compared:
    """The results of the retrained layer and of face vectors on the same test pictures."""

    people: tuple[str, ...]
    """The labels that are persons."""
    strangers: tuple[str, ...]
    """The labels of people who are strangers."""
    family_by_layer: Proportion
    """Pictures of these persons that the retrained layer called by their name."""
    family_by_vectors: Proportion
    """The same for face vectors."""
    strangers_by_layer: Proportion
    """Pictures of strangers that the retrained layer called by the name of one of these persons."""
    strangers_by_vectors: Proportion
    """The same for face vectors."""
    no_face: int
    """The number of test pictures without a measurable face. The vectors count them as strangers."""


@dataclass(frozen=True, slots=True)
class CachedBackend:
    """The face vectors of a vision backend. Each picture is analysed once; later its vector comes from the cache."""

    backend: VisionBackend
    cache: FeatureCache

    def vector(self, sample: LabelledPicture) -> Floats:
        """Return the vector of a picture's face, 128 numbers; empty if no face can be measured.

        A training picture must show exactly one face, as for `kinwatch enroll`. In a test picture the widest counts.
        """
        data = sample.path.read_bytes()
        how = "widest" if sample.set == "test" else "only"
        read = self._widest if sample.set == "test" else self._only
        key = f"{how} face by {self.backend.name} {hashlib.sha256(data).hexdigest()}"
        return self.cache.row(key, lambda: read(sample.path))

    def _only(self, path: Path) -> Floats:
        try:
            return read_photo(path, self.backend).vector
        except GalleryError:
            return NO_FACE

    def _widest(self, path: Path) -> Floats:
        shown = to_picture(path.read_bytes())
        embeddings = (self.backend.embed(shown, face) for face in self.backend.find_faces(shown)[:1])
        return next((embedding.vector for embedding in embeddings if embedding), NO_FACE)


def compare(
    samples: Sequence[LabelledPicture], called: Mapping[Path, str], backend: CachedBackend, progress: Progress
) -> Compared | str:
    """Return the results of the layer and of face vectors, or a sentence that says why they cannot be compared.

    Args:
        samples: The training and the test pictures.
        called: The label that the retrained layer gave to each test picture.
        backend: Finds the faces.
        progress: Called after each picture with the number of done pictures and the total.
    """
    names = {sample.label for sample in samples if kind(sample.label) == "somebody"}
    others = {sample.label for sample in samples if kind(sample.label) == "strangers"}
    if not names:
        return "Not compared with face vectors: no label is a person's name."
    wanted = [one for one in samples if one.label in names or (one.label in others and one.set == "test")]
    seen = _seen(wanted, backend, progress)
    enrolled = {name: _enrolled(wanted, seen, name) for name in sorted(names)}
    known = {name: rows for name, rows in enrolled.items() if rows is not None}
    if not known:
        return "Not compared with face vectors: fewer than half of the pictures show a single face."
    return _compared([one for one in wanted if one.set == "test"], called, seen, known)


def _compared(
    test: Sequence[LabelledPicture],
    called: Mapping[Path, str],
    seen: Mapping[Path, Floats],
    known: Mapping[str, Floats],
) -> Compared:
    family = [one for one in test if one.label in known]
    strangers = [one for one in test if kind(one.label) == "strangers"]
    nearest = {one.path: _nearest(seen[one.path], known) for one in (*family, *strangers)}
    return Compared(
        tuple(known),
        tuple(sorted({one.label for one in strangers})),
        Proportion(sum(called[one.path] == one.label for one in family), len(family)),
        Proportion(sum(nearest[one.path] == one.label for one in family), len(family)),
        Proportion(sum(called[one.path] in known for one in strangers), len(strangers)),
        Proportion(sum(nearest[one.path] is not None for one in strangers), len(strangers)),
        sum(not seen[one.path].size for one in (*family, *strangers)),
    )


def _seen(samples: Sequence[LabelledPicture], backend: CachedBackend, progress: Progress) -> dict[Path, Floats]:
    seen = {}
    for number, sample in enumerate(samples, start=1):
        seen[sample.path] = backend.vector(sample)
        progress(number, len(samples))
    return seen


def _enrolled(samples: Sequence[LabelledPicture], seen: Mapping[Path, Floats], name: str) -> Floats | None:
    """Return the vectors of a person's training pictures, one row each; None if fewer than half show one face."""
    mine = [seen[one.path] for one in samples if one.label == name and one.set == "training"]
    faces = [vector for vector in mine if vector.size]
    return np.stack(faces) if faces and len(faces) >= MIN_PERSON_SHARE * len(mine) else None


def _nearest(vector: Floats, known: Mapping[str, Floats]) -> str | None:
    if not vector.size:
        return None
    distances = {name: float(np.linalg.norm(rows - vector, axis=1).min()) for name, rows in known.items()}
    best = min(distances, key=distances.__getitem__)
    return best if distances[best] <= MATCH_DISTANCE else None
