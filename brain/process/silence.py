"""Pure: which device has fallen silent, whatever it is: a place whose frames have stopped."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from nerves.messages import CameraEnabled, Trouble

__all__ = ["SilenceMonitor"]

# A camera of ours sends a frame every 10 s; another may be slower, and one picture by hand is no camera.
LEAST, PATIENCE, ENOUGH = timedelta(seconds=30), 3.0, 4
LONGEST = timedelta(minutes=10)
FORGET = 0.95
SELF = timedelta(seconds=10)


@dataclass
class _WatchedPlace:
    last: datetime
    frames: int = 1
    usual: timedelta = timedelta()
    """The longest pause between two frames of late."""
    silent: bool = False
    told: bool = False
    """Whether it has been said already that it is away."""
    back: datetime | None = None
    """When its first frame came after that."""


class SilenceMonitor:
    """Knows each place's rhythm by its frames, and says when it has stopped and when it is there again."""

    def __init__(self) -> None:
        self._eyes: dict[str, _WatchedPlace] = {}
        self._closed: frozenset[str] = frozenset()

    @property
    def closed(self) -> frozenset[str]:
        """The places whose eyes somebody has closed: they are silent by wish."""
        return self._closed

    def arrived(self, place: str, at: datetime) -> Iterator[Trouble]:
        """Note a frame; yield that the place has recovered, where it had been silent."""
        eye = self._eyes.get(place)
        if eye is None:
            self._eyes[place] = _WatchedPlace(at)
            return
        pause = at - eye.last
        if pause <= LONGEST and place not in self._closed:
            eye.usual = max(pause, FORGET * eye.usual)
        eye.last, eye.frames = at, eye.frames + 1
        eye.back = eye.back or at
        # A sense that has said it is away says that it is back, but not if it was started anew meanwhile.
        if eye.silent or (eye.told and at - eye.back >= SELF):
            eye.silent = eye.told = False
            yield Trouble(place=place, what="recovered", detail="its pictures come again")

    def heard(self, trouble: Trouble) -> None:
        """Note what a sense says of itself: who has said that it is away need not be said to be silent."""
        if trouble.place in self._eyes:
            eye = self._eyes[trouble.place]
            eye.told, eye.back = trouble.what == "offline", None

    def lidded(self, eyes: CameraEnabled, at: datetime) -> None:
        """Note that the eyes at a place were opened, and are given time, or closed."""
        self._closed = self._closed - {eyes.place} if eyes.enabled else self._closed | {eyes.place}
        if eyes.place in self._eyes:
            self._eyes[eyes.place].last = max(self._eyes[eyes.place].last, at)

    def deaf(self, at: datetime) -> None:
        """Note that we could not have heard anybody until now."""
        for eye in self._eyes.values():
            eye.last = max(eye.last, at)

    def passed(self, at: datetime) -> Iterator[Trouble]:
        """Let time pass; yield who has fallen silent."""
        for place, eye in self._eyes.items():
            pause = at - eye.last
            if (
                place in self._closed
                or eye.silent
                or eye.told
                or eye.frames < ENOUGH
                or pause < max(LEAST, PATIENCE * eye.usual)
            ):
                continue
            eye.silent = True
            detail = f"no picture for {pause.total_seconds():.0f} s: check its power and its network"
            yield Trouble(place=place, what="offline", detail=detail)
