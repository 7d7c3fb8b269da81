"""Cameras on HTTP: MJPEG streams, and single pictures that are polled. JPEGs pass unchanged."""

import time
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPResponse
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import (
    HTTPBasicAuthHandler,
    HTTPDigestAuthHandler,
    HTTPPasswordMgrWithDefaultRealm,
    OpenerDirector,
    build_opener,
)

from nerves.errors import CameraLost
from senses.camera import mjpeg, video
from senses.camera.shot import Image
from senses.gate import FrameRateLimit

__all__ = ["NotPictures", "images"]

HTTP_TIMEOUT_S = 10
READ_SIZE_BYTES = 65_536
SOI = b"\xff\xd8"
LOGIN_REFUSED_STATUSES = (401, 403)


class NotPictures(CameraLost):
    """The address sends neither pictures nor MJPEG; it may be a video stream."""


def images(url: str, *, fps: Callable[[], float]) -> Iterator[Image]:
    """Yield the pictures of an HTTP camera, MJPEG or stills, at most `fps()` a second.

    Raises:
        CameraLost: The camera cannot be reached, or stops sending.
        NotPictures: The address sends something else.
    """
    try:
        address, opener = _opener(url)
        with opener.open(address, timeout=HTTP_TIMEOUT_S) as response:
            kind = response.headers.get_content_type()
            if kind.startswith("multipart/"):
                rate = FrameRateLimit(fps)
                yield from (jpeg for jpeg in mjpeg.jpegs(_chunks(response)) if rate.due(time.monotonic()))
                message = "ended the stream"
                raise CameraLost(message)
            # Simple cameras send no content type, or a wrong one.
            if not kind.startswith("image/") and not response.peek(len(SOI)).startswith(SOI):
                _refuse(kind)
            first = _still(response)
        yield first
        yield from _polled(opener, address, fps)
    except (OSError, HTTPException, ValueError) as error:
        raise CameraLost(_why(error)) from error


def _refuse(kind: str) -> None:
    if kind.startswith("text/"):
        message = "sends a text or a web page: check the address"
        raise CameraLost(message)
    raise NotPictures(kind)


def _polled(opener: OpenerDirector, address: str, fps: Callable[[], float]) -> Iterator[Image]:
    due = time.monotonic()
    while True:
        due = max(due + 1 / fps(), time.monotonic())
        time.sleep(max(due - time.monotonic(), 0))
        with opener.open(address, timeout=HTTP_TIMEOUT_S) as response:
            image = _still(response)
        yield image


def _still(response: HTTPResponse) -> Image:
    data = response.read(mjpeg.MAX_JPEG_BYTES + 1)
    if len(data) > mjpeg.MAX_JPEG_BYTES:
        message = f"sends a picture of more than {mjpeg.MAX_JPEG_BYTES // 1_000_000} MB"
        raise CameraLost(message)
    if response.length:
        message = "sends a picture that is cut off"
        raise CameraLost(message)
    if data.startswith(SOI):
        return data
    image = video.pixels(data) if data else None
    if image is None:
        message = f"sends {len(data)} bytes that are no picture"
        raise CameraLost(message)
    return image


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    while chunk := response.read1(READ_SIZE_BYTES):
        yield chunk


def _opener(url: str) -> tuple[str, OpenerDirector]:
    """Return the address without user and password, and an opener that logs in with them (Basic or Digest)."""
    parts = urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    address = urlunsplit(parts._replace(netloc=host, fragment=""))
    passwords = HTTPPasswordMgrWithDefaultRealm()
    if login:
        passwords.add_password(None, address, unquote(user), unquote(password))
    return address, build_opener(HTTPBasicAuthHandler(passwords), HTTPDigestAuthHandler(passwords))


def _why(error: Exception) -> str:
    if isinstance(error, HTTPError):
        error.close()
        refused = ": check user and password" if error.code in LOGIN_REFUSED_STATUSES else ""
        return f"answers {error.code} {error.reason}{refused}"
    if isinstance(error, TimeoutError):
        return f"does not answer within {HTTP_TIMEOUT_S} s"
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return str(reason) or type(error).__name__
