"""A device that falls silent is offline, by its own rhythm."""

import io
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from brain.people.gallery import Gallery
from brain.process.loop import run as run_brain
from brain.process.silence import SilenceMonitor
from brain.settings.brain import BrainSettings
from nerves.bus import open_link
from nerves.messages import CameraEnabled, Trouble
from nerves.settings import HouseSettings
from tests.backends import Blind
from tests.waiting import interrupting, soon

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def run(
    silence: SilenceMonitor, frames: Iterable[float], *, until: float, place: str = "door"
) -> list[tuple[float, str, str]]:
    """Let frames come and time pass by the second; return what is told, and when."""
    due, told = sorted(frames), []
    for second in range(int(until)):
        facts: list[Trouble] = []
        while due and due[0] <= second:
            facts += silence.frame_arrived(place, after(due.pop(0)))
        facts += silence.newly_silent(after(second))
        told += [(float(second), fact.place, fact.what) for fact in facts]
    return told


def test_a_device_that_stops_is_reported_once_and_its_return_too() -> None:
    told = run(SilenceMonitor(), [*range(0, 100, 5), *range(400, 500, 5)], until=500)
    assert [(place, what) for _, place, what in told] == [("door", "offline"), ("door", "recovered")]
    assert told[0][0] - 95 <= 31
    assert told[1][0] == 400


def test_a_slow_device_has_its_own_rhythm() -> None:
    assert not run(SilenceMonitor(), range(0, 3000, 60), until=3000)
    ((at, _, what),) = run(SilenceMonitor(), range(0, 600, 60), until=2000)
    assert what == "offline"
    assert 540 + 120 <= at <= 540 + 200


def test_pictures_sent_by_hand_are_no_device() -> None:
    assert not run(SilenceMonitor(), [0, 3, 7], until=1000)


def test_a_device_that_reported_itself_offline_is_not_reported_again() -> None:
    silence = SilenceMonitor()
    assert not run(silence, range(0, 60, 5), until=60)
    silence.sense_reported(Trouble(place="door", what="offline"))
    assert not list(silence.newly_silent(after(600)))
    silence.sense_reported(Trouble(place="door", what="recovered"))
    assert not list(silence.frame_arrived("door", after(601)))
    assert [trouble.what for trouble in silence.newly_silent(after(2300))] == ["offline"]


def test_a_device_that_restarted_while_offline_is_reported_recovered() -> None:
    silence = SilenceMonitor()
    assert not run(silence, range(0, 60, 5), until=60)
    silence.sense_reported(Trouble(place="door", what="offline"))
    told = [(second, each.what) for second in range(100, 130) for each in silence.frame_arrived("door", after(second))]
    assert told == [(110, "recovered")]


def test_while_we_are_deaf_nobody_is_silent() -> None:
    silence = SilenceMonitor()
    assert not run(silence, range(0, 60, 5), until=60)
    silence.was_deaf(after(600))
    assert not list(silence.newly_silent(after(620)))
    assert [trouble.what for trouble in silence.newly_silent(after(640))] == ["offline"]


def test_a_camera_switched_off_is_not_silent_and_one_switched_on_gets_time() -> None:
    silence = SilenceMonitor()
    assert not run(silence, range(0, 60, 5), until=60)
    silence.camera_switched(CameraEnabled(place="door", enabled=False), after(60))
    silence.camera_switched(CameraEnabled(place="porch", enabled=False), after(60))
    assert silence.closed == {"door", "porch"}
    assert not list(silence.newly_silent(after(2000)))
    silence.camera_switched(CameraEnabled(place="door", enabled=True), after(2000))
    assert silence.closed == {"porch"}
    assert not list(silence.newly_silent(after(2020)))
    assert not list(silence.frame_arrived("door", after(2020)))
    assert [trouble.what for trouble in silence.newly_silent(after(2090))] == ["offline"]


@given(st.lists(st.floats(min_value=0, max_value=2000), max_size=60))
def test_offline_and_recovered_take_turns(frames: list[float]) -> None:
    whats = [what for _, _, what in run(SilenceMonitor(), frames, until=2200)]
    assert whats == ["offline", "recovered"] * (len(whats) // 2) + ["offline"] * (len(whats) % 2)


@pytest.mark.timeout(60)
def test_the_running_brain_says_who_has_fallen_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brain.process.silence.MIN_SILENCE", timedelta(seconds=1.5))
    url, told = f"loopback://{uuid4()}", list[str]()
    link = open_link(url, "device", durable=False)
    link.listen("kinwatch/door/trouble", lambda topic, body: told.append(Trouble.read(topic, body).what), qos=1)
    modes: list[bytes] = []
    link.listen("kinwatch/mode", lambda _, body: modes.append(body), qos=1)
    out = io.BytesIO()
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(out, "JPEG")

    def be_a_device() -> None:
        with interrupting():
            soon(lambda: modes)
            for _ in range(6):
                link.post("kinwatch/door/frame", out.getvalue()).wait(30)
                time.sleep(0.3)
            soon(lambda: told == ["offline"])
            link.post("kinwatch/door/frame", out.getvalue()).wait(30)
            soon(lambda: told == ["offline", "recovered"])

    with link, Gallery(tmp_path / "gallery.db") as gallery:
        assert link.wait_connected(30)
        thread = Thread(target=be_a_device)
        thread.start()
        run_brain(HouseSettings(data_dir=tmp_path), BrainSettings(), Blind(), gallery, url)
        thread.join()
    assert told == ["offline", "recovered"]
