"""The main stream of a camera whose sub-stream is watched: it is open only for a closer look."""

import time
from collections.abc import Callable
from contextlib import closing
from threading import Event, Thread
from types import TracebackType
from typing import Self

from senses.camera import live
from senses.camera.shot import Shot
from senses.closer import CloserLook

__all__ = ["MainStream"]

# After the last wish it stays open for this long: the next person often follows, and opening takes a second or two.
MAIN_STREAM_LINGER_S = 10.0
# A stream that cannot be opened is tried again this often; a closer look has no time for longer pauses.
MAX_REOPEN_PAUSE_S = 2.0
# If the main stream has sent nothing for this long, the sub-stream's pictures are sent again.
STALLED_S = 1.0


class MainStream:
    """Opens the main stream when a closer look is wanted, and gives its pictures to be sent; inside `with`.

    Args:
        connect: Yields the shots of one connection to the main stream.
        name: What the log calls it.
        closer: Whether a closer look is wanted.
    """

    def __init__(self, connect: Callable[[], live.Shots], *, name: str, closer: CloserLook) -> None:
        self._connect, self._name, self._closer = connect, name, closer
        self._stop, self._slot = Event(), live.NewestShot()  # new ones for each `with`
        self._reader: Thread | None = None
        self._came = float("-inf")

    def __enter__(self) -> Self:
        self._stop, self._slot = Event(), live.NewestShot()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._reader is not None:
            self._reader.join(live.RELEASE_S)
            self._reader = None

    def instead_of(self, shot: Shot) -> Shot | None:
        """Return what to send instead of a shot of the sub-stream.

        It is the main stream's newest shot. While the main stream is closed, is being opened or has stalled, it is
        `shot` itself. It is None if the main stream's newest shot was sent before: the next one comes soon.
        """
        if not self._closer.is_wanted():
            return shot
        large = self._slot.take(0)  # raises the error of a reader that has ended
        self._open()
        if isinstance(large, Shot) and (shot.at - large.at).total_seconds() < STALLED_S:
            self._came = time.monotonic()
            return large
        return None if time.monotonic() - self._came < STALLED_S else shot

    def _open(self) -> None:
        if self._reader is None or not self._reader.is_alive():
            self._slot = live.NewestShot()
            args = (self._shots(self._stop), self._slot, self._stop)
            self._reader = Thread(target=live.read_shots, args=args, name="main stream", daemon=True)
            self._reader.start()

    def _shots(self, stop: Event) -> live.Reach:
        """Yield the shots until no closer look has been wanted for some seconds."""

        def ends(pause_s: float = 0.0) -> bool:
            return stop.wait(min(pause_s, MAX_REOPEN_PAUSE_S)) or not self._closer.is_wanted(
                within_s=MAIN_STREAM_LINGER_S
            )

        with closing(live.lasting(self._connect, name=self._name, pause=ends)) as shots:
            for shot in shots:
                if ends():
                    return
                yield shot
