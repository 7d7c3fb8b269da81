"""Push alerts to phones: once for each visit, with its picture, corrected later, escalated until somebody responds."""

from collections.abc import Iterator

from actuators.push.notifier import Notifier
from actuators.push.settings import PushSettings
from nerves.messages import Acknowledged, Fact, Label, Visit
from nerves.services import Actuator, Context, Tick

__all__ = ["PushSettings", "actuator", "push"]

PUSH_TICK_S = 0.25


def push(
    settings: PushSettings, messages: Iterator[Visit | Label | Acknowledged | Tick], context: Context
) -> tuple[Fact, ...]:
    """Record each message on disk, and send what is due after each message and tick."""
    notifier = Notifier(settings, context)
    notifier.process_due()
    for message in messages:
        if not isinstance(message, Tick):
            notifier.record(message)
        notifier.process_due()
    return ()


actuator = Actuator(PushSettings, (Visit, Label, Acknowledged), push, tick_s=PUSH_TICK_S, reports_self_test=True)
