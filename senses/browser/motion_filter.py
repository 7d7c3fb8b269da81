"""Decide which pictures of a page become frames. Pure functions of time: seconds of any clock."""

from senses.browser.settings import BrowserSettings
from senses.gate import Gate
from senses.motion import Motion
from senses.reduced import reduced

__all__ = ["MotionFilter"]

SELDOM_INTERVAL_S = 2.0


class MotionFilter:
    """Passes a page's pictures like a camera's: while something moves, `linger_s` longer, and one every `sweep_s`.

    A picture that comes 2 s or more after the last one always passes: whoever sends so seldom means each picture.
    """

    def __init__(self, settings: BrowserSettings) -> None:
        self._gate = Gate(sweep_s=settings.sweep_s, linger_s=settings.linger_s)
        self._motion = Motion(sensitivity=settings.sensitivity, memory=settings.fps)  # an average over one second
        self._last = float("-inf")

    def passes(self, jpeg: bytes, at: float) -> bool:
        """Return whether the picture that came at `at` (seconds) becomes a frame; the first one always does."""
        seldom, self._last = at - self._last >= SELDOM_INTERVAL_S, at
        grey = reduced(jpeg)
        # A picture that cannot be decoded passes: the brain then tells the household. Dropping it would hide the fault.
        moved = grey is None or self._motion.moved(grey)
        return self._gate.passes(at, moved=moved or seldom)
