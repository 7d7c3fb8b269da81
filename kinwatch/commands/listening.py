"""`kinwatch listen`: what travels on the bus, a line a message."""

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

# What Home Assistant and our actuator for it tell each other is no message of ours.
HOME_ASSISTANT = f"{topics.ROOT}/ha/"
# Where a sense that is nearly right publishes.
ASTRAY = (f"/{topics.ROOT}/#", f"{topics.ROOT.upper()}/#", f"{topics.ROOT.capitalize()}/#")
CONNECT_S = 5.0


def run_listen(house: HouseSettings, *, json: bool, strict: bool, seconds: float | None, messages: int | None) -> None:
    """Do `kinwatch listen`, until Ctrl-C, for so many seconds or until so many messages have come.

    Strict, it raises `KinwatchError` at the end if anything was wrong, or nothing came.
    """
    arrived: Queue[BusMessage] = Queue(maxsize=10_000)
    count = _Count()
    for letter in _letters(house, arrived, seconds, strict=strict):
        problem = contract.find_fault(letter, now())
        if problem:
            emit({"topic": letter.topic, "wrong": problem}) if json else print_line(f"WRONG {problem}", "red")
        else:
            _show(letter, json=json, strict=strict)
        # What the broker had kept and the life of services says nothing of a sense that is being tried.
        if problem or not (letter.retained or letter.topic.startswith(topics.status(""))):
            count.took(letter, is_wrong=problem is not None, tells=strict and not json)
        if messages and count.all >= messages:
            break
    if strict:
        count.judge()


class _Count:
    """What came, and how much of it was wrong."""

    def __init__(self) -> None:
        self.all = self.wrong = 0
        self._well: set[str] = set()

    def took(self, letter: BusMessage, *, is_wrong: bool, tells: bool) -> None:
        self.all += 1
        self.wrong += is_wrong
        if tells and not is_wrong and letter.topic not in self._well:
            self._well.add(letter.topic)
            err.print(f"well: {letter.topic} ({len(letter.payload)} bytes)", style="green", markup=False)

    def judge(self) -> None:
        """Say whether all was well; `KinwatchError` if not."""
        if not self.all:
            message = "nothing arrived: does the sender use this broker, and topics that begin with kinwatch/?"
            raise KinwatchError(message)
        if self.wrong:
            message = f"{self.wrong} of {self.all} messages do not fit: see above"
            raise KinwatchError(message)
        err.print(f"{self.all} messages, all well")


def _show(letter: BusMessage, *, json: bool, strict: bool) -> None:
    """Show a message that fits; strict, only what is hardly meant in it."""
    doubts = list(contract.find_doubts(letter, now())) if strict else []
    if json:
        emit(_as_json(letter.topic, letter.payload) | ({"doubts": doubts} if doubts else {}))
    elif not strict:
        print_line(*describe(letter.topic, letter.payload))
    for doubt in [] if json else doubts:
        print_line(f"CHECK {doubt}", "yellow")


def describe(topic: str, payload: bytes) -> tuple[str, str | None]:
    """Return a line for a person, and its colour."""
    place, _, kind = topic.removeprefix(f"{topics.ROOT}/").rpartition("/")
    if kind == "frame":
        return f"{place}: frame, {len(payload) / 1000:.0f} KB", "dim"
    if not payload:
        return f"{place}: {kind} taken back", "dim"
    if topic in topics.WORDS:
        return f"{topic}: {payload.decode(errors='replace')}", None
    fact = read_fact(topic, payload)
    if isinstance(fact, Visit):
        return sentence(fact)
    told = fact.model_dump(mode="json", exclude={"id", "place", "at"}, exclude_none=True, exclude_defaults=True)
    return f"{place}: {kind} {', '.join(f'{key}={value}' for key, value in told.items())}", "dim"


def _letters(
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
                letter = arrived.get(timeout=0.2)
            except Empty:
                continue
            if not letter.topic.startswith(HOME_ASSISTANT):
                yield letter


def _as_json(topic: str, payload: bytes) -> dict[str, Any]:
    if topic.endswith("/frame") or not payload:
        return {"topic": topic, "bytes": len(payload)}
    if topic in topics.WORDS:
        return {"topic": topic, topic.split("/")[1]: payload.decode(errors="replace")}
    fact: Fact = read_fact(topic, payload)
    fields = fact.model_dump(mode="json", exclude={"picture"}, exclude_none=True)
    return {"topic": topic, "message": fields}
