"""The protocol of a vision backend: it turns a picture into people, animals, faces and face embeddings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from brain.vision.picture import Picture
from nerves.messages import Box

__all__ = [
    "PERSON",
    "CloudSimilarity",
    "DetectedObject",
    "Face",
    "FaceEmbedding",
    "Guess",
    "TurningBackend",
    "Vector",
    "VisionBackend",
]

Vector = npt.NDArray[np.float32]
PERSON = "person"
# The probability of each name, 0 to 1. The rest up to 1 is the probability of somebody else.
Guess = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class DetectedObject:
    """A person or an animal in a picture."""

    label: str
    """`person`, or the animal: `cat`, `dog`."""
    box: Box
    """As fractions of the picture."""
    score: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a picture."""

    box: Box
    """As fractions of the picture. The box may reach beyond the edge of the picture."""
    score: float
    """0 to 1."""
    width: float
    """In pixels of the full picture."""


@dataclass(frozen=True, slots=True)
class FaceEmbedding:
    """128 numbers that describe a face, and the quality of the picture they come from."""

    vector: Vector
    """128 numbers. The smaller the Euclidean distance of two vectors, the likelier they show the same person."""
    width: float
    """The face's width in pixels of the full picture."""
    sharpness: float
    """Variance of the Laplacian of the aligned 150 x 150 grey face. It grows with the width: clear faces 25, 40, 60
    and 100 pixels wide have about 10, 20, 30 and 50 (median). Blurred by 2 % of their width, they have 8 to 20."""
    yaw: float
    """How far the head is turned: 0 looks straight at the camera, 1 is a full profile."""
    face_confidence: float
    """Confidence that this is a face at all, 0 to 1."""


@dataclass(frozen=True, slots=True)
class CloudSimilarity:
    """The similarity of one face to the people whom the cloud knows."""

    similarities: Mapping[str, float]
    """0 to 100, for each name that the cloud found similar."""
    weight: float = 1.0
    """How much the face counts, 0 to 1."""
    compared_with: frozenset[str] = frozenset()
    """The names that the face was compared with, as far as we know. It is not the face of anybody who is in here but
    not in `similarities`."""

    def covers(self, name: str) -> bool:
        """Return whether the answer is evidence for or against this person."""
        return name in self.similarities or name in self.compared_with


class VisionBackend(Protocol):
    """Finds and describes people, animals and faces in a picture."""

    @property
    def name(self) -> str:
        """The pack in use, for logs and `kinwatch check`."""
        ...

    @property
    def min_person_score(self) -> float:
        """The score from which a detection is a person, 0 to 1. A weaker one only confirms a face found inside it."""
        ...

    def detect(self, picture: Picture) -> list[DetectedObject]:
        """Return the people (weak detections too) and the animals in a picture, the highest score first."""
        ...

    def find_faces(self, picture: Picture, within: Box | None = None) -> list[Face]:
        """Return the faces in the box `within`, or in the whole picture, the widest first; searched at full size."""
        ...

    def identify(self, picture: Picture, face: Face) -> Guess | CloudSimilarity | None:
        """Return whose face it is, if this backend knows people itself; None if it leaves that to the gallery."""
        ...

    def embed(self, picture: Picture, face: Face) -> FaceEmbedding | None:
        """Return the embedding of a face; None if the face cannot be aligned."""
        ...


@runtime_checkable
class TurningBackend(Protocol):
    """A vision backend that can look at a turned picture: a camera on the ceiling sees people at any turn."""

    def detect_turned(self, picture: Picture, quarters: int) -> list[DetectedObject]:
        """Return the people and the animals that show in a picture after some clockwise quarter turns (1, 2 or 3).

        The boxes are those in the picture as it is. People with a low score are left out.
        """
        ...
