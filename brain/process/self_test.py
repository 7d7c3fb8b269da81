"""A test alert: a visit of nobody, which goes the way of every alert."""

import logging
from base64 import b64encode

import cv2
import numpy as np

from nerves.durable_queue import DurableQueue
from nerves.errors import MessageError
from nerves.messages import SelfTest, Visit, now
from nerves.topics import TEST

__all__ = ["rehearse", "test_visit"]

log = logging.getLogger(__name__)

SIZE = 180, 320
INK = 40, 40, 200


def rehearse(topic: str, body: bytes, outbox: DurableQueue) -> None:
    """Put the test alert that somebody wants into the brain's outbox; a wish that comes twice is one alert."""
    try:
        wish = SelfTest.read(topic, body)
    except MessageError as error:
        log.warning("unreadable, left out: %s", error)
        return
    visit = test_visit(wish)
    outbox.put(str(visit.id), visit.topic, visit.payload())


def test_visit(wish: SelfTest) -> Visit:
    """Return an alert at `test` that says what it is, in its picture too."""
    picture = np.full((*SIZE, 3), 235, np.uint8)
    cv2.putText(picture, "TEST ALERT", (28, 85), cv2.FONT_HERSHEY_DUPLEX, 1.4, INK, 2, cv2.LINE_AA)
    cv2.putText(picture, "kinwatch: nobody is there", (28, 130), cv2.FONT_HERSHEY_SIMPLEX, 0.6, INK, 1, cv2.LINE_AA)
    at = now()
    return Visit(
        id=wish.id,
        place=TEST,
        at=at,
        visit=wish.id,
        seq=1,
        phase="decided",
        verdict="stranger",
        alert=True,
        reasons=("a test alert: nobody is there",),
        since=at,
        last=at,
        picture=b64encode(cv2.imencode(".jpg", picture)[1].tobytes()),
    )
