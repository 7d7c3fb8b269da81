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

from actuators.store.offsite import Item, Kept, Put
from actuators.store.refusals import advice, meaning
from actuators.store.settings import StoreSettings, bucket
from nerves.errors import KinwatchError, OutOfReach, SettingsError, StoreError

__all__ = ["opened"]

CONNECT_S, READ_S, ATTEMPTS = 5.0, 15.0, 3
# A machine that is away comes back by itself; a refusal waits for a person.
AWAY_S, REFUSED_S = 60.0, 300.0
CREDENTIALS = (CredentialRetrievalError, NoCredentialsError, PartialCredentialsError, TokenRetrievalError)
# Written whenever we begin: whether we may, is better known before the first stranger comes.
CHECK = Item(".kinwatch", b"", "text/plain")


def opened(settings: StoreSettings) -> Put:
    """Return what puts an object into the bucket; `SettingsError` or `OutOfReach` says why it would not work."""
    for noisy in ("boto3", "botocore", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    shelf = _Shelf(settings, _client(settings))
    shelf.check()
    return shelf.put


def _client(settings: StoreSettings) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    config = Config(
        connect_timeout=CONNECT_S,
        read_timeout=READ_S,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        user_agent_extra="kinwatch",
        # Servers at home have one name, and no certificate for bucket.name.
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
            "or write ~/.aws/credentials (docs/store.md)"
        )
        raise SettingsError(message)
    return client


class _Shelf:
    """A bucket to put objects into."""

    def __init__(self, settings: StoreSettings, client: Any) -> None:  # noqa: ANN401 - see above
        self._settings, self._client = settings, client
        self._bucket, self._prefix = bucket(settings.url)

    def check(self) -> None:
        """Write an empty object, which is all that an upload-only key may do; `OutOfReach` if it cannot be."""
        try:
            self._put(CHECK, {})
        except StoreError as error:
            raise OutOfReach(str(error), longest_s=REFUSED_S) from error

    def put(self, item: Item) -> Kept:
        """Put an object, or put it again."""
        return self._put(item, self._how(item.body))

    def _put(self, item: Item, more: dict[str, Any]) -> Kept:
        digest = hashlib.sha256(item.body)
        checksum = b64encode(digest.digest()).decode()
        key = self._prefix + item.key
        with _explained(self._settings.url):
            said = self._client.put_object(
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
        self._believe(said, checksum)
        version = said.get("VersionId")
        return Kept(f"s3://{self._bucket}/{quote(key)}", version if version != "null" else None)

    def _believe(self, said: dict[str, Any], checksum: str) -> None:
        """Refuse the answer of somebody who is no S3, such as a hotel's log-in page."""
        if "ETag" not in said or said.get("ChecksumSHA256", checksum) != checksum:
            message = f"{self._settings.url}: what answered has not confirmed the object: is endpoint_url right?"
            raise OutOfReach(message)

    def _how(self, body: bytes) -> dict[str, Any]:
        """Return how an object is to be kept."""
        how: dict[str, Any] = {}
        if self._settings.storage_class:
            how["StorageClass"] = self._settings.storage_class
        if self._settings.lock_days is not None:
            how["ObjectLockMode"] = self._settings.lock_mode.upper()
            how["ObjectLockRetainUntilDate"] = datetime.now(UTC) + timedelta(days=self._settings.lock_days)
            # Some servers take a lock with this only.
            how["ContentMD5"] = b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        return how


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Have what goes wrong say what to do, and whether it is worth waiting for."""
    try:
        yield
    except ClientError as error:
        raise _answered(url, error) from error
    except CREDENTIALS as error:
        message = f"{url}: {error}: renew the credentials (docs/store.md)"
        raise OutOfReach(message, longest_s=REFUSED_S) from error
    except (BotoCoreError, ResponseParserError) as error:
        message = f"{url} cannot be reached: {error}: is the internet there?"
        raise OutOfReach(message, longest_s=AWAY_S) from error


def _answered(url: str, error: ClientError) -> KinwatchError:
    code, said = str(error.response["Error"].get("Code", "")), error.response["Error"].get("Message", "")
    answer = meaning(code, int(error.response["ResponseMetadata"].get("HTTPStatusCode", 0)))
    if answer == "away":
        return OutOfReach(f"{url} is busy or broken: {code} {said}: waiting for it", longest_s=AWAY_S)
    message = f"{url}: {code} {said}: {advice(code)}"
    return OutOfReach(message, longest_s=REFUSED_S) if answer == "refused" else StoreError(message)
