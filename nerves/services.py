"""The plug-in contract: what a sense and an actuator are.

A service is one module that ends in `sense = Sense(...)` or `actuator = Actuator(...)`, and one entry point in
`kinwatch.senses` or `kinwatch.actuators`. Ours use the same door.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from uuid6 import uuid7

from nerves.database import Database
from nerves.messages import Fact, Frame

__all__ = ["Actuator", "Context", "RawMessage", "Sense", "SenseSettings", "ServiceSettings", "Tick"]


class ServiceSettings(BaseModel):
    """The base of every service's own table in `kinwatch.yaml`; an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: str
    """Which service this is: the name of an entry point."""


class SenseSettings(ServiceSettings):
    """What every sense's table has."""

    place: str
    """Where the sense is; its name in `senses:` unless set here."""


@dataclass(frozen=True)
class Sense:
    """Something that perceives: `watch(settings)` yields what it perceives, for ever or until its source ends."""

    settings: type[SenseSettings]
    watch: Callable[..., Iterable[Frame | Fact]]
    subscriptions: Callable[[Any], Iterable[str]] | None = None
    """Where set: topics to listen to, for these settings; the call is `watch(settings, desk, heard)`.

    `heard` is an iterator of the facts that come there, which waits for the next: ask it in a thread of its own.
    It ends when the sense is to end.
    """


@dataclass(frozen=True)
class RawMessage:
    """A message of somebody who does not speak our facts: a topic, and the payload as it is."""

    topic: str
    body: bytes
    id: UUID = field(default_factory=uuid7)

    def payload(self) -> bytes:
        """Return the message as it travels."""
        return self.body


@dataclass(frozen=True)
class Tick:
    """Time has passed: nothing came, or nothing but messages for a while."""


@dataclass(frozen=True)
class Context:
    """What a service has at hand that keeps things of its own, or acts in its own time."""

    database: Database
    """The service's own file, `<data_dir>/<name>.db`: for tables of its own; what waits is in there too."""
    publish: Callable[[Fact | RawMessage], None]
    """Publish now, not once the message is done; inside a transaction of `database` in one step with it."""
    report: Callable[[str], None]
    """Have the service's status say what is not well; an empty text when all is."""
    name: str = ""
    """The service's own name; its status is on `kinwatch/status/<name>`."""


@dataclass(frozen=True)
class Actuator:
    """Something that acts on one kind of message, or on several.

    `act(settings, messages)` takes messages one by one. Asking for the next says that the one before is done for
    good; raising `KinwatchError` says that it is to be offered again later. What it yields is published.
    """

    settings: type[ServiceSettings]
    consumes: type[Fact] | tuple[type[Fact], ...]
    act: Callable[..., Iterable[Fact]]
    tick_s: float | None = None
    """Where set, the call is `act(settings, messages, desk)`, and a `Tick` comes between messages this often."""
    priority: Callable[[Any], int] | None = None
    """Where set: how much a message matters. What matters most comes first; without room the least is dropped."""
    queue_mb: Callable[[Any], float] | None = None
    """Where set: how many megabytes of messages may wait, by the settings."""
    subscriptions: Callable[[Any], Iterable[str]] = lambda _: ()
    """Topics of a peer, for these settings: what comes there is given to it as a `Note`."""
    accepts: Callable[[Any], Callable[[Any], bool]] = lambda _: lambda _: True
    """Makes what says, in the network's thread, whether a message is worth keeping: most are no news to some."""
    reports_self_test: bool = False
    """Whether it says itself, by `Rehearsed`, what became of a test alert; else taking it is enough."""
    retained_topics: tuple[str, ...] = ()
    """Topics whose last message the broker keeps for whoever comes later."""
