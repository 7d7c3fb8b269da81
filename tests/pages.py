"""A page's server that runs over a bus of this process, and a client that trusts its certificate."""

import io
import json
import logging
import re
import ssl
import subprocess
import urllib.error
import urllib.request
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import numpy as np
from websockets.sync.client import ClientConnection, connect

from nerves.bus import open_link
from nerves.link import Link
from nerves.messages import Fact, Say, read_fact
from nerves.runner import run_sense
from nerves.services import Sense
from nerves.settings import HouseSettings
from senses.browser import BrowserSettings, sense
from senses.microphone.sound import resampled
from tests.waiting import scaled, soon

Answer = tuple[int, dict[str, Any], dict[str, str]]
RATE = 16_000


def spoken(folder: Path, words: str) -> Path:
    """Write a synthesised sentence as a WAV file of 16 kHz, with one second of silence before it and two after it."""
    said, file = folder / "said.wav", folder / "sentence.wav"
    command = ["espeak-ng", "-v", "en-us+m3", "-s", "130", "-w", str(said), "--", words]
    subprocess.run(command, check=True)
    with wave.open(str(said)) as voice:
        samples = np.frombuffer(voice.readframes(10**7), np.int16).astype(np.float64)
        samples = resampled(samples, voice.getframerate()).astype(np.float64)
    samples = np.concatenate([np.zeros(RATE), samples, np.zeros(2 * RATE)])
    with wave.open(str(file), "wb") as sound:
        sound.setparams((1, 2, RATE, 0, "NONE", ""))
        sound.writeframes(samples.astype(np.int16).tobytes())
    return file


class Page:
    """The running server, and all messages on its bus."""

    def __init__(self, link: Link, folder: Path) -> None:
        self.link, self.folder = link, folder
        self.log = io.StringIO()
        self.stop: Callable[[], None] = lambda: None
        self.heard: list[tuple[str, bytes]] = []

    def codes(self) -> list[str]:
        return re.findall(r"and type (\w{4}-\w{4}),", self.log.getvalue())

    @property
    def port(self) -> int:
        """The server's port; 0 while it does not listen yet."""
        found = re.search(r"the page of hall is at \w+://[^ ]+:(\d+)/", self.log.getvalue())
        return int(found[1]) if found else 0

    @property
    def url(self) -> str:
        scheme = "https" if " at https:" in self.log.getvalue() else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    @property
    def context(self) -> ssl.SSLContext | None:
        if not self.url.startswith("https"):
            return None
        return ssl.create_default_context(cafile=str(self.folder / "https" / "authority.pem"))

    def frames(self) -> list[bytes]:
        return [body for topic, body in self.heard if topic == "kinwatch/hall/frame"]

    def facts(self, kind: str) -> list[Any]:
        return [read_fact(topic, body) for topic, body in self.heard if topic.endswith(f"/{kind}")]

    def status(self) -> str:
        said = [read_fact(topic, body) for topic, body in self.heard if topic == "kinwatch/status/hall"]
        return str(getattr(said[-1], "detail", "")) if said else ""

    def publish(self, fact: Fact) -> None:
        self.link.post(fact.topic, fact.payload()).wait(30)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{self.url}{path}", data, headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=scaled(8), context=self.context) as answer:  # noqa: S310
                return answer.status, _read(answer.read()), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _read(error.read()), dict(error.headers)

    def pair(self, name: str = "tablet") -> str:
        status, answer, _ = self.ask("POST", "/pair", {"code": self.codes()[-1], "name": name})
        assert status == 200, answer
        return str(answer["token"])

    def connect(self, token: str, *, is_page: bool = False, headers: dict[str, str] | None = None) -> ClientConnection:
        headers = {"Authorization": f"Bearer {token}"} | (headers or {})
        protocols: Any = ["kinwatch"] if is_page else None
        # Without TLS: this client would read and write one TLS object in two threads, which sometimes stalls.
        return connect(f"ws://127.0.0.1:{self.port}/ws", additional_headers=headers, subprotocols=protocols)


def _read(body: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(body))
    except ValueError:
        return {"body": body}


@contextmanager
def served(folder: Path, **table: object) -> Iterator[Page]:
    """Run the sense as the house runs it, until the block ends."""
    url, stop = f"loopback://{uuid4()}", Event()
    settings = BrowserSettings.model_validate({"kind": "browser", "place": "hall", "port": 0, **table})
    own = Sense(
        BrowserSettings,
        lambda *hand: sense.watch(*hand[:2], takewhile(lambda _: not stop.is_set(), hand[2])),
        sense.subscriptions,
    )
    link = open_link(url, "ear", durable=False)
    page = Page(link, folder)
    log, handler = logging.getLogger("senses.browser"), logging.StreamHandler(page.log)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    link.listen("kinwatch/#", lambda topic, body: page.heard.append((topic, body)), qos=1)
    failures: list[Exception] = []

    def run() -> None:
        try:
            run_sense("hall", own, settings, HouseSettings(data_dir=folder), url)
        except Exception as error:  # noqa: BLE001 - raised below
            failures.append(error)

    thread = Thread(target=run)
    with link:
        thread.start()
        has_devices = (folder / "hall.devices.json").exists()
        assert soon(lambda: (page.port if has_devices else page.codes()) or failures)
        assert soon(lambda: page.status() or failures)

        def end() -> None:
            stop.set()
            page.publish(Say(place="all", words="the end"))
            thread.join(10)

        page.stop = end
        try:
            yield page
        finally:
            if thread.is_alive():
                end()
            log.removeHandler(handler)
            assert not thread.is_alive()
            for failure in failures:
                raise failure
