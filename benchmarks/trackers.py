"""Does a tracker library follow people better than `brain.follow`? Same detections, same rules, counted mistakes.

Usage: KINWATCH_MODELS=... KINWATCH_TEST_MEDIA=... python benchmarks/trackers.py [--every-setting]

Real clips, and harder scenes composed of their boxes: walks that cross (the hidden one of two is not detected), one
person who leaves as another comes in by the other door, detections that drop out, boxes that tremble. Every follower
says for each box whose it is; a visit is confirmed by its second hit and over after 3 seconds unseen.

A cell is visits/expected, then x for each time a visit passes from one person to another, f for visits a person has
too many, m for people without a visit of their own, t for intervals missed by more than 2 seconds. Libraries are
optional: `pip install trackers`, then `pip install --no-deps norfair 'filterpy<2'`, which asks for an older numpy.
"""

import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from csv import DictReader
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import import_module
from itertools import pairwise, permutations
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, Self

import numpy as np

from brain.models import packs
from brain.models.local import LocalBackend
from brain.settings.brain import TimingSettings
from brain.vision.backend import PERSON, Face
from brain.vision.geometry import iou
from brain.vision.picture import Picture
from brain.visits.brain import DOUBT_S
from brain.visits.observe import ObservedPerson, observe
from brain.visits.tracking import affinity, match
from brain.visits.visit import HITS, OpenVisit
from nerves.messages import Box
from senses.camera.recorded import START, recording

RATES = (10, 5, 2, 1)
SEEDS = range(3)
GONE_S = TimingSettings().gone_s
NEAR_S = 2.0  # a visit's interval may be off by this much at both ends
HIDDEN = 0.45  # the detector's own suppression: of two boxes that overlap more, it keeps one
STILL = 0.02  # who moves less in half a second, as a share of the picture, is not walking
SAME_FACE = 0.3
Words = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame: who is seen, and who it really is."""

    at: datetime
    seen: tuple[ObservedPerson, ...] = ()
    truth: tuple[int, ...] = ()


Scene = list[Shot]


class Follower(Protocol):
    """Says whose each observation is; None while it does not know yet."""

    def step(self, seen: Sequence[ObservedPerson], at: datetime) -> list[int | None]:
        """Take one frame."""
        ...


@dataclass(frozen=True, slots=True)
class Entrant:
    """A follower with one setting; `make` gets the frames per second."""

    library: str
    setting: str
    make: Callable[[float], Follower]


@dataclass(slots=True)
class Tally:
    """What went right and wrong in some scenes."""

    visits: int = 0
    expected: int = 0
    switches: int = 0
    fragments: int = 0
    missing: int = 0
    late: int = 0
    seconds: float = 0.0
    frames: int = 0

    def __iadd__(self, other: "Tally") -> Self:
        for name in Tally.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    @property
    def wrong(self) -> int:
        """All mistakes."""
        return self.switches + self.fragments + self.missing + self.late

    def __str__(self) -> str:
        letters = {"x": self.switches, "f": self.fragments, "m": self.missing, "t": self.late}
        return f"{self.visits}/{self.expected}" + "".join(f" {key}{value}" for key, value in letters.items() if value)


# Followers.


class Small:
    """`brain.follow` with the brain's own book of visits."""

    def __init__(self) -> None:
        self._visits: list[OpenVisit] = []
        self._numbers: dict[Any, int] = {}

    def step(self, seen: Sequence[ObservedPerson], at: datetime) -> list[int | None]:
        """Match, begin and end visits as `brain.think` does."""
        here = list(self._visits)
        found = match(seen, [visit.trail(at) for visit in here])
        answers: list[int | None] = []
        for number, observation in enumerate(seen):
            if number in found:
                visit = here[found[number]]
            else:
                visit = OpenVisit(place="scene", first=at, last=at, box=observation.box)
                self._visits.append(visit)
            visit.see(observation, at)
            answers.append(self._numbers.setdefault(visit.id, len(self._numbers)))
        for visit in here:
            if visit.last != at:
                visit.miss(at)
                if at - (visit.missing or at) >= timedelta(seconds=GONE_S if visit.hits >= HITS else DOUBT_S):
                    self._visits.remove(visit)
        return answers


