"""`kinwatch listen`: what travels on the bus, a line a message."""

import sys
import time
from queue import Empty, Queue
from typing import Any

from kinwatch.console import emit, say, sentence
from nerves import topics
from nerves.broker import house_url
from nerves.bus import open_link
from nerves.errors import BrokerUnavailable, MessageError
from nerves.jpeg import fault
from nerves.messages import Fact, Visit, parse
from nerves.settings import House

__all__ = ["describe", "run", "wrong"]

# What Home Assistant and our actuator for it tell each other is no message of ours.
HOME_ASSISTANT = f"{topics.ROOT}/ha/"
CONNECT_S = 5.0


def run(house: House, *, json: bool, strict: bool, seconds: float | None) -> None:
    """Do `kinwatch listen`, until Ctrl-C or for so many seconds."""
    arrived: Queue[tuple[str, bytes]] = Queue(maxsize=10_000)
    for topic, payload in _messages(house, arrived, seconds):
        problem = wrong(topic, payload)
        if problem:
            emit({"topic": topic, "wrong": problem}) if json else say(f"WRONG {problem}", "red")
        elif json:
            emit(_as_json(topic, payload))
        elif not strict:
            say(*describe(topic, payload))


def wrong(topic: str, payload: bytes) -> str | None:
    """Return what does not fit the contract in a message, in one line; None if all is well."""
    try:
        place, kind = topics.parse(topic)
    except MessageError as error:
        return None if topic in (topics.MODE, topics.MODE_SET) else str(error)
    if kind == "frame":
        why = fault(payload)
        return f"{topic}: a frame is a bare JPEG, this is {why}" if why else None
    if (place, kind) == ("mode", "set"):
        return None
    try:
        parse(topic, payload)
    except MessageError as error:
        return str(error)
    return None


def describe(topic: str, payload: bytes) -> tuple[str, str | None]:
    """Return a line for a person, and its colour."""
    place, _, kind = topic.removeprefix(f"{topics.ROOT}/").rpartition("/")
    if kind == "frame":
        return f"{place}: frame, {len(payload) / 1000:.0f} KB", "dim"
    if topic in (topics.MODE, topics.MODE_SET):
        return f"{topic}: {payload.decode(errors='replace')}", None
    fact = parse(topic, payload)
    if isinstance(fact, Visit):
        return sentence(fact)
    told = fact.model_dump(mode="json", exclude={"id", "place", "at"}, exclude_none=True, exclude_defaults=True)
    return f"{place}: {kind} {', '.join(f'{key}={value}' for key, value in told.items())}", "dim"


def _messages(house: House, arrived: "Queue[tuple[str, bytes]]", seconds: float | None) -> Any:  # noqa: ANN401
    end = time.monotonic() + seconds if seconds else None
    url = house_url(house)
    if url is None:
        message = "no broker: set mqtt.url, or start the house with `kinwatch up`"
        raise BrokerUnavailable(message)
    link = open_link(url, "kinwatch-listen", durable=False, password=house.mqtt.login)
    link.listen(f"{topics.ROOT}/#", lambda topic, payload: arrived.put_nowait((topic, payload)), qos=0)
    with link:
        if not link.wait_connected(CONNECT_S):
            raise BrokerUnavailable(link.trouble or f"no broker answers at {url} within {CONNECT_S:.0f} s")
        sys.stderr.write(f"listening on {url}; Ctrl-C ends it\n")
        while end is None or time.monotonic() < end:
            try:
                topic, payload = arrived.get(timeout=0.2)
            except Empty:
                continue
            if not topic.startswith(HOME_ASSISTANT):
                yield topic, payload


def _as_json(topic: str, payload: bytes) -> dict[str, Any]:
    if topic.endswith("/frame"):
        return {"topic": topic, "bytes": len(payload)}
    if topic in (topics.MODE, topics.MODE_SET):
        return {"topic": topic, "mode": payload.decode(errors="replace")}
    fact: Fact = parse(topic, payload)
    fields = fact.model_dump(mode="json", exclude={"picture"}, exclude_none=True)
    return {"topic": topic, "message": fields}
