"""The current problem of a connection or a file, logged once and not at every attempt."""

import logging
import math
import time
from collections import deque

__all__ = ["LogOnce"]

LOG_AGAIN_S = 60.0
FAST_LOSSES_S = 10.0

logger = logging.getLogger(__name__)


class LogOnce:
    """One line for a person in `text`; it is empty if there is no problem."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._logged, self._silent_until = text, math.inf
        self._losses: deque[float] = deque(maxlen=3)

    def log(self, text: str) -> None:
        """Replace the line, and log it if it is new or was last logged more than a minute ago."""
        self.text = text
        now = time.monotonic()
        if text and (text != self._logged or now > self._silent_until):
            logger.warning("%s", text)
            self._logged, self._silent_until = text, now + LOG_AGAIN_S

    def count_loss(self) -> bool:
        """Count a lost connection; return whether they follow as fast as if two processes disconnected each other."""
        self._losses.append(time.monotonic())
        return len(self._losses) == self._losses.maxlen and self._losses[-1] - self._losses[0] < FAST_LOSSES_S
