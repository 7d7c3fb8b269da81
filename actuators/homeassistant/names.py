"""Ids and topics: the same for the same place or person, always, and fit for Home Assistant."""

import hashlib
import re
import unicodedata

from nerves import topics

__all__ = ["COMMANDS", "RETAINED", "house_topic", "person_topic", "picture_topic", "place_topic", "slug", "unique_slug"]

BASE = f"{topics.ROOT}/ha"
STATE, PASSING = f"{BASE}/state", f"{BASE}/event"
COMMANDS = f"{BASE}/set/+"
RETAINED = f"{STATE}/#"
NOT_PLAIN = re.compile(r"[^a-z0-9]+")


def slug(text: str) -> str:
    """Return a text as entity ids have it: `Küche 2` is `kuche_2`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return NOT_PLAIN.sub("_", plain).strip("_")


def unique_slug(name: str) -> str:
    """Return an id that no other name has."""
    short = slug(name)
    return short if short == name else f"{short}_{hashlib.sha256(name.encode()).hexdigest()[:6]}".lstrip("_")


def place_topic(place: str, what: str = "state") -> str:
    """Return a topic about one place; what happens there is passing, the rest stays."""
    return f"{PASSING if what == 'sighting' else STATE}/place/{unique_slug(place)}/{what}"


def picture_topic(place: str | None, what: str, *, keep: bool) -> str:
    """Return a picture's topic: a place's, or the house's; whether the broker keeps it is in its name."""
    where = "house" if place is None else f"place/{unique_slug(place)}"
    return f"{STATE if keep else PASSING}/{where}/{what}.jpg"


def person_topic(name: str) -> str:
    """Return the topic about one person."""
    return f"{STATE}/person/{unique_slug(name)}"


def house_topic(what: str) -> str:
    """Return a topic about the house: its `state`, its `alert`s, or what Home Assistant asks (`set/...`)."""
    if what.startswith("set/"):
        return f"{BASE}/{what}"
    return f"{PASSING if what == 'alert' else STATE}/house/{what}"
