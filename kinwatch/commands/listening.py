"""`kinwatch listen`: the messages on the bus, one in a line."""

import sys
import time
from collections.abc import Iterator
from queue import Empty, Queue
from typing import Any

from kinwatch.commands import contract
from kinwatch.console import emit, err, print_line, sentence
from nerves import topics
from nerves.broker import house_url
from nerves.bus import open_link
from nerves.errors import BrokerUnavailable, KinwatchError
from nerves.link import BusMessage
from nerves.messages import Fact, Visit, now, read_fact
from nerves.settings import HouseSettings

__all__ = ["describe", "run_listen"]

# Home Assistant and our actuator for it exchange messages here that are outside the contract.
HOME_ASSISTANT = f"{topics.ROOT}/ha/"
# A sense with a mistake in its topic publishes here.
ASTRAY = (f"/{topics.ROOT}/#", f"{topics.ROOT.upper()}/#", f"{topics.ROOT.capitalize()}/#")
CONNECT_S = 10.0


def run_listen(house: HouseSettings, *, json: bool, strict: bool, seconds: float | None, messages: int | None) -> None:
    """Do `kinwatch listen`: until Ctrl-C, for the seconds given or for the messages given.

    Raises:
        BrokerUnavailable: There is no broker, or it does not answer.
        KinwatchError: With `strict`, at the end, if a message was wrong or none came.
    """
    arrived: Queue[BusMessage] = Queue(maxsize=10_000)
    count = _Count()
    for message in _messages(house, arrived, seconds, strict=strict):
        problem = contract.find_fault(message, now())
        if problem:
            emit({"topic": message.topic, "wrong": problem}) if json else print_line(f"WRONG {problem}", "red")
        else:
            _show(message, json=json, strict=strict)
        # Retained messages and statuses are not what somebody who tries a sense waits for.
        if problem or not (message.retained or message.topic.startswith(topics.status(""))):
            count.add(message, is_wrong=problem is not None, prints=strict and not json)
        if messages and count.all >= messages:
            break
    if strict:
        count.finish()


class _Count:
    """How many messages came, and how many of them were wrong."""

    def __init__(self) -> None:
        self.all = self.wrong = 0
        self._good_topics: set[str] = set()

    def add(self, message: BusMessage, *, is_wrong: bool, prints: bool) -> None:
        self.all += 1
        self.wrong += is_wrong
        if prints and not is_wrong and message.topic not in self._good_topics:
            self._good_topics.add(message.topic)
            err.print(f"well: {message.topic} ({len(message.payload)} bytes)", style="green", markup=False)

    def finish(self) -> None:
        """Print that all was well; `KinwatchError` if a message was wrong or none came."""
        if not self.all:
            message = "nothing arrived: does the sender use this broker, and topics that begin with kinwatch/?"
            raise KinwatchError(message)
        if self.wrong:
            message = f"{self.wrong} of {self.all} messages do not fit: see above"
            raise KinwatchError(message)
        err.print(f"{self.all} messages, all well")


def _show(message: BusMessage, *, json: bool, strict: bool) -> None:
    """Print a message that fits the contract; with `strict`, only what its sender has probably not meant."""
    doubts = list(contract.find_doubts(message, now())) if strict else []
    if json:
        emit(_as_json(message.topic, message.payload) | ({"doubts": doubts} if doubts else {}))
    elif not strict:
        print_line(*describe(message.topic, message.payload))
    for doubt in [] if json else doubts:
        print_line(f"CHECK {doubt}", "yellow")


def describe(topic: str, payload: bytes) -> tuple[str, str | None]:
    """Return a line for a person, and its colour."""
    place, _, kind = topic.removeprefix(f"{topics.ROOT}/").rpartition("/")
    if kind == "frame":
        return f"{place}: frame, {len(payload) / 1000:.0f} KB", "dim"
    if not payload:
        return f"{place}: {kind} taken back", "dim"
    if topic in topics.WORD_TOPICS:
        return f"{topic}: {payload.decode(errors='replace')}", None
    fact = read_fact(topic, payload)
    if isinstance(fact, Visit):
        return sentence(fact)
    fields = fact.model_dump(mode="json", exclude={"id", "place", "at"}, exclude_none=True, exclude_defaults=True)
    return f"{place}: {kind} {', '.join(f'{key}={value}' for key, value in fields.items())}", "dim"


def _messages(
    house: HouseSettings, arrived: "Queue[BusMessage]", seconds: float | None, *, strict: bool
) -> Iterator[BusMessage]:
    end = time.monotonic() + seconds if seconds else None
    url = house_url(house)
    if url is None:
        message = "no broker: set mqtt.url, or start the house with `kinwatch up`"
        raise BrokerUnavailable(message)
    link = open_link(url, "kinwatch-listen", durable=False, password=house.mqtt.login)
    for pattern in (f"{topics.ROOT}/#", *(ASTRAY if strict else ())):
        link.monitor(pattern, arrived.put_nowait)
    with link:
        if not link.wait_connected(CONNECT_S):
            raise BrokerUnavailable(link.trouble or f"no broker answers at {url} within {CONNECT_S:.0f} s")
        sys.stderr.write(f"listening on {url}; Ctrl-C ends it\n")
        while end is None or time.monotonic() < end:
            try:
                received = arrived.get(timeout=0.2)
            except Empty:
                continue
            if not received.topic.startswith(HOME_ASSISTANT):
                yield received


def _as_json(topic: str, payload: bytes) -> dict[str, Any]:
    if topic.endswith("/frame") or not payload:
        return {"topic": topic, "bytes": len(payload)}
    if topic in topics.WORD_TOPICS:
        return {"topic": topic, topic.split("/")[1]: payload.decode(errors="replace")}
    fact: Fact = read_fact(topic, payload)
    fields = fact.model_dump(mode="json", exclude={"picture"}, exclude_none=True)
    return {"topic": topic, "message": fields}
