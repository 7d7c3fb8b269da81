"""Pure: after a failure, stops all calls for a while, then lets one through. Times are seconds of a steady clock."""

__all__ = ["Breaker"]

FIRST_BREAK_S, LONGEST_BREAK_S = 15.0, 600.0
# A refusal lasts until a person repairs the credentials or permissions.
REFUSED_BREAK_S = 3600.0


class Breaker:
    """Decides whether a call may be made."""

    def __init__(self) -> None:
        self._pause = 0.0
        self._until = 0.0

    @property
    def closed(self) -> bool:
        """Whether the last known call worked, or none was made yet."""
        return self._pause == 0

    def left(self, now: float) -> float:
        """Return the seconds until the next call may be made; 0 if it may be made now."""
        return 0.0 if self.closed else max(0.0, self._until - now)

    def allows(self, now: float) -> bool:
        """Return whether a call may be made. After a failure only one call for each pause is let through."""
        if self.left(now):
            return False
        self._until = now + self._pause
        return True

    def worked(self) -> None:
        """Record an answer: all calls may be made again."""
        self._pause = 0.0

    def failed(self, now: float, *, refused: bool = False) -> None:
        """Record a failure. The pause doubles with each one in a row, from 15 s to 10 min; a refusal's is 1 h."""
        self._pause = REFUSED_BREAK_S if refused else min(max(2 * self._pause, FIRST_BREAK_S), LONGEST_BREAK_S)
        self._until = now + self._pause
