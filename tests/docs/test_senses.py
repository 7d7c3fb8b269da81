"""The senses of docs/add-a-sense.md, run as they stand there: a real broker, and `kinwatch listen --strict`."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import packages_distributions, requires
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import ClassVar

import cv2
import numpy as np
import pytest

from tests.bench import Bench, bench
from tests.docs.test_docs import blocks, example
from tests.faults import HOST
from tests.paths import ROOT

pytestmark = [pytest.mark.mosquitto, pytest.mark.timeout(180)]

PAGE = ROOT / "docs" / "add-a-sense.md"
SKETCHES = ROOT / "tests" / "arduino"


def jpeg(width: int = 320, height: int = 240) -> bytes:
    noise = np.random.default_rng(1).integers(0, 255, (height // 8, width // 8, 3)).astype(np.uint8)
    return cv2.imencode(".jpg", cv2.resize(noise, (width, height)))[1].tobytes()


@contextmanager
def running(command: list[str], at: Bench, **env: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run an example beside the bench, with whatever it starts, until the block ends."""
    process = subprocess.Popen(
        command, cwd=at.folder, env=at.env | env, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield process
    finally:
        try:
            os.killpg(process.pid, 15)
            process.wait(20)
        except ProcessLookupError:
            process.wait(20)


class Snapshot(BaseHTTPRequestHandler):
    """A camera that gives a picture at an address, every other time in vain."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if len(self.asked) % 2:
            self.send_error(503)
            return
        picture = jpeg()
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(picture)))
        self.end_headers()
        self.wfile.write(picture)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer((HOST, 0), Snapshot) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{server.server_port}/snapshot.jpg"
        server.shutdown()


def clip(folder: Path, *, seconds: int) -> Path:
    """A clip in which something always moves."""
    file = folder / "clip.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 10, (320, 240))
    for step in range(10 * seconds):
        pixels = np.full((240, 320, 3), 90, np.uint8)
        pixels[20:200, 8 * step % 280 : 8 * step % 280 + 40] = 240
        writer.write(pixels)
    writer.release()
    return file


def line(begins: str) -> str:
    """Return the one line of the page's shell that begins so."""
    (found,) = [each for text in blocks(PAGE, "sh") for each in text.splitlines() if each.startswith(begins)]
    return found


@pytest.mark.programs("mosquitto_pub")
def test_one_line_of_shell_is_a_camera_and_another_an_ear(tmp_path: Path) -> None:
    (tmp_path / "picture.jpg").write_bytes(jpeg())
    with bench(tmp_path, "--messages", "2") as at:
        for begins in ("mosquitto_pub -t kinwatch/door/frame", "mosquitto_pub -q 1 -t kinwatch/door/heard"):
            subprocess.run(["/bin/sh", "-ec", line(begins)], cwd=tmp_path, env=at.env, check=True, timeout=60)
        told = at.is_content()
    assert "well: kinwatch/door/frame" in told
    assert "well: kinwatch/door/heard" in told


@pytest.mark.programs("ffmpeg", "mosquitto_pub")
def test_a_loop_of_shell_sends_what_ffmpeg_reads(tmp_path: Path) -> None:
    (tmp_path / "camera.sh").write_text(example(PAGE, "camera.sh"))
    file = clip(tmp_path, seconds=3)
    with (
        bench(tmp_path, "--messages", "3") as at,
        running(["/bin/sh", "camera.sh", "door", "-re", "-i", str(file)], at) as process,
    ):
        assert "well: kinwatch/door/frame" in at.is_content()
        assert process.wait(60) == 0


def test_paho_alone_is_a_camera(tmp_path: Path, address: str) -> None:
    (tmp_path / "camera.py").write_text(example(PAGE, "camera.py"))
    with (
        bench(tmp_path, "--messages", "2") as at,
        running([sys.executable, "camera.py", address, "door"], at),
    ):
        assert "well: kinwatch/door/frame" in at.is_content()


@pytest.mark.node
def test_node_is_a_camera(tmp_path: Path, address: str) -> None:
    (tmp_path / "camera.js").write_text(example(PAGE, "camera.js"))
    with (
        bench(tmp_path, "--messages", "2") as at,
        running(["node", "camera.js", address, "door"], at, NODE_PATH=os.environ["KINWATCH_TEST_NODE"]),
    ):
        assert "well: kinwatch/door/frame" in at.is_content()


def by_pip(project: Path, site: Path) -> None:
    if not (find_spec("pip") and find_spec("setuptools") and find_spec("wheel")):
        pytest.skip("pip, setuptools and wheel are not all installed")
    words = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site), "."]
    subprocess.run([sys.executable, "-m", "pip", *words], cwd=project, check=True, timeout=120)


def by_hand(project: Path, site: Path) -> None:
    """Write what an installer writes: the module, and metadata with its entry points."""
    table = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    about = site / f"{table['name'].replace('-', '_')}-{table['version']}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {table['name']}\nVersion: {table['version']}\n")
    groups = [
        f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in points.items())
        for group, points in table["entry-points"].items()
    ]
    (about / "entry_points.txt").write_text("\n".join(groups) + "\n")
    for module in project.glob("*.py"):
        shutil.copy(module, site)


