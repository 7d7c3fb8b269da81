"""One picture as a sight sees it; the sight is asked once for each thing, however often the picture comes."""

from functools import cached_property

from brain.vision.backend import PERSON, CloudSimilarity, DetectedObject, Face, FaceEmbedding, Guess, VisionBackend
from brain.vision.picture import Picture
from nerves.messages import Box

__all__ = ["FrameAnalysis"]


class FrameAnalysis:
    """A picture and what was found in it. `BadPicture` at once if it cannot be used.

    Cameras that are asked for stills send the same picture again while nothing changes.
    """

    def __init__(self, sight: VisionBackend, jpeg: bytes) -> None:
        self.picture = Picture(jpeg)
        self._sight = sight
        self._faces: dict[Box | None, list[Face]] = {}
        self._guesses: dict[Face, Guess | CloudSimilarity | None] = {}
        self._looks: dict[Face, FaceEmbedding | None] = {}

    @cached_property
    def things(self) -> list[DetectedObject]:
        """The people, weak ones too, and the animals."""
        return self._sight.detect(self.picture)

    @cached_property
    def people(self) -> list[Box]:
        """Where the people are who are found for sure."""
        return [
            thing.box for thing in self.things if thing.label == PERSON and thing.score >= self._sight.min_person_score
        ]

    def faces(self, within: Box | None = None) -> list[Face]:
        """Return the faces in a part of the picture, or in all of it."""
        if within not in self._faces:
            self._faces[within] = self._sight.find_faces(self.picture, within)
        return self._faces[within]

    def guess(self, face: Face) -> Guess | CloudSimilarity | None:
        """Return who it is, from a sight that knows people itself."""
        if face not in self._guesses:
            self._guesses[face] = self._sight.identify(self.picture, face)
        return self._guesses[face]

    def look(self, face: Face) -> FaceEmbedding | None:
        """Return a face's vector and quality."""
        if face not in self._looks:
            self._looks[face] = self._sight.embed(self.picture, face)
        return self._looks[face]
