"""What a vision backend finds in one picture. Each result is computed once and then stored."""

from functools import cached_property

from brain.vision.backend import (
    PERSON,
    CloudSimilarity,
    DetectedObject,
    Face,
    FaceEmbedding,
    Guess,
    TurningBackend,
    VisionBackend,
)
from brain.vision.moved import Brightness, brightness
from brain.vision.picture import Picture
from nerves.messages import Box

__all__ = ["FrameAnalysis"]


class FrameAnalysis:
    """A picture and what was found in it.

    It is used again if a camera sends the same picture again: cameras that are asked for stills do so while nothing
    changes.

    Raises:
        BadPicture: The picture cannot be used.
    """

    def __init__(self, backend: VisionBackend, jpeg: bytes) -> None:
        self.picture = Picture(jpeg)
        self._backend = backend
        self._turned: dict[int, list[DetectedObject]] = {}
        self._faces: dict[Box | None, list[Face]] = {}
        self._guesses: dict[Face, Guess | CloudSimilarity | None] = {}
        self._embeddings: dict[Face, FaceEmbedding | None] = {}

    @cached_property
    def detected(self) -> list[DetectedObject]:
        """The detected people and animals, including people with a low score."""
        return self._backend.detect(self.picture)

    @cached_property
    def people(self) -> list[Box]:
        """The boxes of the people whose score is at least the backend's `min_person_score`."""
        return [one.box for one in self.detected if one.label == PERSON and one.score >= self._backend.min_person_score]

    @cached_property
    def brightness(self) -> Brightness:
        """The brightness of the picture's cells, to find what moved since an earlier picture."""
        return brightness(self.picture.small)

    @property
    def can_turn(self) -> bool:
        """Whether the backend can look at the turned picture."""
        return isinstance(self._backend, TurningBackend)

    def turned(self, quarters: int) -> list[DetectedObject]:
        """Return the people and animals that show after some clockwise quarter turns (1, 2 or 3) of the picture.

        The list is empty if the backend cannot look at turned pictures.
        """
        if not isinstance(self._backend, TurningBackend):
            return []
        if quarters not in self._turned:
            self._turned[quarters] = self._backend.detect_turned(self.picture, quarters)
        return self._turned[quarters]

    def faces(self, within: Box | None = None) -> list[Face]:
        """Return the faces inside a box, or in the whole picture if `within` is None."""
        if within not in self._faces:
            self._faces[within] = self._backend.find_faces(self.picture, within)
        return self._faces[within]

    def guess(self, face: Face) -> Guess | CloudSimilarity | None:
        """Return whose face the backend says it is; None if the backend does not name people."""
        if face not in self._guesses:
            self._guesses[face] = self._backend.identify(self.picture, face)
        return self._guesses[face]

    def embedding(self, face: Face) -> FaceEmbedding | None:
        """Return the face's embedding; None if the face cannot be measured."""
        if face not in self._embeddings:
            self._embeddings[face] = self._backend.embed(self.picture, face)
        return self._embeddings[face]
