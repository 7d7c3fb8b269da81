"""When the house itself speaks."""

from datetime import datetime, timedelta

from nerves.messages import Said, now

__all__ = ["Echoes"]

ECHO_TAIL = timedelta(seconds=0.5)  # a room, and a loudspeaker's buffer, go on for a moment
MAX_SPEECH_LENGTH = timedelta(minutes=2)  # longer than any sentence: whatever else a message says makes no ear deaf


class Echoes:
    """Knows when the voice at this place spoke: what is heard then is the house itself."""

    def __init__(self) -> None:
        self._spoken: list[tuple[datetime, datetime]] = []

    def add(self, said: Said) -> None:
        """Note what the house has begun to say; what it began minutes ago, or by a clock so wrong, covers nothing."""
        if abs(said.at - now()) <= MAX_SPEECH_LENGTH:
            until = min(said.until, said.at + MAX_SPEECH_LENGTH)
            self._spoken = [*self._spoken[-9:], (said.at, until + ECHO_TAIL)]

    def cover(self, start: datetime, end: datetime) -> bool:
        """Return whether the house spoke in between."""
        return any(begun < end and start < over for begun, over in self._spoken)
