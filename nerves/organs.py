"""The plug-in contract: what a sense and an actuator are.

An organ is one module that ends in `sense = Sense(...)` or `actuator = Actuator(...)`, and one entry point in
`kinwatch.senses` or `kinwatch.actuators`. Ours use the same door.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from nerves.messages import Fact, Frame

__all__ = ["Actuator", "OrganSettings", "Sense", "SenseSettings"]


class OrganSettings(BaseModel):
    """The base of every organ's own table in `kinwatch.yaml`; an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: str
    """Which organ this is: the name of an entry point."""


class SenseSettings(OrganSettings):
    """What every sense's table has."""

    place: str
    """Where the sense is; its name in `senses:` unless set here."""


@dataclass(frozen=True)
class Sense:
    """Something that perceives: `watch(settings)` yields what it perceives, for ever or until its source ends."""

    settings: type[SenseSettings]
    watch: Callable[[Any], Iterable[Frame | Fact]]


@dataclass(frozen=True)
class Actuator:
    """Something that acts on one kind of message.

    `act(settings, messages)` takes messages one by one. Asking for the next says that the one before is done for
    good; raising `KinwatchError` says that it is to be offered again later. What it yields is published.
    """

    settings: type[OrganSettings]
    hears: type[Fact]
    act: Callable[[Any, Iterator[Any]], Iterable[Fact]]
