"""An AWS service here: the wire format (JSON 1.1), signatures, and all that may go wrong; what it knows is its child's.

The keys are those of `tests.buckets.KEYS`.
"""

import json
import re
import traceback
from collections import Counter, deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, NoReturn, Self
from uuid import uuid4

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.faults import HOST
from tests.shapes import Unfit, read, written

__all__ = ["FAULTS", "WORSE", "Parameters", "Refusal", "Service", "refuse"]

KEY, SECRET = "testing", "testing"
SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>\w+)/(?P<day>\d{8})/(?P<region>[\w-]+)/(?P<service>\w+)/aws4_request, "
    r"SignedHeaders=(?P<headers>[\w;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)

Parameters = dict[str, Any]


class Refusal(Exception):
    """What Rekognition says when it will not."""

    def __init__(self, code: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.code, self.text, self.status = code, text, status


def refuse(code: str, text: str) -> NoReturn:
    raise Refusal(code, text)


# What may be the matter, by the name that `fail` takes.
FAULTS = {
    "throughput": Refusal("ProvisionedThroughputExceededException", "Provisioned rate exceeded"),
    "throttling": Refusal("ThrottlingException", "Rate exceeded"),
    "too many": Refusal("TooManyRequestsException", "Too many requests", 429),
    "broken": Refusal("InternalServerError", "Internal server error", 500),
    "unavailable": Refusal("ServiceUnavailableException", "Service unavailable", 503),
    "denied": Refusal("AccessDeniedException", "User is not authorized to perform that"),
    "expired": Refusal("ExpiredTokenException", "The security token included in the request is expired"),
    "unknown key": Refusal("UnrecognizedClientException", "The security token included in the request is invalid"),
    "limit": Refusal("LimitExceededException", "Limit exceeded"),
}
# Worse than words: nobody answers; the line is cut; a log-in page; half an answer; an answer of nothing.
WORSE = ("silent", "cut", "page", "half", "empty", "list")


class Service:
    """The service, for `with`. A child has a method for each operation, such as `_ListFaces`."""

    name = ""
    target = ""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        """How often each operation arrived, whatever became of it."""
        self.complaints: list[str] = []
        """What was wrong with requests that a well-made client never sends, or with ourselves."""
        self.sent: list[tuple[str, bytes]] = []
        """Every picture that was taken, with its operation."""
        self.delay_s = 0.0
        self.may: frozenset[str] | None = None
        """The operations that the key is allowed; all if None."""
        self.arrives: Callable[[str], None] = lambda _: None
        """Told the operation of each call, before it is looked at."""
        self._model = botocore.session.get_session().get_service_model(self.name)
        self._faults: deque[str] = deque()
        self._lasting: str | None = None
        self._lock, self._over = Lock(), Event()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_port}"

    @property
    def count(self) -> int:
        """How many calls have arrived."""
        return self.calls.total()

    def __enter__(self) -> Self:
        aws = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                aws._serve(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server((HOST, 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=[0.02], daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def fail(self, fault: str | None, times: int | None = None) -> None:
        """Have the next calls fail, or all from now on; None: all is well again."""
        assert fault is None or fault in FAULTS or fault in WORSE, fault
        with self._lock:
            self._faults.clear()
            self._lasting = fault if times is None else None
            self._faults.extend([fault] * times if fault and times else [])

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        operation = request.headers.get("X-Amz-Target", "").removeprefix(f"{self.target}.")
        with self._lock:
            self.calls[operation] += 1
            fault = self._faults.popleft() if self._faults else self._lasting
        self.arrives(operation)
        self._over.wait(self.delay_s)
        try:
            if fault in WORSE:
                _misbehave(request, fault, self._over)
                return
            with self._lock:
                status, answer = 200, self._answer(request, operation, body, fault)
        except Refusal as refusal:
            said = {"__type": refusal.code, "message": refusal.text, "Code": refusal.code, "Message": refusal.text}
            status, answer = refusal.status, json.dumps(said).encode()
        except Exception:
            self.complaints.append(traceback.format_exc())
            raise
        try:
            _reply(request, status, answer)
        except OSError:
            request.close_connection = True  # who asked is dead

    def _answer(self, request: BaseHTTPRequestHandler, operation: str, body: bytes, fault: str | None) -> bytes:
        if fault:
            raise FAULTS[fault]
        self._check_signature(request, body)
        if operation not in self._model.operation_names or not hasattr(self, f"_{operation}"):
            self._complain("UnknownOperationException", f"no operation {operation!r}")
        if request.headers.get("Content-Type") != "application/x-amz-json-1.1":
            self._complain("SerializationException", "no JSON")
        if self.may is not None and operation not in self.may:
            raise FAULTS["denied"]
        model = self._model.operation_model(operation)
        try:
            parameters = read(json.loads(body), model.input_shape)
        except Unfit as error:
            self._complain("ValidationException", f"{operation}{error}")
        self.sent += [(operation, value["Bytes"]) for value in parameters.values() if _has_picture(value)]
        return written(getattr(self, f"_{operation}")(parameters), model.output_shape)

    def _complain(self, code: str, text: str) -> NoReturn:
        self.complaints.append(text)
        refuse(code, text)

    def _check_signature(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        given = SIGNED.fullmatch(request.headers.get("Authorization", ""))
        if not given:
            self._complain("MissingAuthenticationTokenException", "not signed")
        if given["key"] != KEY:
            raise FAULTS["unknown key"]
        headers = {name: request.headers[name] for name in given["headers"].split(";")}
        again = AWSRequest("POST", self.url + request.path, headers, body)
        again.context["timestamp"] = request.headers["X-Amz-Date"]
        signer = SigV4Auth(Credentials(KEY, SECRET), self.name, given["region"])
        text = signer.string_to_sign(again, signer.canonical_request(again))
        if signer.signature(text, again) != given["signature"]:
            refuse("InvalidSignatureException", "The request signature we calculated does not match")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """Whoever asked has gone."""


def _reply(request: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    request.send_response(status)
    request.send_header("x-amzn-RequestId", str(uuid4()))
    request.send_header("Content-Type", "application/x-amz-json-1.1")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def _misbehave(request: BaseHTTPRequestHandler, fault: str | None, over: Event) -> None:
    request.close_connection = True
    if fault == "silent":
        over.wait(60)
        return
    if fault == "cut":
        return
    page, half = b"<html>Please log in</html>", b'{"Labels": [{"Na'
    body = {"page": page, "half": half, "empty": b"", "list": b"[]"}[str(fault)]
    request.send_response(200)
    if fault != "page":
        request.send_header("x-amzn-RequestId", str(uuid4()))
    request.send_header("Content-Length", str(len(body) + (100 if fault == "half" else 0)))
    request.end_headers()
    request.wfile.write(body)


def _has_picture(value: object) -> bool:
    return isinstance(value, dict) and "Bytes" in value
