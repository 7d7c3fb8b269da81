"""BlazePose finds people and BlazeFace faces, by LiteRT."""

import math
from pathlib import Path

import cv2
import numpy as np

from brain.models.litert import interpreter
from brain.vision.boxes import Floats, Letterbox, RawDetection, letterbox, suppress
from brain.vision.picture import Pixels

__all__ = ["BlazeFace", "BlazePose"]

BLAZE_PADDING_GREY = 127  # 0 in the input of the networks, as in MediaPipe's graphs
# Strides and anchors per cell, from MediaPipe's pose_detection and face_detection_full_range graphs (the three
# layers of stride 32 are one grid here). All anchors have size 1, so only their centres matter.
POSE_SIDE, POSE_GRIDS = 224, ((8, 2), (16, 2), (32, 6))
FACE_SIDE, FACE_GRIDS = 192, ((4, 1),)
# Width of a standing body divided by its height.
BODY_WIDTH = 0.4
POSE_OVERLAP = 0.4
FACE_OVERLAP = 0.3
# Wider pictures are searched in overlapping squares: two people side by side were both found in 0 of 14 frames as a
# whole, and in 14 of 14 frames in squares.
WIDE_ASPECT_RATIO = 1.5
MAX_SQUARES = 5
# Each face is searched again in a square of 3.5 x its size, and the two scores are averaged. At a mean of 0.65, 0 of
# 102 backs of heads pass, and 88 of 122 faces that are 11 to 60 pixels wide. A single pass without any back finds 50.
SECOND_PASS_SCALE = 3.5
FIRST_PASS_MIN_SCORE = 0.4
MAX_SECOND_PASSES = 6


class _Net:
    """A TensorFlow Lite model with one picture in, rows of coordinates and scores out."""

    def __init__(self, path: Path, threads: int) -> None:
        self._net = interpreter(path, threads)
        self._input = self._net.get_input_details()[0]["index"]
        outputs = {int(output["shape"][-1]): output["index"] for output in self._net.get_output_details()}
        self._scores, self._rows = outputs[1], outputs[max(outputs)]

    def run(self, square: Pixels) -> tuple[Floats, Floats]:
        """Return N rows of coordinates and N scores (0 to 1) for BGR pixels of the model's size."""
        batch = square[None, :, :, ::-1].astype(np.float32) / np.float32(127.5) - np.float32(1)
        self._net.set_tensor(self._input, batch)
        self._net.invoke()
        logits = np.clip(self._net.get_tensor(self._scores)[0, :, 0], -80, 80)
        scores: Floats = (1 / (1 + np.exp(-logits))).astype(np.float32)
        return self._net.get_tensor(self._rows)[0], scores


