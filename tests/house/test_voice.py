"""A question to the real house: sound in a pipe; a real broker, microphone, brain and speech, each its own process."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from nerves.bus import open_link
from nerves.messages import Heard, Said, Say, now, read_fact
from senses.hearing.segments import CHUNK_S, CHUNK_SAMPLES
from senses.microphone.sound import resampled
from tests.faults import Broker
from tests.paths import ROOT
from tests.waiting import soon

pytestmark = [pytest.mark.pocketsphinx, pytest.mark.espeak, pytest.mark.models, pytest.mark.mosquitto]


def voice(folder: Path, words: str) -> bytes:
    """Return a sentence in another voice than the house's, as a microphone records it."""
    path = folder / "asked.wav"
    if shutil.which("flite"):
        command = ["flite", "-voice", "slt", "-t", words, "-o", str(path)]
    else:
        command = ["espeak-ng", "-v", "en-us+m3", "-s", "130", "-w", str(path), "--", words]
    subprocess.run(command, check=True)
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(10**7), np.int16).astype(np.float64)
        return resampled(samples, file.getframerate()).tobytes()


class Room:
    """Writes the sound of a room to a pipe, in real time."""

    def __init__(self, pipe: Path) -> None:
        self._pipe, self._stop, self._words = pipe, Event(), b""
        self.ended = 0.0
        os.mkfifo(pipe)
        Thread(target=self._sound, daemon=True).start()

    def say(self, sound: bytes) -> None:
        self.ended, self._words = math.inf, sound

    @property
    def is_quiet(self) -> bool:
        return not self._words and time.monotonic() > self.ended + 1.5

    def end(self) -> None:
        self._stop.set()

    def _sound(self) -> None:
        noise = np.random.default_rng(1)
        with self._pipe.open("wb", buffering=0) as out:
            due = time.monotonic()
            while not self._stop.is_set():
                spoken, self._words = self._words[: 2 * CHUNK_SAMPLES], self._words[2 * CHUNK_SAMPLES :]
                room = noise.normal(0, 5, CHUNK_SAMPLES)
                room[: len(spoken) // 2] += np.frombuffer(spoken, np.int16)
                out.write(np.clip(room, -32768, 32767).astype(np.int16).tobytes())
                if spoken and not self._words:
                    self.ended = time.monotonic()
                due += CHUNK_S
                time.sleep(max(0.0, due - time.monotonic()))


class House:
    """`kinwatch up` with a microphone on a pipe and speech that plays to a file, and when each fact came."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.room = folder, Room(folder / "ear.pcm")
        self.heard: list[tuple[float, str, str]] = []
        self.alive: set[str] = set()
        self.until = now()
        self.link = open_link(url, "witness", durable=False)
        for kind in ("heard", "say", "said"):
            self.link.listen(f"kinwatch/hall/{kind}", self._note, qos=1)
        self.link.listen("kinwatch/status/+", self._live, qos=1)
        player = folder / "player"
        player.write_text(f'#!/bin/sh\ncp "$1" {folder}/played.wav\nsleep 0.2\n')
        player.chmod(0o700)
        self.config = folder / "kinwatch.yaml"
        tables = {
            "mqtt": {"url": url},
            "senses": {"ear": {"kind": "microphone", "place": "hall", "source": str(folder / "ear.pcm")}},
            "brain": {"pack": "standard"},
            "actuators": {
                "voice": {"kind": "speech", "place": "hall", "engine": "espeak-ng", "player": str(player)},
            },
        }
        self.config.write_text(json.dumps(tables))

    @contextmanager
    def up(self) -> Iterator[None]:
        log = (self.folder / "log").open("wb")
        env = {**os.environ, "KINWATCH_DATA_DIR": str(self.folder / "data")}
        command = [sys.executable, "-m", "kinwatch", "up", "--config", str(self.config)]
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log)
        try:
            with self.link:
                assert soon(lambda: {"ear", "brain", "voice"} <= self.alive, 60), (self.folder / "log").read_text()
                yield
        finally:
            self.room.end()
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            log.close()

    def words(self, kind: str) -> list[str]:
        return [words for _, found, words in self.heard if found == kind]

    def after_s(self, kind: str) -> float:
        """Return how long after the end of the spoken words this fact came."""
        return next(at for at, found, _ in reversed(self.heard) if found == kind) - self.room.ended

    def _note(self, topic: str, body: bytes) -> None:
        fact = read_fact(topic, body)
        assert isinstance(fact, Heard | Say | Said)
        self.heard.append((time.monotonic(), fact.kind, fact.words))
        if isinstance(fact, Said):
            self.until = fact.until

    def ask(self, words: str) -> None:
        """Say something after a pause, when the house has stopped speaking: while it speaks, it ignores others."""
        assert soon(lambda: now() > self.until + timedelta(seconds=1), 60)
        assert soon(lambda: self.room.is_quiet, 60)
        self.room.say(voice(self.folder, words))

    def _live(self, topic: str, body: bytes) -> None:
        if json.loads(body)["state"] == "online" and json.loads(body)["counts"]:
            self.alive.add(topic.rpartition("/")[2])


@pytest.mark.timeout(300)
def test_a_spoken_question_is_answered_aloud_and_the_answer_is_ignored(tmp_path: Path) -> None:
    with Broker() as broker:
        house = House(tmp_path, broker.url)
        with house.up():
            for count in (1, 2):
                house.ask("who do you see")
                assert soon(lambda count=count: len(house.words("said")) >= count, 60), (tmp_path / "log").read_text()  # type: ignore[misc]
                print({kind: round(house.after_s(kind), 2) for kind in ("heard", "say", "said")})  # noqa: T201
            assert house.words("heard") == ["who do you see"] * 2
            assert house.words("say") == house.words("said") == ["I see nobody."] * 2
            house.ask("the weather is nice today")
            house.ask("arm the house")
            assert soon(lambda: len(house.words("say")) == 3, 60)
            assert house.words("heard")[2:] == ["arm the house"]
    with wave.open(str(tmp_path / "played.wav")) as file:
        played = np.frombuffer(file.readframes(10**7), np.int16).astype(np.float64)
        assert len(played) / file.getframerate() > 0.5
        assert np.sqrt((played**2).mean()) > 0.02 * 32768
