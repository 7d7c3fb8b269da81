"""A camera for the demo: plays acts of the scene as MJPEG over HTTP, to this machine only."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

import cv2

from kinwatch.demo.scene import ACTS, SCENE_FPS, Pixels, act_frames
from nerves.errors import CameraLost

__all__ = ["DemoCamera"]

SCENE_JPEG_QUALITY = 90
BOUNDARY = "frame"
# Seconds a client may take to accept a picture before it is left alone.
CLIENT_TIMEOUT_S = 5.0


class DemoCamera:
    """Shows the acts the director asks for and the empty room in between, `FPS` pictures a second.

    Open it with `with`; any number of clients may watch `url` meanwhile.
    """

    def __init__(self) -> None:
        self._screen = _Screen()
        self._wishes: SimpleQueue[tuple[str, threading.Event]] = SimpleQueue()
        self._open = ExitStack()
        self._port = 0

    @property
    def url(self) -> str:
        """Where the camera can be watched."""
        return f"http://127.0.0.1:{self._port}/"

    def play(self, act: str) -> None:
        """Return when the act has been played.

        Raises:
            KeyError: There is no such act.
            CameraLost: The theatre is closed, or was closed meanwhile.
        """
        if act not in ACTS:
            raise KeyError(act)
        over = threading.Event()
        self._wishes.put((act, over))
        while not over.wait(1 / SCENE_FPS):
            if self._screen.closed.is_set():
                message = f"the theatre is closed; {act} was not played to its end"
                raise CameraLost(message)

    def __enter__(self) -> Self:
        server = _Server(("127.0.0.1", 0), _Client)
        server.screen = self._screen
        self._port = server.server_port
        self._open.callback(server.server_close)
        self._start("theatre door", lambda: server.serve_forever(poll_interval=0.1))
        self._open.callback(server.shutdown)
        self._start("theatre stage", self._run)
        self._open.callback(self._screen.closed.set)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _start(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        self._open.callback(thread.join)

    def _run(self) -> None:
        """Show one act after the other until closed."""
        try:
            due = time.monotonic()
            for frame in self._programme():
                due = max(due + 1 / SCENE_FPS, time.monotonic())
                self._screen.show(frame)
                if self._screen.closed.wait(max(0.0, due - time.monotonic())):
                    return
        finally:
            self._screen.closed.set()

    def _programme(self) -> Iterator[Pixels]:
        while True:
            try:
                act, over = self._wishes.get_nowait()
            except Empty:
                yield from self._until_wished(act_frames("empty"))
            else:
                yield from act_frames(act)
                over.set()

    def _until_wished(self, room: Iterator[Pixels]) -> Iterator[Pixels]:
        for frame in room:
            yield frame
            if not self._wishes.empty():
                return


class _Screen:
    """The newest picture, for everybody who watches."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self._changed = threading.Condition()
        self._picture = b""
        self._count = 0

    def show(self, frame: Pixels) -> None:
        """Replace the picture."""
        jpeg = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, SCENE_JPEG_QUALITY])[1].tobytes()
        with self._changed:
            self._picture, self._count = jpeg, self._count + 1
            self._changed.notify_all()

    def watch(self) -> Iterator[bytes]:
        """Yield each new picture until closed; who is slow misses some."""
        seen = 0
        while not self.closed.is_set():
            with self._changed:
                if self._count == seen:
                    self._changed.wait(1 / SCENE_FPS)
                picture, seen, new = self._picture, self._count, self._count > seen
            if new:
                yield picture


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for the clients' threads
    screen: _Screen


class _Client(BaseHTTPRequestHandler):
    timeout = CLIENT_TIMEOUT_S
    server: _Server

    def do_GET(self) -> None:
        """Send pictures until the client or the theatre leaves."""
        try:
            self._send()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _send(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        for jpeg in self.server.screen.watch():
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: a camera does not talk."""
