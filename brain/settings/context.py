"""The tables `brain.places` and `brain.context` in kinwatch.yaml."""

from pydantic import BaseModel, ConfigDict

__all__ = ["ContextSettings", "PlaceSettings"]


class PlaceSettings(BaseModel):
    """What the brain knows about a place."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    entrance: bool = False
    """Whether people come into the house and leave it here. If no place is an entrance, kinwatch cannot know who is
    in."""
    next_to: tuple[str, ...] = ()
    """The places that one walks to from here without passing another camera. If empty, kinwatch learns it."""
    overhead: bool = False
    """Whether the camera looks down from the ceiling. The brain then also looks for people in turned pictures, with
    `pack: standard`."""


class ContextSettings(BaseModel):
    """The kinds of evidence that may calm an alert about somebody whose face was not seen. Context never names."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    continuity: bool = True
    """Somebody was seen at the same or the next place a moment ago."""
    appearance: bool = True
    """Somebody has the clothes and the build of a person who was named in the last hours."""
    who_is_in: bool = True
    """Nobody unknown has come in since everybody inside was known. Needs a place with `entrance: true`."""
    presence: bool = True
    """A family member's phone has just come home."""
    company: bool = True
    """Somebody comes in together with a person who was named."""
    hours: bool = True
    """Somebody who is out usually comes home at this time; kinwatch learns it."""
