"""Every message that travels; `kinwatch schema` prints these as JSON Schema.

A frame is a bare JPEG. Everything else is JSON: frozen, in UTC, and a reader ignores keys it does not know.
"""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from nerves import topics
from nerves.errors import MessageError
from nerves.fact import Box, Fact, Fraction, Frame, Time, now, stamp

__all__ = [
    "FACTS",
    "Acknowledged",
    "Box",
    "CameraEnabled",
    "Detection",
    "Detections",
    "Fact",
    "Frame",
    "Group",
    "Heard",
    "Incident",
    "Label",
    "LookCloser",
    "Mentioned",
    "Mode",
    "People",
    "PersonEntry",
    "Phase",
    "Presence",
    "Said",
    "Say",
    "SelfTest",
    "SelfTestResult",
    "Status",
    "Stored",
    "Trouble",
    "Verdict",
    "Visit",
    "now",
    "read_fact",
    "stamp",
]

Verdict = Literal["identifying", "family", "guest", "known", "stranger", "unidentified"]
Phase = Literal["started", "decided", "corrected", "ended"]
Mode = Literal["home", "away", "night", "off", "auto"]
Group = Literal["family", "guest", "known"]


class Incident(BaseModel):
    """What belongs together: the visits of unknown people that follow each other."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    id: UUID
    """Identifies the incident (UUIDv7)."""
    since: Time
    """When it began."""
    places: tuple[str, ...] = ()
    """Where unknown people were seen, in this order."""
    people: int = 1
    """How many unknown people there were, as far as can be told."""
    rings: int = 0
    """How often it has alerted."""


class Visit(Fact):
    """One person at one place, from appearing to leaving; sent again whenever what is held of it changes."""

    kind: ClassVar[str] = "visit"

    visit: UUID
    """Identifies the visit (UUIDv7); every message about it has the same."""
    seq: int = Field(ge=1)
    """Counts the messages of this visit, from 1."""
    frame: int | None = None
    """Number of the frame in its recording, from 0; absent for a live camera."""
    phase: Phase
    """started, decided (once), corrected (a later name), ended."""
    verdict: Verdict
    """What the brain holds of the person."""
    who: str | None = None
    """The person's name, where the verdict is family, guest or known."""
    stranger: str | None = None
    """What the brain calls a stranger whose face it has seen well: `stranger-7`, the same in every visit."""
    times: int | None = None
    """How often this stranger came, this time included; visits within 15 minutes of each other are one time."""
    first_met: Time | None = None
    """When the first of them was."""
    alert: bool = False
    """True on the one message of a visit that should alert the household."""
    incident: Incident | None = None
    """The incident that the visit belongs to, if it alerts or belongs to what has alerted."""
    probably: str | None = None
    """Whom an unidentified visit probably shows, by context: a name, or `family`."""
    odds: int | None = None
    """The odds for it: 40 means 40:1; at most 1,000,000."""
    reasons: tuple[str, ...] = ()
    """Why this verdict: faces used, best and second-best name, what was missing."""
    since: Time
    """When the person was first seen."""
    last: Time
    """When the person was last seen."""
    box: Box | None = None
    """Where the person is in the analysed frame."""
    picture: Base64Bytes | None = None
    """The best picture so far: JPEG, base64, at most 100 KB."""


class Detection(BaseModel):
    """One person or animal in a frame."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    label: str
    """person, or the animal's name: cat, dog."""
    box: Box
    """Where it is."""
    score: Fraction
    """How sure the detector is."""
    visit: UUID | None = None
    """The visit it belongs to, for a person."""
    verdict: Verdict | None = None
    """What the brain holds of the visit."""
    who: str | None = None
    """The person's name, once known."""


class Detections(Fact):
    """What is in the newest frame of a place, for drawing over it."""

    kind: ClassVar[str] = "detections"
    qos: ClassVar[Literal[0, 1]] = 0

    detections: tuple[Detection, ...] = ()
    """People and animals; empty when there is nobody."""


class LookCloser(Fact):
    """Somebody at a place is undecided: its cameras should send larger pictures, and more of them, for a while."""

    kind: ClassVar[str] = "look_closer"
    qos: ClassVar[Literal[0, 1]] = 0

    seconds: float = Field(default=5.0, gt=0, le=60)
    """For how long, from the arrival of this message; it is sent again while more pictures are needed."""


class Status(Fact):
    """A service lives, or does not; its place is `status`, its topic `kinwatch/status/<service>`, retained."""

    kind: ClassVar[str] = "status"

    place: str = "status"
    """Always `status`."""
    service: str
    """The service's name: hall, brain, evidence."""
    state: Literal["online", "offline"]
    """`offline` too if the process died (its last will)."""
    detail: str = ""
    """One line for a person: what it does, or what is wrong."""
    counts: dict[str, int] = Field(default_factory=dict)
    """What it has done since it started: frames, dropped, visits."""
    mode: Mode | None = None
    """From the brain: the mode in force. It says what `auto` stands for now."""

    @property
    def topic(self) -> str:
        """The topic of this service's status."""
        return topics.status(self.service)

    @classmethod
    def pattern(cls) -> str:
        """Return the topics of all services' statuses."""
        return topics.status("+")


