"""`Label` messages: stored on arrival, learned in the brain's own thread, each once."""

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

# How often to look for labels that are due again after a failure.
RETRY_CHECK_S = 2.0

log = logging.getLogger(__name__)


class LabelInbox:
    """Labels that wait to be learned.

    Args:
        inbox: The durable queue that stores them.
        gallery: The gallery that learns them.
        album: Opens the album, or returns None while it cannot be used.
    """

    def __init__(self, inbox: DurableQueue, gallery: Gallery, album: Callable[[], Album | None]) -> None:
        self._inbox, self._gallery, self._album = inbox, gallery, album
        self._checked = -RETRY_CHECK_S

    def receive(self, topic: str, body: bytes) -> None:
        """Store a label, in the network thread, before it is acknowledged. Raises `MessageError` if it is invalid."""
        label = Label.read(topic, body)
        if label.until and label.group != "guest":  # else the guest would be family for ever
            message = f"{topic}: `until` is for guests: add group: guest"
            raise MessageError(message)
        has_id = "id" in label.model_fields_set
        self._inbox.put(str(label.id), topic, body if has_id else _with_id(label))

    def learn_waiting(self, store_open_visit: Callable[[UUID], None]) -> None:
        """Learn the labels that are due, without waiting for any.

        `store_open_visit` stores a visit that is still open in the album, so that its pictures can be learned.
        """
        if not self._inbox.wait(0) and time.monotonic() - self._checked < RETRY_CHECK_S:
            return
        self._checked = time.monotonic()
        while row := self._inbox.due():
            self._learn(row, store_open_visit)

    def _learn(self, row: Row, store_open_visit: Callable[[UUID], None]) -> None:
        try:
            album = self._album()
            if album is None:
                self._inbox.retry_later(row.key, "the album cannot be used")
                return
            label = Label.read(row.topic, row.body)
            store_open_visit(label.visit)
            result = learn(label_record(label, self._gallery), album, self._gallery)
        except KinwatchError as error:
            log.warning("%s: a label could not be learned, trying again later: %s", row.topic, error)
            self._inbox.retry_later(row.key, str(error))
            return
        self._inbox.mark_done(row.key)
        _log(result)


def _log(result: LearnResult) -> None:
    label = result.label
    who = label.who or "not a person"
    if result.why:
        log.warning("%s: recorded that visit %s was %s, but %s", label.place, label.visit, who, result.why)
    else:
        log.info("%s: learned %s from %d pictures", label.place, who, result.photos)


def _with_id(label: Label) -> bytes:
    """Return a label as it was written, plus its id and time. Absent fields stay absent."""
    return label.model_dump_json(include=label.model_fields_set | {"id", "at"}).encode()
