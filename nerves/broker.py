"""Find the house's broker, or start a private one: mosquitto, else amqtt.

The private broker listens on loopback only and asks for no password, so that `mosquitto_pub` and
`kinwatch listen` work at once: everybody who is logged in on this machine may use it. If that is too much, set
`mqtt.url` to a broker of your own.
"""

import fcntl
import importlib.util
import logging
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

from nerves import children
from nerves.errors import BrokerUnavailable
from nerves.settings import HouseSettings

__all__ = ["Broker", "house_url", "need_url", "private_broker"]

LOOPBACK = "127.0.0.1"
PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
BROKER_START_S = 10.0
BROKER_CHECK_S = 0.2
MAX_START_TRIES = 3
FORGETFUL = "events do not survive crashes: install mosquitto for that (apt install mosquitto)"
NONE = "no broker to be had here: `apt install mosquitto` or `pip install 'kinwatch[broker]'`, or set mqtt.url"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Broker:
    """A private broker that is running."""

    url: str
    kind: str
    warning: str = ""


def house_url(house: HouseSettings) -> str | None:
    """Return the url of the house's broker: the one in the settings, else the private one if it runs."""
    if house.mqtt.url:
        return house.mqtt.url
    try:
        url = _url_file(house.data_dir).read_text().strip()
    except OSError:
        return None
    return url if _answers(urlsplit(url).port or 0) else None


def need_url(house: HouseSettings) -> str:
    """Return the url of the house's broker. Raises `BrokerUnavailable`, which says how to get one."""
    url = house_url(house)
    if url is None:
        message = "no broker: start the house with `kinwatch up`, or name one in mqtt.url (KINWATCH_MQTT_URL)"
        raise BrokerUnavailable(message)
    return url


@contextmanager
def private_broker(folder: Path) -> Iterator[Broker]:
    """Run a broker on loopback until the block ends, and restart it if it dies; its state is in `folder`."""
    own = folder / "broker"
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(own):
        keeper = _BrokerKeeper(own)
        keeper.start()
        url = f"mqtt://{LOOPBACK}:{keeper.port}"
        _url_file(folder).write_text(f"{url}\n")
        try:
            yield Broker(url, keeper.kind, FORGETFUL if keeper.kind == "amqtt" else "")
        finally:
            _url_file(folder).unlink(missing_ok=True)
            keeper.stop()


def _url_file(folder: Path) -> Path:
    return folder / "broker.url"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"another house runs with the data folder {folder.parent}: stop it, or set KINWATCH_DATA_DIR"
            raise BrokerUnavailable(message) from error
        yield


class _BrokerKeeper:
    """Keeps one broker alive, in a thread of its own, because a child ends with the thread that started it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.kind, self._program = _find()
        self.port = _port(folder)
        self._ready, self._stop = Event(), Event()
        self._failure = f"the private broker ({self.kind}) cannot be run here"
        self._thread = Thread(target=self._run, name="private broker", daemon=True)

    def start(self) -> None:
        """Return once the broker answers."""
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise BrokerUnavailable(self._failure)

    def stop(self) -> None:
        """End the broker in an orderly way, so it saves its state."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            child = self._first()
        finally:
            self._ready.set()
        if child:
            self._watch(child)

    def _first(self) -> children.Child | None:
        for _ in range(MAX_START_TRIES):
            child = self._launch()
            if child:
                (self._folder / "port").write_text(str(self.port))
                self._failure = ""
                return child
            self.port = _free_port()
        self._failure = f"the private broker ({self.kind}) does not start: {self._last_words()}"
        return None

    def _watch(self, child: children.Child | None) -> None:
        while not self._stop.wait(BROKER_CHECK_S):
            if child is None or child.poll() is not None:
                logger.warning("the private broker ended (%s): starting it again", self._last_words())
                child = self._launch()
        if child:
            children.end(child, 5)

    def _launch(self) -> children.Child | None:
        """Start the broker; return None if it does not answer."""
        command = [*self._program, "-c", str(self._write())]
        with (self._folder / "log").open("wb") as log:
            child = children.start(command, cwd=self._folder, output=log)
        until = time.monotonic() + BROKER_START_S
        while child.poll() is None and time.monotonic() < until and not self._stop.is_set():
            if _answers(self.port):
                return child
            time.sleep(0.02)
        children.end(child, 1)
        return None

    def _write(self) -> Path:
        file = self._folder / "conf"
        file.write_text((_mosquitto_conf if self.kind == "mosquitto" else _amqtt_conf)(self._folder, self.port))
        return file

    def _last_words(self) -> str:
        lines = (self._folder / "log").read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "without a word")


def _find() -> tuple[str, list[str]]:
    """Return the kind of broker that is installed, and its command."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *PLACES])
    mosquitto = shutil.which("mosquitto", path=path)
    if mosquitto:
        return "mosquitto", [mosquitto]
    if importlib.util.find_spec("amqtt"):
        return "amqtt", [sys.executable, "-P", "-m", "amqtt.scripts.broker_script"]
    raise BrokerUnavailable(NONE)


def _mosquitto_conf(folder: Path, port: int) -> str:
    lines = [
        f"listener {port} {LOOPBACK}",
        "allow_anonymous true",
        "persistence true",
        f"persistence_location {folder}/",
        # Saved within a second of each change: a SIGKILL costs at most what came after the last save.
        "autosave_on_changes true",
        "autosave_interval 1",
        "max_queued_messages 8192",
        "max_queued_bytes 1000000000",
        "persistent_client_expiration 30d",
        "max_packet_size 10000000",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
    ]
    if os.geteuid() == 0:
        lines.append("user root")  # else it becomes a user who cannot write here, and outlives us
    return "\n".join(lines) + "\n"


def _amqtt_conf(_: Path, port: int) -> str:
    return (
        f"listeners: {{default: {{type: tcp, bind: '{LOOPBACK}:{port}'}}}}\n"
        "plugins: {amqtt.plugins.authentication.AnonymousAuthPlugin: {allow_anonymous: true}}\n"
    )


def _port(folder: Path) -> int:
    """Return the port used last time if it is free, else a free one."""
    try:
        port = int((folder / "port").read_text())
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, port))
    except (OSError, ValueError, OverflowError):
        return _free_port()
    return port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), 0.5).close()
    except OSError:
        return False
    return True
