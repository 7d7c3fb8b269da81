"""`kinwatch/<place>/<kind>`: build, parse, match."""

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
    "WORDS",
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
# Whether pictures may leave the house to be recognised: `on` or `off`.
CLOUD = f"{ROOT}/cloud"
CLOUD_SET = f"{ROOT}/cloud/set"
# What carries one word, and no fact.
WORDS = frozenset({MODE, MODE_SET, CLOUD, CLOUD_SET})
# Where test alerts come from: no place of the house.
TEST = "test"

# A place is one level of a topic: no separator, no wildcard, no control character, and not a level that is ours.
PLACE = re.compile(r"[^/+#$\s\x00-\x1f\x7f][^/+#\x00-\x1f\x7f]{0,63}")
RESERVED = frozenset({"status", "mode", "cloud", "dead"})


class Topic(NamedTuple):
    """Where a message comes from and what it is."""

    place: str
    kind: str

    def __str__(self) -> str:
        return f"{ROOT}/{self.place}/{self.kind}"


def check_place(place: str) -> str:
    """Return `place`; a `ValueError` says why it cannot be one."""
    if place in RESERVED:
        why = f"{place!r} is a topic of kinwatch itself: choose another name for the place"
        raise ValueError(why)
    if not PLACE.fullmatch(place):
        why = f"{place!r} cannot be a place: 1 to 64 characters, none of / + # or $ in front"
        raise ValueError(why)
    return place


def to(place: str, kind: str) -> str:
    """Return the topic of one kind of message at one place; `+` for every place."""
    return str(Topic(place, kind))


def status(service: str) -> str:
    """Return the topic on which a service says that it lives."""
    return to("status", service)


def split(topic: str) -> Topic:
    """Split a topic; `MessageError` if it is not `kinwatch/<place>/<kind>`."""
    parts = topic.split("/")
    if len(parts) != 3 or parts[0] != ROOT or not parts[1] or not parts[2]:  # noqa: PLR2004
        message = f"{topic}: not a topic of the form {ROOT}/<place>/<kind>"
        raise MessageError(message)
    return Topic(parts[1], parts[2])


def matches(pattern: str, topic: str) -> bool:
    """Return whether a topic fits a pattern with `+` for one level and `#` for the rest."""
    if topic.startswith("$") and not pattern.startswith("$"):
        return False
    wanted, given = pattern.split("/"), topic.split("/")
    for number, level in enumerate(wanted):
        if level == "#":
            return True
        if number >= len(given) or level not in ("+", given[number]):
            return False
    return len(wanted) == len(given)
