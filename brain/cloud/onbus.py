"""The cloud on the bus: receives and publishes its switch, and counts what was spent."""

import logging
from datetime import datetime

from brain.cloud.ledger import CallLedger
from brain.cloud.worker import RekognitionWorker
from nerves import topics
from nerves.errors import BrokerUnavailable
from nerves.link import Link

__all__ = ["CloudOnBus"]

log = logging.getLogger(__name__)

SWITCH_STATES = {"on": True, "off": False}


class CloudOnBus:
    """Obeys the switch on the bus and publishes its state.

    Args:
        ledger: Stores the switch; commands set it too.
        enabled: Whether the settings allow calls.
        second: Asks for second opinions; None without them.
    """

    def __init__(self, ledger: CallLedger, *, enabled: bool, second: RekognitionWorker | None = None) -> None:
        self._ledger, self._enabled, self.second = ledger, enabled, second
        self._published: object = None

    def receive(self, topic: str, body: bytes) -> None:
        """Set the switch. Runs in the network thread, so the switch is stored before the message is acknowledged."""
        wanted = body.decode(errors="replace")
        if wanted in SWITCH_STATES:
            self._ledger.on = SWITCH_STATES[wanted]
            log.info("the cloud is switched %s", wanted)
        else:
            log.warning("%s: %r is neither on nor off", topic, wanted[:40])

    def tend(self, link: Link) -> None:
        """Publish the state of the switch if it has changed or the connection is new."""
        state = (link.connections, self._ledger.on and self._enabled)
        if state == self._published or not link.connected:
            return
        try:
            link.post(topics.CLOUD, b"on" if state[1] else b"off", retain=True)
            self._published = state
        except BrokerUnavailable:
            return

    @property
    def trouble(self) -> str:
        """Why no second opinion can be asked for, for the brain's status; empty if it can."""
        return self.second.trouble if self.second else ""

    def counts(self, at: datetime) -> dict[str, int]:
        """Return the calls, and the spend in US cents, of the day and the month of `at` (UTC)."""
        spent = self._ledger.spent(at)
        return {
            "cloud_calls_today": spent.day_calls,
            "cloud_calls_month": spent.month_calls,
            "cloud_cents_today": round(100 * spent.day_usd),
            "cloud_cents_month": round(100 * spent.month_usd),
        }
