"""The retrained vision backend: LiteRT classifies whole pictures with the model that `kinwatch retrain` made."""

import hashlib
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from brain.models.labels import kind
from brain.models.litert import Extractor, Network
from brain.vision.backend import PERSON, DetectedObject, Face, FaceEmbedding, Guess
from brain.vision.picture import Picture, Pixels
from nerves.errors import ModelError
from nerves.messages import Box

__all__ = [
    "EXTRACTOR_FILE",
    "HEAD_FILE",
    "LABELS_FILE",
    "MANIFEST_FILE",
    "MANIFEST_FORMAT",
    "Classifier",
    "Manifest",
    "RetrainedBackend",
]

EXTRACTOR_FILE, HEAD_FILE, LABELS_FILE, MANIFEST_FILE = "extractor.tflite", "head.tflite", "labels.txt", "model.json"
MANIFEST_FORMAT = 1
# The folder may be replaced during a read; then it is read again.
MAX_READS = 3
WHOLE = Box(0, 0, 1, 1)


class Manifest(BaseModel):
    """`model.json`: what is needed to run the model, and its origin."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)

    format: int = MANIFEST_FORMAT
    """The format of this file; a reader refuses any other."""
    pixels: tuple[float, float]
    """The values of black and white, for an extractor that takes decimal numbers."""
    files: dict[str, str]
    """The sha256 of each file of the model."""


class Classifier:
    """Computes the probability of each label.

    Args:
        labels: In the order of the output of the head.
        extractor: From pixels to features.
        head: From features to a probability for each label.
    """

    def __init__(self, labels: list[str], extractor: Extractor, head: Network) -> None:
        self.labels, self._extractor, self._head = labels, extractor, head

    def classify(self, pixels: Pixels) -> list[tuple[str, float]]:
        """Return the labels with their probabilities (0 to 1) for BGR pixels, the likeliest first."""
        chances = self._head.run(self._extractor.features(pixels)[None])
        return [(self.labels[at], float(chances[at])) for at in np.argsort(-chances, kind="stable")]


class RetrainedBackend:
    """A `VisionBackend` that classifies whole pictures; it finds no faces and computes no embeddings.

    Args:
        folder: The folder that `kinwatch retrain` wrote.
        threads: Processor threads of one inference.

    Raises:
        ModelError: A file is absent, or has another content than was written.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self._classifier = _open(folder, threads)
        self._last: tuple[Picture, list[tuple[str, float]]] | None = None

    @property
    def name(self) -> str:
        """The labels of the model."""
        return f"retrained {', '.join(self._classifier.labels)}"

    @property
    def min_person_score(self) -> float:
        """0, so that every detection counts: the likeliest label has decided already."""
        return 0.0

    def classify(self, picture: Picture) -> list[tuple[str, float]]:
        """Return the labels with their probabilities (0 to 1), the likeliest first."""
        if self._last is None or self._last[0] is not picture:
            self._last = picture, self._classifier.classify(picture.small)
        return self._last[1]

    def detect(self, picture: Picture) -> list[DetectedObject]:
        """Return the person or animal of the likeliest label; its box is the whole picture."""
        found = self.classify(picture)
        first, chance = found[0]
        meaning = kind(first)
        if meaning == "nobody":
            return []
        if meaning == "animal":
            return [DetectedObject(first, WHOLE, chance)]
        # The probabilities of all people are added: two members of the family at 0.4 each are a person at 0.8.
        somebody = sum(chance for label, chance in found if kind(label) in ("strangers", "somebody"))
        return [DetectedObject(PERSON, WHOLE, min(somebody, 1.0))]

    def find_faces(self, picture: Picture, within: Box | None = None) -> list[Face]:  # noqa: ARG002 - the protocol's
        """Return the whole picture as the face if it shows somebody: a retrained network does not find faces."""
        people = [each for each in self.detect(picture) if each.label == PERSON]
        return [Face(WHOLE, person.score, picture.width) for person in people]

    def identify(self, picture: Picture, face: Face) -> Guess | None:  # noqa: ARG002 - the protocol's
        """Return the probability of each label that is a name, given that the picture shows somebody."""
        chances = {
            label: chance for label, chance in self.classify(picture) if kind(label) in ("strangers", "somebody")
        }
        total = sum(chances.values())
        return {label: chance / total for label, chance in chances.items() if kind(label) == "somebody"}

    def embed(self, picture: Picture, face: Face) -> FaceEmbedding | None:  # noqa: ARG002 - the protocol's
        """Return None: a retrained network computes no embeddings."""
        return None


def _open(folder: Path, threads: int) -> Classifier:
    manifest, files = _read(folder)
    name = str(folder / EXTRACTOR_FILE)
    extractor = Extractor(Network(files[EXTRACTOR_FILE], name, threads), name, manifest.pixels)
    labels = files[LABELS_FILE].decode().splitlines()
    return Classifier(labels, extractor, Network(files[HEAD_FILE], str(folder / HEAD_FILE), threads))


def _read(folder: Path) -> tuple[Manifest, dict[str, bytes]]:
    """Return the manifest and the content of the model's files, all from the same retraining."""
    for _ in range(MAX_READS):
        version = folder.resolve()
        try:
            manifest = Manifest.model_validate_json((version / MANIFEST_FILE).read_bytes())
            return manifest, {
                name: _checked(version / name, manifest) for name in (EXTRACTOR_FILE, HEAD_FILE, LABELS_FILE)
            }
        except FileNotFoundError as error:
            if folder.resolve() == version:
                message = f"{error.filename} is not there: run `kinwatch retrain FOLDER`"
                raise ModelError(message) from error
        except OSError as error:
            message = f"{folder} cannot be read: {error.strerror}"
            raise ModelError(message) from error
        except ValidationError as error:
            message = f"{folder / MANIFEST_FILE} is damaged: run `kinwatch retrain FOLDER` again"
            raise ModelError(message) from error
    message = f"{folder} is being replaced again and again: try later"
    raise ModelError(message)


def _checked(path: Path, manifest: Manifest) -> bytes:
    content = path.read_bytes()
    if manifest.format != MANIFEST_FORMAT:
        message = (
            f"{path.parent / MANIFEST_FILE} has format {manifest.format}, and this kinwatch reads {MANIFEST_FORMAT}"
        )
        raise ModelError(message)
    if hashlib.sha256(content).hexdigest() != manifest.files.get(path.name):
        message = f"{path} is not the file that was written (its sha256 differs): run `kinwatch retrain FOLDER` again"
        raise ModelError(message)
    return content
