"""Limits of how often something may happen. Pure: the clock is given."""

import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

__all__ = ["AddressLimits", "TokenBucket"]

MAX_ADDRESSES = 1000


class TokenBucket:
    """Allows `per_s` a second on average, and `burst` at once."""

    def __init__(self, per_s: float, *, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._left, self._then = burst, clock()

    def allows(self, amount: float = 1) -> bool:
        """Return whether `amount` more may pass, and count it if so."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._then) * self._per_s)
        self._then = now
        if self._left < amount:
            return False
        self._left -= amount
        return True


class AddressLimits:
    """A limit for each address, and one ten times as high for all together."""

    def __init__(self, per_s: float, *, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._new = partial(TokenBucket, per_s, burst=burst, clock=clock)
        self._all = TokenBucket(10 * per_s, burst=10 * burst, clock=clock)
        self._each: OrderedDict[str, TokenBucket] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Return whether `address` may try once more, and count it if so."""
        pace = self._each.setdefault(address, self._new())
        self._each.move_to_end(address)
        if len(self._each) > MAX_ADDRESSES:
            self._each.popitem(last=False)
        return pace.allows() and self._all.allows()
