"""People from above and people of whom only a part is seen: who is found, what false finds and how many looks it costs.

Usage: KINWATCH_MODELS=... KINWATCH_TEST_MEDIA=... python -m benchmarks.views [--json] [--only views]

There is no real picture from a ceiling in the labelled media: pictures are turned and made less high instead.
"""

import argparse
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks import views_scenes as made
from brain.models import packs
from brain.models.local import LocalBackend
from brain.people.gallery import Gallery
from brain.settings.brain import BrainSettings
from brain.settings.context import PlaceSettings
from brain.vision.backend import PERSON, DetectedObject
from brain.vision.picture import Picture, Pixels
from brain.visits.brain import Brain
from nerves.messages import Detections, Frame, Visit

START = datetime(2026, 1, 1, tzinfo=UTC)
PACKS: tuple[packs.Choice, ...] = ("standard", "built-in")
# The clips that the single pictures are from, and every how many frames of them, in units of --step.
CLIPS = {"visits_1_4.mp4": 1.0, "corridor_two_strangers.mp4": 0.5, "me_and_wife_facing.mp4": 1.4}
JPEG_QUALITY = 90


class Counted(LocalBackend):
    """Counts how often the detector runs."""

    looks = 0

    def detect(self, picture: Picture) -> list[DetectedObject]:
        """Look at the picture as it is."""
        self.looks += 1
        return super().detect(picture)

    def detect_turned(self, picture: Picture, quarters: int) -> list[DetectedObject]:
        """Look at the turned picture."""
        self.looks += 1
        return super().detect_turned(picture, quarters)


def jpeg(pixels: Pixels) -> bytes:
    """Return pixels as a camera would send them."""
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


def people(detected: list[DetectedObject], sure: float) -> list[DetectedObject]:
    """Return the detected people who are sure enough."""
    return [one for one in detected if one.label == PERSON and one.score >= sure]


def view_rows(media: Path, backends: dict[str, LocalBackend], step: int) -> Iterator[dict[str, Any]]:
    """Yield, for each kind of view, how many pictures there are and in how many of them each pack finds somebody."""
    total: Counter[str] = Counter()
    found: Counter[tuple[str, str]] = Counter()
    for name, view in _views(media, backends["standard"], step):
        total[name] += 1
        for pack, backend in backends.items():
            picture = Picture(jpeg(view))
            is_found = bool(people(backend.detect(picture), backend.min_person_score))
            found[name, pack] += is_found
            if pack == "standard":
                found[name, "turned"] += is_found or any(
                    people(backend.detect_turned(picture, quarters), 0) for quarters in (1, 2, 3)
                )
    for name, number in total.items():
        yield {
            "view": name,
            "pictures": number,
            "standard": found[name, "standard"],
            "standard, any turn": found[name, "turned"],
            "built-in": found[name, "built-in"],
        }


def _labelled(media: Path, step: int) -> Iterator[tuple[Pixels, bool]]:
    """Yield the pictures with a person, and whether the clip shows whole bodies."""
    for clip, factor in CLIPS.items():
        spans = [span for span in made.spans(media, clip) if span.label == PERSON]
        for number, pixels in made.frames(media / "clips" / clip, max(round(step * factor), 1)):
            if any(span.first <= number <= span.last for span in spans):
                yield pixels, clip != "me_and_wife_facing.mp4"


def _views(media: Path, backend: LocalBackend, step: int) -> Iterator[tuple[str, Pixels]]:
    """Yield every picture that is looked at, with the name of its view; `backend` says where the whole person is."""
    for pixels, is_whole in _labelled(media, step):
        yield from made.turned_views(pixels).items()
        picture = Picture(jpeg(pixels))
        seen = people(backend.detect(picture), backend.min_person_score)
        if is_whole and seen:
            yield from made.partial_views(pixels, picture.to_pixels(seen[0].box)).items()
    for pixels in made.cut_off(media):
        yield "cut off by the edge, coming or leaving", pixels


