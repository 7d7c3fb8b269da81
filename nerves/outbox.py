"""Empties a box onto the bus: what was put in arrives, however often the broker or we fall over."""

import logging
import time
from collections.abc import Iterable
from threading import Event, Thread
from types import TracebackType
from typing import Self

from nerves.durable_queue import DurableQueue, Row
from nerves.errors import BrokerUnavailable, KinwatchError
from nerves.link import Link, Receipt
from nerves.topics import matches

__all__ = ["Outbox"]

TURN_S = 0.5
BROKEN_S = 5.0
ANSWER_S = 60.0
# A broker that crashes may forget what it had just confirmed: up to a second on its side, and up to two
# keepalives until we notice a machine that has gone without a word.
GRACE_S = 30.0

logger = logging.getLogger(__name__)


class Outbox:
    """A thread that posts what is in `box`, oldest first and one at a time, while `with` lasts.

    The broker keeps the last message of every topic that fits a pattern in `retained`.
    """

    def __init__(self, queue: DurableQueue, link: Link, *, retained: Iterable[str] = ()) -> None:
        self._box, self._link, self._retained = queue, link, tuple(retained)
        self._stopping = Event()
        self._connections = 0
        self._alive = 0.0

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def flush(self, timeout_s: float) -> bool:
        """Return whether the box was empty within the time."""
        until = time.monotonic() + timeout_s
        while is_full := self._box.counts()["waiting"] > 0:
            if time.monotonic() > until:
                break
            time.sleep(0.02)
        return not is_full

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._turn()
            except KinwatchError as error:
                logger.error("nothing leaves for now: %s", error)  # noqa: TRY400  (it says what to check)
                self._stopping.wait(BROKEN_S)

    def _turn(self) -> None:
        if self._link.connected:
            self._look_back()
            if row := self._box.due():
                self._send(row)
                return
        self._box.wait(TURN_S)

    def _look_back(self) -> None:
        """After a reconnect, send again what was confirmed shortly before the connection was lost."""
        connections = self._link.connections
        if self._connections not in (0, connections):
            count = self._box.requeue_done(self._alive - GRACE_S)
            logger.info("connected again: %d messages are sent once more, for safety", count)
        self._connections = connections
        self._alive = self._box.clock()

    def _send(self, row: Row) -> None:
        """Post one message and wait for the answer."""
        try:
            keep = any(matches(pattern, row.topic) for pattern in self._retained)
            receipt = self._link.post(row.topic, row.body, retain=keep)
        except BrokerUnavailable:
            return
        if not self._is_answered(receipt):
            return
        if receipt.refused is None:
            self._box.mark_done(row.key)
            return
        self._box.retry_later(row.key, receipt.refused)
        if row.tries == 0:
            logger.warning("the broker refuses %s on %s: %s; trying again", row.key, row.topic, receipt.refused)

    def _is_answered(self, receipt: Receipt) -> bool:
        """Wait while the link delivers, through as many reconnects as it takes."""
        turns = int(ANSWER_S / TURN_S)
        while turns and not self._stopping.is_set():
            if receipt.wait(TURN_S):
                return True
            turns -= self._link.connected
        return False
