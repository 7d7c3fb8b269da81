"""Pure: after a failure nobody is asked for a while, then one may try; times are seconds of any steady clock."""

__all__ = ["Breaker"]

FIRST_BREAK_S, LONGEST_BREAK_S = 15.0, 600.0
# Credentials and permissions are repaired by a person.
REFUSED_BREAK_S = 3600.0


class Breaker:
    """Whether it is worth asking."""

    def __init__(self) -> None:
        self._pause = 0.0
        self._until = 0.0

    @property
    def closed(self) -> bool:
        """Whether all is well, as far as is known."""
        return self._pause == 0

    def left(self, now: float) -> float:
        """Return in how many seconds somebody may ask again."""
        return 0.0 if self.closed else max(0.0, self._until - now)

    def allows(self, now: float) -> bool:
        """Return whether to ask; one who is let through after a failure is alone until a pause has passed."""
        if self.left(now):
            return False
        self._until = now + self._pause
        return True

    def worked(self) -> None:
        """There was an answer: everybody may ask."""
        self._pause = 0.0

    def failed(self, now: float, *, refused: bool = False) -> None:
        """There was none: each time in a row the pause is twice as long; a refusal's is an hour."""
        self._pause = REFUSED_BREAK_S if refused else min(max(2 * self._pause, FIRST_BREAK_S), LONGEST_BREAK_S)
        self._until = now + self._pause