class Roboflow:
    """A tracker of `trackers`; boxes are fractions times 1000."""

    def __init__(self, tracker: Any) -> None:  # noqa: ANN401 - an optional library's
        self._tracker = tracker
        self._detections = import_module("supervision").Detections
        self._tracks: list[Any] = []

    def step(self, seen: Sequence[ObservedPerson], at: datetime) -> list[int | None]:
        """Update; the library gives an id with the second hit only, so the first is looked up among the new tracks."""
        boxes = np.array([_corners(one.box) for one in seen], float).reshape(-1, 4) * 1000
        scores = np.array([one.score for one in seen], float)
        given = self._detections(xyxy=boxes, confidence=scores, data={"number": np.arange(len(seen))})
        told = self._tracker.update(given, timestamp=(at - START).total_seconds())
        new = [track for track in self._tracker.tracks if not any(track is known for known in self._tracks)]
        self._tracks += new
        ids = {track.tracker_id: number for number, track in enumerate(self._tracks) if track.tracker_id >= 0}
        answers: list[int | None] = [None] * len(seen)
        if len(told):
            for number, identity in zip(told.data["number"].tolist(), told.tracker_id.tolist(), strict=True):
                answers[number] = ids.get(identity)
        for track in new:
            number = int(np.abs(boxes - track.get_state_bbox()).sum(axis=1).argmin())
            answers[number] = next(index for index, known in enumerate(self._tracks) if known is track)
        return answers


class Norfair:
    """A tracker of `norfair`; boxes are two corners in fractions."""

    def __init__(self, tracker: Any) -> None:  # noqa: ANN401 - an optional library's
        self._tracker = tracker
        self._detection = import_module("norfair").Detection

    def step(self, seen: Sequence[ObservedPerson], at: datetime) -> list[int | None]:  # noqa: ARG002 - it counts frames
        """Update; a track answers for the detection it took last, if that is of this frame."""
        given = [
            self._detection(points=np.array(_corners(one.box)).reshape(2, 2), data=(number, one))
            for number, one in enumerate(seen)
        ]
        fresh = {id(one): number for number, one in enumerate(given)}
        answers: list[int | None] = [None] * len(seen)
        for track in self._tracker.update(detections=given):
            number = fresh.get(id(track.last_detection))
            if number is not None:
                answers[number] = track.id
        return answers


def entrants() -> Iterator[Entrant]:
    """Yield every follower that can run here, with every setting to try."""
    yield Entrant("kinwatch", "as it is", lambda _: Small())
    trackers = _optional("trackers")
    if trackers:
        yield from _roboflow(trackers)
    norfair = _optional("norfair")
    if norfair:
        yield from _norfair(norfair)


def _roboflow(library: ModuleType) -> Iterator[Entrant]:
    common: Words = {"lost_track_buffer": round(30 * GONE_S), "minimum_consecutive_frames": 1}
    high: Words = {"high_conf_det_threshold": 0.5}
    active: Words = {"track_activation_threshold": 0.4}
    # The best of those tried: IoU and buffered IoU from 0.01 to 0.3, GIoU -0.6 to 0, DIoU -0.5 to 0, frame counts.
    overlaps = [
        (library.IoU(), "IoU 0.1", 0.1),
        (library.IoU(), "IoU 0.3", 0.3),
        (library.BIoU(buffer_ratio=0.5), "buffered IoU 0.1", 0.1),
        (library.GIoU(), "GIoU -0.3", -0.3),
        (library.DIoU(), "DIoU 0", 0.0),
    ]
    kinds: dict[str, tuple[Any, Words]] = {
        "SORT": (library.SORTTracker, active),
        "ByteTrack": (library.ByteTrackTracker, active | high),
        "OC-SORT": (library.OCSORTTracker, {"high_conf_det_threshold": 0.4}),
    }
    for name, (kind, more) in kinds.items():
        for overlap, said, least in overlaps:
            words = common | more | {"iou": overlap, "minimum_iou_threshold": least}
            yield Entrant(name, said, _maker(kind, words))
    for ratio in (0.3, 0.7):
        words = common | active | high | {"buffer_ratio_first": ratio, "buffer_ratio_second": ratio + 0.2}
        words |= {"minimum_iou_threshold_first_assoc": 0.05, "minimum_iou_threshold_second_assoc": 0.05}
        words |= {"minimum_iou_threshold_unconfirmed_assoc": 0.05}
        yield Entrant("C-BIoU", f"buffer {ratio}", _maker(library.CBIoUTracker, words))


