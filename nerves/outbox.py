"""Publish the messages of a durable queue: each arrives at least once, however often the broker or we crash."""

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

OUTBOX_WAIT_S = 0.5
ERROR_PAUSE_S = 5.0
MAX_ANSWER_S = 60.0
# After a crash the broker can lose what it acknowledged in its last second, and we may notice the loss only after two
# keepalives. Resend that much.
RESEND_S = 30.0

logger = logging.getLogger(__name__)


class Outbox:
    """A thread that publishes the messages of `queue` inside `with`, one at a time, the oldest first.

    A message on a topic that matches a pattern in `retained` is retained by the broker.
    """

    def __init__(self, queue: DurableQueue, link: Link, *, retained: Iterable[str] = ()) -> None:
        self._queue, self._link, self._retained = queue, link, tuple(retained)
        self._stopping = Event()
        self._connections = 0
        self._connected_at = 0.0

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
        """Wait until the queue is empty; return whether it was within the time."""
        until = time.monotonic() + timeout_s
        while is_waiting := self._queue.counts()["waiting"] > 0:
            if time.monotonic() > until:
                break
            time.sleep(0.02)
        return not is_waiting

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._send_next()
            except KinwatchError as error:
                logger.error("Sending is paused: %s", error)  # noqa: TRY400  (it says what to check)
                self._stopping.wait(ERROR_PAUSE_S)

    def _send_next(self) -> None:
        if self._link.connected:
            self._resend_after_reconnect()
            if row := self._queue.due():
                self._send(row)
                return
        self._queue.wait(OUTBOX_WAIT_S)

    def _resend_after_reconnect(self) -> None:
        """After a reconnect, send again what was acknowledged shortly before the connection was lost."""
        connections = self._link.connections
        if self._connections not in (0, connections):
            count = self._queue.requeue_done(self._connected_at - RESEND_S)
            logger.info("Connected again: sending the last %d messages once more, for safety", count)
        self._connections = connections
        self._connected_at = self._queue.clock()

    def _send(self, row: Row) -> None:
        """Publish one message and wait for the acknowledgement."""
        try:
            is_retained = any(matches(pattern, row.topic) for pattern in self._retained)
            receipt = self._link.post(row.topic, row.body, retain=is_retained)
        except BrokerUnavailable:
            return
        if not self._is_answered(receipt):
            return
        if receipt.refused is None:
            self._queue.mark_done(row.key)
            return
        self._queue.retry_later(row.key, receipt.refused)
        if row.tries == 0:
            logger.warning("the broker refuses %s on %s: %s; trying again", row.key, row.topic, receipt.refused)

    def _is_answered(self, receipt: Receipt) -> bool:
        """Wait for the acknowledgement; the time limit counts only while the link is connected."""
        waits = int(MAX_ANSWER_S / OUTBOX_WAIT_S)
        while waits and not self._stopping.is_set():
            if receipt.wait(OUTBOX_WAIT_S):
                return True
            waits -= self._link.connected
        return False
