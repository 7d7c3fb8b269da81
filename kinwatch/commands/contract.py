"""Check a message that has arrived against the contract, in lines that say what to check. It does no I/O."""

import base64
import binascii
import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from nerves import topics
from nerves.errors import MessageError
from nerves.exif import capture_time
from nerves.jpeg import MAX_MEGAPIXELS, MIN_SIDE, fault, size
from nerves.link import BusMessage
from nerves.messages import FACTS, CameraEnabled, Fact, Frame, People, Status, Visit, read_fact
from nerves.sources import did_you_mean

__all__ = ["find_doubts", "find_fault"]

FRAME_KIND = Frame.kind
# The brain believes a frame's own time within these limits; a fact may have waited a little for its broker.
CLOCK_PAST, CLOCK_FUTURE, CLOCK_TOLERANCE = timedelta(seconds=60), timedelta(seconds=2), timedelta(seconds=60)
# Mosquitto 2.1 ends the connection of a client that sends more, unless `max_packet_size` allows it.
LARGE_FRAME_MB = 2.0
RETAINED_KINDS = frozenset({Status.kind, People.kind, CameraEnabled.kind})
BEGINNINGS = {
    b"\x89PNG": "a PNG: convert it to JPEG",
    b"RIFF": "a WebP or a sound: convert it to JPEG",
    b"GIF8": "a GIF: convert it to JPEG",
    b"BM": "a BMP: convert it to JPEG",
    b"data:": "a data URI: send the picture's own bytes, not base64",
    b"/9j/": "base64: send the picture's own bytes (mosquitto_pub -f, not -m)",
    b"{": "JSON: send the picture's own bytes and nothing else",
    b"<": "HTML or XML: is that the address of a page, not of a picture?",
    b"--": "a part of an MJPEG stream: send each JPEG alone",
    b"\x00\x00\x00": "video: send single JPEG pictures",
}
PICTURE_SUFFIXES = (b".jpg", b".jpeg", b".JPG", b".JPEG", b".png")


def find_fault(message: BusMessage, at: datetime) -> str | None:
    """Return in one line how a message that arrived at this time breaks the contract; None if it does not."""
    if _takes_back(message):
        return None
    why = _topic(message.topic)
    if why or message.topic in topics.WORD_TOPICS:
        return f"{message.topic}: {why}" if why else None
    kind = topics.split(message.topic).kind
    if kind == FRAME_KIND:
        why = _frame(message.payload) or _wrongly_retained(message)
        return f"{message.topic}: {why}" if why else None
    try:
        fact = read_fact(message.topic, message.payload)
    except MessageError as error:
        return f"{error}{_advice(message.payload, str(error))}"
    why = _picture(fact) or _wrongly_retained(message) or _clock(fact, message, at)
    return f"{message.topic}: {why}" if why else None


def find_doubts(message: BusMessage, at: datetime) -> Iterator[str]:
    """Yield what the contract allows in a message, but its sender has probably not meant."""
    if message.topic in topics.WORD_TOPICS or _takes_back(message):
        return
    kind = topics.split(message.topic).kind
    found = _of_frame(message, at) if kind == FRAME_KIND else _of_fact(message)
    for what in found:
        yield f"{message.topic}: {what}"


def _takes_back(message: BusMessage) -> bool:
    """Return whether this empty message only clears a retained one."""
    if message.payload:
        return False
    # With MQTT 3.1.1 a new message does not show that it is retained.
    is_kept = message.topic.startswith(topics.status("")) or message.topic.rpartition("/")[2] in RETAINED_KINDS
    return message.retained or is_kept


def _topic(topic: str) -> str | None:
    if topic in topics.WORD_TOPICS:
        return None
    if not topic.startswith(f"{topics.ROOT}/"):
        return f"begin it with {topics.ROOT}/, in small letters and without a slash in front"
    try:
        place, kind = topics.split(topic)
        if place != Status.kind:
            topics.check_place(place)
    except MessageError:
        return f"not a topic of the form {topics.ROOT}/<place>/<kind>, as {topics.ROOT}/hall/{FRAME_KIND}"
    except ValueError as error:
        return str(error)
    is_ours = place == Status.kind or kind in FACTS or kind == FRAME_KIND
    return None if is_ours else f"no message of ours is called {kind}: {did_you_mean(kind, [FRAME_KIND, *FACTS])}"


