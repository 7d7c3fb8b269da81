"""Pure: from commands of Home Assistant to facts on the bus."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from actuators.homeassistant.home import Home, VisitState
from actuators.homeassistant.names import house_topic
from actuators.homeassistant.states import OPTION_GUEST_TODAY, OPTION_NOT_A_PERSON, OPTION_NOT_SAID
from nerves.messages import Acknowledged, Fact, Label, SelfTest
from nerves.services import RawMessage

__all__ = ["facts_of_command"]

SENDER = "Home Assistant"
MAX_NAME_LENGTH = 40


def facts_of_command(message: RawMessage, home: Home, at: datetime) -> Iterator[Fact]:
    """Yield the facts that a command asks for; none if there is no visit to name or no alert to acknowledge."""
    if message.topic == house_topic("set/test"):
        yield SelfTest()
    elif message.topic == house_topic("set/acknowledge") and home.alert:
        yield Acknowledged(place=home.alert.place, visit=home.alert.visit, by=SENDER)
    elif message.topic == house_topic("set/who") and home.unknown:
        name = message.body.decode(errors="replace").strip()[:MAX_NAME_LENGTH]
        if name not in ("", OPTION_NOT_SAID):
            yield _label(name, home.unknown, at)


def _label(name: str, visit: VisitState, at: datetime) -> Label:
    if name == OPTION_NOT_A_PERSON:
        return Label(place=visit.place, visit=visit.visit)
    if name == OPTION_GUEST_TODAY:
        midnight = (at.astimezone() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        who = f"Guest {visit.at.astimezone():%m-%d %H:%M:%S}"  # a different name each time: two guests are two people
        return Label(place=visit.place, visit=visit.visit, who=who, group="guest", until=midnight)
    return Label(place=visit.place, visit=visit.visit, who=name)
