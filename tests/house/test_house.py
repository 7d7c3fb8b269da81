"""The real house: real processes, a real mosquitto, real pictures, and every process killed in turn."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import cv2
import psutil
import pytest
import yaml
from PIL import Image

from nerves.bus import open_link
from nerves.link import Link
from nerves.messages import Visit
from tests.paths import ROOT
from tests.waiting import soon

pytestmark = [pytest.mark.media, pytest.mark.models, pytest.mark.mosquitto]

# A person comes, stays and goes; then the room is empty for longer than it takes to end a visit.
PERSON, EMPTY = range(60, 125), range(5, 50)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, media: Path) -> Path:
    """11 s of a room: somebody seen from behind for 6.5 s, nobody for 4.5 s."""
    file = tmp_path_factory.mktemp("clip") / "room.mp4"
    whole = cv2.VideoCapture(str(media / "clips" / "visits_1_4.mp4"))
    frames = {number: whole.read()[1] for number in range(max(PERSON) + 1)}
    whole.release()
    out = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), 10, (768, 432))
    for number in (*PERSON, *EMPTY):
        out.write(frames[number])
    out.release()
    return file


class House:
    """`kinwatch up` in a folder of its own, with a witness on the bus."""

    def __init__(self, folder: Path, source: str, brain: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.evidence = folder / "evidence"
        self.told: dict[tuple[UUID, int], Visit] = {}
        self.modes: list[str] = []
        self.witness: Link
        self.witness_lock = threading.Lock()
        config = {
            "senses": {"hall": {"kind": "camera", "source": source, "loop": True}},
            "brain": {"pack": "standard", "timing": {"gone_s": 2.0}} | (brain or {}),
            "actuators": {"evidence": {"kind": "store", "url": self.evidence.as_uri()}},
        }
        self.config = folder / "kinwatch.yaml"
        self.config.write_text(yaml.safe_dump(config))
        self.env = {key: value for key, value in os.environ.items() if key != "KINWATCH_CONFIG"}
        self.env |= {"KINWATCH_DATA_DIR": str(folder / "data")}

    @contextmanager
    def up(self) -> Iterator[None]:
        log = (self.folder / "log").open("wb")
        command = [sys.executable, "-m", "kinwatch", "up", "--config", str(self.config)]
        self.process = subprocess.Popen(command, env=self.env, cwd=ROOT, stdout=log, stderr=log)
        try:
            soon((self.folder / "data" / "broker.url").exists, 20)
            url = (self.folder / "data" / "broker.url").read_text().strip()
            witness = open_link(url, "witness", durable=True)
            witness.listen("kinwatch/+/visit", self._hear, qos=1)
            witness.listen("kinwatch/mode", lambda _, mode: self.modes.append(mode.decode()), qos=1)
            with witness:
                self.witness = witness
                yield
        finally:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            log.close()

    def pid(self, words: str) -> int:
        """Return the process of this house whose command line has these words."""
        found = [
            child.pid
            for child in psutil.Process(self.process.pid).children(recursive=True)
            if words in " ".join(child.cmdline())
        ]
        assert len(found) == 1, (words, found)
        return found[0]

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def visits(self) -> dict[UUID, list[Visit]]:
        with self.witness_lock:
            messages = sorted(self.told.values(), key=lambda visit: visit.seq)
        together: dict[UUID, list[Visit]] = {}
        for message in messages:
            together.setdefault(message.visit, []).append(message)
        return together

    def ended(self) -> int:
        return sum(messages[-1].phase == "ended" for messages in self.visits().values())

    def stored(self) -> dict[str, dict[str, Any]]:
        files = [json.loads(file.read_text()) for file in self.evidence.glob("*/*.json")]
        assert Counter(facts["visit"] for facts in files).most_common(1)[0][1] == 1, "a visit is stored twice"
        return {facts["visit"]: facts for facts in files}

    def _hear(self, topic: str, payload: bytes) -> None:
        visit = Visit.read(topic, payload)
        with self.witness_lock:
            self.told[visit.visit, visit.seq] = visit


def is_stored(house: House) -> bool:
    """Whether all that was told is stored."""
    if not house.evidence.exists():
        return False
    stored = {visit: {entry["seq"] for entry in facts["history"]} for visit, facts in house.stored().items()}
    return all(seq in stored.get(str(visit), set()) for visit, seq in list(house.told))


@pytest.mark.timeout(240)
def test_every_process_may_be_killed_and_no_visit_is_lost_or_doubled(tmp_path: Path, clip: Path) -> None:
    house = House(tmp_path, str(clip))
    with house.up():
        soon(lambda: house.ended() >= 1, 60)
        for number, words in enumerate(["sense hall", "think", "act evidence", "mosquitto"], start=1):
            killed = house.pid(words)
            os.kill(killed, signal.SIGKILL)
            soon(lambda number=number: house.ended() >= 1 + number, 60)  # type: ignore[misc]
            assert house.pid(words) != killed
        soon(lambda: is_stored(house), 20)
    stored = house.stored()
    for visit, messages in house.visits().items():
        assert [message.seq for message in messages] == list(range(1, len(messages) + 1)), "a message was lost"
        assert sum(message.alert for message in messages) <= 1, "a visit alerted twice"
        assert messages[0].phase == "started"
        history = [entry["seq"] for entry in stored[str(visit)]["history"]]
        assert history[: len(messages)] == [message.seq for message in messages]
    assert all(
        (file.parent / json.loads(file.read_text())["picture"]).exists() for file in house.evidence.glob("*/*.json")
    )
    assert not list(house.evidence.glob("*/*.tmp"))


def damaged_frames(media: Path) -> list[bytes]:
    """Not a JPEG, nothing, one cut short, and one of 100 megapixels."""
    whole = (media / "family" / "me" / "me_00.jpg").read_bytes()
    huge = io.BytesIO()
    Image.new("L", (10_000, 10_000)).save(huge, "JPEG", quality=10)
    return [b"not a JPEG", b"", whole[: len(whole) // 2], huge.getvalue()]


@pytest.mark.timeout(120)
def test_a_brain_killed_in_the_middle_goes_on_with_the_same_visit(tmp_path: Path, media: Path) -> None:
    house = House(tmp_path, str(media / "clips" / "me_and_wife_facing.mp4"))
    with house.up():
        soon(lambda: len(house.visits()) == 2, 60)
        soon(lambda: all(len(messages) >= 2 for messages in house.visits().values()), 20)
        house.witness.post("kinwatch/mode/set", b"nonsense")
        house.witness.post("kinwatch/mode/set", b"night")
        soon(lambda: house.modes[-1:] == ["night"], 10)
        for number, damaged in enumerate(damaged_frames(media), start=1):
            house.witness.offer("kinwatch/den/frame", damaged)
            soon(lambda number=number: house.log().count("den: frame dropped: ") == number, 10)  # type: ignore[misc]
        assert house.log().count("awake") == 1, "a damaged frame ended the brain"
        os.kill(house.pid("think"), signal.SIGKILL)
        soon(lambda: house.log().count("awake") == 2, 30)
        time.sleep(5)
    assert set(house.modes) == {"home", "night"}
    assert house.modes[-1] == "night", "the mode was forgotten"
    assert len(house.visits()) == 2, "the same two people were told of as new visits"
    alerts = [sum(message.alert for message in messages) for messages in house.visits().values()]
    assert sum(alerts) >= 1 >= max(alerts), "two who are seen together are one incident: it rings, and no visit twice"
