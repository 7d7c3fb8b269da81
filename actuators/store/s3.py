"""Objects in a bucket, each confirmed by the server; the only file of the actuators that imports boto3."""

import hashlib
import logging
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from actuators.store.offsite import BucketObject, ObjectReceipt, PutObject
from actuators.store.refusals import s3_advice, s3_meaning
from actuators.store.settings import StoreSettings, bucket
from nerves.errors import KinwatchError, OutOfReach, SettingsError, StoreError

__all__ = ["open_bucket"]

CONNECT_TIMEOUT_S, READ_TIMEOUT_S, MAX_ATTEMPTS = 5.0, 15.0, 3
# The longest pause between tries: a server that is away comes back by itself, a refusal needs a person.
AWAY_PAUSE_S, REFUSED_PAUSE_S = 60.0, 300.0
CREDENTIALS = (CredentialRetrievalError, NoCredentialsError, PartialCredentialsError, TokenRetrievalError)
# Written at every start, so that a missing permission is known before the first stranger comes.
PROBE = BucketObject(".kinwatch", b"", "text/plain")


def open_bucket(settings: StoreSettings) -> PutObject:
    """Return the function that puts an object into the bucket, after a test that it works.

    Raises:
        SettingsError: The settings or the credentials are wrong.
        OutOfReach: The bucket cannot be written now.
    """
    for noisy in ("boto3", "botocore", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    target = _Bucket(settings, _client(settings))
    target.check()
    return target.put


def _client(settings: StoreSettings) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": MAX_ATTEMPTS},
        user_agent_extra="kinwatch",
        # A server at home has one host name, and no certificate for `bucket.host`.
        s3={"payload_signing_enabled": True} | ({"addressing_style": "path"} if settings.endpoint_url else {}),
    )
    try:
        session = Session(region_name=settings.region)
        known = session.get_credentials()
        client = session.client("s3", endpoint_url=settings.endpoint_url, config=config)
    except (BotoCoreError, ValueError) as error:
        message = f"{settings.url}: {error}: check region, endpoint_url, and AWS's own settings (~/.aws)"
        raise SettingsError(message) from error
    if known is None:
        message = (
            f"{settings.url}: no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or write ~/.aws/credentials (kinwatch docs store)"
        )
        raise SettingsError(message)
    return client


class _Bucket:
    """A bucket to put objects into."""

    def __init__(self, settings: StoreSettings, client: Any) -> None:  # noqa: ANN401 - see above
        self._settings, self._client = settings, client
        self._bucket, self._prefix = bucket(settings.url)

    def check(self) -> None:
        """Write an empty object: an upload-only key may do nothing else.

        Raises:
            OutOfReach: It cannot be written.
        """
        try:
            self._put(PROBE, {})
        except StoreError as error:
            raise OutOfReach(str(error), longest_s=REFUSED_PAUSE_S) from error

    def put(self, item: BucketObject) -> ObjectReceipt:
        """Put an object; putting it again is harmless."""
        return self._put(item, self._storage_options(item.body))

    def _put(self, item: BucketObject, more: dict[str, Any]) -> ObjectReceipt:
        digest = hashlib.sha256(item.body)
        checksum = b64encode(digest.digest()).decode()
        key = self._prefix + item.key
        with _translated_errors(self._settings.url):
            response = self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=item.body,
                ContentType=item.content_type,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=checksum,
                Metadata={"sha256": digest.hexdigest()},
                **({"ServerSideEncryption": self._settings.sse} if self._settings.sse else {}),
                **more,
            )
        self._check_confirmed(response, checksum)
        version = response.get("VersionId")
        return ObjectReceipt(f"s3://{self._bucket}/{quote(key)}", version if version != "null" else None)

    def _check_confirmed(self, response: dict[str, Any], checksum: str) -> None:
        """Raise `OutOfReach` if the response is not of an S3 server, but for example of a hotel's log-in page."""
        if "ETag" not in response or response.get("ChecksumSHA256", checksum) != checksum:
            message = f"{self._settings.url}: the server has not confirmed the object: is endpoint_url right?"
            raise OutOfReach(message)

    def _storage_options(self, body: bytes) -> dict[str, Any]:
        """Return the options of an upload: storage class and lock."""
        options: dict[str, Any] = {}
        if self._settings.storage_class:
            options["StorageClass"] = self._settings.storage_class
        if self._settings.lock_days is not None:
            options["ObjectLockMode"] = self._settings.lock_mode.upper()
            options["ObjectLockRetainUntilDate"] = datetime.now(UTC) + timedelta(days=self._settings.lock_days)
            # Some servers accept a lock only with an MD5.
            options["ContentMD5"] = b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        return options


@contextmanager
def _translated_errors(url: str) -> Iterator[None]:
    """Raise our own errors instead of boto3's: they say what to do, and whether waiting helps."""
    try:
        yield
    except ClientError as error:
        raise _error_of(url, error) from error
    except CREDENTIALS as error:
        message = f"{url}: {error}: renew the credentials (kinwatch docs store)"
        raise OutOfReach(message, longest_s=REFUSED_PAUSE_S) from error
    except (BotoCoreError, ResponseParserError) as error:
        message = f"{url} cannot be reached: {error}: is the internet there?"
        raise OutOfReach(message, longest_s=AWAY_PAUSE_S) from error


def _error_of(url: str, error: ClientError) -> KinwatchError:
    code, text = str(error.response["Error"].get("Code", "")), error.response["Error"].get("Message", "")
    answer = s3_meaning(code, int(error.response["ResponseMetadata"].get("HTTPStatusCode", 0)))
    if answer == "away":
        return OutOfReach(f"{url} is busy or broken: {code} {text}: waiting for it", longest_s=AWAY_PAUSE_S)
    message = f"{url}: {code} {text}: {s3_advice(code)}"
    return OutOfReach(message, longest_s=REFUSED_PAUSE_S) if answer == "refused" else StoreError(message)
