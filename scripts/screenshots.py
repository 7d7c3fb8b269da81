#!/usr/bin/env python3
"""Take the README's pictures from a running house: `scripts/screenshots [terminal] [house]`, all of them by default.

The house is real: broker, brain, page, store and Home Assistant are processes of their own. Its camera is Chromium's
fake one, which plays the scene of `kinwatch demo`.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import cv2
import yaml
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from kinwatch.demo.scene import SCENE_FPS, act_frames  # noqa: E402 - the project's own folder comes first
from tests.conftest import CHROMIUM  # noqa: E402
from tests.faults import Broker  # noqa: E402
from tests.hass import Hass  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
PLACE = "hall"
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
WAIT_S = 180.0
TERMINAL_COLUMNS = 100
COLOURS = 256
DASHBOARD = """
frontend:
lovelace:
  dashboards:
    kinwatch-house: {{mode: yaml, title: Kinwatch, filename: {file}, show_in_sidebar: true}}
"""


def main() -> None:
    """Take what is asked for."""
    wanted = set(sys.argv[1:]) or {"terminal", "house"}
    PICTURES.mkdir(exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if "terminal" in wanted:
            terminal(stack, folder)
        if "house" in wanted:
            house(stack, folder)


def terminal(stack: ExitStack, folder: Path) -> None:
    """Run the demo as a person does, and draw what the terminal shows."""
    print("the demo in a terminal", flush=True)  # noqa: T201 - progress
    command = f"{sys.executable} -P -m kinwatch demo --once"
    env = os.environ | {"COLUMNS": str(TERMINAL_COLUMNS), "TERM": "xterm-256color", "HOME": str(folder)}
    pull = [sys.executable, "-P", "-m", "kinwatch", "models", "pull", "built-in"]
    subprocess.run(pull, env=env, capture_output=True, check=True)
    done = subprocess.run(["script", "-qec", command, "/dev/null"], env=env, capture_output=True, check=True)  # noqa: S607
    shown = done.stdout.decode().replace("\r", "").replace(str(folder), "~")
    console = Console(record=True, width=TERMINAL_COLUMNS, file=StringIO(), force_terminal=True)
    console.print(Text("$ scripts/demo --once", style="bold"))
    console.print(Text.from_ansi(re.sub(r"/tmp/kinwatch-demo-\w+", "/tmp/kinwatch-demo", shown)))  # noqa: S108
    drawing = folder / "terminal.svg"
    drawing.write_text(console.export_svg(title="kinwatch demo"), encoding="utf-8")
    page = stack.enter_context(browser([])).new_page(device_scale_factor=1.5)
    page.goto(drawing.as_uri())
    keep("terminal", page.locator("svg").first.screenshot())


def house(stack: ExitStack, folder: Path) -> None:
    """Run a house with a page and Home Assistant, have a stranger come, and look at it everywhere."""
    broker = stack.enter_context(Broker())
    print("starting Home Assistant", flush=True)  # noqa: T201
    dashboard = ROOT / "deploy" / "home-assistant" / "dashboard.yaml"
    (folder / "dashboard.yaml").write_text(dashboard.read_text(encoding="utf-8"), encoding="utf-8")
    extra = DASHBOARD.format(file=folder / "dashboard.yaml")
    hass = stack.enter_context(Hass(Path(os.environ["KINWATCH_TEST_HASS"]), folder / "hass", broker.port, extra=extra))
    log = stack.enter_context(running_house(folder, broker.url))
    camera = stack.enter_context(browser(fake_camera(folder)))
    desktop = paired(camera, log, DESKTOP, "hall tablet")
    desktop.get_by_role("button", name=re.compile("Start the camera")).click()
    print("waiting for a stranger", flush=True)  # noqa: T201
    desktop.locator(".box.stranger").first.wait_for(timeout=1000 * WAIT_S)
    desktop.locator("#visits li").first.wait_for(timeout=1000 * WAIT_S)
    time.sleep(1)
    keep("page", desktop.screenshot())
    print("asking the phone and Home Assistant", flush=True)  # noqa: T201
    desktop.get_by_text(re.compile("Devices", re.IGNORECASE)).first.click()
    desktop.locator("#invite").click()
    code = wait(lambda: re.search(r"\w{4}-\w{4}", desktop.locator("#invited").inner_text()))[0]
    phone = opened(camera, log, PHONE, code, "Anna's phone")
    phone.locator("#visits li").first.wait_for(timeout=1000 * WAIT_S)
    phone.evaluate("scrollTo(0, document.body.scrollHeight)")
    time.sleep(1)
    keep("phone", phone.screenshot())
    keep("home-assistant", dashboard_of(camera, hass))


@contextmanager
def running_house(folder: Path, url: str) -> Iterator[Path]:
    """Run `kinwatch up` with a page, a store and Home Assistant; give its log file."""
    tables: dict[str, Any] = {
        "mqtt": {"url": url},
        "senses": {PLACE: {"kind": "browser", "tls": "off", "port": 0}},
        "actuators": {"ha": {"kind": "homeassistant"}, "evidence": {"kind": "store", "url": (folder / "e").as_uri()}},
    }
    config, log = folder / "kinwatch.yaml", folder / "log"
    config.write_text(yaml.safe_dump(tables), encoding="utf-8")
    env = {key: value for key, value in os.environ.items() if key != "KINWATCH_CONFIG"}
    env |= {"KINWATCH_DATA_DIR": str(folder / "data")}
    kinwatch = [sys.executable, "-P", "-m", "kinwatch"]
    with log.open("wb") as out:
        up = subprocess.Popen([*kinwatch, "up", "--config", str(config)], env=env, stdout=out, stderr=out)
        try:
            wait(lambda: "and type" in log.read_text(errors="replace") and "awake" in log.read_text(errors="replace"))
            yield log
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(30)


def fake_camera(folder: Path) -> list[str]:
    """Film the demo's scene, and return the arguments that make it Chromium's camera."""
    film, played = folder / "scene.mp4", folder / "scene.mjpeg"
    pictures = [*act_frames("empty"), *act_frames("woman"), *act_frames("empty")]
    height, width = pictures[0].shape[:2]
    out = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"mp4v"), SCENE_FPS, (width, height))
    for picture in pictures:
        out.write(picture)
    out.release()
    how = ["-vf", "fps=30", "-c:v", "mjpeg", "-q:v", "3"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", film, *how, played], check=True)  # noqa: S607
    return [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={played}",
    ]


@contextmanager
def browser(arguments: list[str]) -> Iterator[Browser]:
    """Start Chromium without a window."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *arguments])
        try:
            yield started
        finally:
            started.close()