@pytest.mark.parametrize("install", [by_pip, by_hand])
def test_a_package_of_two_files_is_a_sense(tmp_path: Path, install: object) -> None:
    assert callable(install)
    project, site, button = tmp_path / "project", tmp_path / "site", tmp_path / "button"
    project.mkdir()
    (project / "doorbell.py").write_text(example(PAGE, "doorbell.py"))
    (project / "pyproject.toml").write_text(blocks(PAGE, "toml")[0])
    install(project, site)
    (settings,) = [text for text in blocks(PAGE, "yaml") if "kind: doorbell" in text]
    (tmp_path / "kinwatch.yaml").write_text(settings.replace("/tmp/button", str(button)))  # noqa: S108
    os.mkfifo(button)
    with (
        bench(tmp_path, "--messages", "1") as at,
        running(
            [sys.executable, "-m", "kinwatch", "sense", "door", "--config", "kinwatch.yaml"],
            at,
            PYTHONPATH=f"{ROOT}:{site}",
        ),
    ):
        subprocess.run(["/bin/sh", "-c", "echo >button"], cwd=tmp_path, check=True, timeout=60)
        assert "well: kinwatch/door/heard" in at.is_content()


@pytest.mark.programs("g++")
def test_the_arduino_sketch_sends_its_pictures_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "esp32-cam.ino").write_text(example(PAGE, "esp32-cam.ino"))
    (tmp_path / "picture.jpg").write_bytes(jpeg(800, 600))
    program = tmp_path / "sketch"
    words = ["g++", "-std=c++17", "-Wall", "-Werror", f"-I{SKETCHES}", f"-I{tmp_path}", str(SKETCHES / "main.cpp")]
    subprocess.run([*words, "-o", str(program)], check=True, timeout=120)
    with bench(tmp_path, "--messages", "3") as at, running([str(program)], at, PICTURE="picture.jpg") as process:
        assert f"well: kinwatch/porch/frame ({(tmp_path / 'picture.jpg').stat().st_size} bytes)" in at.is_content()
        assert process.wait(60) == 0


GATE = """
import sys

CLOSED = {closed!r}


class Gate:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in CLOSED:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name.partition(".")[0])


sys.meta_path.insert(0, Gate())
"""


def packages(extra: str) -> set[str]:
    """Return the packages that an extra of ours asks for; those of no extra for an empty one."""
    found = [re.split(r"[^\w.-]", each, maxsplit=1)[0] for each in requires("kinwatch") or [] if mark(each) == extra]
    return {name.lower().replace("_", "-") for name in found}


def mark(requirement: str) -> str:
    found = re.search(r"extra == ['\"](\w+)['\"]", requirement)
    return found[1] if found else ""


def test_a_raspberry_with_the_camera_extra_alone_is_a_camera(tmp_path: Path) -> None:
    extras = {mark(each) for each in requires("kinwatch") or []} - {""}
    wanted = packages("") | packages("camera")
    closed = set().union(*(packages(extra) for extra in extras)) - wanted - {"kinwatch"}
    assert {"ai-edge-litert", "dlib-bin", "onnxruntime", "apprise", "starlette"} <= closed
    modules = {
        module
        for module, names in packages_distributions().items()
        if {name.lower().replace("_", "-") for name in names} & closed
    }
    (tmp_path / "sitecustomize.py").write_text(GATE.format(closed=sorted(modules | {"tensorflow", "keras"})))
    table = {"kind": "camera", "source": str(clip(tmp_path, seconds=2)), "loop": True}
    (tmp_path / "kinwatch.yaml").write_text(json.dumps({"senses": {"porch": table}}))
    path = f"{tmp_path}:{ROOT}"
    with bench(tmp_path, "--messages", "3") as at:
        refused = subprocess.run(
            [sys.executable, "-c", "import dlib"], env=at.env | {"PYTHONPATH": path}, capture_output=True, check=False
        )
        assert b"ModuleNotFoundError" in refused.stderr
        sense = [sys.executable, "-m", "kinwatch", "sense", "porch", "--config", "kinwatch.yaml"]
        with running(sense, at, PYTHONPATH=path):
            assert "well: kinwatch/porch/frame" in at.is_content()


@pytest.mark.models
@pytest.mark.media
@pytest.mark.programs("mosquitto_pub", "mosquitto_sub")
def test_a_brain_analyses_a_picture_sent_by_one_line_of_shell(tmp_path: Path, media: Path) -> None:
    shutil.copy(media / "family" / "me" / "me_00.jpg", tmp_path / "picture.jpg")
    shown = ["mosquitto_sub", "-C", "1", "-W", "120", "-t", "kinwatch/door/detections"]
    send = ["/bin/sh", "-ec", line("mosquitto_pub -t kinwatch/door/frame") + "; sleep 0.5"]
    with (
        bench(tmp_path, "--seconds", "1") as at,
        running([sys.executable, "-m", "kinwatch", "think"], at),
        subprocess.Popen(shown, env=at.env, stdout=subprocess.PIPE, text=True) as eye,
    ):
        while eye.poll() is None:
            subprocess.run(send, cwd=tmp_path, env=at.env, check=True, timeout=60)
        assert eye.stdout
        seen = json.loads(eye.stdout.read())
    assert [each["label"] for each in seen["detections"]] == ["person"]