def _maker(kind: Callable[..., Any], words: Words) -> Callable[[float], Follower]:
    return lambda fps: Roboflow(kind(frame_rate=float(fps), **words))


def _norfair(library: ModuleType) -> Iterator[Entrant]:
    def ours(detection: Any, track: Any) -> float:  # noqa: ANN401 - an optional library's
        """Be `brain.follow`'s affinity to where the filter expects the person."""
        (left, top), (right, bottom) = track.estimate.tolist()
        trail = _trail(Box(left, top, right - left, bottom - top))
        return 1.0 - affinity(replace(detection.data[1], face=None), trail)

    distances: list[tuple[Any, str, float]] = [
        ("iou", "1 - IoU", 0.9),
        ("mean_euclidean", "euclid", 0.3),
        *((ours, "1 - our affinity", most) for most in (0.75, 0.95)),
    ]
    for distance, said, most in distances:

        def make(fps: float, distance: Any = distance, most: float = most) -> Follower:  # noqa: ANN401
            tracker = library.Tracker(
                distance_function=distance,
                distance_threshold=most,
                hit_counter_max=max(round(GONE_S * fps), 1),
                initialization_delay=0,
            )
            return Norfair(tracker)

        yield Entrant("norfair", f"{said} {most}", make)


def _trail(box: Box) -> Any:  # noqa: ANN401 - whatever `affinity` takes
    visit = OpenVisit(place="scene", first=START, last=START, box=box)
    return visit.trail(START + timedelta(seconds=0.1))


def _optional(name: str) -> ModuleType | None:
    # This script bears a library's name, and Python looks beside a script first.
    sys.path = [folder for folder in sys.path if Path(folder).resolve() != Path(__file__).resolve().parent]
    try:
        return import_module(name)
    except ImportError:
        print(f"{name} is absent: left out")
        return None


# Scenes.


def detected(clip: Path, sight: LocalBackend) -> Scene:
    """Return every frame of a clip with the people in it, as yet nameless."""
    scene = []
    for frame in recording(clip, fps=RATES[0]):
        picture = Picture(frame.jpeg)
        things = sight.detect(picture)
        people = [thing.box for thing in things if thing.label == PERSON and thing.score >= sight.min_person_score]
        faces: list[Face] = []
        close = [sight.find_faces(picture, box) for box in people] or [sight.find_faces(picture)]
        for found in close:
            faces += [face for face in found if all(iou(face.box, other.box) < SAME_FACE for other in faces)]
        scene.append(Shot(frame.at, tuple(observe(things, faces, sure=sight.min_person_score))))
    return scene


def intervals(media: Path, clip: str) -> list[tuple[datetime, datetime]]:
    """Return when somebody was there, of a clip with 10 frames a second and one person at a time."""
    with (media / "clips_ground_truth.csv").open() as file:
        return [
            (_second(int(row["first_frame"]) / 10), _second(int(row["last_frame"]) / 10))
            for row in DictReader(file)
            if row["file"] == f"clips/{clip}.mp4" and row["label"] == PERSON
        ]


def one_by_one(scene: Scene, known: list[tuple[datetime, datetime]]) -> Scene:
    """Name everyone by the interval that is nearest."""

    def who(at: datetime) -> int:
        return min(range(len(known)), key=lambda index: max(known[index][0] - at, at - known[index][1]))

    return [replace(shot, truth=tuple(who(shot.at) for _ in shot.seen)) for shot in scene]


