"""The mentions sense: it publishes each post on X that mentions an account once, within a budget."""

from collections.abc import Iterator

from nerves.messages import Fact, Mentioned
from nerves.services import Context, Sense
from senses.mentions.settings import MentionsSettings

__all__ = ["MentionsSettings", "sense", "watch"]


def watch(settings: MentionsSettings, context: Context, _heard: Iterator[Fact]) -> Iterator[Mentioned]:
    """Publish new mentions for ever, and report what is wrong. Nothing is yielded."""
    from senses.mentions.poll import poll  # noqa: PLC0415 - tweepy takes a moment to load

    return poll(settings, context)


sense = Sense(MentionsSettings, watch, subscriptions=lambda _: ())
