"""`kinwatch replay`: the same brain over recordings, each in its own time and as a scene of its own."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from brain.people.gallery import Gallery
from brain.settings.brain import BrainSettings
from brain.vision.backend import VisionBackend
from brain.visits.brain import Brain
from brain.visits.second_opinion import SecondOpinionProvider
from kinwatch.console import emit, print_line, progress, sentence
from kinwatch.opening import brain_settings, open_cloud, open_gallery, open_vision, second_opinion_worker
from nerves.errors import CameraLost, StoreError
from nerves.messages import Fact, Visit, stamp
from nerves.settings import HouseSettings
from senses.camera.recorded import recording

__all__ = ["ReplayOptions", "ReplaySummary", "as_json", "replay_clip", "run_replay"]

# More pictures a second show nothing new of a person, and a live brain has no time for more.
REPLAY_FPS = 10.0

Progress = Callable[[int, int | None], None]


@dataclass
class ReplaySummary:
    """What the brain decided in one clip, and how long it took."""

    clip: str
    frames: int = 0
    bad: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    visits: dict[str, dict[str, Any]] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)

    def number_frame(self, at: datetime, number: int) -> None:
        """Store the number of the frame that was taken at this time of the recording."""
        self._numbers[stamp(at)] = number

    def add_message(self, visit: Visit) -> None:
        """Count a message of a visit; the newest verdict replaces the earlier one."""
        facts = self.visits.setdefault(str(visit.visit), {"visit": str(visit.visit), "alerts": 0})
        facts["first_frame"] = self._numbers.get(stamp(visit.since), 0)
        facts["last_frame"] = self._numbers.get(stamp(visit.last), 0)
        facts["verdict"], facts["who"] = visit.verdict, visit.who
        facts["alerts"] += visit.alert

    def as_json(self) -> dict[str, Any]:
        """Return the summary as `replay --json` prints it."""
        keys = ("visit", "first_frame", "last_frame", "verdict", "who", "alerts")
        return {
            "summary": {
                "clip": self.clip,
                "frames": self.frames,
                "bad": self.bad,
                "wall_s": round(self.wall_s, 3),
                "cpu_s": round(self.cpu_s, 3),
                "visits": [{key: visit[key] for key in keys} for visit in self.visits.values()],
            }
        }


def replay_clip(
    clip: Path,
    backend: VisionBackend,
    gallery: Gallery,
    settings: BrainSettings,
    progress: Progress,
    second: SecondOpinionProvider | None = None,
) -> Iterator[Visit | ReplaySummary]:
    """Yield what the brain decides on a clip, a picture or a folder, and last the summary.

    Raises `CameraLost` if the clip cannot be read or holds no picture that can be used.
    """
    brain = Brain(backend, gallery, settings, second=second)
    summary = ReplaySummary(str(clip))
    wall, cpu = time.perf_counter(), time.process_time()
    frames = recording(clip, fps=REPLAY_FPS)
    at = None
    for frame in frames:
        at = frame.at
        summary.number_frame(frame.at, frame.number or 0)
        yield from _counted(brain.see(frame), summary)
        yield from _counted(brain.answered(_still(frame.at)), summary)
        progress((frame.number or 0) + 1, frames.total)
    if at is not None:
        yield from _counted(brain.finish(at), summary)
    summary.frames, summary.bad = brain.counts["frames"], brain.counts["bad"]
    summary.wall_s, summary.cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    if not summary.frames:
        message = f"{clip}: none of its {summary.bad} pictures can be used"
        raise CameraLost(message)
    yield summary


def as_json(clip: Path, visit: Visit, pictures: Path | None) -> dict[str, Any]:
    """Return a visit message as `replay --json` prints it; its picture goes to the folder `pictures`, if given."""
    fields = visit.model_dump(mode="json", exclude={"picture", "id"})
    shown: dict[str, Any] = {
        "clip": str(clip),
        "visit": fields.pop("visit"),
        "seq": fields.pop("seq"),
    } | fields
    if pictures and visit.picture:
        file = pictures / f"{clip.stem}_{visit.visit}_{visit.seq}.jpg"
        try:
            pictures.mkdir(parents=True, exist_ok=True)
            file.write_bytes(visit.picture)
        except OSError as error:
            message = f"{file}: cannot be written: {error.strerror}"
            raise StoreError(message) from error
        shown["picture"] = str(file)
    return shown


def _counted(facts: Iterator[Fact] | Iterator[Visit], summary: ReplaySummary) -> Iterator[Visit]:
    for fact in facts:
        if isinstance(fact, Visit):
            summary.add_message(fact)
            yield fact


def _still(at: datetime) -> Callable[[str], datetime]:
    """Return the clock of a recording, which stands still at a frame."""
    return lambda _: at


@dataclass(frozen=True)
class ReplayOptions:
    """The options of `kinwatch replay`."""

    json: bool
    pictures: Path | None


def run_replay(house: HouseSettings, clips: Sequence[Path], options: ReplayOptions) -> None:
    """Do `kinwatch replay`; if a clip cannot be read, the others are replayed all the same.

    Raises:
        CameraLost: One or more clips cannot be read: one line for each.
    """
    settings = brain_settings(house)
    failed = []
    with open_gallery(house) as gallery, open_cloud(house, settings) as clouds:
        backend = open_vision(house, settings, clouds and clouds.cloud)
        second = second_opinion_worker(settings, clouds, patient=True)
        for clip in clips:
            try:
                with progress(clip.name) as show:
                    for found in replay_clip(clip, backend, gallery, settings, show, second):
                        _show(clip, found, options)
            except CameraLost as error:
                failed.append(str(error))
    if failed:
        raise CameraLost("\n".join(failed))


def _show(clip: Path, found: Visit | ReplaySummary, options: ReplayOptions) -> None:
    if options.json:
        emit(found.as_json() if isinstance(found, ReplaySummary) else as_json(clip, found, options.pictures))
    elif isinstance(found, Visit):
        text, style = sentence(found)
        print_line(f"{stamp(found.at)[14:21]} {text}", style)
    else:
        alerts = sum(visit["alerts"] for visit in found.visits.values())
        bad = f", {found.bad} bad pictures" if found.bad else ""
        print_line(
            f"{clip}: {len(found.visits)} visits, {alerts} alerts in {found.frames} frames{bad}, {found.wall_s:.1f} s"
        )
