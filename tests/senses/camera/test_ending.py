"""The end of a real `kinwatch sense`, whose camera is inside OpenCV, by Ctrl-C and SIGTERM."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_server, socket
from threading import Event, Thread

import cv2
import numpy as np
import pytest

from tests.faults import Broker
from tests.paths import ROOT

# Large: FFmpeg looks at megabytes of a stream before it believes that it is one.
NOISE = np.random.default_rng(1).integers(0, 255, (480, 640, 3), np.uint8)
PICTURE = cv2.imencode(".jpg", NOISE)[1].tobytes()
Camera = Callable[[socket, Event], None]


def quiet_room(line: socket, over: Event) -> None:
    """Be a camera in a room in which nothing moves: many pictures, and none that travels."""
    while not over.wait(0.01):
        line.sendall(PICTURE)


def silent(_: socket, over: Event) -> None:
    """Be a camera that takes the call and says nothing."""
    over.wait(60)


def stalling(line: socket, over: Event) -> None:
    """Be a camera whose pictures cease."""
    for _ in range(50):
        line.sendall(PICTURE)
    over.wait(60)


@contextmanager
def called(camera: Camera) -> Iterator[tuple[str, Event]]:
    """Run a camera on a port; give its address, and what says that it has been called."""
    over, was_called = Event(), Event()

    def answer(listener: socket) -> None:
        while not over.is_set():
            with suppress(TimeoutError, ConnectionError), listener.accept()[0] as line:
                was_called.set()
                camera(line, over)

    with create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        thread = Thread(target=answer, args=[listener])
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{listener.getsockname()[1]}", was_called
        finally:
            over.set()
            thread.join()


def ended(folder: Path, source: str, number: int, called: Event, broker: str) -> tuple[int, str, float]:
    """Send the sense a signal while its camera is in use; return its status, what it said, and how long it took."""
    config = folder / "kinwatch.yaml"
    table = {"kind": "camera", "source": source, "linger_s": 0, "sweep_s": 600}
    config.write_text(json.dumps({"mqtt": {"url": broker}, "senses": {"hall": table}}))
    env = {**os.environ, "KINWATCH_DATA_DIR": str(folder / "data")}
    command = [sys.executable, "-m", "kinwatch", "sense", "hall", "--config", str(config)]
    with subprocess.Popen(command, env=env, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert called.wait(60)
            time.sleep(2)
            process.send_signal(number)
            began = time.monotonic()
            said = process.communicate(timeout=60)[1]
        finally:
            process.kill()
        return process.returncode, said, time.monotonic() - began


@pytest.mark.mosquitto
@pytest.mark.timeout(150)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("camera", [quiet_room, silent, stalling])
def test_a_sense_whose_camera_is_inside_opencv_ends_in_order(camera: Camera, number: int, tmp_path: Path) -> None:
    with Broker() as broker, called(camera) as (source, was_called):
        status, said, late_s = ended(tmp_path, source, number, was_called, broker.url)
    assert "terminate called" not in said
    assert "Traceback" not in said
    assert status == 0, said
    assert late_s < 8
