"""The page in a real Chromium, with a clip as its camera, over HTTPS with the sense's own certificate."""

import base64
import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from PIL import Image

from nerves import process
from nerves.exif import capture_time
from nerves.jpeg import fault
from nerves.messages import Box, CameraEnabled, Detection, Detections, LookCloser, People, PersonEntry, Say, Visit, now
from senses import hearing
from senses.browser import app
from tests.conftest import CHROMIUM
from tests.pages import Page, served, spoken
from tests.waiting import soon

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.timeout(60),
    pytest.mark.programs("ffmpeg"),
]
# Records what would be spoken, and recognises one sentence: no sound leaves a test.
STAND_INS = """
window.utterances = [];
speechSynthesis.speak = (sentence) => {
  if (!sentence.text) return;
  window.utterances.push([sentence.text, sentence.lang]);
  setTimeout(() => sentence.onstart?.(new Event("start")), 10);
};
window.SpeechRecognition = class {
  start() {
    if (window.heard) return;
    window.heard = true;
    const result = Object.assign([{ transcript: "who do you see", confidence: 0.75 }], { isFinal: true });
    setTimeout(() => this.onresult({ results: [result], resultIndex: 0 }), 10);
  }
  stop() {}
};
"""
# A browser that reads a microphone only at its own sample rate, as Firefox does.
ONLY_ITS_OWN_RATE = """
const Context = window.AudioContext;
window.AudioContext = class extends Context {
  createMediaStreamSource(stream) {
    if (this.sampleRate === 16000) throw new DOMException("another rate", "NotSupportedError");
    return super.createMediaStreamSource(stream);
  }
};
"""
# Devices that open only when the test releases them; records what the page sends to the house.
SLOW_DEVICES = """
window.said = [], window.streams = [], window.waiting = [];
const send = WebSocket.prototype.send, devices = navigator.mediaDevices, open = devices.getUserMedia.bind(devices);
WebSocket.prototype.send = function (message) { window.said.push(message); send.call(this, message); };
devices.getUserMedia = async (wanted) => {
  const stream = await open(wanted);
  window.streams.push(stream);
  await new Promise((go) => window.waiting.push(go));
  return stream;
};
"""
STATES = "window.streams.map((stream) => stream.getTracks()[0].readyState).join()"
HIDE = """hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange')); }"""


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip in the format of Chromium's fake camera."""
    path = tmp_path_factory.mktemp("clip") / "clip.mjpeg"
    folder = os.environ.get("KINWATCH_TEST_MEDIA")
    real = Path(folder) / "clips" / "me_and_wife_facing.mp4" if folder else None
    source = (
        ["-i", str(real)]
        if real and real.exists()
        else ["-f", "lavfi", "-i", "testsrc=size=640x360:rate=10:duration=3"]
    )
    subprocess.run(
        [
            shutil.which("ffmpeg") or "ffmpeg",
            "-v",
            "error",
            *source,
            "-an",
            "-t",
            "6",
            "-c:v",
            "mjpeg",
            "-q:v",
            "3",
            path,
        ],
        check=True,
    )
    return path


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STATUS_EVERY_S", 0.1)
    monkeypatch.setattr(app, "REVOCATION_CHECK_S", 0.2)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with served(tmp_path) as running:
        yield running


