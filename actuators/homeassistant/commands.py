"""What Home Assistant asks -> facts on the bus; pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from actuators.homeassistant.home import Held, Home
from actuators.homeassistant.names import house_topic
from actuators.homeassistant.states import A_GUEST, NOBODY, NOT_A_PERSON
from nerves.messages import Acknowledged, Fact, Label, SelfTest
from nerves.services import RawMessage

__all__ = ["obey"]

BY = "Home Assistant"
LONGEST = 40


def obey(note: RawMessage, home: Home, at: datetime) -> Iterator[Fact]:
    """Yield what a command asks to be published; nothing where there is nothing to name or to acknowledge."""
    if note.topic == house_topic("set/test"):
        yield SelfTest()
    elif note.topic == house_topic("set/acknowledge") and home.alert:
        yield Acknowledged(place=home.alert.place, visit=home.alert.visit, by=BY)
    elif note.topic == house_topic("set/who") and home.unknown:
        name = note.body.decode(errors="replace").strip()[:LONGEST]
        if name not in ("", NOBODY):
            yield _told(name, home.unknown, at)


def _told(name: str, held: Held, at: datetime) -> Label:
    if name == NOT_A_PERSON:
        return Label(place=held.place, visit=held.visit)
    if name == A_GUEST:
        midnight = (at.astimezone() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        who = f"Guest {held.at.astimezone():%m-%d %H:%M:%S}"  # a name of its own: two guests are two people
        return Label(place=held.place, visit=held.visit, who=who, group="guest", until=midnight)
    return Label(place=held.place, visit=held.visit, who=name)
