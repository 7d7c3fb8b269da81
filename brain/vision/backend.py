"""What a sight is: a back end that turns a picture into people, animals, faces and vectors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from brain.vision.picture import Picture
from nerves.messages import Box

__all__ = ["PERSON", "CloudSimilarity", "DetectedObject", "Face", "FaceEmbedding", "Guess", "Vector", "VisionBackend"]

Vector = npt.NDArray[np.float32]
PERSON = "person"
# For each name how likely it is them, 0 to 1; what lacks to 1 is somebody else.
Guess = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class DetectedObject:
    """A person or an animal in a picture."""

    label: str
    """`person`, or the animal: `cat`, `dog`."""
    box: Box
    """Where, as fractions of the picture."""
    score: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a picture."""

    box: Box
    """Where, as fractions of the picture; it may reach beyond the picture's edge."""
    score: float
    """0 to 1."""
    width: float
    """In pixels of the full picture."""


@dataclass(frozen=True, slots=True)
class FaceEmbedding:
    """What can be said of one face: whose it could be, and how far to trust that."""

    vector: Vector
    """128 numbers; the nearer two vectors (Euclid), the likelier the same person."""
    width: float
    """The face's width in pixels of the full picture."""
    sharpness: float
    """Variance of the Laplacian of the aligned 150 x 150 grey face. It grows with the width: clear faces 25, 40, 60
    and 100 pixels wide have about 10, 20, 30 and 50 (median); blurred by 2 % of their width, 8 to 20."""
    yaw: float
    """How far the head is turned: 0 is straight at the camera, 1 a full profile."""
    face_confidence: float
    """How surely it is a face at all, 0 to 1."""


@dataclass(frozen=True, slots=True)
class CloudSimilarity:
    """How like people whom the cloud knows one face is."""

    similarities: Mapping[str, float]
    """0 to 100 for each name that was found alike."""
    weight: float = 1.0
    """How good the face is, 0 to 1."""
    compared_with: frozenset[str] = frozenset()
    """Whom it was compared with, as far as we know: who is in here and not found alike is somebody else."""

    def covers(self, name: str) -> bool:
        """Whether it says anything of a person, be it for or against."""
        return name in self.similarities or name in self.compared_with


class VisionBackend(Protocol):
    """Answers what is in a picture."""

    @property
    def name(self) -> str:
        """The pack in use, for logs and `kinwatch check`."""
        ...

    @property
    def min_person_score(self) -> float:
        """The score from which a thing is a person; a weaker one only backs a face found there."""
        ...

    def detect(self, picture: Picture) -> list[DetectedObject]:
        """Return the people, weak ones too, and the animals in a picture, the surest first."""
        ...

    def find_faces(self, picture: Picture, within: Box | None = None) -> list[Face]:
        """Return the faces in a part of a picture (all of it if None) at full size, the widest first."""
        ...

    def identify(self, picture: Picture, face: Face) -> Guess | CloudSimilarity | None:
        """Return who it is, from a sight that knows people itself; None from one that leaves it to the gallery."""
        ...

    def embed(self, picture: Picture, face: Face) -> FaceEmbedding | None:
        """Return a face's vector and quality; None where it cannot be aligned."""
        ...
