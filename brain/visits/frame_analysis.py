"""One picture as a vision backend sees it. Each question is asked once, however often the same picture comes."""

from functools import cached_property

from brain.vision.backend import PERSON, CloudSimilarity, DetectedObject, Face, FaceEmbedding, Guess, VisionBackend
from brain.vision.picture import Picture
from nerves.messages import Box

__all__ = ["FrameAnalysis"]


class FrameAnalysis:
    """A picture and what was found in it. Raises `BadPicture` if the picture cannot be used.

    Cameras that are asked for stills send the same picture again while nothing changes.
    """

    def __init__(self, backend: VisionBackend, jpeg: bytes) -> None:
        self.picture = Picture(jpeg)
        self._backend = backend
        self._faces: dict[Box | None, list[Face]] = {}
        self._guesses: dict[Face, Guess | CloudSimilarity | None] = {}
        self._embeddings: dict[Face, FaceEmbedding | None] = {}

    @cached_property
    def detected(self) -> list[DetectedObject]:
        """The people, weak ones too, and the animals."""
        return self._backend.detect(self.picture)

    @cached_property
    def people(self) -> list[Box]:
        """The boxes of people whose score is high enough."""
        return [one.box for one in self.detected if one.label == PERSON and one.score >= self._backend.min_person_score]

    def faces(self, within: Box | None = None) -> list[Face]:
        """Return the faces in a part of the picture, or in all of it."""
        if within not in self._faces:
            self._faces[within] = self._backend.find_faces(self.picture, within)
        return self._faces[within]

    def guess(self, face: Face) -> Guess | CloudSimilarity | None:
        """Return who it is, if the backend names people itself."""
        if face not in self._guesses:
            self._guesses[face] = self._backend.identify(self.picture, face)
        return self._guesses[face]

    def embedding(self, face: Face) -> FaceEmbedding | None:
        """Return a face's embedding; None if the face cannot be measured."""
        if face not in self._embeddings:
            self._embeddings[face] = self._backend.embed(self.picture, face)
        return self._embeddings[face]
