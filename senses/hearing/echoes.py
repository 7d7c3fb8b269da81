"""Remember when the house itself speaks."""

from datetime import datetime, timedelta

from nerves.messages import Said, now

__all__ = ["Echoes"]

ECHO_TAIL = timedelta(seconds=0.5)  # reverberation, and the loudspeaker's buffer
MAX_SPEECH_LENGTH = timedelta(
    minutes=2
)  # longer than any sentence, so that no message can make the microphone deaf for long


class Echoes:
    """Knows when the house spoke at this place; what the microphone hears at that time is the house itself."""

    def __init__(self) -> None:
        self._spoken: list[tuple[datetime, datetime]] = []

    def add(self, said: Said) -> None:
        """Add what the house has begun to say; ignore it if its time is more than 2 minutes off."""
        if abs(said.at - now()) <= MAX_SPEECH_LENGTH:
            until = min(said.until, said.at + MAX_SPEECH_LENGTH)
            self._spoken = [*self._spoken[-9:], (said.at, until + ECHO_TAIL)]

    def cover(self, start: datetime, end: datetime) -> bool:
        """Return whether the house spoke at any moment between `start` and `end`."""
        return any(begun < end and start < over for begun, over in self._spoken)
