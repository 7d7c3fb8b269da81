"""Which pictures of a device travel: pure, on seconds of any clock."""

from senses.browser.settings import BrowserSettings
from senses.gate import Gate
from senses.motion import Motion
from senses.reduced import reduced

__all__ = ["MotionFilter"]

SELDOM_INTERVAL_S = 2.0


class MotionFilter:
    """Lets a device's pictures pass as a camera's do: while something moves and a little longer, and now and then one.

    Where pictures come seldom, each of them passes: it was meant.
    """

    def __init__(self, settings: BrowserSettings) -> None:
        self._gate = Gate(sweep_s=settings.sweep_s, linger_s=settings.linger_s)
        self._motion = Motion(sensitivity=settings.sensitivity, memory=settings.fps)  # of a second
        self._last = float("-inf")

    def passes(self, jpeg: bytes, at: float) -> bool:
        """Return whether the picture that came at `at` (seconds) travels; the first one does."""
        seldom, self._last = at - self._last >= SELDOM_INTERVAL_S, at
        grey = reduced(jpeg)
        # What cannot be decoded travels: the brain says so to the household, silence would not.
        moved = grey is None or self._motion.moved(grey)
        return self._gate.passes(at, moved=moved or seldom)