@contextmanager
def tab(page: Page, clip: Path, *, sound: Path | None = None, **context: object) -> Iterator["Tab"]:
    """Open the page in a browser that trusts this very key and no other."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - absent where chromium is

    certificate = x509.load_pem_x509_certificate((page.folder / "https" / "server.pem").read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    arguments = [
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={clip}",
        f"--ignore-certificate-errors-spki-list={base64.b64encode(sha256(key).digest()).decode()}",
    ]
    if sound:
        arguments.append(f"--use-file-for-fake-audio-capture={sound}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            opened = browser.new_context(**{"locale": "en-GB"} | context).new_page()
            opened.add_init_script(STAND_INS)
            yield opened
        finally:
            browser.close()


def pair(opened: "Tab", page: Page) -> None:
    opened.goto(f"{page.url}/#code={page.codes()[-1]}")
    opened.get_by_label("A name for this device").fill("wall tablet")
    opened.get_by_role("button", name="Pair", exact=True).click()
    opened.locator("#house").wait_for()


def visit(**more: object) -> Visit:
    fields: dict[str, Any] = {"place": "hall", "visit": uuid4(), "seq": 1, "phase": "decided", "verdict": "stranger"}
    return Visit.model_validate(fields | {"since": now(), "last": now()} | more)


def seen(who: str = "Alice") -> Detections:
    alice = Detection(label="person", box=Box(0.3, 0.2, 0.2, 0.7), score=0.9, verdict="family", who=who)
    return Detections(place="hall", detections=(alice,))


def test_a_tablet_is_a_camera_and_a_speaker(page: Page, clip: Path) -> None:
    with tab(page, clip) as opened:
        pair(opened, page)
        opened.get_by_role("button", name="Start the camera").click()
        assert soon(lambda: len(page.frames()) >= 5, 15)
        assert all(fault(jpeg) is None for jpeg in page.frames())
        assert soon(lambda: "camera: wall tablet" in page.status())
        page.publish(seen())
        box = opened.locator(".box.family")
        box.wait_for()
        assert box.inner_text() == "Alice · Family"
        assert box.evaluate("box => [box.style.left, box.style.height]") == ["30%", "70%"]
        page.publish(Say(place="hall", words="Bonsoir Alice.", language="fr"))
        opened.get_by_text("Bonsoir Alice.").wait_for()
        opened.wait_for_function("utterances.length")
        assert opened.evaluate("utterances") == [["Bonsoir Alice.", "fr"]]
        assert soon(lambda: page.facts("said"))


def test_labelling_speech_recognition_and_languages_of_the_page(page: Page, clip: Path) -> None:
    with tab(page, clip) as opened:
        pair(opened, page)
        page.publish(People(place="brain", people=(PersonEntry(name="Bob", group="guest"),)))
        was = visit()
        page.publish(was)
        opened.get_by_role("button", name="Bob").click()
        opened.get_by_text("Named: Bob").wait_for()
        assert soon(lambda: page.facts("label"))
        [word] = page.facts("label")
        assert (word.visit, word.who, word.group) == (was.visit, "Bob", "guest")
        assert not page.facts("heard")
        opened.get_by_label("Listen with this browser's speech recognition").check()
        assert soon(lambda: page.facts("heard"))
        assert (page.facts("heard")[0].words, page.facts("heard")[0].confidence) == ("who do you see", 0.75)
        opened.get_by_label("Language").select_option("fr")
        assert opened.get_by_role("button", name="Allumer la caméra").is_visible()
        assert opened.get_by_text("Inconnu").is_visible()


@pytest.mark.espeak
@pytest.mark.parametrize("browser", ["", ONLY_ITS_OWN_RATE])
def test_the_house_hears_what_is_said_to_a_page(page: Page, clip: Path, tmp_path: Path, browser: str) -> None:
    with tab(page, clip, sound=spoken(tmp_path, "who is there")) as opened:
        opened.add_init_script(browser)
        pair(opened, page)
        opened.get_by_label("Listen here").check()
        assert soon(lambda: page.facts("heard"), 45)
        assert page.facts("heard")[0].words == "who is there"
        assert "microphone: wall tablet" in page.status()
        opened.get_by_label("Listen with this browser's speech recognition").check()
        assert not opened.get_by_label("Listen here").is_checked()
        assert soon(lambda: "microphone:" not in page.status())


def test_a_page_shows_what_to_install_for_speech_recognition(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "NEEDED", ("no_such_package",))
    with served(tmp_path) as page, tab(page, clip) as opened:
        pair(opened, page)
        opened.get_by_text("On its machine: pip install 'kinwatch[microphone]'").wait_for()
        assert opened.get_by_label("Listen here").is_disabled()


def test_the_page_works_by_keyboard(page: Page, clip: Path) -> None:
    with tab(page, clip) as opened:
        opened.goto(page.url)
        opened.locator("#code:focus").wait_for()
        opened.keyboard.type(page.codes()[-1])
        opened.keyboard.press("Enter")
        opened.locator("#house").wait_for()
        for _ in range(6):
            opened.keyboard.press("Tab")
            if opened.evaluate("document.activeElement.id") == "camera":
                break
        opened.keyboard.press("Enter")
        assert soon(page.frames, 15)


def width(jpeg: bytes) -> int:
    with Image.open(io.BytesIO(jpeg)) as image:
        return image.width


def test_for_a_closer_look_the_page_sends_larger_pictures_for_a_while(tmp_path: Path, clip: Path) -> None:
    with served(tmp_path, width=200, closer_width=320, fps=0.5) as page, tab(page, clip) as opened:

        def is_closer() -> bool:
            page.publish(LookCloser(place="hall", seconds=3))
            last = page.frames()[-3:]
            first, newest = capture_time(last[0]), capture_time(last[-1])
            assert first
            assert newest
            return {width(jpeg) for jpeg in last} == {320} and newest - first < timedelta(seconds=3)

        pair(opened, page)
        opened.get_by_role("button", name="Start the camera").click()
        assert soon(lambda: len(page.frames()) >= 2, 15)
        assert {width(jpeg) for jpeg in page.frames()} == {200}
        assert soon(is_closer, 20)
        assert soon(lambda: width(page.frames()[-1]) == 200, 20)


def test_a_hidden_page_turns_its_camera_off_and_on_again(page: Page, clip: Path) -> None:
    with tab(page, clip) as opened:
        pair(opened, page)
        opened.get_by_role("button", name="Start the camera").click()
        assert soon(page.frames, 15)
        opened.evaluate(HIDE, arg=True)
        assert soon(lambda: "no camera" in page.status())
        assert opened.evaluate("document.getElementById('video').srcObject") is None
        before = len(page.frames())
        opened.evaluate(HIDE, arg=False)
        assert soon(lambda: len(page.frames()) > before, 15)


def test_the_camera_switch_stops_the_page_s_camera_and_starts_it_again(page: Page, clip: Path) -> None:
    with tab(page, clip) as opened:
        pair(opened, page)
        opened.get_by_role("button", name="Start the camera").click()
        assert soon(page.frames, 15)
        page.publish(CameraEnabled(place="hall", enabled=False, by="Alice"))
        opened.get_by_text("The camera of this place is switched off. (Alice)").wait_for()
        assert opened.evaluate("document.getElementById('video').srcObject") is None
        before = len(page.frames())
        page.publish(CameraEnabled(place="hall", enabled=True, by="Alice"))
        assert soon(lambda: len(page.frames()) > before, 15)


def test_a_hidden_page_waits_to_be_shown_after_the_camera_is_switched_on(page: Page, clip: Path) -> None:
    with tab(page, clip) as opened:
        pair(opened, page)
        opened.get_by_role("button", name="Start the camera").click()
        assert soon(page.frames, 15)
        page.publish(CameraEnabled(place="hall", enabled=False, by="Alice"))
        opened.get_by_text("The camera of this place is switched off. (Alice)").wait_for()
        opened.evaluate(HIDE, arg=True)
        page.publish(CameraEnabled(place="hall", enabled=True, by="Alice"))
        opened.get_by_text("The page was hidden: the camera is off.").wait_for()
        assert opened.evaluate("document.getElementById('video').srcObject") is None
        before = len(page.frames())
        opened.evaluate(HIDE, arg=False)
        assert soon(lambda: len(page.frames()) > before, 15)


@pytest.mark.parametrize("how", ["stopped", "closed"])
def test_a_camera_that_opens_after_it_was_turned_off_is_not_announced(page: Page, clip: Path, how: str) -> None:
    with tab(page, clip) as opened:
        opened.add_init_script(SLOW_DEVICES)
        pair(opened, page)
        opened.get_by_role("button", name="Start the camera").click()
        assert soon(lambda: opened.evaluate("window.waiting.length") == 1, 30)
        if how == "stopped":
            opened.get_by_role("button", name="Stop the camera").click()
        else:
            page.publish(CameraEnabled(place="hall", enabled=False, by="Alice"))
        opened.get_by_role("button", name="Start the camera").wait_for()
        opened.evaluate("window.waiting[0]()")
        assert soon(lambda: opened.evaluate(STATES) == "ended", 30)
        assert opened.evaluate("window.said.filter((each) => /camera.*true/.test(each))") == []


@pytest.mark.parametrize("which", ["camera", "microphone"])
def test_opening_a_slow_device_again_releases_the_first_stream(page: Page, clip: Path, which: str) -> None:
    with tab(page, clip) as opened:
        opened.add_init_script(SLOW_DEVICES)
        pair(opened, page)
        press = f"document.getElementById('{which}').click()"
        opened.evaluate(press)
        assert soon(lambda: opened.evaluate("window.waiting.length") == 1, 30)
        opened.evaluate(f"{press}; {press}")
        assert soon(lambda: opened.evaluate("window.waiting.length") == 2, 30)
        opened.evaluate("window.waiting.forEach((go) => go())")
        assert soon(lambda: opened.evaluate(STATES) == "ended,live", 30)
        opened.evaluate(press)
        assert soon(lambda: opened.evaluate(STATES) == "ended,ended", 30)


def test_a_page_reconnects_after_the_server_was_away(tmp_path: Path, clip: Path) -> None:
    with served(tmp_path) as first:
        port = first.port
        with tab(first, clip) as opened:
            pair(opened, first)
            opened.get_by_role("button", name="Start the camera").click()
            assert soon(first.frames, 15)
            first.stop()
            opened.get_by_text("no connection, trying again").wait_for()
            with served(tmp_path, port=port) as second:
                assert soon(second.frames, 20)


def test_a_page_shows_what_the_browser_cannot_do(page: Page, clip: Path) -> None:
    with tab(page, clip) as opened:
        opened.add_init_script("Object.defineProperty(navigator, 'mediaDevices', { value: undefined });")
        opened.goto(page.url)
        opened.get_by_text("This browser gives this page no camera").wait_for()
