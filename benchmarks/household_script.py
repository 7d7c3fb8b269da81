"""What the cameras of the household benchmark see: frame by frame, who is where, with which face.

The picture of a stretch depends on the seed, the person and the time alone, so an intruder changes nothing in it.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge

import numpy as np
import numpy.typing as npt

from benchmarks.household_faces import Looks
from benchmarks.household_life import PLACES, Stretch
from brain.vision.backend import FaceEmbedding
from nerves.messages import Box

__all__ = ["FRAME_RATES", "Script", "Shown", "script"]

# Frames a second of each camera while something moves.
FRAME_RATES = {"entrance": 3.0, "hall": 2.5, "kitchen": 2.0, "living": 2.0}
LINGER_S = 4.0  # a camera sends on for so long, one frame a second here
SWEEP_S = 20.0  # and one frame so often while somebody sits still
MOMENT_S = 2.5  # after this long, somebody who moves shows another side
PASS_MOMENTS = (4, 5)  # of a pass, however long it takes
STIR_S = (1.5, 3.5)  # how long somebody who stays moves
STILL_S = {"living": (60.0, 400.0), "kitchen": (60.0, 240.0), "hall": (5.0, 30.0), "entrance": (5.0, 30.0)}
WALKS_IN_S = 10.0  # a stay begins with so much movement, and ends with `WALKS_OUT_S`
WALKS_OUT_S = 3.0
UNSEEN_FRAME_SHARE = 0.03  # frames in which the detector misses somebody
POOR_FACE_SHARE = 0.15  # of the moments without a usable face: a face of little weight
TURNS_HEAD_SHARE = 1.0  # of the moments with a face: it is seen from two sides, as on two photos
INFRARED_FACE_FACTOR = 0.5  # faces are usable half as often in infrared
SCORES = (0.6, 0.95)  # of the detector
HEIGHTS, WIDTH_SHARES = (0.4, 0.75), (0.28, 0.4)  # of a standing person, as fractions of the picture and the height
MAX_GROWTH = 1.2  # how much somebody who walks comes nearer
TREMBLE, STEP = 0.004, 0.05  # how much a box trembles, and how far somebody who stays moves
FACE_WIDTH_SHARE, FACE_HEIGHT_SHARE = 0.36, 0.14  # of the person's box

Rng = np.random.Generator
Numbers = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Shown:
    """One detected person in one frame."""

    who: str
    box: Box
    score: float
    embedding: FaceEmbedding | None
    """The face, if one is seen."""
    outfit: str
    is_dark: bool

    @property
    def face_box(self) -> Box:
        """Where the face is, if there is one."""
        wide, high = FACE_WIDTH_SHARE * self.box.w, FACE_HEIGHT_SHARE * self.box.h
        return Box(self.box.x + (self.box.w - wide) / 2, self.box.y + 0.02 * self.box.h, wide, high)


@dataclass(frozen=True, slots=True)
class Script:
    """One frame: when and where it is taken, and whom it shows."""

    at: float
    place: str
    shown: tuple[Shown, ...]


def script(
    stretches: Sequence[Stretch], people: Mapping[str, Sequence[Looks]], faces: float, seed: int
) -> Iterator[Script]:
    """Yield the frames of all places, ordered by time.

    Args:
        stretches: Who is in view, and when.
        people: The faces of each person.
        faces: The share of the moments that show a usable face.
        seed: The seed of the household.
    """
    yield from merge(
        *(_place(place, [one for one in stretches if one.place == place], people, (faces, seed)) for place in PLACES),
        key=lambda one: one.at,
    )


def _place(
    place: str, stretches: Sequence[Stretch], people: Mapping[str, Sequence[Looks]], chance: tuple[float, int]
) -> Iterator[Script]:
    together: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda one: (one.start, one.who)):
        if together and stretch.start > max(one.end for one in together) + 2 * LINGER_S:
            yield from _film(place, together, people, chance)
            together = []
        together.append(stretch)
    yield from _film(place, together, people, chance)


def _film(
    place: str, together: Sequence[Stretch], people: Mapping[str, Sequence[Looks]], chance: tuple[float, int]
) -> Iterator[Script]:
    """Yield the frames of stretches that overlap, or nearly so."""
    rate, parts = FRAME_RATES[place], []
    for stretch in together:
        key = zlib.crc32(stretch.who.encode()), round(stretch.start * 1000)
        rng = np.random.default_rng([chance[1], *key])
        parts.append(_Part(stretch, people[stretch.who], chance[0], rng))
    active = {slot for part in parts for slot in part.active()}
    for slot in sorted(active):
        shown = tuple(one for part in parts if (one := part.shown(slot)))
        yield Script(slot / rate, place, shown)


class _Part:
    """One stretch, frame by frame. A slot is a frame of the camera's clock."""

    def __init__(self, stretch: Stretch, looks: Sequence[Looks], faces: float, rng: Rng) -> None:
        self._stretch, self._rate = stretch, FRAME_RATES[stretch.place]
        self._first = int(np.ceil(stretch.start * self._rate))
        self._count = max(2, int(stretch.end * self._rate) - self._first)
        self._seconds = np.arange(self._count) / self._rate
        moves = [(0.0, WALKS_IN_S), *_stirs(stretch, rng)]
        self._moves = moves if stretch.activity == "stay" else [(0.0, stretch.end - stretch.start + 1)]
        length_s = (
            MOMENT_S if stretch.activity == "stay" else (stretch.end - stretch.start) / int(rng.choice(PASS_MOMENTS))
        )
        self._moments = _moments(self._seconds, self._moves, length_s)
        self._boxes = _boxes(self._seconds, self._moments, stretch, rng)
        self._scores = rng.uniform(*SCORES, self._count)
        self._is_seen = rng.random(self._count) >= UNSEEN_FRAME_SHARE
        share = 0.0 if stretch.hides_face else faces * (INFRARED_FACE_FACTOR if stretch.is_dark else 1.0)
        self._faces = [_faces(looks, share, stretch, rng) for _ in range(int(self._moments[-1]) + 1)]

    def active(self) -> Iterator[int]:
        """Yield the slots in which the camera sends a frame because of this person."""
        for start, end in self._moves:
            low, high = int(start * self._rate), min(int(end * self._rate) + 1, self._count)
            yield from range(self._first + low, self._first + high)
        if self._stretch.activity == "stay":
            every = int(SWEEP_S * self._rate)
            yield from range(-(-self._first // every) * every, self._first + self._count, every)
        for second in range(int(LINGER_S) + 1):
            yield self._first + self._count + int(second * self._rate)

    def shown(self, slot: int) -> Shown | None:
        """Return the person in a frame; None if they are not there, or the detector does not see them."""
        number = slot - self._first
        if not 0 <= number < self._count or self._stretch.is_missed or not self._is_seen[number]:
            return None
        faces = self._faces[self._moments[number]]
        face = faces[number % len(faces)] if faces else None
        box = Box(*self._boxes[number].tolist())
        stretch = self._stretch
        return Shown(stretch.who, box, float(self._scores[number]), face, stretch.outfit, stretch.is_dark)


def _stirs(stretch: Stretch, rng: Rng) -> list[tuple[float, float]]:
    """Return when somebody who stays moves, in seconds of the stretch."""
    length = stretch.end - stretch.start
    at, found = WALKS_IN_S, []
    while stretch.activity == "stay":
        at += float(rng.uniform(*STILL_S[stretch.place]))
        if at >= length - WALKS_OUT_S:
            break
        found.append((at, at + float(rng.uniform(*STIR_S))))
        at = found[-1][1]
    return [*found, (max(length - WALKS_OUT_S, 0.0), length)]


def _moments(seconds: Numbers, moves: Sequence[tuple[float, float]], length_s: float) -> Integers:
    """Return the number of the moment of each slot: a new one after each `length_s` of movement."""
    starts = [at for start, end in moves for at in np.arange(start, max(end, start + 0.1), length_s)]
    return np.maximum(np.searchsorted(np.array(sorted(starts)), seconds, side="right") - 1, 0)


def _boxes(seconds: Numbers, moments: Integers, stretch: Stretch, rng: Rng) -> Numbers:
    """Return the box of each slot: n x 4, fractions of the picture with four digits."""
    height = float(rng.uniform(*HEIGHTS))
    width = height * float(rng.uniform(*WIDTH_SHARES))
    room = 0.94 - width
    if stretch.activity == "pass":
        share = seconds / max(float(seconds[-1]), 0.1)
        left = 0.03 + room * (share if rng.integers(2) else 1 - share)
        grown = 1 + float(rng.uniform(1 / MAX_GROWTH, MAX_GROWTH) - 1) * share
    else:
        steps = np.cumsum(rng.normal(0.0, STEP, int(moments[-1]) + 1))
        left = float(rng.uniform(0.1, room)) + steps[moments]
        left, grown = np.clip(left, 0.03, 0.03 + room), np.ones(len(seconds))
        kernel = np.ones(5) / 5  # nobody jumps
        left = np.convolve(np.pad(left, 2, mode="edge"), kernel, mode="valid")
    top = float(rng.uniform(0.02, max(0.97 - MAX_GROWTH * height, 0.03)))
    boxes = np.stack([left, np.full(len(seconds), top), width * grown, height * grown], axis=1)
    trembling = np.clip(boxes + rng.normal(0.0, TREMBLE, boxes.shape), 0.005, 0.99)
    return np.asarray(np.round(trembling, 4), np.float64)


def _faces(looks: Sequence[Looks], share: float, stretch: Stretch, rng: Rng) -> tuple[FaceEmbedding, ...]:
    """Return the faces of one moment, most often none."""
    chance, poor, number = rng.random(), rng.random(), int(rng.integers(1 << 30))
    if chance < share:
        usable = [one for one in looks if one.moment]
        first, other = (usable[draw % len(usable)].moment for draw in (number, number // len(usable)))
        return first if rng.random() >= TURNS_HEAD_SHARE else (*first, *other)
    if poor < POOR_FACE_SHARE and not stretch.hides_face:
        return looks[number % len(looks)].poor
    return ()
