"""Decide which frames are sent. Pure functions of time: seconds of any clock."""

from collections.abc import Callable

__all__ = ["FrameRateLimit", "Gate"]

PERIOD_SLACK = 0.1  # a picture may come this share of a period early, because a camera's clock is not exact


class FrameRateLimit:
    """Passes at most `fps()` pictures a second, evenly spaced and without drift."""

    def __init__(self, fps: Callable[[], float]) -> None:
        self._fps = fps
        self._due = float("-inf")

    def due(self, at: float) -> bool:
        """Return whether a picture taken at `at` (seconds) may pass, and count it if so."""
        late, period_s = at - self._due, 1 / self._fps()
        if late < -PERIOD_SLACK * period_s:
            return False
        self._due = self._due + period_s if late < period_s else at + period_s
        return True


class Gate:
    """Passes pictures while something moves, for `linger_s` seconds after that, and one every `sweep_s` seconds."""

    def __init__(self, *, sweep_s: float, linger_s: float) -> None:
        self._sweep_s, self._linger_s = sweep_s, linger_s
        self._open_until: float | None = None
        self._passed = 0.0

    def passes(self, at: float, *, moved: bool) -> bool:
        """Return whether to send the picture taken at `at` (seconds); the first picture is always sent."""
        first = self._open_until is None
        if self._open_until is None or moved:
            self._open_until = at + self._linger_s
        if not (first or moved or at < self._open_until or at - self._passed >= self._sweep_s):
            return False
        self._passed = at
        return True
