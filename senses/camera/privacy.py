"""The camera switch of a place: while it is off, the camera is released.

Its last position is stored, so that a camera that restarts takes no picture while the switch is off.
"""

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from threading import Condition, Thread
from typing import TypeVar

from nerves.errors import KinwatchError
from nerves.messages import CameraEnabled, Fact
from nerves.services import Context
from senses import privacy

__all__ = ["PrivacySwitch"]

Shot = TypeVar("Shot")
Seen = TypeVar("Seen")

log = logging.getLogger(__name__)


class PrivacySwitch:
    """Follows the camera switch of a place.

    Args:
        context: Stores the switch, and reports when it is off; without one, the camera is on.
        heard: The facts that switch the camera; read in a thread of its own.
    """

    def __init__(self, context: Context | None = None, heard: Iterator[Fact] | None = None) -> None:
        self._context = context
        self._changed = Condition()
        self._is_stopping = False
        self._switch = privacy.stored_camera_enabled(context) if context else None
        if heard is not None:
            Thread(target=self._listen, args=(heard,), name="camera switch", daemon=True).start()

    def while_enabled(
        self, shots: Callable[[], Generator[Shot, None, None]], watch: Callable[[Iterator[Shot]], Iterator[Seen]]
    ) -> Iterator[Seen]:
        """Yield what `look` makes of a source's shots.

        The source is released while the switch is off, then opened again. If `heard` ends, the sense is stopping: the
        source is released.
        """
        ended = False

        def until_disabled() -> Iterator[Shot]:
            nonlocal ended
            with closing(shots()) as source:
                for shot in source:
                    if self._is_stopping:
                        break
                    if self._is_disabled:
                        return
                    yield shot
            ended = True

        while not ended:
            self._await_enabled()
            if self._is_stopping:
                return
            yield from watch(until_disabled())

    @property
    def _is_disabled(self) -> bool:
        return self._switch is not None and not self._switch.enabled

    def _await_enabled(self) -> None:
        with self._changed:
            if not self._is_disabled:
                return
            self._report_disabled()
            self._changed.wait_for(lambda: self._is_stopping or not self._is_disabled)
        if self._context and not self._is_stopping:
            self._context.report("")

    def _report_disabled(self) -> None:
        """Report that the camera is off, who switched it off, and how to switch it on."""
        switch = self._switch
        if self._context and switch:
            by = f" by {switch.by}" if switch.by else ""
            how = f'say "open your eyes", or publish {{"enabled": true}} on {switch.topic} (retained)'
            log.info("%s: camera switched off%s", switch.place, by)
            self._context.report(f"camera switched off{by}: {how}")

    def _listen(self, heard: Iterator[Fact]) -> None:
        for fact in heard:
            if isinstance(fact, CameraEnabled):
                with self._changed:
                    self._switch = fact
                    self._changed.notify_all()
                self._store(fact)  # after it took effect: a full disk must not keep the camera on
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def _store(self, switch: CameraEnabled) -> None:
        try:
            if self._context:
                privacy.store_camera_enabled(self._context, switch)
        except KinwatchError as error:
            log.warning("%s: the camera switch took effect, but cannot be stored: %s", switch.place, error)
