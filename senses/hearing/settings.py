"""The settings of speech recognition."""

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
    """The sentences to recognise. Recognition runs on this machine, and no sound is stored or sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    language: Language = "en"
    """The language that is spoken. French needs `kinwatch models pull vosk-fr`."""
    recogniser: Literal["auto", "pocketsphinx", "vosk"] = "auto"
    """`pocketsphinx` needs no model and knows English only; `vosk` needs a model. auto: pocketsphinx for English."""
    sentences: tuple[str, ...] | None = Field(default=None, min_length=1)
    """The sentences that are recognised, and no others. Default: those that the brain answers to."""
    names: tuple[str, ...] = ()
    """Names to recognise after "this is" (« c'est »)."""
    agreement: float = Field(default=0.6, ge=0, le=1)
    """How well a sentence must fit the sound, 0 to 1, for `pocketsphinx`. Lower recognises more, also by mistake."""

    @property
    def engine(self) -> Literal["pocketsphinx", "vosk"]:
        """The recogniser that is used."""
        if self.recogniser == "auto":
            return "pocketsphinx" if self.language == "en" else "vosk"
        return self.recogniser

    @property
    def wanted(self) -> tuple[str, ...]:
        """All sentences that are recognised."""
        named = (NAMING[self.language].format(name) for name in self.names)
        return (*(self.sentences or SENTENCES[self.language]), *named)

    @model_validator(mode="after")
    def _has_a_recogniser(self) -> Self:
        if self.recogniser == "pocketsphinx" and self.language != "en":
            remedy = f"leave `recogniser` out, and run `kinwatch models pull vosk-{self.language}`"
            why = f"pocketsphinx knows English only: {remedy}"
            raise ValueError(why)
        return self
