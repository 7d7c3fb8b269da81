"""The settings of a microphone."""

from pydantic import Field

from nerves import topics
from nerves.messages import Said
from nerves.services import SenseSettings
from senses.hearing.settings import HearingSettings

__all__ = ["MicrophoneSettings", "microphone_topics"]


class MicrophoneSettings(HearingSettings, SenseSettings):
    """A microphone that recognises some sentences, on this machine; no sound is stored or sent."""

    device: str | None = Field(default=None, min_length=1, coerce_numbers_to_str=True)
    """The microphone: a part of its name, or its number. Default: the system's own."""
    source: str | None = Field(default=None, min_length=1)
    """Instead of a microphone: a WAV file, or a named pipe of raw sound (16 kHz, 16 bit, one channel)."""


def microphone_topics(settings: MicrophoneSettings) -> tuple[str, ...]:
    """Return the subscription of a microphone: what the house says at its place."""
    return (topics.to(settings.place, Said.kind),)
