"""Speech recognition for the page, in a thread of its own."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from nerves.errors import KinwatchError
from nerves.messages import Heard, now
from senses.hearing import lacking
from senses.hearing.echoes import Echoes
from senses.hearing.segments import CHUNK_SAMPLES, SAMPLE_RATE_HZ
from senses.hearing.settings import HearingSettings

__all__ = ["Ear"]

CHUNK_BYTES = 2 * CHUNK_SAMPLES
WAITING_S = 10.0  # of sound; loading a recogniser takes less
log = logging.getLogger(__name__)


class Ear:
    """Recognises the speech of one device at a time; the first sound loads the recogniser."""

    def __init__(self, place: str, settings: HearingSettings, folder: Path, hear: Callable[[Heard], None]) -> None:
        self.echoes = Echoes()
        self.trouble = lacking()
        self._place, self._settings, self._folder, self._hear = place, settings, folder, hear
        self._sound: SimpleQueue[tuple[bytes, datetime] | None] = SimpleQueue()
        self._came = now()
        self._thread: Thread | None = None

    def take(self, pcm: bytes) -> bool:
        """Queue a piece of sound; return False if too much is waiting, because this machine is too slow."""
        if self._sound.qsize() * len(pcm) > WAITING_S * SAMPLE_RATE_HZ * 2:
            return False
        self._sound.put((pcm, now()))
        if not self.trouble and not (self._thread and self._thread.is_alive()):
            self._thread = Thread(target=self._work, name="ear", daemon=True)
            self._thread.start()
        return True

    def end(self) -> None:
        """End a sound: the next piece belongs to another one."""
        self._sound.put(None)

    def _work(self) -> None:
        from senses.hearing import ear  # noqa: PLC0415 - the recogniser takes a second to load

        try:
            recogniser = ear.recogniser_of(self._settings, self._folder)
        except KinwatchError as error:
            log.warning("%s: speech cannot be recognised: %s", self._place, error)
            self.trouble = str(error)
            return
        while True:
            for heard in ear.heard_sentences(
                self._place, recogniser, self._chunks(), self.echoes.cover, lambda: self._came
            ):
                self._hear(heard)

    def _chunks(self) -> Iterator[bytes]:
        rest = b""
        while (piece := self._sound.get()) is not None:
            sound, self._came = piece
            rest += sound
            while len(rest) >= CHUNK_BYTES:
                yield rest[:CHUNK_BYTES]
                rest = rest[CHUNK_BYTES:]
