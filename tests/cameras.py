"""HTTP cameras whose pictures come from clips."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any, Self

import cv2
import numpy as np

from tests.faults import HOST

__all__ = ["Cameras", "Pixels", "jpeg", "read_frames"]

Pixels = np.ndarray[Any, Any]


def read_frames(clip: Path, number: int) -> list[Pixels]:
    """Return the first frames of a clip."""
    capture = cv2.VideoCapture(str(clip))
    found = [capture.read()[1] for _ in range(number)]
    capture.release()
    return found


def jpeg(pixels: Pixels) -> bytes:
    return cv2.imencode(".jpg", pixels)[1].tobytes()


class Cameras:
    """One camera a place, each at an address of its own. All see an empty room, and one of them also the intruder."""

    def __init__(self, media: Path) -> None:
        room = [frame[150:420, 200:680] for frame in read_frames(media / "clips" / "visits_1_4.mp4", 50)]
        couple = read_frames(media / "clips" / "me_and_wife_facing.mp4", 50)
        self._room = [jpeg(frame) for frame in room]
        # Of the couple, he is the one on the right.
        self._intruder = [
            jpeg(np.hstack([left[:, :240], right[:, 240:]])) for left, right in zip(room, couple, strict=True)
        ]
        self._number = count()
        self.intruder_at = ""

    def __enter__(self) -> Self:
        picture = self.picture

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = picture(self.path.removeprefix("/"))
                self.send_response(200)
                self.send_header("Content-Type", "image/jpeg")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, place: str) -> str:
        return f"http://{HOST}:{self._server.server_port}/{place}"

    def picture(self, place: str) -> bytes:
        """Return the next picture of a place."""
        clip = self._intruder if place == self.intruder_at else self._room
        return clip[next(self._number) % len(clip)]
