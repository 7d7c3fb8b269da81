"""A microphone as a sense: voice -> words -> `Heard`. No sound is kept, and none leaves this machine."""

from collections.abc import Iterator

from nerves.messages import Fact, Heard
from nerves.services import Context, Sense
from senses.microphone.settings import MicrophoneSettings, microphone_topics

__all__ = ["MicrophoneSettings", "sense", "watch"]


def watch(settings: MicrophoneSettings, context: Context, heard: Iterator[Fact]) -> Iterator[Heard]:
    """Yield the sentences that are said, for ever or until a recording ends; what the house `Said` itself is not."""
    from senses.microphone.listen import microphone_sentences  # noqa: PLC0415 - the recogniser takes a second to load

    return microphone_sentences(settings, context, heard)


sense = Sense(MicrophoneSettings, watch, microphone_topics)
