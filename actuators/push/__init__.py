"""Push to a phone: an alert with its picture, once a visit, corrected when more is known, until somebody answers."""

from collections.abc import Iterator

from actuators.push.notifier import Office
from actuators.push.settings import PushSettings
from nerves.messages import Acknowledged, Fact, Told, Visit
from nerves.services import Actuator, Desk, Tick

__all__ = ["PushSettings", "actuator", "push"]

TICK_S = 0.25


def push(
    settings: PushSettings, messages: Iterator[Visit | Told | Acknowledged | Tick], desk: Desk
) -> tuple[Fact, ...]:
    """Note each message for good, and deliver what is due between them."""
    office = Office(settings, desk)
    office.turn()
    for message in messages:
        if not isinstance(message, Tick):
            office.hear(message)
        office.turn()
    return ()


actuator = Actuator(PushSettings, (Visit, Told, Acknowledged), push, tick_s=TICK_S, answers=True)
