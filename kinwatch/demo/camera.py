"""A camera for the demo: it plays acts of the scene as MJPEG over HTTP, for this machine only."""

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
# A client that takes longer to accept a picture is disconnected.
CLIENT_TIMEOUT_S = 5.0


class DemoCamera:
    """Plays the acts that `play` asks for and the empty room in between, `SCENE_FPS` pictures a second.

    Use it with `with`; any number of clients may watch `url`.
    """

    def __init__(self) -> None:
        self._newest = _NewestPicture()
        self._requests: SimpleQueue[tuple[str, threading.Event]] = SimpleQueue()
        self._open = ExitStack()
        self._port = 0

    @property
    def url(self) -> str:
        """The address of the camera's MJPEG stream."""
        return f"http://127.0.0.1:{self._port}/"

    def play(self, act: str) -> None:
        """Play an act, and return when it is over.

        Raises:
            KeyError: There is no such act.
            CameraLost: The camera is closed, or was closed meanwhile.
        """
        if act not in ACTS:
            raise KeyError(act)
        over = threading.Event()
        self._requests.put((act, over))
        while not over.wait(1 / SCENE_FPS):
            if self._newest.closed.is_set():
                message = f"the demo's camera is closed; {act} was not played to its end"
                raise CameraLost(message)

    def __enter__(self) -> Self:
        server = _Server(("127.0.0.1", 0), _Client)
        server.newest = self._newest
        self._port = server.server_port
        self._open.callback(server.server_close)
        self._start("demo camera server", lambda: server.serve_forever(poll_interval=0.1))
        self._open.callback(server.shutdown)
        self._start("demo camera scene", self._run)
        self._open.callback(self._newest.closed.set)
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
        """Play one act after the other until closed."""
        try:
            due = time.monotonic()
            for frame in self._pictures():
                due = max(due + 1 / SCENE_FPS, time.monotonic())
                self._newest.show(frame)
                if self._newest.closed.wait(max(0.0, due - time.monotonic())):
                    return
        finally:
            self._newest.closed.set()

    def _pictures(self) -> Iterator[Pixels]:
        while True:
            try:
                act, over = self._requests.get_nowait()
            except Empty:
                yield from self._until_requested(act_frames("empty"))
            else:
                yield from act_frames(act)
                over.set()

    def _until_requested(self, room: Iterator[Pixels]) -> Iterator[Pixels]:
        for frame in room:
            yield frame
            if not self._requests.empty():
                return


class _NewestPicture:
    """The newest picture, for all clients."""

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
        """Yield each new picture until closed; a slow client misses some."""
        seen = 0
        while not self.closed.is_set():
            with self._changed:
                if self._count == seen:
                    self._changed.wait(1 / SCENE_FPS)
                picture, seen, new = self._picture, self._count, self._count > seen
            if new:
                yield picture


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for the clients' threads
    newest: _NewestPicture


class _Client(BaseHTTPRequestHandler):
    timeout = CLIENT_TIMEOUT_S
    server: _Server

    def do_GET(self) -> None:
        """Send pictures until the client or the camera closes."""
        try:
            self._send()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _send(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        for jpeg in self.server.newest.watch():
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing: the demo prints its own lines."""
