"""The people of the labelled clips, as other cameras, other rooms and other clothes would show them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from brain.models.local import LocalBackend
from brain.vision.picture import Picture, Pixels
from brain.visits.frame_analysis import FrameAnalysis
from brain.visits.observe import ObservedPerson
from brain.visits.tracking import Track, match, speed
from nerves.messages import Box

Floats = npt.NDArray[np.float64]
# Every how many frames a clip is looked at, and its people.
CLIPS = {"visits_1_4": 5, "corridor_two_strangers": 2, "me_and_wife_facing": 2}
LOOKS = 10


@dataclass(frozen=True)
class Moment:
    """A person in a frame."""

    pixels: Pixels
    box: Box


def people(folder: Path, vision: LocalBackend) -> Iterator[tuple[str, list[Moment]]]:
    """Yield the clip and ten moments of each person."""
    for clip, step in CLIPS.items():
        tracks: dict[int, list[tuple[int, Moment]]] = {}
        speeds: dict[int, Any] = {}
        for number, pixels in frames(folder / f"{clip}.mp4", step):
            boxes = FrameAnalysis(vision, jpeg(pixels, 90)).people
            ids = [one for one, moments in tracks.items() if number - moments[-1][0] <= 4 * step]
            trails = [Track(tracks[i][-1][1].box, None, (number - tracks[i][-1][0]) / 10, speeds[i]) for i in ids]
            found = match([ObservedPerson(box, 1.0) for box in boxes], trails)
            for index, box in enumerate(boxes):
                one = ids[found[index]] if index in found else len(tracks)
                before = tracks.setdefault(one, [])
                speeds[one] = (
                    speed(speeds[one], before[-1][1].box, box, (number - before[-1][0]) / 10) if before else None
                )
                before.append((number, Moment(pixels, box)))
        for moments in tracks.values():
            # Somebody who comes in or leaves is cut off by the edge of the picture.
            yield clip, [moments[int(at)][1] for at in np.linspace(1, len(moments) - 2, LOOKS)]


def frames(path: Path, step: int) -> Iterator[tuple[int, Pixels]]:
    """Yield every so many frames of a clip."""
    clip = cv2.VideoCapture(str(path))
    number = 0
    while (read := clip.read())[0]:
        if number % step == 0:
            yield number, read[1].astype(np.uint8)
        number += 1


def jpeg(pixels: Pixels, quality: int) -> bytes:
    """Return pixels as a JPEG."""
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def gain(blue: float, green: float, red: float, gamma: float = 1.0) -> Callable[[Pixels], Pixels]:
    """Return a camera that brightens each colour by a factor, after a gamma curve."""
    return lambda pixels: np.clip(255 * (pixels / 255) ** gamma * (blue, green, red), 0, 255).astype(np.uint8)


def size(share: float) -> Callable[[Pixels], Pixels]:
    """Return a camera of another resolution."""
    return lambda pixels: cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA).astype(np.uint8)


def noise(pixels: Pixels) -> Pixels:
    """Return a noisy picture."""
    return np.clip(pixels + np.random.default_rng(1).normal(0, 12, pixels.shape), 0, 255).astype(np.uint8)


CAMERAS: dict[str, tuple[Callable[[Pixels], Pixels], int]] = {
    "as it is": (np.copy, 90),
    "dark": (gain(1, 1, 1, 1.5), 90),
    "bright": (gain(1, 1, 1, 0.7), 90),
    "warm": (gain(0.8, 1, 1.15), 90),
    "cold": (gain(1.2, 1, 0.85), 90),
    "noise": (noise, 90),
    "blur": (lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 2.5).astype(np.uint8), 90),
    "JPEG 40": (np.copy, 40),
    "half the size": (size(0.5), 90),
    "small, warm, dark": (lambda pixels: gain(0.85, 1, 1.12, 1.3)(size(0.6)(pixels)), 50),
    "cold, bright": (gain(1.15, 1, 0.9, 0.8), 50),
}
ROOMS = {"dark room": (0.5,) * 3, "bright room": (1.5,) * 3, "wood": (0.6, 0.85, 1.05), "blue wall": (1.1, 0.85, 0.6)}


def views(moment: Moment) -> Iterator[Picture]:
    """Yield a moment as each camera and in each room."""
    for camera, quality in CAMERAS.values():
        yield Picture(jpeg(camera(moment.pixels), quality))
    for factors in ROOMS.values():
        room = gain(*factors)(moment.pixels)
        inside = edges(moment)
        room[inside] = moment.pixels[inside]
        yield Picture(jpeg(room, 90))


def edges(moment: Moment, inset: float = 0.0) -> tuple[slice, slice]:
    """Return the rows and columns of a box; with an inset of its width and height, the clothes."""
    (high, wide), box = moment.pixels.shape[:2], moment.box
    rows = slice(max(0, round((box.y + inset * box.h) * high)), max(0, round((box.y + box.h) * high)))
    left, right = box.x + inset * box.w, box.x + (1 - inset) * box.w
    return rows, slice(max(0, round(left * wide)), max(0, round(right * wide)))


def recoloured(moment: Moment, colour: Floats) -> Moment:
    """Return a person whose clothes have this mean colour, Lab."""
    inside, pixels = edges(moment, 0.16), moment.pixels.copy()
    lab = cv2.cvtColor(pixels[inside].astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
    moved = (lab + (colour - lab.mean(axis=(0, 1)))).astype(np.float32)
    moved[..., 0] = np.clip(moved[..., 0], 0, 100)
    pixels[inside] = np.clip(255 * cv2.cvtColor(moved, cv2.COLOR_LAB2BGR), 0, 255).astype(np.uint8)
    return Moment(pixels, moment.box)


def colour_of(moment: Moment) -> Floats:
    """Return the mean colour of the clothes, Lab."""
    lab = cv2.cvtColor(moment.pixels[edges(moment, 0.16)].astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
    return np.asarray(lab.mean(axis=(0, 1)), np.float64)
