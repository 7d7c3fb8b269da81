"""A throw-away Mosquitto and a cable to it, for tests that need faults."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Self

from tests.waiting import soon

HOST = "127.0.0.1"
MOSQUITTO = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")

# Waits for the end of the test run, however it ends (the pipe closes even on SIGKILL), then ends the broker.
GUARD = 'read _; grep -qaF "$2/broker.conf" /proc/$1/cmdline 2>/dev/null && kill -9 "$1"; rm -rf "$2"'


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    def answers() -> bool:
        try:
            socket.create_connection((HOST, port), 0.5).close()
        except OSError:
            assert process.poll() is None, f"the broker ended with {process.returncode}"
            return False
        return True

    soon(answers, 8, "the broker to answer")


class Broker:
    """A Mosquitto for `with`: kill() is what a power cut does, start() is the same broker again."""

    def __init__(
        self,
        *,
        persistence: bool = False,
        users: dict[str, str] | None = None,
        acl: str = "",
        conf: tuple[str, ...] = (),
    ) -> None:
        self.port = free_port()
        self._users, self._acl = users or {}, acl
        self._conf = (*conf, *(("persistence true", "autosave_interval 1") if persistence else ()))

    @property
    def url(self) -> str:
        return f"mqtt://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="broker-"))
        self._write()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGCONT)
        self._end(signal.SIGTERM)
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        self._process = subprocess.Popen(
            [str(MOSQUITTO), "-c", str(self._folder / "broker.conf")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        guard = ["/bin/sh", "-c", GUARD, "guard", str(self._process.pid), str(self._folder)]
        self._guard = subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True)
        wait_for_port(self.port, self._process)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self._end(signal.SIGTERM)
        self.start()

    def save(self) -> None:
        """Have it write its sessions to the disk now."""
        store = self._folder / "mosquitto.db"
        store.unlink(missing_ok=True)
        self._process.send_signal(signal.SIGUSR1)
        soon(store.exists, 5, "the broker to save")

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        self._guard.kill()
        self._guard.communicate()
        self._process.send_signal(number)
        self._process.wait(30)

    def _write(self) -> None:
        lines = [f"listener {self.port} {HOST}", f"persistence_location {self._folder}/", *self._conf]
        if os.geteuid() == 0:
            lines.append("user root")  # else it becomes a user that cannot write here
        lines.append(f"allow_anonymous {'false' if self._users else 'true'}")
        if self._users:
            lines.append(f"password_file {self._secret('users', self._passwords())}")
            subprocess.run(["mosquitto_passwd", "-U", str(self._folder / "users")], check=True)  # noqa: S607
        if self._acl:
            lines.append(f"acl_file {self._secret('acl', self._acl)}")
        (self._folder / "broker.conf").write_text("\n".join(lines) + "\n")

    def _passwords(self) -> str:
        return "".join(f"{user}:{password}\n" for user, password in self._users.items())

    def _secret(self, name: str, text: str) -> Path:
        path = self._folder / name
        path.touch(0o600)
        path.write_text(text.rstrip("\n") + "\n")
        return path


@contextmanager
def amqtt(folder: Path) -> Iterator[str]:
    """A broker that speaks MQTT 3.1.1 only."""
    port, conf = free_port(), folder / "amqtt.yaml"
    conf.write_text(
        f"listeners: {{default: {{type: tcp, bind: '{HOST}:{port}'}}}}\n"
        "plugins: {amqtt.plugins.authentication.AnonymousAuthPlugin: {allow_anonymous: true}}\n"
    )
    command = [sys.executable, "-m", "amqtt.scripts.broker_script", "-c", str(conf)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, process)
        yield f"mqtt://{HOST}:{port}"
    finally:
        process.terminate()
        process.wait(30)


class Cable:
    """A TCP cable to a port here: cut() resets and refuses, freeze() lets no byte through."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self._to = port
        self._flow = Event()
        self._flow.set()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = Lock()

    @property
    def url(self) -> str:
        return f"mqtt://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self.mend()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self.thaw()

    def mend(self) -> None:
        self._listener = socket.create_server((HOST, self.port))
        self.port = self._listener.getsockname()[1]
        Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def cut(self) -> None:
        _end(self._listener)
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for end in pair:
                _end(end)

    def freeze(self) -> None:
        self._flow.clear()

    def thaw(self) -> None:
        self._flow.set()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection((HOST, self._to), 5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self._lock:
                self._pairs.add((near, far))
            for one, other in ((near, far), (far, near)):
                Thread(target=self._pump, args=[one, other], daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                self._flow.wait()
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            _end(end)


def _end(end: socket.socket) -> None:
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, not an orderly end
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()
