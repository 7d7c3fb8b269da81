"""Pure: how often the frames of a place come, so that one picture counts where there are no more.

A battery camera or a doorbell sends one picture, or two or three, and then nothing for minutes. Other cameras send
several frames a second while something moves: there, one detection in one frame is no visit.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["FrameRhythm"]

# Frames this far apart belong to different bursts: a camera of ours sends one every 10 s even if nothing moves, and
# docs/add-a-sense.md asks the same of others.
BURST_GAP = timedelta(seconds=30)
# Somebody who walks past a battery camera is seen in one of these pictures. In more of them, they are seen twice.
MAX_SPARSE_FRAMES = 3
# A burst is not over before this time: a frame every 10 s may be late.
MIN_BURST_WAIT = timedelta(seconds=15)


@dataclass(slots=True)
class _Burst:
    last: datetime
    frames: int = 1


class FrameRhythm:
    """Counts the frames of each place since its last pause. The first frame of a place begins a burst.

    Args:
        wait: How long after a frame a verdict is due; a burst is over after this time, but not before 15 s.
    """

    def __init__(self, wait: timedelta) -> None:
        self.wait = max(wait, MIN_BURST_WAIT)
        self._bursts: dict[str, _Burst] = {}

    def frame_arrived(self, place: str, at: datetime) -> None:
        """Count a frame, whether it is analysed or not."""
        burst = self._bursts.get(place)
        if burst is None or at - burst.last >= BURST_GAP:
            self._bursts[place] = _Burst(at)
        else:
            burst.last, burst.frames = at, burst.frames + 1

    def is_sparse(self, place: str) -> bool:
        """Return whether the newest burst of a place has at most 3 frames so far."""
        burst = self._bursts.get(place)
        return burst is not None and burst.frames <= MAX_SPARSE_FRAMES

    def was_sparse(self, place: str, at: datetime) -> bool:
        """Return whether the newest burst of a place had at most 3 frames and is over now: no further frame came."""
        return self.is_sparse(place) and at - self._bursts[place].last >= self.wait
