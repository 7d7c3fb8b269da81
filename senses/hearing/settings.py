"""What a person sets of an ear."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["SENTENCES", "HearingSettings"]

Language = Literal["en", "fr"]

SENTENCES: Mapping[str, tuple[str, ...]] = {
    "en": (
        "who do you see",
        "who is there",
        "who is at the door",
        "arm the house",
        "disarm the house",
        "open your eyes",
        "close your eyes",
        "good night",
        "yes please",
        "yes",
        "no thanks",
        "no",
    ),
    "fr": (
        "qui vois-tu",
        "qui est là",
        "il y a quelqu'un",
        "arme la maison",
        "désarme la maison",
        "ouvre les yeux",
        "ferme les yeux",
        "bonne nuit",
        "oui s'il te plaît",
        "oui",
        "non merci",
        "non",
    ),
}
NAMING = {"en": "this is {}", "fr": "c'est {}"}


class HearingSettings(BaseModel):
    """What an ear listens for: recognised on this machine, and no sound is kept or sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    language: Language = "en"
    """The language that is spoken; French wants `kinwatch models pull vosk-fr`."""
    recogniser: Literal["auto", "pocketsphinx", "vosk"] = "auto"
    """`pocketsphinx` comes with pip and knows English alone; `vosk` wants a model; auto: the first one, for English."""
    sentences: tuple[str, ...] | None = Field(default=None, min_length=1)
    """What it listens for, whatever else is said is not recognised; left out: what the brain answers to."""
    names: tuple[str, ...] = ()
    """Also listens for "this is" (« c'est ») and one of these names."""
    agreement: float = Field(default=0.6, ge=0, le=1)
    """How well a sentence must fit what was said, 0 to 1, for `pocketsphinx`; less hears more that was not said."""

    @property
    def engine(self) -> Literal["pocketsphinx", "vosk"]:
        """Which recogniser it is."""
        if self.recogniser == "auto":
            return "pocketsphinx" if self.language == "en" else "vosk"
        return self.recogniser

    @property
    def wanted(self) -> tuple[str, ...]:
        """All that it listens for."""
        named = (NAMING[self.language].format(name) for name in self.names)
        return (*(self.sentences or SENTENCES[self.language]), *named)

    @model_validator(mode="after")
    def _has_a_recogniser(self) -> Self:
        if self.recogniser == "pocketsphinx" and self.language != "en":
            remedy = f"leave `recogniser` out, and run `kinwatch models pull vosk-{self.language}`"
            why = f"pocketsphinx knows English alone: {remedy}"
            raise ValueError(why)
        return self
