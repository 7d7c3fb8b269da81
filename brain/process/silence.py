"""Pure: which device has fallen silent, of whatever kind: a place whose frames have stopped."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from nerves.messages import CameraEnabled, Trouble

__all__ = ["SilenceMonitor"]

# A camera of ours sends a frame every 10 s. Another device may be slower, so its usual pause counts too.
MIN_SILENCE, MAX_USUAL_PAUSES = timedelta(seconds=30), 3.0
# A few pictures sent by hand are no camera.
MIN_FRAMES = 4
MAX_USUAL_PAUSE = timedelta(minutes=10)
USUAL_PAUSE_DECAY = 0.95
# A sense that reported `offline` itself has this long to report `recovered` itself.
OWN_REPORT_WAIT = timedelta(seconds=10)


@dataclass
class _WatchedPlace:
    last: datetime
    frames: int = 1
    usual_pause: timedelta = timedelta()
    """The longest recent pause between two frames."""
    is_silent: bool = False
    is_reported: bool = False
    """Whether the sense itself has reported that it is offline."""
    back: datetime | None = None
    """When the first frame came after that report."""


class SilenceMonitor:
    """Learns how often each place sends frames, and reports when they stop and when they come again."""

    def __init__(self) -> None:
        self._places: dict[str, _WatchedPlace] = {}
        self._closed: frozenset[str] = frozenset()

    @property
    def closed(self) -> frozenset[str]:
        """The places whose camera somebody has switched off: they are silent on purpose."""
        return self._closed

    def frame_arrived(self, name: str, at: datetime) -> Iterator[Trouble]:
        """Count a frame; yield `recovered` if the place had been silent."""
        place = self._places.get(name)
        if place is None:
            self._places[name] = _WatchedPlace(at)
            return
        pause = at - place.last
        if pause <= MAX_USUAL_PAUSE and name not in self._closed:
            place.usual_pause = max(pause, USUAL_PAUSE_DECAY * place.usual_pause)
        place.last, place.frames = at, place.frames + 1
        place.back = place.back or at
        # A sense that reported `offline` also reports `recovered`, unless it was restarted in between.
        if place.is_silent or (place.is_reported and at - place.back >= OWN_REPORT_WAIT):
            place.is_silent = place.is_reported = False
            yield Trouble(place=name, what="recovered", detail="its pictures come again")

    def sense_reported(self, trouble: Trouble) -> None:
        """Learn what a sense reports of itself: if it reported `offline`, we need not report it."""
        if trouble.place in self._places:
            place = self._places[trouble.place]
            place.is_reported, place.back = trouble.what == "offline", None

    def camera_switched(self, switch: CameraEnabled, at: datetime) -> None:
        """Learn that a camera was switched off, or on; after either, its silence counts from now."""
        self._closed = self._closed - {switch.place} if switch.enabled else self._closed | {switch.place}
        if switch.place in self._places:
            self._places[switch.place].last = max(self._places[switch.place].last, at)

    def was_deaf(self, at: datetime) -> None:
        """Learn that no frame could have reached us until now."""
        for place in self._places.values():
            place.last = max(place.last, at)

    def newly_silent(self, at: datetime) -> Iterator[Trouble]:
        """Yield `offline` for each place that has become silent by now."""
        for name, place in self._places.items():
            pause = at - place.last
            if (
                name in self._closed
                or place.is_silent
                or place.is_reported
                or place.frames < MIN_FRAMES
                or pause < max(MIN_SILENCE, MAX_USUAL_PAUSES * place.usual_pause)
            ):
                continue
            place.is_silent = True
            detail = f"no picture for {pause.total_seconds():.0f} s: check its power and its network"
            yield Trouble(place=name, what="offline", detail=detail)
