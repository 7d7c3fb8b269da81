"""The newest item of each place, for work that is slower than its input."""

from threading import Condition
from typing import Generic, TypeVar

__all__ = ["NewestByPlace"]

Item = TypeVar("Item")


class NewestByPlace(Generic[Item]):
    """One slot for each place: a newer item replaces the older one, and places take turns."""

    def __init__(self) -> None:
        self.dropped = 0
        self._items: dict[str, Item] = {}
        self._filled = Condition()

    def put(self, place: str, item: Item) -> None:
        """Fill the slot of `place`. An item still in it is dropped and counted; the place keeps its turn."""
        with self._filled:
            self.dropped += place in self._items
            self._items[place] = item
            self._filled.notify()

    def take(self, timeout_s: float) -> Item | None:
        """Empty the slot that was filled first and return its item; None if none was filled within the time."""
        with self._filled:
            if not self._filled.wait_for(lambda: self._items, timeout_s):
                return None
            return self._items.pop(next(iter(self._items)))
