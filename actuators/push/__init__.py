"""Push to a phone: an alert with its picture, once a visit, corrected when more is known, until somebody answers."""

from collections.abc import Iterator

from actuators.push.notifier import Notifier
from actuators.push.settings import PushSettings
from nerves.messages import Acknowledged, Fact, Label, Visit
from nerves.services import Actuator, Context, Tick

__all__ = ["PushSettings", "actuator", "push"]

TICK_S = 0.25


def push(
    settings: PushSettings, messages: Iterator[Visit | Label | Acknowledged | Tick], desk: Context
) -> tuple[Fact, ...]:
    """Note each message for good, and deliver what is due between them."""
    office = Notifier(settings, desk)
    office.turn()
    for message in messages:
        if not isinstance(message, Tick):
            office.hear(message)
        office.turn()
    return ()


actuator = Actuator(PushSettings, (Visit, Label, Acknowledged), push, tick_s=TICK_S, reports_self_test=True)