class Trouble(Fact):
    """A sense cannot see, or can again."""

    kind: ClassVar[str] = "trouble"

    what: Literal["blind", "frozen", "covered", "blurred", "dark", "offline", "recovered"]
    """What is wrong with it."""
    detail: str = ""
    """One line that says what to check."""


class Heard(Fact):
    """Somebody said something."""

    kind: ClassVar[str] = "heard"

    words: str = Field(min_length=1)
    """What was said, as text."""
    confidence: Fraction | None = None
    """How sure the recogniser is."""
    start: Time | None = None
    """When the words began."""
    end: Time | None = None
    """When they ended."""


class Mentioned(Fact):
    """A post on X mentions the household's account; its place is the sense's name."""

    kind: ClassVar[str] = "mentioned"

    author: str
    """Who wrote it."""
    words: str = Field(min_length=1)
    """What it says."""
    post: str
    """The post's id at X."""


class Say(Fact):
    """Something is to be said aloud at a place."""

    kind: ClassVar[str] = "say"

    words: str = Field(min_length=1)
    """What to say."""
    language: str | None = None
    """The language of the words (`en`, `fr`); the voice's own if absent."""


class Label(Fact):
    """A human's label of a visit."""

    kind: ClassVar[str] = "label"

    visit: UUID
    """The visit that is meant."""
    who: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    """The person's name; absent if it is not a person."""
    group: Group = "family"
    """What the person is to the household; left out, somebody we know stays what they are."""
    until: Time | None = None
    """When a guest's pass ends; only with group guest."""


class Acknowledged(Fact):
    """Somebody has taken note of an alert: it stops everywhere."""

    kind: ClassVar[str] = "acknowledged"

    visit: UUID
    """The visit that alerted."""
    by: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    """Who has taken note of it."""


class SelfTest(Fact):
    """A test alert is wanted: the brain answers with a visit at `test`, which goes the way of every alert."""

    kind: ClassVar[str] = "self_test"

    place: str = topics.TEST
    """Always `test`."""


class SelfTestResult(Fact):
    """What became of a test alert at one service."""

    kind: ClassVar[str] = "self_test_result"

    place: str = topics.TEST
    """Always `test`."""
    visit: UUID
    """The test alert's visit."""
    service: str
    """Who had it."""
    ok: bool
    """Whether all was done that this service does for an alert."""
    detail: str = ""
    """What was done, or why it was not."""


class Said(Fact):
    """A voice speaks; sent as it begins, so that an ear at the place knows what is not somebody else's."""

    kind: ClassVar[str] = "said"

    words: str = Field(min_length=1)
    """What it says."""
    until: Time
    """When it ends; it began at `at`."""


class CameraEnabled(Fact):
    """Whether the cameras at a place may take pictures. Retained: the last message holds."""

    kind: ClassVar[str] = "enabled"

    enabled: bool
    """Whether they may. A place without such a message is enabled."""
    by: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    """Who switched them on or off."""


class Presence(Fact):
    """Whether somebody is at home, by a phone or another source; its place is the source's name."""

    kind: ClassVar[str] = "presence"

    person: Annotated[str, Field(min_length=1, max_length=40)]
    """The person's name, as in the gallery."""
    home: bool
    """Whether the person is at home."""


class PersonEntry(BaseModel):
    """Somebody the household knows."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    name: str
    """The name."""
    group: Group
    """What the person is to the household."""


class People(Fact):
    """Who is known, by name only; its place is `brain`. Retained, and sent again whenever it changes."""

    kind: ClassVar[str] = "people"

    people: tuple[PersonEntry, ...] = ()
    """Everybody in the gallery."""


class Stored(Fact):
    """The receipt for a visit's evidence."""

    kind: ClassVar[str] = "stored"

    visit: UUID
    """The visit whose evidence was stored."""
    seq: int
    """The message of the visit that was stored."""
    url: str
    """Where its facts are."""
    version: str | None = None
    """Which version of the facts, where the bucket keeps versions."""
    picture_url: str | None = None
    """Where its picture is."""
    picture_version: str | None = None
    """Which version of the picture, where the bucket keeps versions."""
    sha256: str | None = None
    """The picture's hash."""


FACTS: dict[str, type[Fact]] = {
    fact.kind: fact
    for fact in (
        Visit,
        Detections,
        LookCloser,
        Trouble,
        Heard,
        Mentioned,
        Say,
        Said,
        Label,
        Acknowledged,
        Stored,
        CameraEnabled,
        People,
        Presence,
        SelfTest,
        SelfTestResult,
        Status,
    )
}


def read_fact(topic: str, payload: bytes) -> Fact:
    """Read whatever fact a topic carries; `MessageError` if it is none of ours or does not fit."""
    place, kind = topics.split(topic)
    fact = Status if place == "status" else FACTS.get(kind)
    if fact is None:
        message = f"{topic}: no message of ours is called {kind}; there are {', '.join(FACTS)}"
        raise MessageError(message)
    return fact.read(topic, payload)
