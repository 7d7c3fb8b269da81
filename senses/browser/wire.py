"""Read the messages that come in on a websocket. Pure.

A binary message is a picture or sound. Sound begins with a byte 1 (a JPEG begins with FF); then follow samples of 16
bits, low byte first, 16,000 a second, one channel, at most one second. A text is JSON from our page, or from a client
of the older protocol; any other text is what somebody said.
"""

import base64
import binascii
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from nerves.errors import MessageError
from nerves.jpeg import fault
from nerves.messages import Group
from nerves.nesting import read_json

__all__ = [
    "Asked",
    "Microphone",
    "Named",
    "PageCamera",
    "PagePicture",
    "PageSpeech",
    "Sound",
    "Spoke",
    "read_bytes",
    "read_text",
]

MAX_WORDS_LENGTH = 2000
SOUND_MARK, SAMPLE_RATE_HZ, SAMPLE_BYTES = 1, 16_000, 2


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class PagePicture(_Message):
    """A JPEG picture."""

    jpeg: bytes


class Sound(_Message):
    """Sound of a microphone, at most one second."""

    pcm: bytes

    @property
    def seconds(self) -> float:
        """The length of the sound."""
        return len(self.pcm) / SAMPLE_BYTES / SAMPLE_RATE_HZ


class PageSpeech(_Message):
    """Somebody said something."""

    do: Literal["heard"] = "heard"
    words: str = Field(min_length=1, max_length=MAX_WORDS_LENGTH)
    confidence: float | None = Field(default=None, ge=0, le=1)


class PageCamera(_Message):
    """The page turns its camera on, and so becomes the camera of the place; or it turns its camera off."""

    do: Literal["camera"]
    on: bool


class Microphone(_Message):
    """The page turns its microphone on, and so becomes the microphone of the place; or it turns its microphone off."""

    do: Literal["microphone"]
    on: bool


class Spoke(_Message):
    """The page has begun to speak a sentence, or reports why it could not."""

    do: Literal["spoke"]
    id: str = Field(max_length=40)
    failed: str = Field(default="", max_length=200)


class Named(_Message):
    """A person says who a visit was; `who` is None if it was not a person."""

    do: Literal["name"]
    visit: str = Field(max_length=40)
    who: str | None = Field(default=None, min_length=1, max_length=40)
    group: Group = "family"


Asked = PageCamera | Microphone | Spoke | Named | PageSpeech
_asked: TypeAdapter[Asked] = TypeAdapter(Annotated[Asked, Field(discriminator="do")])


def read_bytes(body: bytes) -> PagePicture | Sound:
    """Return the picture or sound.

    Raises:
        MessageError: It is neither.
    """
    if body[:1] == bytes([SOUND_MARK]):
        return _sound(body[1:])
    return _picture(body)


def _sound(pcm: bytes) -> Sound:
    if not pcm or len(pcm) % SAMPLE_BYTES or len(pcm) > SAMPLE_RATE_HZ * SAMPLE_BYTES:
        message = f"{len(pcm)} bytes are no sound: 16 bits a sample, at most {SAMPLE_RATE_HZ * SAMPLE_BYTES} bytes"
        raise MessageError(message)
    return Sound(pcm=pcm)


def _picture(body: bytes) -> PagePicture:
    why = fault(body)
    if why:
        raise MessageError(why)
    return PagePicture(jpeg=body)


def read_text(text: str) -> Asked | PagePicture:
    """Return the message that a text is.

    Raises:
        MessageError: It is JSON but no valid message, or it is empty or too long.
    """
    table = _table(text)
    if table is None:
        words = " ".join(text.split())
        if not words or len(words) > MAX_WORDS_LENGTH:
            message = f"{len(words)} characters are no words (1 to {MAX_WORDS_LENGTH})"
            raise MessageError(message)
        return PageSpeech(words=words)
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
        table = read_json(text)
    except ValueError as error:
        message = f"not JSON: {type(error).__name__}"
        raise MessageError(message) from error
    return dict(table)


def _classic(uri: object) -> PagePicture:
    if not isinstance(uri, dict) or uri.get("contentType") != "image/jpeg" or not isinstance(uri.get("content"), str):
        message = 'a picture is {"dataURI": {"contentType": "image/jpeg", "content": "<base64>"}}'
        raise MessageError(message)
    try:
        return _picture(base64.b64decode(uri["content"], validate=True))
    except (binascii.Error, ValueError) as error:
        message = "the content is not base64"
        raise MessageError(message) from error