class BlazePose:
    """Finds people in BGR pixels.

    Args:
        path: `blazepose_person_detection.tflite`: 1 x 224 x 224 x 3 RGB -1..1 in, 1 x 2254 x 12 (head, then
            points: hip, rim of the body's circle, shoulders, rim of the upper body) and 1 x 2254 x 1 out.
        threads: Processor threads of one inference.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self._net = _Net(path, threads)
        self._anchors = _anchors(POSE_SIDE, POSE_GRIDS)

    def find(self, pixels: Pixels, floor: float) -> list[RawDetection]:
        """Return the people who score at least `floor` (0 to 1), the highest score first."""
        found = [
            one.moved(x, y) for x, y, part in _squares(pixels) for one in self._find(np.ascontiguousarray(part), floor)
        ]
        return suppress([_clipped(one, pixels) for one in found], POSE_OVERLAP)

    def _find(self, pixels: Pixels, floor: float) -> list[RawDetection]:
        box = letterbox(pixels, POSE_SIDE, fill=BLAZE_PADDING_GREY, centred=True)
        rows, scores = self._net.run(box.pixels)
        kept = scores >= floor
        return _found("person", box, _bodies(rows[kept], self._anchors[kept]), scores[kept])


class BlazeFace:
    """Finds faces up to about five metres away in BGR pixels.

    Args:
        path: `face_detection_full_range_sparse.tflite`: 1 x 192 x 192 x 3 RGB -1..1 in, 1 x 2304 x 16
            (face, then six points) and 1 x 2304 x 1 out.
        threads: Processor threads of one inference.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self._net = _Net(path, threads)
        self._anchors = _anchors(FACE_SIDE, FACE_GRIDS)

    def find(self, pixels: Pixels, floor: float) -> list[RawDetection]:
        """Return the faces whose mean score of two passes is at least `floor` (0 to 1), the highest first."""
        first = suppress(self._find(pixels, FIRST_PASS_MIN_SCORE), FACE_OVERLAP)[:MAX_SECOND_PASSES]
        both = [self._second_pass(pixels, one) for one in first]
        return sorted((one for one in both if one.score >= floor), key=lambda one: -one.score)

    def _find(self, pixels: Pixels, floor: float) -> list[RawDetection]:
        box = letterbox(pixels, FACE_SIDE, fill=BLAZE_PADDING_GREY, centred=True)
        rows, scores = self._net.run(box.pixels)
        kept = scores >= floor
        return _found("face", box, _heads(rows[kept], self._anchors[kept]), scores[kept])

    def _second_pass(self, pixels: Pixels, face: RawDetection) -> RawDetection:
        """Return the mean of a face and of the face that a second pass finds in the middle of a square around it."""
        side = SECOND_PASS_SCALE * max(face.right - face.left, face.bottom - face.top, 1.0)
        scale, middle = FACE_SIDE / side, FACE_SIDE / 2
        x, y = (face.left + face.right - side) / 2, (face.top + face.bottom - side) / 2
        move = np.array([[scale, 0, -x * scale], [0, scale, -y * scale]])
        square = cv2.warpAffine(pixels, move, (FACE_SIDE, FACE_SIDE), borderValue=(BLAZE_PADDING_GREY,) * 3)
        nearest = max(
            (one for one in self._find(square.astype(np.uint8, copy=False), 0.1) if _holds(one, middle)),
            key=lambda one: one.score,
            default=None,
        )
        if nearest is None:
            return face._replace(score=face.score / 2)
        again = [edge / scale for edge in nearest[2:]]
        edges = zip(face[2:], (again[0] + x, again[1] + y, again[2] + x, again[3] + y), strict=True)
        return RawDetection(face.label, (face.score + nearest.score) / 2, *((one + two) / 2 for one, two in edges))


def _holds(one: RawDetection, middle: float) -> bool:
    return one.left < middle < one.right and one.top < middle < one.bottom


def _squares(pixels: Pixels) -> list[tuple[int, int, Pixels]]:
    """Return overlapping squares of a wide or high picture, each with left and top; any other picture as a whole."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    if max(height, width) < WIDE_ASPECT_RATIO * side:
        return [(0, 0, pixels)]
    count = min(math.ceil(max(height, width) / side), MAX_SQUARES)
    starts = np.linspace(0, max(height, width) - side, count).astype(int).tolist()
    if width > height:
        return [(x, 0, pixels[:, x : x + side]) for x in starts]
    return [(0, y, pixels[y : y + side]) for y in starts]


def _clipped(one: RawDetection, pixels: Pixels) -> RawDetection:
    height, width = pixels.shape[:2]
    left, right = (min(max(x, 0.0), float(width)) for x in (one.left, one.right))
    top, bottom = (min(max(y, 0.0), float(height)) for y in (one.top, one.bottom))
    return RawDetection(one.label, one.score, left, top, right, bottom)


def _anchors(side: int, grids: tuple[tuple[int, int], ...]) -> Floats:
    """Return the N x 2 centres of all anchors in the square, for grids of (stride, anchors per cell)."""
    centres = []
    for stride, copies in grids:
        y, x = np.mgrid[: side // stride, : side // stride]
        cells = (np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) * stride
        centres.append(np.repeat(cells, copies, axis=0))
    return np.concatenate(centres).astype(np.float32)


def _heads(rows: Floats, anchors: Floats) -> Floats:
    """Return the N x 4 boxes (left, top, right, bottom) of faces, in pixels of the square."""
    centre, half = rows[:, :2] + anchors, np.abs(rows[:, 2:4]) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def _bodies(rows: Floats, anchors: Floats) -> Floats:
    """Return the N x 4 boxes of bodies: the circle around the hip, and the head."""
    hip, rim = rows[:, 4:6] + anchors, rows[:, 6:8] + anchors
    along = np.abs(rim - hip)
    half = np.maximum(along, np.linalg.norm(along, axis=1, keepdims=True) * BODY_WIDTH)
    head = _heads(rows, anchors)
    return np.concatenate([np.minimum(hip - half, head[:, :2]), np.maximum(hip + half, head[:, 2:])], axis=1)


def _found(label: str, box: Letterbox, boxes: Floats, scores: Floats) -> list[RawDetection]:
    corners = box.undo(boxes).tolist()
    return [RawDetection(label, score, *corner) for score, corner in zip(scores.tolist(), corners, strict=True)]
