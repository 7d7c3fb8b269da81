"""What a vision backend costs: milliseconds per picture, and the ratio to a bare YOLOX-Nano loop in the same run.

Usage: KINWATCH_MODELS=... python benchmarks/backends.py [a JPEG with people in it ...]

Compare the ratio between machines and runs, not the milliseconds.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from brain.models import packs
from brain.models.local import LocalBackend
from brain.models.yolox import YOLOX_LABELS, Yolox
from brain.vision.picture import Picture

ROUNDS = 15


def milliseconds(work: Callable[[], object]) -> float:
    """Return the median time of a call, after one that is not counted."""
    work()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return float(np.median(times)) * 1000


def main(photos: list[Path]) -> None:
    """Print one line per pack, photo and question."""
    folders = packs.model_folders(Path("data"))
    yolox = Yolox(packs.find_model_file("yolox_nano.onnx", folders), threads=1)
    floors = dict.fromkeys(YOLOX_LABELS, 0.4)
    for photo in photos:
        jpeg = photo.read_bytes()
        picture = Picture(jpeg)
        bare = milliseconds(lambda small=picture.small: yolox.find(small, floors))
        print(f"{photo.name} {picture.width} x {picture.height}: bare YOLOX-Nano {bare:.1f} ms")
        decode = milliseconds(lambda jpeg=jpeg: Picture(jpeg).small)
        print(f"  {'decode':10} {'small':22} {decode:7.1f} ms {decode / bare:5.2f} x")
        for pack in (packs.STANDARD, packs.BUILT_IN):
            vision = LocalBackend(pack, folders)
            for question, work in questions(vision, picture).items():
                took = milliseconds(work)
                print(f"  {pack:10} {question:22} {took:7.1f} ms {took / bare:5.2f} x")


def questions(vision: LocalBackend, picture: Picture) -> dict[str, Callable[[], object]]:
    """Return what can be asked about a picture, each as a call."""
    people = [
        detected.box
        for detected in vision.detect(picture)
        if detected.label == "person" and detected.score >= vision.min_person_score
    ]
    faces = vision.find_faces(picture)
    asked: dict[str, Callable[[], object]] = {
        "people and animals": lambda: vision.detect(picture),
        "faces, everywhere": lambda: vision.find_faces(picture),
    }
    if people:
        asked["faces, of one person"] = lambda: vision.find_faces(picture, people[0])
    if faces:
        asked["embedding of one face"] = lambda: vision.embed(picture, faces[0])
    return asked


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
