"""The plug-in contract: the classes of senses and actuators.

A service is one module that ends in `sense = Sense(...)` or `actuator = Actuator(...)`, and one entry point in
`kinwatch.senses` or `kinwatch.actuators`. Our own services use the same way.
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
    """Where the sense is. The default is its name in `senses:`."""


@dataclass(frozen=True)
class Sense:
    """A service that perceives: `watch(settings)` yields frames and facts, until its source ends if it ever does."""

    settings: type[SenseSettings]
    watch: Callable[..., Iterable[Frame | Fact]]
    subscriptions: Callable[[Any], Iterable[str]] | None = None
    """Returns topic patterns to subscribe to. If it is set, the call is `watch(settings, context, facts)`.

    `facts` is an iterator of the facts that arrive on those topics. It waits for the next one, so read it in a thread
    of its own. It ends when the sense is to end. At most 200 facts wait: then the oldest is dropped.
    """


@dataclass(frozen=True)
class RawMessage:
    """A message of a peer that does not use our facts: a topic, and the payload unchanged."""

    topic: str
    body: bytes
    id: UUID = field(default_factory=uuid7)

    def payload(self) -> bytes:
        """Return the message as it travels."""
        return self.body


@dataclass(frozen=True)
class Tick:
    """Given to an actuator at the interval that it asked for, also when no message arrives."""


@dataclass(frozen=True)
class Context:
    """What a service is given beside its settings, if it stores data or acts at times of its own."""

    database: Database
    """The service's own file, `<data_dir>/<name>.db`, for its tables. It also holds the inbox and the outbox."""
    publish: Callable[[Fact | RawMessage], None]
    """Publishes at once, without waiting until the current message is done. Inside a transaction of `database` it is
    part of that transaction."""
    report: Callable[[str], None]
    """Sets the problem that the service's status shows; an empty text if there is none."""
    name: str = ""
    """The service's own name; its status is on `kinwatch/status/<name>`."""


@dataclass(frozen=True)
class Actuator:
    """A service that acts on messages of one kind or of several.

    `act(settings, messages)` takes messages one by one. When it asks for the next message, the one before is done. When
    it raises `KinwatchError`, the current message is given to it again later. The facts it yields are published.
    """

    settings: type[ServiceSettings]
    consumes: type[Fact] | tuple[type[Fact], ...]
    act: Callable[..., Iterable[Fact]]
    tick_s: float | None = None
    """If it is set, the call is `act(settings, messages, context)`, with a `Tick` between messages this often."""
    priority: Callable[[Any], int] | None = None
    """Returns the priority of a message. The highest comes first; if the inbox is full, the lowest is dropped."""
    queue_mb: Callable[[Any], float] | None = None
    """Returns how many megabytes of messages may wait in the inbox; without it there is no limit."""
    subscriptions: Callable[[Any], Iterable[str]] = lambda _: ()
    """Returns topic patterns of a peer; messages on these topics are given to it as `RawMessage`."""
    accepts: Callable[[Any], Callable[[Any], bool]] = lambda _: lambda _: True
    """Returns a predicate, run in the network thread, that decides whether a message is stored in the inbox at all."""
    reports_self_test: bool = False
    """Whether it publishes a `SelfTestResult` itself; otherwise a test alert has succeeded once it is done."""
    retained_topics: tuple[str, ...] = ()
    """Topic patterns whose messages are retained: the broker gives the last one to every new subscriber."""
