"""The self-test: an alert of nobody that goes the way of every alert."""

from base64 import b64encode

import cv2
import numpy as np

from nerves.messages import SelfTest, Visit, now
from nerves.topics import TEST

__all__ = ["test_visit"]

PICTURE_SHAPE = 180, 320
TEXT_COLOUR = 40, 40, 200


def test_visit(request: SelfTest) -> Visit:
    """Return an alert at the place `test`; its reasons and its picture say that it is a test."""
    picture = np.full((*PICTURE_SHAPE, 3), 235, np.uint8)
    cv2.putText(picture, "TEST ALERT", (28, 85), cv2.FONT_HERSHEY_DUPLEX, 1.4, TEXT_COLOUR, 2, cv2.LINE_AA)
    text = "kinwatch: nobody is there"
    cv2.putText(picture, text, (28, 130), cv2.FONT_HERSHEY_SIMPLEX, 0.6, TEXT_COLOUR, 1, cv2.LINE_AA)
    at = now()
    return Visit(
        id=request.id,
        place=TEST,
        at=at,
        visit=request.id,
        seq=1,
        phase="decided",
        verdict="stranger",
        alert=True,
        reasons=("a test alert: nobody is there",),
        since=at,
        last=at,
        picture=b64encode(cv2.imencode(".jpg", picture)[1].tobytes()),
    )
