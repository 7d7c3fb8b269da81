"""The connection to Rekognition; the only file of the brain that imports boto3. Counts each try before it is sent."""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import local
from typing import Any, TypeVar

from boto3.session import Session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from brain.cloud.errors import CloudAway, CloudError, CloudMissing, CloudPicture, CloudRefused
from brain.cloud.ledger import ANSWERED, About, CallLedger
from brain.cloud.refusals import advice, meaning
from brain.settings.rekognition import RekognitionSettings
from nerves.errors import SettingsError

__all__ = ["BotoClient"]

CREDENTIAL_ERRORS = (CredentialRetrievalError, NoCredentialsError, PartialCredentialsError, TokenRetrievalError)
GARBLED, HTTP_OK = "not understood", 200
NOT_REKOGNITION = "the server is not Rekognition: is the internet there, is endpoint_url right?"
# The errors of reading a response that lacks what Rekognition always sends.
READ_ERRORS = (AttributeError, LookupError, TypeError, ValueError)

Response = Mapping[str, Any]
Found = TypeVar("Found")


class BotoClient:
    """A Rekognition client that counts every try in the ledger before it is sent.

    Raises:
        SettingsError: It can never work, for example without a region or without credentials.
    """

    def __init__(self, settings: RekognitionSettings, ledger: CallLedger) -> None:
        for noisy in ("boto3", "botocore", "urllib3"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        self._settings, self._ledger = settings, ledger
        self._try = _Try()
        self._client = _client(settings)
        self.region: str = self._client.meta.region_name
        events = self._client.meta.events
        # After botocore's own throttling, which also runs before a send: a try that waits there is not sent yet.
        events.register_last("before-send", self._leaves)
        events.register_first("response-received.rekognition", self._returned)
        events.register_first("needs-retry.rekognition", self._enough)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def call(
        self,
        operation: str,
        about: About,
        parameters: Mapping[str, Any],
        read: Callable[[Response], Found],
        *,
        again: bool,
    ) -> Found:
        """Return what `read` makes of the response.

        Args:
            operation: Its name at AWS, such as `DetectFaces`.
            about: What the call is about, for the ledger.
            parameters: Those of the operation.
            read: Turns the response into the result.
            again: Whether botocore may repeat the call, within `timeout_s`, while Rekognition is busy.

        Raises:
            CloudError: There is no usable response; the subclass says why.
        """
        self._try.begin(about._replace(size=_size(parameters)), again=again)
        try:
            with _explained():
                said: Response = getattr(self._client, xform_name(operation))(**parameters)
                if "RequestId" not in said["ResponseMetadata"]:
                    raise CloudAway(NOT_REKOGNITION)
                return read(said)
        finally:
            self._settle(GARBLED)

    def _leaves(self, event_name: str, **_: object) -> None:
        """Count a try that is about to be sent. An error raised here stops it."""
        operation = event_name.rpartition(".")[2]
        self._try.number = self._ledger.reserve(operation, self._try.about, datetime.now(UTC))

    def _returned(self, event_name: str, response_dict: Response, parsed_response: Response, **more: Any) -> None:  # noqa: ANN401
        """Record the outcome of a try."""
        if more["exception"]:
            self._settle(type(more["exception"]).__name__)
            return
        shape = self._client.meta.service_model.operation_model(event_name.rpartition(".")[2]).output_shape
        if response_dict["status_code"] == HTTP_OK and not _is_answer(response_dict["body"], empty=not shape.members):
            raise CloudAway(NOT_REKOGNITION)
        self._settle(parsed_response.get("Error", {}).get("Code") or ANSWERED)

    def _enough(self, **_: object) -> bool | None:
        """Return False to stop botocore from another try; None leaves the decision to botocore."""
        late = time.monotonic() - self._try.since >= self._settings.timeout_s
        return False if late or not self._try.again else None

    def _settle(self, outcome: str) -> None:
        number, self._try.number = self._try.number, None
        if number is not None:
            self._ledger.settle(number, outcome)


class _Try(local):
    """The current call of this thread."""

    about = About()
    since = 0.0
    again = True
    number: int | None = None

    def begin(self, about: About, *, again: bool) -> None:
        self.about, self.again, self.since, self.number = about, again, time.monotonic(), None


def _size(parameters: Mapping[str, Any]) -> int:
    """Return the number of picture bytes in a request."""
    return sum(len(each.get("Bytes", b"")) for each in parameters.values() if isinstance(each, dict))


def _is_answer(body: bytes, *, empty: bool) -> bool:
    """Return whether the body is JSON, and not for example the log-in page of a hotel with status 200."""
    if not body:
        return empty
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _client(settings: RekognitionSettings) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    config = Config(
        connect_timeout=settings.timeout_s,
        read_timeout=settings.timeout_s,
        retries={"mode": "adaptive", "total_max_attempts": settings.tries},
        user_agent_extra="kinwatch",
    )
    try:
        session = Session(region_name=settings.region)
        known = session.get_credentials()
        client = session.client("rekognition", endpoint_url=settings.endpoint_url, config=config)
    except (BotoCoreError, ValueError) as error:
        message = f"brain.rekognition: {error}: check region, endpoint_url, and AWS's own settings (~/.aws)"
        raise SettingsError(message) from error
    _check_region(session, client.meta.region_name, settings)
    if known is None:
        message = (
            "brain.rekognition: no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or write ~/.aws/credentials (kinwatch docs rekognition)"
        )
        raise SettingsError(message)
    return client


def _check_region(session: Session, region: str, settings: RekognitionSettings) -> None:
    regions = {
        each
        for partition in session.get_available_partitions()
        for each in session.get_available_regions("rekognition", partition)
    }
    if region not in regions and settings.endpoint_url is None:
        near = ", ".join(sorted(each for each in regions if each[:2] == region[:2])) or "eu-west-1, us-east-1"
        message = f"brain.rekognition.region: there is no Rekognition in {region!r}: choose one of {near}"
        raise SettingsError(message)


@contextmanager
def _explained() -> Iterator[None]:
    """Raise our own errors instead of boto3's: they say what to do, and whether waiting helps."""
    try:
        yield
    except ParamValidationError:
        raise  # a bug in kinwatch
    except ClientError as error:
        raise _answered(error) from error
    except CREDENTIAL_ERRORS as error:
        message = f"Rekognition: {error}: renew the credentials (kinwatch docs rekognition)"
        raise CloudRefused(message) from error
    except (BotoCoreError, ResponseParserError) as error:
        message = f"Rekognition cannot be reached: {error}: is the internet there?"
        raise CloudAway(message) from error
    except READ_ERRORS as error:
        raise CloudAway(NOT_REKOGNITION) from error


def _answered(error: ClientError) -> CloudError:
    said = error.response["Error"]
    code, text = str(said.get("Code", "")), said.get("Message", "")
    answer = meaning(code, int(error.response["ResponseMetadata"].get("HTTPStatusCode", 0)))
    if answer == "away":
        return CloudAway(f"Rekognition is busy or broken: {code} {text}")
    if answer == "picture":
        return CloudPicture(f"Rekognition cannot use this picture: {code} {text}")
    kind = CloudMissing if answer == "missing" else CloudRefused
    return kind(f"Rekognition: {code} {text}: {advice(code)}")
