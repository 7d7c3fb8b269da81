"""Whether the eyes at this place are open; closed, the camera is let go.

What was said last is remembered here too, so that a camera that starts takes no picture before it hears of it.
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
    """The lids of a place's eyes; without a context they are always open.

    Args:
        context: Where it is remembered whether they are closed, and said.
        heard: Who opens and closes them; read in a thread of its own.
    """

    def __init__(self, context: Context | None = None, heard: Iterator[Fact] | None = None) -> None:
        self._context = context
        self._changed = Condition()
        self._over = False
        self._said = privacy.stored_camera_enabled(context) if context else None
        if heard is not None:
            Thread(target=self._listen, args=(heard,), name="lids", daemon=True).start()

    def while_enabled(
        self, shots: Callable[[], Generator[Shot, None, None]], look: Callable[[Iterator[Shot]], Iterator[Seen]]
    ) -> Iterator[Seen]:
        """Yield what is looked at in the shots of a source, which is let go while closed and then begun anew.

        If there is no more to hear, the sense is to end: the source is let go.
        """
        ended = False

        def until_closed() -> Iterator[Shot]:
            nonlocal ended
            with closing(shots()) as source:
                for shot in source:
                    if self._over:
                        break
                    if self._is_disabled:
                        return
                    yield shot
            ended = True

        while not ended:
            self._await_enabled()
            if self._over:
                return
            yield from look(until_closed())

    @property
    def _is_disabled(self) -> bool:
        return self._said is not None and not self._said.enabled

    def _await_enabled(self) -> None:
        with self._changed:
            if not self._is_disabled:
                return
            self._report_disabled()
            self._changed.wait_for(lambda: self._over or not self._is_disabled)
        if self._context and not self._over:
            self._context.report("")

    def _report_disabled(self) -> None:
        """Say that they are closed, by whom, and how to open them."""
        said = self._said
        if self._context and said:
            by = f" by {said.by}" if said.by else ""
            how = f'say "open your eyes", or publish {{"enabled": true}} on {said.topic} (retained)'
            log.info("%s: eyes closed%s", said.place, by)
            self._context.report(f"eyes closed{by}: {how}")

    def _listen(self, heard: Iterator[Fact]) -> None:
        for fact in heard:
            if isinstance(fact, CameraEnabled):
                with self._changed:
                    self._said = fact
                    self._changed.notify_all()
                self._store(fact)  # obeyed first: a full disk opens no eye
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _store(self, said: CameraEnabled) -> None:
        try:
            if self._context:
                privacy.store_camera_enabled(self._context, said)
        except KinwatchError as error:
            log.warning("%s: obeyed, but not remembered: %s", said.place, error)
