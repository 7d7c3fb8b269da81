"""Ids and topics for Home Assistant. The same place or person always has the same ones."""

import hashlib
import re
import unicodedata

from nerves import topics

__all__ = ["COMMANDS", "RETAINED", "house_topic", "person_topic", "picture_topic", "place_topic", "slug", "unique_slug"]

BASE = f"{topics.ROOT}/ha"
STATE, EVENT = f"{BASE}/state", f"{BASE}/event"
COMMANDS = f"{BASE}/set/+"
RETAINED = f"{STATE}/#"
NOT_PLAIN = re.compile(r"[^a-z0-9]+")


def slug(text: str) -> str:
    """Return a text in the form of an entity id: `Küche 2` becomes `kuche_2`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return NOT_PLAIN.sub("_", plain).strip("_")


def unique_slug(name: str) -> str:
    """Return an id that no other name has: a slug, with a hash if the slug differs from the name."""
    short = slug(name)
    return short if short == name else f"{short}_{hashlib.sha256(name.encode()).hexdigest()[:6]}".lstrip("_")


def place_topic(place: str, what: str = "state") -> str:
    """Return a topic of one place. Sightings are events; all other topics are retained states."""
    return f"{EVENT if what == 'sighting' else STATE}/place/{unique_slug(place)}/{what}"


def picture_topic(place: str | None, what: str, *, keep: bool) -> str:
    """Return the topic of a picture, of a place or (None) of the house. It is retained if `keep` is true."""
    where = "house" if place is None else f"place/{unique_slug(place)}"
    return f"{STATE if keep else EVENT}/{where}/{what}.jpg"


def person_topic(name: str) -> str:
    """Return the topic of one person."""
    return f"{STATE}/person/{unique_slug(name)}"


def house_topic(what: str) -> str:
    """Return a topic of the house: its `state`, its `alert` events, or a command of Home Assistant (`set/...`)."""
    if what.startswith("set/"):
        return f"{BASE}/{what}"
    return f"{EVENT if what == 'alert' else STATE}/house/{what}"
