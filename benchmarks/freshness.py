"""How fresh are the frames the brain works on, and does its memory grow?

A camera of 30 frames a second, 1920 x 1080, into a real brain (`kinwatch think`'s own loop) over a real broker, for
ten minutes; the scene is the demo's, so no pictures are needed.

    python benchmarks/freshness.py [--minutes 10] [--fps 30] [--pack standard] [--series]

Age is from the camera's shutter (EXIF) to the moment work on the frame begins. It prints one JSON object: ages and
work in ms, their ratio, frames worked on and skipped, memory in MB over time. Status 1 if the 99th percentile of the
age is more than 1.5 times one frame's work (median), or memory grew by more than 5 %.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import cv2
import psutil

from brain.process import loop
from kinwatch.demo.scene import act_frames
from kinwatch.opening import brain_settings, open_gallery, open_vision
from nerves.broker import private_broker
from nerves.bus import open_link
from nerves.exif import with_capture_time
from nerves.messages import Frame
from nerves.process import Process
from nerves.settings import load

SIZE = (1920, 1080)
WARM_UP_S = 20.0
SAMPLE_S = 5.0
MOST_AGE, MOST_GROWTH = 1.5, 0.05


def brain(url: str, data: str, pack: str, record: str) -> None:
    """Be the brain, and note of each frame when it was taken, when work began and how long it took."""
    house = load(environ=os.environ | {"KINWATCH_DATA_DIR": data, "KINWATCH_BRAIN__PACK": pack})
    settings = brain_settings(house)
    step = loop.BrainLoop.step

    with Path(record).open("w", buffering=1 << 16) as out:

        def timed(self: loop.BrainLoop, arrived: tuple[Frame, float] | None, process: Process) -> None:
            begun, wall = time.monotonic(), datetime.now(UTC)
            step(self, arrived, process)
            if arrived:
                frame, _ = arrived
                age, work = (wall - frame.at).total_seconds(), time.monotonic() - begun
                out.write(f"{wall.timestamp()} {age} {work} {self.frames.dropped}\n")

        loop.BrainLoop.step = timed  # type: ignore[method-assign]
        with open_gallery(house) as gallery:
            loop.run(house, settings, open_vision(house, settings), gallery, url)


def camera(url: str, fps: float, seconds: float) -> None:
    """Publish at most `fps` pictures a second, each stamped with its time; skip while the last is unsent."""
    jpegs = [
        cv2.imencode(".jpg", cv2.resize(frame, SIZE), [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
        for act in ("empty", "woman", "far", "cat")
        for frame in act_frames(act)
    ]
    with open_link(url, "freshness-camera", durable=False) as link:
        link.wait_connected(10)
        begun = time.monotonic()
        for number, jpeg in enumerate(itertools.cycle(jpegs)):
            pause = begun + number / fps - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            if time.monotonic() - begun > seconds:
                return
            link.offer("kinwatch/hall/frame", with_capture_time(jpeg, datetime.now(UTC)))


def quantile(values: list[float], share: float) -> float:
    """Return a quantile of some values."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def measure(seconds: float, fps: float, pack: str) -> dict[str, Any]:
    """Run the camera and the brain, and return what was measured."""
    with tempfile.TemporaryDirectory() as folder, private_broker(Path(folder)) as broker:
        record = Path(folder) / "record"
        thinker = multiprocessing.Process(target=brain, args=(broker.url, folder, pack, str(record)))
        eye = multiprocessing.Process(target=camera, args=(broker.url, fps, WARM_UP_S + seconds))
        thinker.start()
        eye.start()
        memory = list(sampled(thinker.pid or 0, eye))
        thinker.terminate()
        thinker.join()
        rows = [tuple(map(float, line.split())) for line in record.read_text().splitlines()]
    rows = [row for row in rows if row[0] - rows[0][0] > WARM_UP_S]
    ages, works = [row[1] for row in rows], [row[2] for row in rows]
    steady = memory[int(WARM_UP_S / SAMPLE_S) :]
    third = max(1, len(steady) // 3)
    first, last = sum(steady[:third]) / third, sum(steady[-third:]) / third
    return {
        "seconds": round(rows[-1][0] - rows[0][0]),
        "broker": broker.kind,
        "frames": len(rows),
        "skipped": int(rows[-1][3] - rows[0][3]),
        "age_ms": {f"p{100 * share:g}": round(1000 * quantile(ages, share), 1) for share in (0.5, 0.99, 1.0)},
        "work_ms": {f"p{100 * share:g}": round(1000 * quantile(works, share), 1) for share in (0.5, 0.99)},
        "age_p99_over_work_p50": round(quantile(ages, 0.99) / quantile(works, 0.5), 2),
        "memory_mb": {"first_third": round(first, 1), "last_third": round(last, 1), "max": round(max(memory), 1)},
        "series": {"age_ms": [round(1000 * age) for age in ages[:: max(1, len(ages) // 600)]], "memory_mb": memory},
    }


def sampled(pid: int, eye: BaseProcess) -> Iterator[float]:
    """Yield the brain's memory in MB every few seconds while the camera runs."""
    process = psutil.Process(pid)
    while eye.is_alive():
        eye.join(SAMPLE_S)
        yield round(process.memory_info().rss / 1e6, 1)


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--fps", type=float, default=30)
    parser.add_argument("--pack", default="auto")
    parser.add_argument("--series", action="store_true", help="also print ages and memory over time")
    given = parser.parse_args()
    found = measure(60 * given.minutes, given.fps, given.pack)
    series = found.pop("series")
    print(json.dumps(found | ({"series": series} if given.series else {})))
    memory = found["memory_mb"]
    stale = found["age_p99_over_work_p50"] > MOST_AGE
    grown = memory["last_third"] > (1 + MOST_GROWTH) * memory["first_third"]
    return int(stale or grown)


if __name__ == "__main__":
    sys.exit(main())
