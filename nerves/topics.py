"""Topics of the form `kinwatch/<place>/<kind>`: build, split and match them."""

import re
from typing import NamedTuple

from nerves.errors import MessageError

__all__ = [
    "CLOUD",
    "CLOUD_SET",
    "MODE",
    "MODE_SET",
    "ROOT",
    "TEST",
    "WORD_TOPICS",
    "Topic",
    "check_place",
    "matches",
    "split",
    "status",
    "to",
]

ROOT = "kinwatch"
MODE = f"{ROOT}/mode"
MODE_SET = f"{ROOT}/mode/set"
# Whether pictures may be sent to the cloud to be recognised: `on` or `off`.
CLOUD = f"{ROOT}/cloud"
CLOUD_SET = f"{ROOT}/cloud/set"
# Topics whose payload is one word, not a fact.
WORD_TOPICS = frozenset({MODE, MODE_SET, CLOUD, CLOUD_SET})
# The place of test alerts; no real place may have this name.
TEST = "test"

# A place is one level of a topic: no separator, no wildcard, no control character, and none of our own levels.
PLACE = re.compile(r"[^/+#$\s\x00-\x1f\x7f][^/+#\x00-\x1f\x7f]{0,63}")
RESERVED = frozenset({"status", "mode", "cloud", "dead"})


class Topic(NamedTuple):
    """The place a message comes from, and the kind of message."""

    place: str
    kind: str

    def __str__(self) -> str:
        return f"{ROOT}/{self.place}/{self.kind}"


def check_place(place: str) -> str:
    """Return `place`. Raises `ValueError`, with the reason, if it cannot be the name of a place."""
    if place in RESERVED:
        why = f"{place!r} is a topic of kinwatch itself: choose another name for the place"
        raise ValueError(why)
    if not PLACE.fullmatch(place):
        why = f"{place!r} cannot be a place: 1 to 64 characters, none of / + # or $ in front"
        raise ValueError(why)
    return place


def to(place: str, kind: str) -> str:
    """Return the topic of one kind of message at one place; use `+` for every place."""
    return str(Topic(place, kind))


def status(service: str) -> str:
    """Return the topic of a service's status."""
    return to("status", service)


def split(topic: str) -> Topic:
    """Split a topic into place and kind. Raises `MessageError` if it is not `kinwatch/<place>/<kind>`."""
    parts = topic.split("/")
    if len(parts) != 3 or parts[0] != ROOT or not parts[1] or not parts[2]:  # noqa: PLR2004
        message = f"{topic}: not a topic of the form {ROOT}/<place>/<kind>"
        raise MessageError(message)
    return Topic(parts[1], parts[2])


def matches(pattern: str, topic: str) -> bool:
    """Return whether a topic matches a pattern, with `+` for one level and `#` for all further levels."""
    if topic.startswith("$") and not pattern.startswith("$"):
        return False
    wanted, given = pattern.split("/"), topic.split("/")
    for number, level in enumerate(wanted):
        if level == "#":
            return True
        if number >= len(given) or level not in ("+", given[number]):
            return False
    return len(wanted) == len(given)