def side_by_side(scene: Scene) -> Scene:
    """Name two people, who never change sides, from left to right."""
    ordered = [replace(shot, seen=tuple(sorted(shot.seen, key=lambda one: one.box.x))) for shot in scene]
    return [replace(shot, truth=tuple(range(len(shot.seen)))) for shot in ordered]


def of_one(scene: Scene, person: int) -> Scene:
    """Return the frames from a person's first to their last, of nobody else."""
    return _from_zero([shot for shot in scene if person in shot.truth])


def walk(scene: Scene) -> Scene:
    """Leave out the time that a person stands still: in by one door, out by the other."""
    moving = [
        shot
        for number, shot in enumerate(scene)
        if _moved(scene[max(number - 3, 0)].seen[0].box, scene[min(number + 2, len(scene) - 1)].seen[0].box) > STILL
    ]
    return _from_zero(moving)


def _from_zero(scene: Scene) -> Scene:
    return [replace(shot, at=_second(number / RATES[0])) for number, shot in enumerate(scene)]


def mirrored(scene: Scene) -> Scene:
    """Swap left and right."""
    return [replace(shot, seen=tuple(_moved_to(one, _mirror) for one in shot.seen)) for shot in scene]


def halved(scene: Scene) -> Scene:
    """Halve the people, not their paths: for their size they are twice as fast."""

    def half(box: Box) -> Box:
        return Box(box.x + box.w / 4, box.y + box.h / 4, box.w / 2, box.h / 2)

    return [replace(shot, seen=tuple(_moved_to(one, half) for one in shot.seen)) for shot in scene]


def together(first: Scene, second: Scene, later_s: float, *, names: int = 1) -> Scene:
    """Lay two scenes over each other; of two boxes that overlap, the higher ends (farther) one is not detected."""
    frames: dict[datetime, Shot] = {shot.at: replace(shot, truth=_renamed(shot, 0, names)) for shot in first}
    for shot in second:
        at = _second(round(((shot.at - START).total_seconds() + later_s) * RATES[0]) / RATES[0])
        held = frames.get(at, Shot(at))
        frames[at] = Shot(at, held.seen + shot.seen, held.truth + _renamed(shot, names, names))
    last = max(frames)
    every = [_second(number / RATES[0]) for number in range(round((last - START).total_seconds() * RATES[0]) + 1)]
    return [_hidden(frames.get(at, Shot(at))) for at in every]


def _renamed(shot: Shot, first: int, names: int) -> tuple[int, ...]:
    return tuple(first + (name if names > 1 else 0) for name in shot.truth)


def _hidden(shot: Shot) -> Shot:
    kept: list[int] = []
    for index in sorted(range(len(shot.seen)), key=lambda index: -shot.seen[index].box.y - shot.seen[index].box.h):
        if all(iou(shot.seen[index].box, shot.seen[other].box) <= HIDDEN for other in kept):
            kept.append(index)
    return Shot(shot.at, tuple(shot.seen[index] for index in kept), tuple(shot.truth[index] for index in kept))


