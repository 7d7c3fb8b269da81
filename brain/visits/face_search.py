"""Where faces are searched: closely in every person, now and then in the whole frame."""

from datetime import datetime, timedelta

from brain.vision.backend import Face
from brain.vision.geometry import holds_middle, iou
from brain.visits.frame_analysis import FrameAnalysis
from nerves.messages import Frame

__all__ = ["FaceSearch"]

# Two faces that share this much of their joint area are one face, found twice.
SAME_FACE_IOU = 0.3
# While people are seen, the whole frame is searched for faces this often.
WHOLE_FRAME_INTERVAL = timedelta(seconds=1)


class FaceSearch:
    """Finds the faces in a frame, each once."""

    def __init__(self) -> None:
        self._searched: dict[str, datetime] = {}

    def faces(self, frame: Frame, analysis: FrameAnalysis) -> list[Face]:
        """Look for faces closely in every person, and around them for someone too near to be seen whole."""
        faces: list[Face] = []
        for box in analysis.people:
            faces += [face for face in analysis.faces(box) if _is_new(face, faces)]
        searched = self._searched.get(frame.place)
        if not analysis.people or searched is None or frame.at - searched >= WHOLE_FRAME_INTERVAL:
            self._searched[frame.place] = frame.at
            # If the close search of a person finds no face there, it is none: from afar, backs of heads pass for faces.
            around = [
                face for face in analysis.faces() if not any(holds_middle(box, face.box) for box in analysis.people)
            ]
            faces += [face for face in around if _is_new(face, faces)]
        return faces


def _is_new(face: Face, faces: list[Face]) -> bool:
    return all(iou(face.box, other.box) < SAME_FACE_IOU for other in faces)
