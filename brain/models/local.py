"""The local vision backend: the two detectors of a pack, and dlib for face embeddings."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from brain.models import packs
from brain.models.blaze import BlazeFace, BlazePose
from brain.models.dlib_face import DlibFace
from brain.models.yolox import YOLOX_LABELS, Yolox
from brain.models.yunet import Yunet
from brain.vision.backend import PERSON, DetectedObject, Face, FaceEmbedding, Guess
from brain.vision.boxes import RawDetection
from brain.vision.picture import Picture, Pixels
from brain.vision.turn import turn_box, turn_pixels
from nerves.messages import Box

__all__ = ["LocalBackend"]

# Minimum scores, measured on labelled stills and clips: below them, animals, rooms and backs of heads begin to pass.
YOLOX_PERSON, YOLOX_ANIMAL, YUNET_FACE = 0.4, 0.3, 0.8
BLAZE_PERSON, BLAZE_FACE = 0.7, 0.65
# The same in a turned picture, where furniture and animals score more: 3 of 100 random crops of pictures without people
# reach it at a random turn. People at their best turn score 0.8 to 0.9.
TURNED_PERSON = 0.5
# A person scores at least this around 222 of 227 faces that nearly fill the picture, and around no face of an animal.
WEAK_PERSON = 0.1
# Scores of face confidence 0 (no back of a head and no pattern scores more) and of face confidence 1.
YUNET_CONFIDENCE_RANGE, BLAZE_CONFIDENCE_RANGE = (0.80, 0.88), (0.65, 0.80)
# Detectors leave the hair out of the box, so faces are searched in a slightly larger box.
MARGIN_ABOVE, MARGIN_BESIDE = 0.1, 0.05
# In a crop of double size 35 of 35 faces that are 13 to 23 pixels wide are found, else 29. A factor of three finds no
# more.
FACE_CROP_SIDE_PX, MAX_ZOOM = 640, 2.0

Detector = Callable[[Pixels], list[RawDetection]]


class LocalBackend:
    """A `VisionBackend` that runs model files on this machine; each is loaded when it is first needed.

    Args:
        pack: `auto`, `built-in` or `standard`.
        folders: The folders of the model files; see `packs.model_folders`.
        threads: Processor threads of one inference.

    Raises:
        ModelError: A file of the pack is absent, or has another content.
    """

    def __init__(self, pack: packs.Choice, folders: Sequence[Path], threads: int = 1) -> None:
        self._pack = packs.choose_pack(pack, folders)
        self._paths = {file.name: packs.find_model_file(file.name, folders) for file in packs.of_pack(self._pack)}
        self._threads = threads

    @property
    def name(self) -> str:
        """The pack in use."""
        return f"local {self._pack}"

    @property
    def min_person_score(self) -> float:
        """The score from which a detection is a person."""
        return YOLOX_PERSON if self._pack == packs.STANDARD else BLAZE_PERSON

    def detect(self, picture: Picture) -> list[DetectedObject]:
        """Return the people (weak detections too) and the animals in a picture, the highest score first."""
        return _in_fractions(self._object_detector(picture.small), picture.small)

    def detect_turned(self, picture: Picture, quarters: int) -> list[DetectedObject]:
        """Return the people and animals of a picture after clockwise quarter turns; boxes in the picture as it is.

        With `built-in` the list is empty: BlazePose finds people at every turn of the picture as it is.
        """
        if self._pack == packs.BUILT_IN:
            return []
        turned = turn_pixels(picture.small, quarters)
        found = _in_fractions(self._object_detector(turned), turned)
        return [
            replace(one, box=turn_box(one.box, -quarters))
            for one in found
            if one.label != PERSON or one.score >= TURNED_PERSON
        ]

    def find_faces(self, picture: Picture, within: Box | None = None) -> list[Face]:
        """Return the faces in the box `within`, or in the whole picture, the widest first."""
        left, top, right, bottom = picture.to_pixels(_wider(within) if within else Box(0, 0, 1, 1))
        crop = picture.full[top : max(top, bottom), left : max(left, right)]
        if crop.size == 0:
            return []
        zoom = min(MAX_ZOOM, FACE_CROP_SIDE_PX / max(crop.shape[:2]))
        found = self._face_detector(_zoomed(crop, zoom))
        return sorted((_face(picture, one, (left, top), zoom) for one in found), key=lambda face: -face.width)

    def identify(self, picture: Picture, face: Face) -> Guess | None:  # noqa: ARG002 - the protocol's
        """Return None: the brain compares embeddings with the gallery."""
        return None

    def embed(self, picture: Picture, face: Face) -> FaceEmbedding | None:
        """Return the embedding of a face; None if the face cannot be aligned."""
        left, top = face.box.x * picture.width, face.box.y * picture.height
        right, bottom = left + face.box.w * picture.width, top + face.box.h * picture.height
        aligned = self._dlib.describe(picture.full, (left, top, right, bottom))
        if aligned is None:
            return None
        return FaceEmbedding(
            aligned.vector, face.width, aligned.sharpness, aligned.yaw, self._face_confidence(face.score)
        )

    @cached_property
    def _object_detector(self) -> Detector:
        if self._pack == packs.BUILT_IN:
            pose = BlazePose(self._paths["blazepose_person_detection.tflite"], self._threads)
            return lambda pixels: pose.find(pixels, WEAK_PERSON)
        yolox = Yolox(self._paths["yolox_nano.onnx"], self._threads)
        floors = dict.fromkeys(YOLOX_LABELS, YOLOX_ANIMAL) | {PERSON: WEAK_PERSON}
        return lambda pixels: yolox.find(pixels, floors)

    @cached_property
    def _face_detector(self) -> Detector:
        if self._pack == packs.BUILT_IN:
            blaze = BlazeFace(self._paths["face_detection_full_range_sparse.tflite"], self._threads)
            return lambda pixels: blaze.find(pixels, BLAZE_FACE)
        yunet = Yunet(self._paths["face_detection_yunet_2023mar.onnx"], self._threads)
        return lambda pixels: yunet.find(pixels, YUNET_FACE)

    def _face_confidence(self, score: float) -> float:
        none, full = YUNET_CONFIDENCE_RANGE if self._pack == packs.STANDARD else BLAZE_CONFIDENCE_RANGE
        return min(max((score - none) / (full - none), 0.0), 1.0)

    @cached_property
    def _dlib(self) -> DlibFace:
        return DlibFace(
            self._paths["shape_predictor_5_face_landmarks.dat"],
            self._paths["dlib_face_recognition_resnet_model_v1.dat"],
        )


def _in_fractions(found: list[RawDetection], pixels: Pixels) -> list[DetectedObject]:
    """Return the detections of a detector in fractions of its input picture, without those outside it."""
    height, width = pixels.shape[:2]
    edges = np.array([one[2:] for one in found], np.float64).reshape(-1, 4) / (width, height, width, height)
    boxes = [Box(x, y, right - x, bottom - y) for x, y, right, bottom in np.clip(edges, 0, 1).tolist()]
    return [
        DetectedObject(one.label, box, one.score)
        for one, box in zip(found, boxes, strict=True)
        if box.w > 0 and box.h > 0
    ]


def _wider(box: Box) -> Box:
    return Box(
        box.x - MARGIN_BESIDE * box.w,
        box.y - MARGIN_ABOVE * box.h,
        box.w * (1 + 2 * MARGIN_BESIDE),
        box.h * (1 + MARGIN_ABOVE),
    )


def _zoomed(pixels: Pixels, zoom: float) -> Pixels:
    height, width = pixels.shape[:2]
    size = max(1, round(width * zoom)), max(1, round(height * zoom))
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    return cv2.resize(pixels, size, interpolation=how).astype(np.uint8, copy=False)


def _face(picture: Picture, one: RawDetection, origin: tuple[int, int], zoom: float) -> Face:
    """Return a face of a zoomed crop as a face of the picture; the crop begins at `origin` (its pixels)."""
    left, top = origin[0] + one.left / zoom, origin[1] + one.top / zoom
    width, height = (one.right - one.left) / zoom, (one.bottom - one.top) / zoom
    box = Box(left / picture.width, top / picture.height, width / picture.width, height / picture.height)
    return Face(box, one.score, width)
