"""The microphone sense: it turns speech into `Heard`. No sound is stored, and none leaves this machine."""

from collections.abc import Iterator

from nerves.messages import Fact, Heard
from nerves.services import Context, Sense
from senses.microphone.settings import MicrophoneSettings, microphone_topics

__all__ = ["MicrophoneSettings", "sense", "watch"]


def watch(settings: MicrophoneSettings, context: Context, heard: Iterator[Fact]) -> Iterator[Heard]:
    """Yield the sentences that people say, for ever or until a recording ends, but not what the house `Said` itself."""
    from senses.microphone.listen import microphone_sentences  # noqa: PLC0415 - the recogniser takes a second to load

    return microphone_sentences(settings, context, heard)


sense = Sense(MicrophoneSettings, watch, microphone_topics)
