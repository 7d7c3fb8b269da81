"""The names of evidence."""

import re
from datetime import datetime

from nerves.messages import Visit

__all__ = ["HISTORY_FIELDS", "evidence_name"]

# The fields of each message that the history has.
HISTORY_FIELDS = ("seq", "at", "phase", "verdict", "who", "alert")
UNSAFE = re.compile(r"[^\w-]")
MAX_PLACE_LENGTH = 64


def evidence_name(visit: Visit, since: datetime) -> str:
    """Return the name of a visit's evidence: start time, place and id. No character in it leaves a folder."""
    place = UNSAFE.sub("_", visit.place)[:MAX_PLACE_LENGTH]
    return f"{since:%H%M%S}_{place}_{visit.visit}"
