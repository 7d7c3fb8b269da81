"""Settings of the store: where evidence goes, and how it is kept there."""

import re
from pathlib import Path
from typing import Literal, NamedTuple, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator, model_validator

from nerves.services import ServiceSettings

__all__ = ["S3Location", "StoreSettings", "bucket", "folder"]

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
MAX_PREFIX_LENGTH = 512
MIN_SPOOL_MB = 10

StorageClass = Literal[
    "STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"
]


class StoreSettings(ServiceSettings):
    """Where evidence is kept: `kinwatch docs store`."""

    url: str
    """file:///folder (`file:///~/folder` is below the home folder), or s3://bucket/prefix."""
    spool_mb: int = Field(default=500, ge=MIN_SPOOL_MB)
    """Megabytes that may wait while nothing can be stored. Beyond that, the oldest and least important are dropped."""
    region: str | None = None
    """The region of the bucket, if AWS's own settings do not name it."""
    endpoint_url: str | None = None
    """The address of an S3 server other than Amazon's: https://s3.eu-central-003.backblazeb2.com, http://minio.local:9000."""
    storage_class: StorageClass | None = None
    """Amazon's storage class of the objects; the bucket's default if left out."""
    sse: Literal["AES256", "aws:kms"] | None = None
    """Encryption at rest; the bucket's default if left out."""
    lock_days: int | None = Field(default=None, ge=1, le=36500)
    """Days in which nobody can delete an object; needs a bucket with Object Lock."""
    lock_mode: Literal["governance", "compliance"] = "governance"
    """Who may lift the lock. governance: whoever has a special permission; compliance: nobody, not even the owner."""

    @field_validator("url")
    @classmethod
    def _is_a_store(cls, url: str) -> str:
        if url.startswith("s3:"):
            bucket(url)
        else:
            folder(url)
        return url

    @field_validator("endpoint_url")
    @classmethod
    def _can_be_asked(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "")
        if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username):
            why = f"{url} is no endpoint: it has the form https://host or http://host:9000, without a password"
            raise ValueError(why)
        return url

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        alone = sorted(self.model_fields_set - {"kind", "url", "spool_mb"})
        if alone and not self.is_remote:
            why = f"{alone[0]} is for s3://bucket/prefix only: leave it out, or change the url"
            raise ValueError(why)
        return self

    @property
    def is_remote(self) -> bool:
        """Whether evidence leaves the house."""
        return self.url.startswith("s3://")


class S3Location(NamedTuple):
    """A bucket, and a prefix of keys in it."""

    bucket: str
    prefix: str
    """It ends with a slash."""


def folder(url: str) -> Path:
    """Return the folder that a `file:///...` url names.

    Raises:
        ValueError: It says what is wrong with the url.
    """
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or path in ("", "/"):
        why = f"{url} is no store: it has the form file:///folder, file:///~/folder or s3://bucket/prefix"
        raise ValueError(why)
    return Path(path.removeprefix("/")).expanduser() if path.startswith("/~") else Path(path)


def bucket(url: str) -> S3Location:
    """Return the bucket and prefix that an `s3://...` url names.

    Raises:
        ValueError: It says what is wrong with the url.
    """
    parts = urlsplit(url)
    prefix = parts.path.strip("/")
    if parts.scheme != "s3" or not BUCKET.fullmatch(parts.netloc) or parts.query or parts.fragment:
        why = f"{url} is no bucket: it has the form s3://bucket/prefix, the bucket's name in small letters"
        raise ValueError(why)
    if not prefix:
        why = f"{url} has no prefix: s3://{parts.netloc}/visits, so that a key can be allowed to write there only"
        raise ValueError(why)
    if len(prefix) > MAX_PREFIX_LENGTH or not prefix.isprintable() or "//" in prefix:
        why = f"{url}: the prefix is a path of at most {MAX_PREFIX_LENGTH} characters"
        raise ValueError(why)
    return S3Location(parts.netloc, f"{prefix}/")
