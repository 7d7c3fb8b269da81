"""The cloud's vision backend: Rekognition finds and names people. Without an answer, the local backend stands in."""

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

# The confidence of Rekognition from which a detection counts as a person or animal, and as a face. Its own default is
# 0.55; for a person who is there it is near 0.99.
SURE_PERSON, SURE_FACE = 0.8, 0.9
# Limits between which the weight of a face goes from none to full: sharpness and brightness, 0 to 100, and yaw, in
# degrees.
SHARP_NONE, SHARP_FULL = 2.0, 30.0
DARK_NONE, DARK_FULL = 10.0, 40.0
YAW_FULL, YAW_NONE = 35.0, 75.0
# How long a frame may wait for an answer. Usually one takes half a second.
ANSWER_WAIT_S = 2.0
# Two boxes of one face by two detectors share at least this much.
MIN_SAME_FACE_IOU = 0.3


Found = TypeVar("Found")


@dataclass
class _Seen:
    """What is known of the current picture."""

    picture: Picture
    detected: list[DetectedObject] | None = None
    """None if the cloud has not answered."""
    faces: dict[Face, float] | None = None
    """The weight of each face, 0 to 1; None if the cloud has not answered, or not yet."""


class RekognitionBackend:
    """A `VisionBackend` that asks the cloud about every picture, and the local backend whenever it gets no answer.

    Args:
        cloud: The client of Rekognition.
        local: Stands in while the cloud does not answer, and makes the vectors that recognise a stranger again.
    """

    def __init__(self, cloud: "Cloud", local: VisionBackend) -> None:
        self._cloud, self._local = cloud, local
        self._pool = ThreadPoolExecutor(1, "rekognition")
        self._asked_last: Future[Any] | None = None
        self._seen: _Seen | None = None
        self._error: CloudError | None = None

    @property
    def name(self) -> str:
        """Both backends, for people to read."""
        return f"rekognition, and {self._local.name} without it"

    @property
    def min_person_score(self) -> float:
        """The score from which a detection is a person. Local detections are scaled to the same measure."""
        return SURE_PERSON

    def detect(self, picture: Picture) -> list[DetectedObject]:
        """Return the people and the animals in a picture, the highest score first."""
        try:
            detected = self._ask(self._cloud.labels, picture.jpeg, "a picture")
        except CloudError as error:
            self._log_state(error)
            self._seen = _Seen(picture)
            return [_scaled(one, self._local.min_person_score) for one in self._local.detect(picture)]
        self._log_state(None)
        self._seen = _Seen(picture, detected)
        return sorted(detected, key=lambda one: -one.score)

    def find_faces(self, picture: Picture, within: Box | None = None) -> list[Face]:
        """Return the faces in a part of a picture (all of it if None), the widest first; an empty list without any."""
        found = self._found(picture)
        if found is None:
            return self._local.find_faces(picture, within)
        return sorted(
            (face for face in found if within is None or holds_middle(within, face.box)), key=lambda face: -face.width
        )

    def identify(self, picture: Picture, face: Face) -> Guess | CloudSimilarity | None:
        """Return how similar a face is to each person we know; None without the cloud."""
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
        """Return a face's embedding by the local backend; None if that backend finds no face in the same place."""
        found = self._found(picture)
        if found is None or face not in found:
            return self._local.embed(picture, face)
        ours = self._local.find_faces(picture, _room(face.box))
        same = max(ours, key=lambda one: iou(one.box, face.box), default=None)
        return self._local.embed(picture, same) if same and iou(same.box, face.box) >= MIN_SAME_FACE_IOU else None

    def _found(self, picture: Picture) -> dict[Face, float] | None:
        """Return the faces that the cloud found and their weights, asked once per picture; None without its answer."""
        seen = self._seen
        if seen is None or seen.picture is not picture or seen.detected is None:
            return None
        if seen.faces is None:
            seen.faces = self._asked(picture, seen.detected)
            if seen.faces is None:
                seen.detected = None  # from here on the local backend answers for this picture
        return seen.faces

    def _asked(self, picture: Picture, detected: list[DetectedObject]) -> dict[Face, float] | None:
        if not any(one.label == PERSON for one in detected):
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
        """Return an answer. Raises `CloudAway` if it takes longer than a frame may wait."""
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
        """Log each change once. One picture that cannot be used is no change of the cloud."""
        if isinstance(error, CloudPicture):
            log.info("the cloud cannot use a picture: %s", error)
            return
        if type(error) is not type(self._error):
            log.warning("%s; the local backend stands in meanwhile", error) if error else log.info(
                "the cloud answers again"
            )
        self._error = error


def _scaled(one: DetectedObject, person: float) -> DetectedObject:
    """Return a local detection in the cloud's measure: `person`, the local limit, becomes `SURE_PERSON`."""
    if one.label != PERSON:
        return one
    low, high = one.score / person * SURE_PERSON, 1 - (1 - one.score) / (1 - person) * (1 - SURE_PERSON)
    return DetectedObject(one.label, one.box, low if one.score < person else high)


def _room(box: Box) -> Box:
    """Return a box three times as wide and high around a face: a detector needs to see the whole head."""
    return Box(box.x - box.w, box.y - box.h, 3 * box.w, 3 * box.h)


def _counts(face: "CloudFace") -> float:
    return (
        ramp(face.sharpness, SHARP_NONE, SHARP_FULL)
        * ramp(face.brightness, DARK_NONE, DARK_FULL)
        * (1 - ramp(abs(face.yaw), YAW_FULL, YAW_NONE))
    )
