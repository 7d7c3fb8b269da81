"""What a visit's evidence is called."""

import re
from datetime import datetime

from nerves.messages import Visit

__all__ = ["HISTORY", "stem"]

# What the history keeps of each message.
HISTORY = ("seq", "at", "phase", "verdict", "who", "alert")
UNSAFE = re.compile(r"[^\w-]")
LONGEST_PLACE = 64


def stem(visit: Visit, since: datetime) -> str:
    """Return a visit's name: when it began, where, and its id; nothing in it leaves a folder."""
    place = UNSAFE.sub("_", visit.place)[:LONGEST_PLACE]
    return f"{since:%H%M%S}_{place}_{visit.visit}"
