"""Pictures as cameras in odd places would show them, made from the labelled clips and stills."""

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from brain.vision.picture import Pixels
from brain.vision.turn import turn_pixels

__all__ = ["Scene", "Span", "crossing_scenes", "cut_off", "frames", "partial_views", "turned_scene", "turned_views"]

# Frames of visits_1_4.mp4 in which the edge cuts somebody off who comes or leaves, by eye.
CUT_OFF = ((61, 69), (191, 197), (227, 239), (441, 450), (504, 514), (691, 702), (745, 754), (861, 870))
TABLE, CUPBOARD = (60, 90, 130), (120, 120, 120)  # blue, green, red of what hides a part of somebody
# The labels of the stills without a person.
NOBODY = frozenset({"cat", "dog", "none"})
CROSSING_FRAMES = 14
CROSSER_HEIGHT = 0.4  # of the room's height


@dataclass(frozen=True)
class Span:
    """Frames of a clip with one label: `person`, `none` or `unsure`."""

    first: int
    last: int
    label: str


@dataclass(frozen=True)
class Scene:
    """Pictures of a fixed camera, one after the other."""

    name: str
    pictures: Iterator[tuple[int, Pixels]]
    """Each with its number in the clip."""
    fps: float


def frames(clip: Path, step: int) -> Iterator[tuple[int, Pixels]]:
    """Yield every so many frames of a clip, each with its number."""
    video = cv2.VideoCapture(str(clip))
    number = 0
    while (read := video.read())[0]:
        if number % step == 0:
            yield number, read[1].astype(np.uint8, copy=False)
        number += 1
    video.release()


def spans(media: Path, clip: str) -> list[Span]:
    """Return the labelled spans of a clip."""
    with (media / "clips_ground_truth.csv").open() as rows:
        return [
            Span(int(row["first_frame"]), int(row["last_frame"]), row["label"])
            for row in csv.DictReader(rows)
            if row["file"] == f"clips/{clip}"
        ]


def cut_off(media: Path) -> Iterator[Pixels]:
    """Yield the frames of a clip in which the edge of the picture cuts somebody off."""
    for number, pixels in frames(media / "clips" / "visits_1_4.mp4", 1):
        if any(first <= number <= last for first, last in CUT_OFF):
            yield pixels


def turned_views(pixels: Pixels) -> dict[str, Pixels]:
    """Return a picture as a camera on the ceiling might show it: people at any turn, and short."""
    height, width = pixels.shape[:2]
    short = cv2.resize(pixels, (width, round(height * 0.6))).astype(np.uint8, copy=False)
    shorter = cv2.resize(pixels, (width, round(height * 0.4))).astype(np.uint8, copy=False)
    views = {"as it is": pixels}
    views |= {f"turned by {quarters * 90}°": turn_pixels(pixels, quarters) for quarters in (1, 2, 3)}
    views |= {f"turned by {angle}°": _slanted(pixels, angle) for angle in (45, 135, 225, 315)}
    views |= {f"60 % as high, turned by {quarters * 90}°": turn_pixels(short, quarters) for quarters in (0, 1, 2, 3)}
    views |= {f"40 % as high, turned by {quarters * 90}°": turn_pixels(shorter, quarters) for quarters in (0, 1, 2, 3)}
    return views


def partial_views(pixels: Pixels, person: tuple[int, int, int, int]) -> dict[str, Pixels]:
    """Return a picture in which a part of a person is hidden; `person` is left, top, right, bottom in pixels."""
    left, top, right, bottom = person
    width, height = right - left, bottom - top
    views = {
        "cut below the hips: legs only": _cut(pixels, person, 0.55, 1.1),
        "cut below the knees: feet only": _cut(pixels, person, 0.75, 1.1),
        "cut above the hips": _cut(pixels, person, -0.2, 0.5),
    }
    hidden = {
        "behind a table, from the waist down": ((-1, 0.45, 2, 1.05), TABLE),
        "behind a table, from the chest down": ((-1, 0.3, 2, 1.05), TABLE),
        "legs below something that hides the rest": ((-1, -0.05, 2, 0.55), TABLE),
        "left half hidden": ((-0.5, -0.05, 0.5, 1.05), CUPBOARD),
        "right half hidden": ((0.5, -0.05, 1.5, 1.05), CUPBOARD),
    }
    for name, ((x, y, x2, y2), colour) in hidden.items():
        view = pixels.copy()
        columns = slice(max(left + round(x * width), 0), max(left + round(x2 * width), 0))
        view[max(top + round(y * height), 0) : max(top + round(y2 * height), 0), columns] = colour
        views[name] = view
    return views


def turned_scene(media: Path, quarters: int, height: float, step: int) -> Scene:
    """Return the clip of the four visitors, turned and made less high."""

    def pictures() -> Iterator[tuple[int, Pixels]]:
        for number, pixels in frames(media / "clips" / "visits_1_4.mp4", step):
            size = pixels.shape[1], round(pixels.shape[0] * height)
            yield number, turn_pixels(cv2.resize(pixels, size).astype(np.uint8, copy=False), quarters)

    high = f", {height:.0%} as high" if height != 1 else ""
    return Scene(f"four visitors, turned by {quarters * 90}°{high}", pictures(), 10 / step)


def crossing_scenes(media: Path, quarters: int, *, labels: Collection[str] = NOBODY) -> Iterator[Scene]:
    """Yield scenes in which the picture of an animal or a thing crosses an empty room, all turned."""
    with (media / "stills_ground_truth.csv").open() as rows:
        files = [row["file"] for row in csv.DictReader(rows) if row["label"] in labels]
    pictures = {file: cv2.imread(str(media / file)).astype(np.uint8, copy=False) for file in files}
    room = next(frames(media / "clips" / "visits_1_4.mp4", 1))[1]
    for file in files:
        yield Scene(f"{Path(file).stem}, turned by {quarters * 90}°", _crossing(room, pictures[file], quarters), 5)


def _crossing(room: Pixels, what: Pixels, quarters: int) -> Iterator[tuple[int, Pixels]]:
    high = round(CROSSER_HEIGHT * room.shape[0])
    wide = round(what.shape[1] * high / what.shape[0])
    patch = cv2.resize(what, (wide, high), interpolation=cv2.INTER_AREA)
    for number in range(CROSSING_FRAMES):
        view = room.copy()
        x = max(round((room.shape[1] - wide) * number / CROSSING_FRAMES), 0)
        y = round((room.shape[0] - high) * 0.8)
        view[y : y + high, x : x + wide] = patch[:, : room.shape[1] - x]
        yield number, turn_pixels(view, quarters)


def _slanted(pixels: Pixels, angle: int) -> Pixels:
    height, width = pixels.shape[:2]
    move = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 0.75)
    turned = cv2.warpAffine(pixels, move, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return turned.astype(np.uint8, copy=False)


def _cut(pixels: Pixels, person: tuple[int, int, int, int], top: float, bottom: float) -> Pixels:
    """Return a 4:3 part of a picture that shows a person from one height to another (0: top of the box, 1: bottom)."""
    height, width = pixels.shape[:2]
    first = max(person[1] + round(top * (person[3] - person[1])), 0)
    last = min(person[1] + round(bottom * (person[3] - person[1])), height)
    wide = min(width, round((last - first) * 4 / 3))
    left = min(max((person[0] + person[2] - wide) // 2, 0), width - wide)
    return pixels[first:last, left : left + wide].copy()
