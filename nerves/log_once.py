"""What is wrong with a connection: kept for whoever asks, and logged once, not at every attempt."""

import logging
import math
import time
from collections import deque

__all__ = ["LogOnce"]

SILENT_S = 60.0
DISPUTE_S = 10.0

logger = logging.getLogger(__name__)


class LogOnce:
    """One line for a person; empty while all is well."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._logged, self._silent_until = text, math.inf
        self._losses: deque[float] = deque(maxlen=3)

    def log(self, text: str) -> None:
        """Replace the line, and log it if it is new or has not been logged for a minute."""
        self.text = text
        now = time.monotonic()
        if text and (text != self._logged or now > self._silent_until):
            logger.warning("%s", text)
            self._logged, self._silent_until = text, now + SILENT_S

    def count_loss(self) -> bool:
        """Note a loss; True if they come as fast as when two processes throw each other out."""
        self._losses.append(time.monotonic())
        return len(self._losses) == self._losses.maxlen and self._losses[-1] - self._losses[0] < DISPUTE_S