def scene_row(scene: made.Scene, backend: Counted, spans: list[made.Span], *, overhead: bool) -> dict[str, Any]:
    """Return what the brain decides on a scene."""
    settings = BrainSettings(places={"room": PlaceSettings(overhead=overhead)})
    backend.looks, frames, seen, labelled, alerts = 0, 0, 0, 0, 0
    visits: dict[str, tuple[datetime, datetime]] = {}
    with tempfile.TemporaryDirectory() as folder, Gallery(Path(folder) / "gallery.db") as gallery:
        brain = Brain(backend, gallery, settings)
        at = START
        for order, (number, pixels) in enumerate(scene.pictures):
            at, frames = START + timedelta(seconds=order / scene.fps), frames + 1
            facts = list(brain.see(Frame("room", jpeg(pixels), at, number)))
            shown = any(
                one.label == PERSON for fact in facts if isinstance(fact, Detections) for one in fact.detections
            )
            is_labelled = any(span.first <= number <= span.last for span in spans if span.label == PERSON)
            labelled, seen = labelled + is_labelled, seen + (is_labelled and shown)
            alerts += _note(facts, visits)
        alerts += _note(list(brain.finish(at)), visits)
    return {
        "scene": scene.name,
        "overhead": overhead,
        "frames": frames,
        "frames with a person": labelled,
        "of them found": seen,
        "visits": len(visits),
        "people with a visit": _met(spans, list(visits.values())),
        "alerts": alerts,
        "looks a frame": round(backend.looks / frames, 2),
    }


def _note(facts: list[Any], visits: dict[str, tuple[datetime, datetime]]) -> int:
    """Store the time of each visit; return the alerts."""
    told = [fact for fact in facts if isinstance(fact, Visit)]
    visits.update({str(one.visit): (one.since, one.last) for one in told})
    return sum(one.alert for one in told)


def _met(spans: list[made.Span], visits: list[tuple[datetime, datetime]]) -> int:
    """Return during how many labelled spans with a person there was a visit; the clip has ten frames a second."""
    return sum(
        any(
            (first - START).total_seconds() * 10 <= span.last and (last - START).total_seconds() * 10 >= span.first
            for first, last in visits
        )
        for span in spans
        if span.label == PERSON
    )


def scene_rows(media: Path, backend: Counted, step: int) -> Iterator[dict[str, Any]]:
    """Yield what the brain decides on each scene, without and with the search in turned pictures."""
    spans = made.spans(media, "visits_1_4.mp4")
    for height, quarters in ((1.0, 0), (1.0, 1), (1.0, 2), (1.0, 3), (0.6, 1), (0.6, 2), (0.6, 3)):
        for overhead in (False, True):
            yield scene_row(made.turned_scene(media, quarters, height, step), backend, spans, overhead=overhead)
    for quarters in range(4):
        for overhead in (False, True):
            rows = [scene_row(one, backend, [], overhead=overhead) for one in made.crossing_scenes(media, quarters)]
            yield {
                "scene": f"{len(rows)} animals and things that cross, turned by {quarters * 90}°",
                "overhead": overhead,
                "frames": sum(row["frames"] for row in rows),
                "visits": sum(row["visits"] for row in rows),
                "alerts": sum(row["alerts"] for row in rows),
                "looks a frame": round(float(np.mean([row["looks a frame"] for row in rows])), 2),
                "of": [row["scene"] for row in rows if row["visits"]],
            }


def main() -> None:
    """Print one line for each kind of view, then one for each scene."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--step", type=int, default=10, help="every how many frames single pictures are taken")
    parser.add_argument("--scene-step", type=int, default=4, help="every how many frames a scene is shown")
    parser.add_argument("--only", choices=["views", "scenes"])
    options = parser.parse_args()
    media, folders = Path(os.environ["KINWATCH_TEST_MEDIA"]), packs.model_folders(Path("data"))
    if options.only != "scenes":
        backends = {pack: LocalBackend(pack, folders) for pack in PACKS}
        for row in view_rows(media, backends, options.step):
            _show(row, as_json=options.json)
    if options.only != "views":
        for row in scene_rows(media, Counted("standard", folders), options.scene_step):
            _show(row, as_json=options.json)


def _show(row: dict[str, Any], *, as_json: bool) -> None:
    text = json.dumps(row, ensure_ascii=False) if as_json else "  ".join(f"{key}: {row[key]}" for key in row)
    print(text, flush=True)


if __name__ == "__main__":
    main()