def dropped(scene: Scene, share: float, seed: int) -> Scene:
    """Lose a share of the detections."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    return [_picked(shot, [index for index in range(len(shot.seen)) if dice.random() >= share]) for shot in scene]


def trembling(scene: Scene, share: float, seed: int) -> Scene:
    """Move and resize every box by about a share of its own size."""
    dice = random.Random(seed)  # noqa: S311 - no secret

    def shaken(box: Box) -> Box:
        x, y, w, h = (dice.gauss(0, share) for _ in range(4))
        width, height = box.w * (1 + w), box.h * (1 + h)
        return Box(box.x + box.w * x - (width - box.w) / 2, box.y + box.h * y - (height - box.h) / 2, width, height)

    return [replace(shot, seen=tuple(_moved_to(one, shaken) for one in shot.seen)) for shot in scene]


def thinned(scene: Scene, fps: float) -> Scene:
    """Keep at most so many frames of a second."""
    kept: Scene = []
    for shot in scene:
        if not kept or (shot.at - kept[-1].at).total_seconds() >= 1 / fps - 1e-3:
            kept.append(shot)
    return kept


def _picked(shot: Shot, kept: Iterable[int]) -> Shot:
    kept = list(kept)
    return Shot(shot.at, tuple(shot.seen[index] for index in kept), tuple(shot.truth[index] for index in kept))


def _moved_to(one: ObservedPerson, change: Callable[[Box], Box]) -> ObservedPerson:
    face = replace(one.face, box=change(one.face.box)) if one.face else None
    return ObservedPerson(change(one.box), one.score, face)


def _mirror(box: Box) -> Box:
    return Box(1 - box.x - box.w, box.y, box.w, box.h)


def _moved(one: Box, other: Box) -> float:
    return abs(one.x + one.w / 2 - other.x - other.w / 2) + abs(one.y + one.h / 2 - other.y - other.h / 2)


def _corners(box: Box) -> tuple[float, float, float, float]:
    return box.x, box.y, box.x + box.w, box.y + box.h


def _second(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def cases(clips: dict[str, Scene]) -> dict[str, list[Scene]]:
    """Return the scenes of every case."""
    alone = [of_one(clips["visits_1_4"], person) for person in range(4)]
    walks = [walk(scene) for scene in alone]
    crossing = [
        together(walks[one], mirrored(walks[other]), later / 10)
        for one, other in permutations(range(4), 2)
        for later in (0, 4, 8)
    ]
    corridor = clips["corridor_two_strangers"]
    crossing += [together(corridor, mirrored(corridor), later / 10, names=2) for later in (0, 3, 6)]
    leaving = [_from_zero(scene[-40:]) for scene in alone]
    coming = [_from_zero(scene[:40]) for scene in alone]
    relay = [
        together(leaving[one], coming[other], len(leaving[one]) / RATES[0] + gap)
        for one, other in permutations(range(4), 2)
        for gap in (0.5, 1.0, 2.0)
    ]
    calm = list(clips.values())
    return {
        **{name: [scene] for name, scene in clips.items()},
        "clips, 10 % lost": [dropped(scene, 0.1, seed) for scene in calm for seed in SEEDS],
        "clips, 20 % lost": [dropped(scene, 0.2, seed) for scene in calm for seed in SEEDS],
        "clips, 30 % lost": [dropped(scene, 0.3, seed) for scene in calm for seed in SEEDS],
        "clips, boxes +- 10 %": [trembling(scene, 0.1, seed) for scene in calm for seed in SEEDS],
        "alone, half as large": [halved(scene) for one in walks for scene in (one, mirrored(one))],
        "crossing": crossing,
        "crossing, 20 % lost": [dropped(scene, 0.2, seed) for seed, scene in enumerate(crossing)],
        "crossing, boxes +- 10 %": [trembling(scene, 0.1, seed) for seed, scene in enumerate(crossing)],
        "one leaves, one comes": relay,
        "one leaves, 30 % lost": [dropped(scene, 0.3, seed) for seed, scene in enumerate(relay)],
    }


# Counting.


def follow(entrant: Entrant, scene: Scene, fps: float) -> tuple[Tally, list[tuple[datetime, datetime]]]:
    """Run a follower over a scene; return the count and when each visit was."""
    scene = thinned(scene, fps)
    follower = entrant.make(fps)
    owners: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    seconds = 0.0
    for shot in scene:
        began = time.perf_counter()
        answers = follower.step(shot.seen, shot.at)
        seconds += time.perf_counter() - began
        for answer, truth in zip(answers, shot.truth, strict=True):
            if answer is not None:
                owners[answer].append((shot.at, truth))
    visits = [owner for owner in owners.values() if len(owner) >= HITS]
    hits = Counter(truth for shot in scene for truth in shot.truth)
    tally = _count([[truth for _, truth in visit] for visit in visits], {who for who in hits if hits[who] >= HITS})
    tally.seconds, tally.frames = seconds, len(scene)
    return tally, [(visit[0][0], visit[-1][0]) for visit in visits]


def _count(visits: list[list[int]], expected: set[int]) -> Tally:
    whose = Counter(Counter(visit).most_common(1)[0][0] for visit in visits)
    return Tally(
        visits=len(visits),
        expected=len(expected),
        switches=sum(one != other for visit in visits for one, other in pairwise(visit)),
        fragments=sum(max(count - 1, 0) for count in whose.values()),
        missing=len(expected - set(whose)),
    )


def untimely(known: list[tuple[datetime, datetime]], told: list[tuple[datetime, datetime]]) -> int:
    """Return how many intervals no visit fits within 2 seconds at both ends."""
    near = timedelta(seconds=NEAR_S)
    return sum(not any(abs(a - c) <= near and abs(b - d) <= near for c, d in told) for a, b in known)


Scores = dict[tuple[str, int], Tally]


def score(entrant: Entrant, every: dict[str, list[Scene]], known: list[tuple[datetime, datetime]]) -> Scores:
    """Run a follower over everything."""
    scores: Scores = defaultdict(Tally)
    for case, scenes in every.items():
        for fps in RATES:
            for scene in scenes:
                tally, told = follow(entrant, scene, fps)
                if case == "visits_1_4":
                    tally.late = untimely(known, told)
                scores[case, fps] += tally
    return scores


def total(scores: Scores) -> Tally:
    """Return the sum of a follower's scores."""
    tally = Tally()
    for one in scores.values():
        tally += one
    return tally


