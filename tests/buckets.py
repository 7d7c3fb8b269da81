"""A throw-away S3 server (moto) and bad weather in front of it."""

import os
import socket
import subprocess
import sys
from http.client import HTTPConnection
from threading import Event, Thread
from typing import Any, Self

import boto3
from botocore.config import Config

from tests.faults import HOST, free_port, wait_for_port

# It ends with whoever started it, however that ends.
SERVE = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from moto.server import main
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
"""
KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


class S3:
    """An S3 server for `with`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        command = [sys.executable, "-c", SERVE, str(self.port)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for_port(self.port, self._process)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def client(self, service: str = "s3") -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        session = boto3.session.Session("testing", "testing", region_name="us-east-1")
        return session.client(service, endpoint_url=self.url, config=Config(s3={"addressing_style": "path"}))

    def bucket(self, name: str, *, lock: bool = False) -> None:
        self.client().create_bucket(Bucket=name, **({"ObjectLockEnabledForBucket": True} if lock else {}))
        if not lock:
            self.client().put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def guard(self) -> None:
        """Check who asks, from now on."""
        connection = HTTPConnection(HOST, self.port, timeout=5)
        connection.request("POST", "/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})
        assert connection.getresponse().status == 200
        connection.close()

    def versions(self, name: str) -> list[dict[str, Any]]:
        pages = self.client().get_paginator("list_object_versions").paginate(Bucket=name)
        return [version for page in pages for version in page.get("Versions", [])]

    def objects(self, name: str) -> dict[str, bytes]:
        """Return what a bucket holds, but for the test object."""
        client = self.client()
        keys = sorted({each["Key"] for each in self.versions(name) if not each["Key"].endswith("/.kinwatch")})
        return {key: client.get_object(Bucket=name, Key=key)["Body"].read() for key in keys}


def answer(status: str, code: str = "") -> bytes:
    """Return what an S3 server says when it will not."""
    body = f"<Error><Code>{code}</Code><Message>so it is</Message></Error>" if code else "<html>Please log in</html>"
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


class Weather:
    """A line to an S3 server. `now` is what happens to each request.

    `clear`; `down`: nobody answers; `slow`: nothing comes back; `cut`: the line goes dead within the upload; `deaf`:
    the server has it, its answer gets lost; or bytes, which are the answer.
    """

    def __init__(self, to: int) -> None:
        self.now: str | bytes = "clear"
        self.requests = 0
        self._to, self._over = to, Event()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    def __enter__(self) -> Self:
        self._listener = socket.create_server((HOST, 0))
        self._port = self._listener.getsockname()[1]
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.requests += 1
            Thread(target=self._serve, args=[near, self.now], daemon=True).start()

    def _serve(self, near: socket.socket, now: str | bytes) -> None:
        near.settimeout(20)
        with near:
            try:
                if isinstance(now, bytes):
                    head = near.recv(65536)
                    while b"\r\n\r\n" not in head:
                        head += near.recv(65536)
                    near.sendall(now)
                elif now == "slow":
                    near.recv(65536)
                    self._over.wait(20)
                elif now != "down":
                    self._forward(near, now)
            except OSError:
                pass
            if now in ("down", "cut", "deaf"):
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def _forward(self, near: socket.socket, now: str) -> None:
        with socket.create_connection((HOST, self._to), 20) as far:
            up = Thread(target=self._pump, args=[near, far, 3000 if now == "cut" else None], daemon=True)
            up.start()
            while data := far.recv(65536):
                if now == "deaf" and not data.startswith(b"HTTP/1.1 100"):
                    return
                near.sendall(data)

    def _pump(self, near: socket.socket, far: socket.socket, most: int | None) -> None:
        try:
            while data := near.recv(65536 if most is None else 1000):
                far.sendall(data)
                most = None if most is None else most - len(data)
                if most is not None and most <= 0:
                    break
            far.shutdown(socket.SHUT_RDWR if most is not None else socket.SHUT_WR)
        except OSError:
            pass
