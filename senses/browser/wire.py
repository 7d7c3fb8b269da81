"""What comes in on a websocket, read: pure.

Bytes are a picture, or what begins with a byte of its own (sound is to come so: a JPEG begins with FF). A text is
JSON that our page, or a client of the older protocol, sends; any other text is what was said.
"""

import base64
import binascii
import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from nerves.errors import MessageError
from nerves.jpeg import fault
from nerves.messages import Group

__all__ = ["Asked", "Camera", "Heard", "Named", "Picture", "Spoke", "read_bytes", "read_text"]

WORDS = 2000


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Picture(_Message):
    """A picture."""

    jpeg: bytes


class Heard(_Message):
    """Somebody said something."""

    do: Literal["heard"] = "heard"
    words: str = Field(min_length=1, max_length=WORDS)
    confidence: float | None = Field(default=None, ge=0, le=1)


class Camera(_Message):
    """The page wants to be the eye of the place, or no longer."""

    do: Literal["camera"]
    on: bool


class Spoke(_Message):
    """The voice has begun to say what it was asked to, or why it could not."""

    do: Literal["spoke"]
    id: str = Field(max_length=40)
    failed: str = Field(default="", max_length=200)


class Named(_Message):
    """One tap: this visit was Alice."""

    do: Literal["name"]
    visit: str = Field(max_length=40)
    who: str | None = Field(default=None, min_length=1, max_length=40)
    group: Group = "family"


Asked = Camera | Spoke | Named | Heard
_asked: TypeAdapter[Asked] = TypeAdapter(Annotated[Asked, Field(discriminator="do")])


def read_bytes(body: bytes) -> Picture:
    """Return the picture; `MessageError` if it is none."""
    why = fault(body)
    if why:
        raise MessageError(why)
    return Picture(jpeg=body)


def read_text(text: str) -> Asked | Picture:
    """Return what a text asks; `MessageError` if it looks like a message and does not fit."""
    table = _table(text)
    if table is None:
        words = " ".join(text.split())
        if not words or len(words) > WORDS:
            message = f"{len(words)} characters are no words (1 to {WORDS})"
            raise MessageError(message)
        return Heard(words=words)
    if "dataURI" in table:
        return _classic(table["dataURI"])
    try:
        return _asked.validate_python(table)
    except ValidationError as error:
        raise MessageError(error.errors()[0]["msg"]) from error


def _table(text: str) -> dict[str, object] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"not JSON: {type(error).__name__}"
        raise MessageError(message) from error
    return dict(table)


def _classic(uri: object) -> Picture:
    if not isinstance(uri, dict) or uri.get("contentType") != "image/jpeg" or not isinstance(uri.get("content"), str):
        message = 'a picture is {"dataURI": {"contentType": "image/jpeg", "content": "<base64>"}}'
        raise MessageError(message)
    try:
        return read_bytes(base64.b64decode(uri["content"], validate=True))
    except (binascii.Error, ValueError) as error:
        message = "the content is not base64"
        raise MessageError(message) from error
