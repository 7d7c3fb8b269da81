"""Vision backends that need no model file."""

from brain.vision.backend import DetectedObject, Face, FaceEmbedding
from brain.vision.picture import Picture
from nerves.messages import Box

__all__ = ["Blind"]


class Blind:
    """A vision backend that sees nobody."""

    name, min_person_score = "blind", 0.4

    def detect(self, _picture: Picture) -> list[DetectedObject]:
        return []

    def find_faces(self, _picture: Picture, within: Box | None = None) -> list[Face]:  # noqa: ARG002 - the protocol's
        return []

    def identify(self, _picture: Picture, _face: Face) -> None:
        return

    def embed(self, _picture: Picture, _face: Face) -> FaceEmbedding | None:
        return None
