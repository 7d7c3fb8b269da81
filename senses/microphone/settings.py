"""What a person sets of a microphone."""

from typing import Literal

from pydantic import Field

from nerves import topics
from nerves.messages import Said
from nerves.organs import SenseSettings

__all__ = ["SENTENCES", "MicrophoneSettings", "topics_of"]

SENTENCES = (
    "who do you see",
    "who is there",
    "who is at the door",
    "arm the house",
    "disarm the house",
    "good night",
    "yes please",
    "yes",
    "no thanks",
    "no",
)


class MicrophoneSettings(SenseSettings):
    """An ear that knows some sentences: recognised on this machine, and no sound is kept or sent."""

    device: str | None = Field(default=None, min_length=1, coerce_numbers_to_str=True)
    """The microphone: part of its name, or its number; the system's own if left out."""
    source: str | None = Field(default=None, min_length=1)
    """Instead of a microphone, a WAV file, or a named pipe of raw sound: 16 kHz, 16 bit, one channel."""
    language: Literal["en"] = "en"
    """The language that is spoken; the recogniser that pip brings knows English alone."""
    sentences: tuple[str, ...] = Field(default=SENTENCES, min_length=1)
    """What it listens for; whatever else is said is not recognised."""
    names: tuple[str, ...] = ()
    """Also listens for "this is" and one of these names."""
    agreement: float = Field(default=0.6, ge=0, le=1)
    """How far what it listens for must agree with what is heard freely, 0 to 1; less hears more that was not said."""


def topics_of(settings: MicrophoneSettings) -> tuple[str, ...]:
    """Return what an ear must hear of: what the voice at its place says."""
    return (topics.to(settings.place, Said.kind),)
