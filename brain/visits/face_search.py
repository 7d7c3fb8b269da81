"""Where faces are looked for: closely in every person, now and then everywhere."""

from datetime import datetime, timedelta

from brain.vision.backend import Face
from brain.vision.geometry import holds_middle, iou
from brain.visits.frame_analysis import FrameAnalysis
from nerves.messages import Frame

__all__ = ["FaceSearch"]

# Two faces that share this much of their joint area are one face, found twice.
SAME_FACE_IOU = 0.3
# Beside people who are seen whole, faces are looked for everywhere this often.
WHOLE_FRAME_INTERVAL = timedelta(seconds=1)


class FaceSearch:
    """Finds the faces in a frame, each once."""

    def __init__(self) -> None:
        self._looked: dict[str, datetime] = {}

    def faces(self, frame: Frame, glance: FrameAnalysis) -> list[Face]:
        """Look for faces closely in every person, and around them for someone too near to be seen whole."""
        faces: list[Face] = []
        for box in glance.people:
            faces += [face for face in glance.faces(box) if _is_new(face, faces)]
        looked = self._looked.get(frame.place)
        if not glance.people or looked is None or frame.at - looked >= WHOLE_FRAME_INTERVAL:
            self._looked[frame.place] = frame.at
            # What a close look does not find in a person is no face: backs of heads pass from afar.
            around = [face for face in glance.faces() if not any(holds_middle(box, face.box) for box in glance.people)]
            faces += [face for face in around if _is_new(face, faces)]
        return faces


def _is_new(face: Face, faces: list[Face]) -> bool:
    return all(iou(face.box, other.box) < SAME_FACE_IOU for other in faces)