def rating(scores: Scores) -> float:
    """Return mistakes per person, every case and rate counting the same."""
    return float(np.mean([one.wrong / max(one.expected, 1) for one in scores.values()]))


def show(best: dict[str, tuple[Entrant, Scores]]) -> None:
    """Print one table: a line a case and rate, a column a follower."""
    for name, (entrant, _) in best.items():
        print(f"{name}: {entrant.setting}")
    print(f"\n{'case':24} {'fps':>3}" + "".join(f"  {name:>18}" for name in best))
    for key in next(iter(best.values()))[1]:
        print(f"{key[0]:24} {key[1]:3}" + "".join(f"  {scores[key]!s:>18}" for _, scores in best.values()))
    sums = [total(scores) for _, scores in best.values()]
    print(f"{'all':28}" + "".join(f"  {one!s:>18}" for one in sums))
    print(f"{'mistakes':28}" + "".join(f"  {one.wrong:18}" for one in sums))
    print(f"{'mistakes a person':28}" + "".join(f"  {rating(scores):18.3f}" for _, scores in best.values()))
    print(f"{'ms a frame':28}" + "".join(f"  {1000 * one.seconds / one.frames:18.3f}" for one in sums))


def main(*, every_setting: bool) -> None:
    """Detect, compose, follow, and print; of each library the setting with the fewest mistakes."""
    media = Path(os.environ["KINWATCH_TEST_MEDIA"])
    sight = LocalBackend(packs.STANDARD, packs.model_folders(Path("data")))
    known = intervals(media, "visits_1_4")
    clips = {
        name: detected(media / "clips" / f"{name}.mp4", sight)
        for name in ("visits_1_4", "me_and_wife_facing", "corridor_two_strangers")
    }
    clips = {name: one_by_one(it, known) if name == "visits_1_4" else side_by_side(it) for name, it in clips.items()}
    every = cases(clips)
    best: dict[str, tuple[Entrant, Scores]] = {}
    for entrant in entrants():
        scores = score(entrant, every, known)
        if every_setting:
            print(f"{entrant.library:10} {entrant.setting:28} {rating(scores):6.3f} mistakes a person, {total(scores)}")
        if entrant.library not in best or rating(scores) < rating(best[entrant.library][1]):
            best[entrant.library] = entrant, scores
    show(best)


if __name__ == "__main__":
    main(every_setting="--every-setting" in sys.argv[1:])
