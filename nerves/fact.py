"""What all messages share: a frame, the base of the JSON messages, and the types of their fields."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal, NamedTuple, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)
from uuid6 import uuid7

from nerves import topics
from nerves.errors import MessageError
from nerves.nesting import read_json

__all__ = ["Box", "Fact", "Fraction", "Frame", "Time", "now", "stamp"]

# A ten-thousandth is less than a pixel of any camera.
Fraction = Annotated[float, Field(ge=0, le=1), AfterValidator(lambda share: round(share, 4))]


def now() -> datetime:
    """Return the time, in UTC."""
    return _milliseconds(datetime.now(UTC))


def stamp(at: datetime) -> str:
    """Return a time as messages write it: UTC, milliseconds, `Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _milliseconds(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)
    except OverflowError as error:  # the first or the last day that a datetime knows
        why = f"{at.isoformat()} is not a time in UTC"
        raise ValueError(why) from error


Time = Annotated[AwareDatetime, AfterValidator(_milliseconds), PlainSerializer(stamp, when_used="json")]


@dataclass(frozen=True, slots=True)
class Frame:
    """One JPEG picture, as a camera published it."""

    kind: ClassVar[str] = "frame"
    place: str
    jpeg: bytes
    at: datetime
    number: int | None = None


class Box(NamedTuple):
    """A rectangle in a picture; fractions of its width and height, from the top left."""

    x: Fraction
    y: Fraction
    w: Fraction
    h: Fraction


class Fact(BaseModel):
    """What all JSON messages share."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)
    kind: ClassVar[str]
    qos: ClassVar[Literal[0, 1]] = 1

    id: UUID = Field(default_factory=uuid7)
    """Identifies this message (UUIDv7); the same message sent twice has the same id."""
    place: str
    """Where it happened; the second part of the topic."""
    at: Time = Field(default_factory=now)
    """When it happened."""

    @property
    def topic(self) -> str:
        """The topic this message travels on."""
        return topics.to(self.place, self.kind)

    def payload(self) -> bytes:
        """Return the message as it travels."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def pattern(cls) -> str:
        """Return the topics on which such messages travel, from every place."""
        return topics.to("+", cls.kind)

    @classmethod
    def read(cls, topic: str, payload: bytes) -> Self:
        """Read a message; its place is the topic's. `MessageError` says what does not fit."""
        place, kind = topics.split(topic)
        try:
            fields = read_json(payload)
            json.dumps(fields, ensure_ascii=False).encode()  # half a surrogate pair could never be sent on
        except ValueError as error:  # also a number of 5,000 digits, or very deep nesting
            message = f"{topic}: not JSON: {error}"
            raise MessageError(message) from error
        if not isinstance(fields, dict):
            message = f"{topic}: a {cls.kind} is a JSON object, this is {type(fields).__name__}"
            raise MessageError(message)
        try:
            return cls.model_validate(fields | {"place": place} | ({"service": kind} if place == "status" else {}))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the message"
            message = f"{topic}: {where}: {first['msg']}"
            raise MessageError(message) from error
