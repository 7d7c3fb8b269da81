"""A vision backend that sees what the script of the household benchmark shows.

Each frame is one tiny JPEG per place with a comment that holds the frame's number. The backend reads the number and
looks the frame up.
"""

import importlib
import zlib
from collections import OrderedDict
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.household_life import PLACES
from benchmarks.household_script import Script, Shown
from brain.vision.backend import PERSON, DetectedObject, Face, FaceEmbedding, Vector
from brain.vision.geometry import iou
from brain.vision.picture import Picture
from nerves.messages import Box

__all__ = ["ScriptedSight", "numbered_jpeg"]

Numbers = npt.NDArray[np.float64]

PICTURE_SIDE_PX = 32
COMMENT, COMMENT_BYTES = b"\xff\xfe", 10
STORED_SCRIPTS = 64  # frames that may still be asked about
# Descriptors of bodies: the mean distances that benchmarks/appearance.py measured on clips, one look each.
SAME_CAMERA_DISTANCE, OTHER_CAMERA_DISTANCE, OTHER_PERSON_DISTANCE = 0.145, 0.276, 0.589
# Vectors of 12 numbers give distances between people about that deviation. The noise of single pictures differs by this
# much (log-normal), which gives about the same deviation for one person.
DESCRIPTOR_LENGTH, LOOK_VARIATION = 12, 0.3
DRESSED_ALIKE_SHARE = 0.7  # clothes like the father's differ from his by so much of what other clothes do (clips)
COLOUR_CHROMA = 1.0  # of a picture by day (clips); infrared has 0
FATHERS_OUTFIT = "like the father"


class ScriptedSight:
    """Sees what the script says. It is a `VisionBackend`, and describes bodies too."""

    name, min_person_score = "scripted", 0.4

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._scripts: OrderedDict[int, Script] = OrderedDict()
        self._next = 0
        self._outfits: dict[str, Numbers] = {}
        self._fathers = "father 0"

    def picture(self, script: Script) -> bytes:
        """Return the picture of a frame. The last 64 frames are remembered."""
        self._next += 1
        self._scripts[self._next] = script
        if len(self._scripts) > STORED_SCRIPTS:
            self._scripts.popitem(last=False)
        for one in script.shown:
            if one.who == "father" and not one.is_dark:
                self._fathers = one.outfit
        return numbered_jpeg(script.place, self._next)

    def detect(self, picture: Picture) -> list[DetectedObject]:
        """Return the people of the frame."""
        return [DetectedObject(PERSON, one.box, one.score) for one in self._shown(picture)]

    def find_faces(self, picture: Picture, within: Box | None = None) -> list[Face]:
        """Return the face of the person whose box is given; the search in the whole picture finds nobody else."""
        return [
            Face(one.face_box, 0.9, one.embedding.width)
            for one in self._shown(picture)
            if one.embedding and one.box == within
        ]

    def identify(self, _picture: Picture, _face: Face) -> None:
        """Leave names to the gallery."""
        return

    def embed(self, picture: Picture, face: Face) -> FaceEmbedding | None:
        """Return the embedding of a face that was found."""
        return next((one.embedding for one in self._shown(picture) if one.face_box == face.box), None)

    def appearance(self, picture: Picture, box: Box) -> Any:  # noqa: ANN401 - a class that may not exist yet
        """Return the descriptor of the body in a box; None if nobody is there."""
        script = self._scripts[_number(picture.jpeg)]
        shown = max(script.shown, key=lambda one: iou(one.box, box), default=None)
        if shown is None or iou(shown.box, box) <= 0:
            return None
        vector = self._descriptor(shown, script)
        return _appearance_class()(vector, 0.0 if shown.is_dark else COLOUR_CHROMA)

    def _descriptor(self, shown: Shown, script: Script) -> Vector:
        rng = np.random.default_rng([self._seed, zlib.crc32(shown.who.encode()), round(script.at * 1000)])
        noise = _normal(rng, SAME_CAMERA_DISTANCE) * np.exp(rng.normal(0.0, LOOK_VARIATION))
        camera = self._fixed(script.place, np.sqrt(OTHER_CAMERA_DISTANCE**2 - SAME_CAMERA_DISTANCE**2))
        outfit = 0.0 if shown.is_dark else self._outfit(shown.outfit)
        return np.asarray(outfit + camera + noise, np.float32)

    def _outfit(self, outfit: str) -> Numbers:
        scale = float(np.sqrt(OTHER_PERSON_DISTANCE**2 - OTHER_CAMERA_DISTANCE**2))
        if outfit == FATHERS_OUTFIT:
            return self._fixed(self._fathers, scale) + DRESSED_ALIKE_SHARE * self._fixed(outfit, scale)
        return self._fixed(outfit, scale)

    def _fixed(self, what: str, distance: float) -> Numbers:
        """Return a point that depends on a name; two names are `distance` apart in the mean."""
        if what not in self._outfits:
            rng = np.random.default_rng([self._seed, zlib.crc32(what.encode())])
            self._outfits[what] = _normal(rng, float(distance))
        return self._outfits[what]

    def _shown(self, picture: Picture) -> tuple[Shown, ...]:
        return self._scripts[_number(picture.jpeg)].shown


def numbered_jpeg(place: str, number: int) -> bytes:
    """Return a place's picture with a number in a comment."""
    body = _body(PLACES.index(place))
    return body[:2] + COMMENT + COMMENT_BYTES.to_bytes(2) + number.to_bytes(8) + body[2:]


def _number(jpeg: bytes) -> int:
    return int.from_bytes(jpeg[6:14])


@cache
def _body(shade: int) -> bytes:
    pixels = np.full((PICTURE_SIDE_PX, PICTURE_SIDE_PX, 3), 60 + 40 * shade, np.uint8)
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 50])[1].tobytes()


def _normal(rng: np.random.Generator, distance: float) -> Numbers:
    """Return a random vector; two of them are `distance` apart, root mean square."""
    return rng.normal(0.0, distance / np.sqrt(2 * DESCRIPTOR_LENGTH), DESCRIPTOR_LENGTH)


@cache
def _appearance_class() -> Any:  # noqa: ANN401 - a class that may not exist yet
    return importlib.import_module("brain.vision.appearance").Appearance
