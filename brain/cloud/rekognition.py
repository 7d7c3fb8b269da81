"""The sight in the cloud: Rekognition finds people, animals and faces and says who; while it does not, we look here."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from brain.cloud.errors import CloudAway, CloudError, CloudPicture
from brain.cloud.ledger import About
from brain.verdict.evidence import MIN_USABLE_WEIGHT, ramp
from brain.vision.backend import PERSON, CloudSimilarity, DetectedObject, Face, FaceEmbedding, Guess, VisionBackend
from brain.vision.crop import portrait
from brain.vision.geometry import holds_middle, iou
from brain.vision.picture import Picture
from nerves.messages import Box

if TYPE_CHECKING:
    from brain.cloud.client import Cloud, CloudFace

__all__ = ["RekognitionBackend"]

log = logging.getLogger(__name__)

# Rekognition's confidence from which a thing is a person, an animal is one, and a face is one. Its own default is 55;
# for people it is near 99 where there is somebody.
SURE_PERSON, SURE_FACE = 0.8, 0.9
# Its sharpness and brightness, 0 to 100, and how far the head is turned, in degrees: what makes a face count.
SHARP_NONE, SHARP_FULL = 2.0, 30.0
DARK_NONE, DARK_FULL = 10.0, 40.0
YAW_FULL, YAW_NONE = 35.0, 75.0
# So long a frame may wait for an answer; it takes half a second as a rule.
ANSWER_WAIT_S = 2.0
# Two boxes of one face by two detectors share at least this much.
MIN_SAME_FACE_IOU = 0.3


Found = TypeVar("Found")


@dataclass
class _Seen:
    """What is known of the picture in hand."""

    picture: Picture
    things: list[DetectedObject] | None = None
    """None: not from the cloud."""
    faces: dict[Face, float] | None = None
    """How far each counts, 0 to 1; None: not from the cloud, or not yet."""


class RekognitionBackend:
    """A `Sight` that asks the cloud about every picture, and looks here whenever it gets no answer.

    Args:
        cloud: Who is asked.
        local: Looks while the cloud does not, and makes the vectors by which a stranger is known again.
    """

    def __init__(self, cloud: "Cloud", local: VisionBackend) -> None:
        self._cloud, self._local = cloud, local
        self._pool = ThreadPoolExecutor(1, "rekognition")
        self._asked_last: Future[Any] | None = None
        self._seen: _Seen | None = None
        self._error: CloudError | None = None

    @property
    def name(self) -> str:
        """Who is asked, and who else."""
        return f"rekognition, and {self._local.name} without it"

    @property
    def min_person_score(self) -> float:
        """The score from which a thing is a person; what is found here is counted in the same measure."""
        return SURE_PERSON

    def detect(self, picture: Picture) -> list[DetectedObject]:
        """Return the people and the animals in a picture, the surest first."""
        try:
            things = self._ask(self._cloud.labels, picture.jpeg, "a picture")
        except CloudError as error:
            self._log_state(error)
            self._seen = _Seen(picture)
            return [_scaled(thing, self._local.min_person_score) for thing in self._local.detect(picture)]
        self._log_state(None)
        self._seen = _Seen(picture, things)
        return sorted(things, key=lambda thing: -thing.score)

    def find_faces(self, picture: Picture, within: Box | None = None) -> list[Face]:
        """Return the faces in a part of a picture (all of it if None), the widest first; none where nobody is."""
        found = self._found(picture)
        if found is None:
            return self._local.find_faces(picture, within)
        return sorted(
            (face for face in found if within is None or holds_middle(within, face.box)), key=lambda face: -face.width
        )

    def identify(self, picture: Picture, face: Face) -> Guess | CloudSimilarity | None:
        """Return how like the people we know a face is; None without the cloud."""
        found = self._found(picture)
        if found is None or found.get(face, 0.0) <= MIN_USABLE_WEIGHT:
            return None
        crop = portrait(picture, face)
        try:
            return CloudSimilarity(self._ask(self._cloud.who, crop, "a face"), found[face], self._cloud.compared)
        except CloudError as error:
            self._log_state(error)
            return None

    def embed(self, picture: Picture, face: Face) -> FaceEmbedding | None:
        """Return a face's vector and quality, as we see it here: of a face that we find here too, where it is."""
        found = self._found(picture)
        if found is None or face not in found:
            return self._local.embed(picture, face)
        ours = self._local.find_faces(picture, _room(face.box))
        same = max(ours, key=lambda one: iou(one.box, face.box), default=None)
        return self._local.embed(picture, same) if same and iou(same.box, face.box) >= MIN_SAME_FACE_IOU else None

    def _found(self, picture: Picture) -> dict[Face, float] | None:
        """Return the faces that the cloud sees, asked once a picture; None while we look for ourselves."""
        seen = self._seen
        if seen is None or seen.picture is not picture or seen.things is None:
            return None
        if seen.faces is None:
            seen.faces = self._asked(picture, seen.things)
            if seen.faces is None:
                seen.things = None  # what is left of this picture is looked at here
        return seen.faces

    def _asked(self, picture: Picture, things: list[DetectedObject]) -> dict[Face, float] | None:
        if not any(thing.label == PERSON for thing in things):
            return {}
        try:
            found = self._ask(self._cloud.faces, picture.jpeg, "a picture")
        except CloudError as error:
            self._log_state(error)
            return None
        return {
            Face(one.box, one.score, one.box.w * picture.width): _counts(one) for one in found if one.score >= SURE_FACE
        }

    def _ask(self, call: Callable[[bytes, About], Found], jpeg: bytes, what: str) -> Found:
        """Return an answer; `CloudAway` where it takes too long for a house that has to look meanwhile."""
        if self._asked_last and not self._asked_last.done():
            message = "Rekognition has still not answered"
            raise CloudAway(message)
        answer = self._pool.submit(call, jpeg, About(None, None, len(jpeg), what))
        self._asked_last = answer
        try:
            return answer.result(ANSWER_WAIT_S)
        except TimeoutError as error:
            message = f"Rekognition has not answered in {ANSWER_WAIT_S:.0f} s"
            raise CloudAway(message) from error

    def _log_state(self, error: CloudError | None) -> None:
        """Say what has changed, once; that one picture cannot be used says nothing of the cloud."""
        if isinstance(error, CloudPicture):
            log.info("the cloud cannot use a picture: %s", error)
            return
        if type(error) is not type(self._error):
            log.warning("%s; looks here meanwhile", error) if error else log.info("the cloud answers again")
        self._error = error


def _scaled(thing: DetectedObject, person: float) -> DetectedObject:
    """Return what was found here in the cloud's measure: a score that makes a person here makes one there."""
    if thing.label != PERSON:
        return thing
    low, high = thing.score / person * SURE_PERSON, 1 - (1 - thing.score) / (1 - person) * (1 - SURE_PERSON)
    return DetectedObject(thing.label, thing.box, low if thing.score < person else high)


def _room(box: Box) -> Box:
    """Return a face's box with as much again on each side: a detector needs to see a head."""
    return Box(box.x - box.w, box.y - box.h, 3 * box.w, 3 * box.h)


def _counts(face: "CloudFace") -> float:
    return (
        ramp(face.sharpness, SHARP_NONE, SHARP_FULL)
        * ramp(face.brightness, DARK_NONE, DARK_FULL)
        * (1 - ramp(abs(face.yaw), YAW_FULL, YAW_NONE))
    )
