"""The table `brain.rekognition` in kinwatch.yaml."""

import re
from typing import Annotated, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

__all__ = ["RekognitionSettings", "S3Object", "s3_object"]

REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]+")
COLLECTION = r"^[a-zA-Z0-9_.\-]+$"
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class S3Object(NamedTuple):
    """A picture in a bucket."""

    bucket: str
    key: str


def s3_object(source: str) -> S3Object | None:
    """Return where in S3 a picture is; None if it is a file. Raises `ValueError` if the address is wrong."""
    if not source.startswith("s3:"):
        return None
    parts = urlsplit(source)
    key = parts.path.removeprefix("/")
    if not BUCKET.fullmatch(parts.netloc) or not key or key.endswith("/") or parts.query or parts.fragment:
        why = f"{source} is no picture: it has the form s3://bucket/folder/picture.jpg"
        raise ValueError(why)
    return S3Object(parts.netloc, key)


def _region(region: str | None) -> str | None:
    if region is not None and not REGION.fullmatch(region):
        why = f"{region!r} is no region: it has the form eu-west-1"
        raise ValueError(why)
    return region


def _endpoint(url: str | None) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        why = f"{url} is no endpoint: it has the form https://host, without a password"
        raise ValueError(why)
    if parts.scheme == "http" and parts.hostname not in THIS_MACHINE:
        why = f"{url}: pictures would be sent unencrypted: use https://; http:// is allowed on this machine only"
        raise ValueError(why)
    return url


def _source(source: str) -> str:
    s3_object(source)
    return source


Source = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_source)]
Name = Annotated[str, Field(min_length=1, max_length=40)]


class RekognitionSettings(BaseModel):
    """What kinwatch may ask AWS Rekognition, and how often: `kinwatch docs rekognition`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    enabled: bool = True
    """`false` prevents every call, whatever the switch says. With `vision: local` no call is made anyway."""
    region: Annotated[str | None, AfterValidator(_region)] = None
    """The AWS region, such as eu-west-1. If left out, AWS's own settings decide, and calls count at the top price."""
    endpoint_url: Annotated[str | None, AfterValidator(_endpoint)] = None
    """Another address of Rekognition, such as a VPC endpoint."""
    by: Literal["collection", "users", "compare"] = "collection"
    """How a face gets its name: `collection` compares it with each photo in the collection; `users` compares it with
    each person, all photos of the person together; `compare` makes one call for each of `pictures` and stores nothing
    at AWS."""
    collection: str = Field(default="kinwatch", pattern=COLLECTION, max_length=255)
    """The collection that `kinwatch rekognition sync` makes equal to the gallery."""
    pictures: dict[Name, tuple[Source, ...]] = Field(default_factory=dict)
    """For `by: compare`: for each name one or more pictures, as files or s3://bucket/key. The largest face counts."""
    daily_calls: int = Field(default=100, ge=0, le=1_000_000)
    """The limit of calls that cost something in a day (UTC, as AWS bills). Each try counts."""
    monthly_calls: int = Field(default=1500, ge=0, le=31_000_000)
    """The limit of such calls in a month."""
    daily_usd: float = Field(default=0.10, ge=0, le=1000)
    """The limit of US dollars in a day, by the prices in `brain/cloud/prices.yaml`."""
    monthly_usd: float = Field(default=1.50, ge=0, le=31_000)
    """The limit of US dollars in a month."""
    timeout_s: float = Field(default=5.0, gt=0, le=60)
    """How long to wait for an answer, and how long after the first try another one may begin."""
    tries: int = Field(default=3, ge=1, le=10)
    """How often a call is tried at most while Rekognition is busy. Each try counts."""

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.by == "compare" and not any(self.pictures.values()):
            why = "by: compare needs pictures: for each name one or more, files or s3://bucket/key"
            raise ValueError(why)
        if self.by != "compare" and self.pictures:
            why = f"pictures is for by: compare only: leave it out; by: {self.by} uses the gallery's photos"
            raise ValueError(why)
        empty = [name for name, sources in self.pictures.items() if not sources]
        if empty:
            why = f"pictures: {empty[0]} has none: name a file or s3://bucket/key, or leave the name out"
            raise ValueError(why)
        return self
