"""`Told` from the bus: kept on arrival, learned in the brain's own time, each once."""

import logging
import time
from collections.abc import Callable
from uuid import UUID

from brain.album.album import Album
from brain.album.learn import LearnResult, label_record, learn
from brain.people.gallery import Gallery
from nerves.durable_queue import DurableQueue, Row
from nerves.errors import KinwatchError, MessageError
from nerves.messages import Label

__all__ = ["LabelInbox"]

# What failed is due again after a pause; whether it is, is asked this often.
GLANCE_S = 2.0

log = logging.getLogger(__name__)


class LabelInbox:
    """Words of humans that are to be learned.

    Args:
        inbox: Where they are kept until then.
        gallery: What learns.
        album: Opens the album, or returns None while it cannot be used.
    """

    def __init__(self, inbox: DurableQueue, gallery: Gallery, album: Callable[[], Album | None]) -> None:
        self._inbox, self._gallery, self._album = inbox, gallery, album
        self._glanced = -GLANCE_S

    def receive(self, topic: str, body: bytes) -> None:
        """Keep a word, in the network's thread, before it is acknowledged; what cannot be read is said and gone."""
        try:
            told = Label.read(topic, body)
        except MessageError as error:
            log.warning("unreadable, left out: %s", error)
            return
        if told.until and told.group != "guest":  # else a guest would be family for ever
            log.warning("%s: left out: `until` is for guests: add group: guest", topic)
            return
        has_id = "id" in told.model_fields_set
        self._inbox.put(str(told.id), topic, body if has_id else _with_id(told))

    def study(self, show: Callable[[UUID], None]) -> None:
        """Learn what has been told and not been learned; without waiting for anything.

        `show` puts a visit that is still open into the album, so that its pictures can be learned.
        """
        if not self._inbox.wait(0) and time.monotonic() - self._glanced < GLANCE_S:
            return
        self._glanced = time.monotonic()
        while row := self._inbox.due():
            self._learn(row, show)

    def _learn(self, row: Row, show: Callable[[UUID], None]) -> None:
        try:
            album = self._album()
            if album is None:
                self._inbox.later(row.key, "the album cannot be used")
                return
            told = Label.read(row.topic, row.body)
            show(told.visit)
            learned = learn(label_record(told, self._gallery), album, self._gallery)
        except KinwatchError as error:
            log.warning("%s: a word is not learned yet: %s", row.topic, error)
            self._inbox.later(row.key, str(error))
            return
        self._inbox.done(row.key)
        _say(learned)


def _say(learned: LearnResult) -> None:
    word = learned.label
    who = word.who or "what is not a person"
    if learned.why:
        log.warning("%s: noted that visit %s was %s, but %s", word.place, word.visit, who, learned.why)
    else:
        log.info("%s: learned %s from %d pictures", word.place, who, learned.photos)


def _with_id(told: Label) -> bytes:
    """Return a word as it was written, and its id and time: what was left out stays left out."""
    return told.model_dump_json(include=told.model_fields_set | {"id", "at"}).encode()
