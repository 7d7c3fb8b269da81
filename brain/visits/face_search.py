"""Search for faces: in each person's box at close range, and from time to time in the whole frame."""

from datetime import datetime, timedelta

from brain.vision.backend import Face
from brain.vision.geometry import holds_middle, iou
from brain.visits.frame_analysis import FrameAnalysis
from nerves.messages import Frame

__all__ = ["FaceSearch"]

# If the intersection over union of two faces is at least this, they are one face that was found twice.
SAME_FACE_IOU = 0.3
# While people are in view, the whole frame is searched only this often.
WHOLE_FRAME_INTERVAL = timedelta(seconds=1)


class FaceSearch:
    """Finds each face in a frame once."""

    def __init__(self) -> None:
        self._searched: dict[str, datetime] = {}

    def faces(self, frame: Frame, analysis: FrameAnalysis) -> list[Face]:
        """Return the faces in a frame.

        The search in the whole frame finds people who stand so near that no person box was detected.
        """
        faces: list[Face] = []
        for box in analysis.people:
            faces += [face for face in analysis.faces(box) if _is_new(face, faces)]
        searched = self._searched.get(frame.place)
        if not analysis.people or searched is None or frame.at - searched >= WHOLE_FRAME_INTERVAL:
            self._searched[frame.place] = frame.at
            # Drop faces that only the whole-frame search found inside a person's box: at that scale, backs of heads
            # look like faces.
            around = [
                face for face in analysis.faces() if not any(holds_middle(box, face.box) for box in analysis.people)
            ]
            faces += [face for face in around if _is_new(face, faces)]
        return faces


def _is_new(face: Face, faces: list[Face]) -> bool:
    return all(iou(face.box, other.box) < SAME_FACE_IOU for other in faces)
