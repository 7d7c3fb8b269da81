"""What Home Assistant asks -> facts on the bus; pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from actuators.homeassistant.home import Home, VisitState
from actuators.homeassistant.names import house_topic
from actuators.homeassistant.states import OPTION_GUEST_TODAY, OPTION_NOT_A_PERSON, OPTION_NOT_SAID
from nerves.messages import Acknowledged, Fact, Label, SelfTest
from nerves.services import RawMessage

__all__ = ["facts_of_command"]

BY = "Home Assistant"
LONGEST = 40


def facts_of_command(note: RawMessage, home: Home, at: datetime) -> Iterator[Fact]:
    """Yield what a command asks to be published; nothing where there is nothing to name or to acknowledge."""
    if note.topic == house_topic("set/test"):
        yield SelfTest()
    elif note.topic == house_topic("set/acknowledge") and home.alert:
        yield Acknowledged(place=home.alert.place, visit=home.alert.visit, by=BY)
    elif note.topic == house_topic("set/who") and home.unknown:
        name = note.body.decode(errors="replace").strip()[:LONGEST]
        if name not in ("", OPTION_NOT_SAID):
            yield _told(name, home.unknown, at)


def _told(name: str, held: VisitState, at: datetime) -> Label:
    if name == OPTION_NOT_A_PERSON:
        return Label(place=held.place, visit=held.visit)
    if name == OPTION_GUEST_TODAY:
        midnight = (at.astimezone() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        who = f"Guest {held.at.astimezone():%m-%d %H:%M:%S}"  # a name of its own: two guests are two people
        return Label(place=held.place, visit=held.visit, who=who, group="guest", until=midnight)
    return Label(place=held.place, visit=held.visit, who=name)