def paired(camera: Browser, log: Path, size: dict[str, int], name: str) -> Page:
    """Open the page on a first device, with the code of the log."""
    text = log.read_text(errors="replace")
    code = re.search(r"and type (\w{4}-\w{4}),", text)
    return opened(camera, log, size, code[1] if code else "", name)


def opened(camera: Browser, log: Path, size: dict[str, int], code: str, name: str) -> Page:
    """Open the page with a one-time code, and pair."""
    found = re.search(r"the page of \w+ is at (\S+)", log.read_text(errors="replace"))
    page = camera.new_context(locale="en-GB", viewport=size, device_scale_factor=1.5).new_page()  # type: ignore[arg-type]
    page.goto(f"{found[1] if found else ''}#code={code}")
    page.get_by_label("A name for this device").fill(name)
    page.get_by_role("button", name="Pair", exact=True).click()
    return page


def dashboard_of(camera: Browser, hass: Hass) -> bytes:
    """Log in to Home Assistant and look at our dashboard."""
    tokens = {
        "access_token": hass.token,
        "token_type": "Bearer",
        "expires_in": 86400,
        "hassUrl": hass.url,
        "clientId": f"{hass.url}/",
        "expires": int(1000 * (time.time() + 86400)),
        "refresh_token": "",
    }
    page = camera.new_context(locale="en-GB", viewport=DESKTOP, device_scale_factor=1.5).new_page()  # type: ignore[arg-type]
    page.add_init_script(f"localStorage.setItem('hassTokens', {json.dumps(json.dumps(tokens))});")
    page.goto(f"{hass.url}/kinwatch-house/kinwatch")
    page.get_by_text("Who was it?").first.wait_for(timeout=1000 * WAIT_S)
    time.sleep(5)
    return page.screenshot()


def keep(name: str, png: bytes) -> None:
    """Write a picture with few colours: it looks the same and is a third of the size."""
    file = PICTURES / f"{name}.png"
    Image.open(BytesIO(png)).convert("RGB").quantize(COLOURS).save(file, optimize=True)
    print(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1000} kB", flush=True)  # noqa: T201


def wait(true: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it waits for
    """Wait for something true, and return it."""
    until = time.monotonic() + WAIT_S
    while not (found := true()):
        if time.monotonic() > until:
            sys.exit("waited in vain: is the machine busy? try again")
        time.sleep(0.1)
    return found


if __name__ == "__main__":
    main()
