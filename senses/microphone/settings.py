"""What a person sets of a microphone."""

from pydantic import Field

from nerves import topics
from nerves.messages import Said
from nerves.services import SenseSettings
from senses.hearing.settings import HearingSettings

__all__ = ["MicrophoneSettings", "microphone_topics"]


class MicrophoneSettings(HearingSettings, SenseSettings):
    """An ear that knows some sentences: recognised on this machine, and no sound is kept or sent."""

    device: str | None = Field(default=None, min_length=1, coerce_numbers_to_str=True)
    """The microphone: part of its name, or its number; the system's own if left out."""
    source: str | None = Field(default=None, min_length=1)
    """Instead of a microphone, a WAV file, or a named pipe of raw sound: 16 kHz, 16 bit, one channel."""


def microphone_topics(settings: MicrophoneSettings) -> tuple[str, ...]:
    """Return what an ear must hear of: what the voice at its place says."""
    return (topics.to(settings.place, Said.kind),)
