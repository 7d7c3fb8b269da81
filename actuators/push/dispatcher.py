"""Sends notifications, each service in a thread of its own: a slow service delays no other."""

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from actuators.push.services import Notification, deliver

__all__ = ["Delivery", "Dispatcher"]

logger = logging.getLogger(__name__)


class Delivery(NamedTuple):
    """A notification on its way to one service."""

    alert: str
    """The key of the alert."""
    service: str
    number: int
    """The number of the last update that the service has, once this is delivered."""


class Dispatcher:
    """Sends at most one notification at a time to each service.

    `folder` holds pictures while they are sent. `report` is called as soon as a delivery has ended, in its thread, with
    the reason why it failed or an empty text.
    """

    def __init__(self, folder: Path, report: Callable[[Delivery, str], None]) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        for left in folder.glob("*.jpg"):  # of a process that was killed
            left.unlink(missing_ok=True)
        self._folder, self._report = folder, report
        self._under_way: dict[str, Delivery] = {}

    def is_busy(self, service: str) -> bool:
        """Whether a delivery to a service is under way."""
        return service in self._under_way

    def busy_services(self, alert: str) -> set[str]:
        """Return the services to which a notification of an alert is under way."""
        return {delivery.service for delivery in tuple(self._under_way.values()) if delivery.alert == alert}

    def send(self, delivery: Delivery, url: str, notification: Notification) -> None:
        """Start a delivery and return at once."""
        self._under_way[delivery.service] = delivery
        Thread(target=self._deliver, args=(delivery, url, notification), name="delivery", daemon=True).start()

    def finish(self, delivery: Delivery) -> None:
        """Record that a delivery has ended: its service may be sent the next one."""
        del self._under_way[delivery.service]

    def _deliver(self, delivery: Delivery, url: str, notification: Notification) -> None:
        try:
            reason = deliver(url, notification, self._folder)
        except Exception as error:  # one broken service must not stop the others
            logger.exception("Sending a notification failed")
            reason = f"broke: {type(error).__name__}"
        self._report(delivery, reason)
