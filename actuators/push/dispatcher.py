"""Carries letters to their services, each service by itself: a slow one holds nobody up."""

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import NamedTuple
from uuid import UUID

from actuators.push.services import Notification, deliver

__all__ = ["Delivery", "Dispatcher"]

logger = logging.getLogger(__name__)


class Delivery(NamedTuple):
    """A letter on its way."""

    visit: UUID
    service: str
    number: int
    """How much its reader knows once it is delivered."""


class Dispatcher:
    """At most one letter under way for each service.

    `folder` is for pictures under way; `report` is called, in a thread of its own, as soon as an errand is over, with
    why the letter was not taken, or nothing.
    """

    def __init__(self, folder: Path, report: Callable[[Delivery, str], None]) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        for left in folder.glob("*.jpg"):  # by one who was killed
            left.unlink(missing_ok=True)
        self._folder, self._report = folder, report
        self._out: dict[str, Delivery] = {}

    def is_out(self, service: str) -> bool:
        """Whether a letter to a service is under way."""
        return service in self._out

    def out_for(self, visit: UUID) -> set[str]:
        """Return the services to which a letter about a visit is under way."""
        return {errand.service for errand in tuple(self._out.values()) if errand.visit == visit}

    def send(self, errand: Delivery, url: str, letter: Notification) -> None:
        """Send a letter on its way."""
        self._out[errand.service] = errand
        Thread(target=self._go, args=(errand, url, letter), name="letter", daemon=True).start()

    def over(self, errand: Delivery) -> None:
        """Note that an errand is over."""
        del self._out[errand.service]

    def _go(self, errand: Delivery, url: str, letter: Notification) -> None:
        try:
            why = deliver(url, letter, self._folder)
        except Exception as error:  # one broken service must not keep the others silent
            logger.exception("a letter could not be handed over")
            why = f"broke: {type(error).__name__}"
        self._report(errand, why)
