"""The brain's wish to look closer at a place: how long it holds. Shared by all cameras."""

import time
from collections.abc import Callable, Iterator

from nerves.messages import Fact, LookCloser

__all__ = ["CloserLook"]


class CloserLook:
    """Knows whether the brain wants larger pictures, and more of them, at this moment.

    Args:
        clock: Returns seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._until = clock, float("-inf")

    def want(self, wish: LookCloser) -> None:
        """Take a wish. It counts from now, because the clocks of two machines differ."""
        self._until = max(self._until, self._clock() + wish.seconds)

    def watching(self, facts: Iterator[Fact]) -> Iterator[Fact]:
        """Yield the facts, and take each wish among them."""
        for fact in facts:
            if isinstance(fact, LookCloser):
                self.want(fact)
            yield fact

    def is_wanted(self, *, within_s: float = 0.0) -> bool:
        """Return whether a wish holds, or held within the last `within_s` seconds."""
        return self._clock() < self._until + within_s
