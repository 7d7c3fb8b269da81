"""When the house itself speaks."""

from datetime import datetime, timedelta

from nerves.messages import Said

__all__ = ["Echoes"]

ECHO = timedelta(seconds=0.5)  # a room, and a loudspeaker's buffer, go on for a moment


class Echoes:
    """Knows when the voice at this place spoke: what is heard then is the house itself."""

    def __init__(self) -> None:
        self._spoken: list[tuple[datetime, datetime]] = []

    def add(self, said: Said) -> None:
        """Note what the house has begun to say."""
        self._spoken = [*self._spoken[-9:], (said.at, said.until + ECHO)]

    def cover(self, start: datetime, end: datetime) -> bool:
        """Return whether the house spoke in between."""
        return any(begun < end and start < over for begun, over in self._spoken)