def _frame(payload: bytes) -> str | None:
    """Return why the brain would refuse these bytes as a picture; None if it would not."""
    why = fault(payload)
    if why:
        return f"a frame is a bare JPEG, this is {_guess(payload) or why}"
    width, height = size(payload) or (0, 0)
    if not width:
        return "a frame is a bare JPEG, this one's head is damaged: is it cut, or joined from two?"
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        return f"{width} x {height} pixels: more than {MAX_MEGAPIXELS} megapixels are refused: send it smaller"
    if min(width, height) < MIN_SIDE:
        return f"{width} x {height} pixels: too small to show anybody"
    return None


def _guess(payload: bytes) -> str | None:
    """Return what a payload is instead of a JPEG; None if that cannot be recognised."""
    if payload.endswith(PICTURE_SUFFIXES) and b"\n" not in payload:
        return "a file's name: send what is in the file (mosquitto_pub -f, not -m)"
    return next((what for begins, what in BEGINNINGS.items() if payload.startswith(begins)), None)


def _wrongly_retained(message: BusMessage) -> str | None:
    if not message.retained or topics.split(message.topic).place == Status.kind:
        return None
    kind = topics.split(message.topic).kind
    if kind in RETAINED_KINDS:
        return None
    return (
        "retained: whoever comes later takes it for news. Send it without the retain flag, and take this one back: "
        f"mosquitto_pub -r -n -t {message.topic}"
    )


def _clock(fact: Fact, message: BusMessage, at: datetime) -> str | None:
    """Return what is wrong with the sender's clock; None if nothing is.

    A status is not checked: a last will carries the time when it was made, long before it is sent.
    """
    if message.retained or isinstance(fact, Status) or "at" not in fact.model_fields_set:
        return None
    late = at - fact.at
    if -CLOCK_TOLERANCE <= late <= CLOCK_TOLERANCE:
        return None
    way = "old" if late > timedelta() else "in the future"
    return (
        f"at: {fact.at:%Y-%m-%d %H:%M:%S} UTC is {_span(abs(late))} {way}: check the sender's clock and its time zone, "
        "or leave `at` out: then arrival counts"
    )


def _picture(fact: Fact) -> str | None:
    if isinstance(fact, Visit) and fact.picture is not None and (why := fault(fact.picture)):
        return f"picture: {why}"
    return None


def _advice(payload: bytes, error: str) -> str:
    """Return what to check if a fact cannot be read; empty if the error says it all."""
    if "timezone" in error:
        return ': write it as "2026-11-21T20:00:00Z"'
    if "not JSON" not in error:
        return ""
    if payload.startswith(b"\xff\xd8"):
        return f": this is a JPEG: send it on kinwatch/<place>/{FRAME_KIND}"
    if b"'" in payload and b'"' not in payload:
        return ': JSON wants double quotes: {"words": "ding dong"}'
    if _is_base64(payload):
        return ": this is base64: send the JSON itself"
    return f': it begins with {payload[:20]!r}; as an example: {{"words": "ding dong"}}'


def _is_base64(payload: bytes) -> bool:
    try:
        json.loads(base64.b64decode(payload, validate=True))
    except (binascii.Error, ValueError):
        return False
    return True


def _of_frame(message: BusMessage, at: datetime) -> Iterator[str]:
    if message.qos:
        yield f"QoS {message.qos}: send frames as QoS 0: nobody needs a late one"
    if len(message.payload) > LARGE_FRAME_MB * 1_000_000:
        megabytes = len(message.payload) / 1_000_000
        limit = f"{LARGE_FRAME_MB:.0f} MB"
        yield f"{megabytes:.1f} MB: some brokers end the connection at {limit}; 1920 pixels and quality 80 are enough"
    sent = capture_time(message.payload)
    if sent is not None and not at - CLOCK_PAST <= sent <= at + CLOCK_FUTURE:
        yield (
            f"its EXIF says {sent:%Y-%m-%d %H:%M:%S} UTC, {_span(abs(at - sent))} off: not believed, arrival "
            "counts. Set the camera's clock, or leave EXIF out"
        )


def _of_fact(message: BusMessage) -> Iterator[str]:
    fact = read_fact(message.topic, message.payload)
    if message.qos < fact.qos:
        yield "QoS 0: it is lost where the connection is; send facts as QoS 1 (mosquitto_pub -q 1)"
    known = type(fact).model_fields
    for key in json.loads(message.payload):
        if key not in known:
            yield f"{key}: no key of a {fact.kind}, so nobody reads it: {did_you_mean(key, known)}"


def _span(off: timedelta) -> str:
    seconds = off.total_seconds()
    for name, unit in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} seconds"
