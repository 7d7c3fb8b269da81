"""Sights that need no model file."""

from brain.vision.backend import DetectedObject, Face, FaceEmbedding
from brain.vision.picture import Picture
from nerves.messages import Box

__all__ = ["Blind"]


class Blind:
    """A sight that sees nobody."""

    name, person = "blind", 0.4

    def things(self, _picture: Picture) -> list[DetectedObject]:
        return []

    def faces(self, _picture: Picture, within: Box | None = None) -> list[Face]:  # noqa: ARG002 - the protocol's
        return []

    def guess(self, _picture: Picture, _face: Face) -> None:
        return

    def look(self, _picture: Picture, _face: Face) -> FaceEmbedding | None:
        return None
