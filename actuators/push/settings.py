"""Settings of the push actuator."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from actuators.push.services import check_service_url
from nerves.hours import HoursText
from nerves.messages import Verdict
from nerves.services import ServiceSettings
from nerves.sources import Where
from nerves.texts import check_template
from nerves.topics import check_place

__all__ = ["FIELDS", "EscalationStep", "PushSettings", "Texts"]

FIELDS = ("place", "name", "verdict", "time", "again")
INCIDENT_FIELDS = ("unknown", "people", "places", "pictures", "time")
Sentence = Annotated[str, AfterValidator(check_template(FIELDS))] | None


class Texts(BaseModel):
    """The sentences of notifications; the `language` has a default for each."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    title: Sentence = None
    """The title of every message. Fields: {place} {name} {verdict} {time} {again}."""
    stranger: Sentence = None
    """The alert, and a correction, for a stranger."""
    unidentified: Sentence = None
    """The alert for somebody whose face could not be seen."""
    known: Sentence = None
    """The alert for somebody with a name, if `on` names the group."""
    unexpected: Sentence = None
    """The alert, and a correction, for somebody of the group known outside the agreed hours."""
    corrected: Sentence = None
    """The correction of an alert once the person has a name."""
    nobody: Sentence = None
    """The correction once somebody has labelled the visit as not a person."""
    acknowledged: Annotated[str, AfterValidator(check_template((*FIELDS, "by")))] | None = None
    """Sent to the others once somebody has acknowledged. Also: {by}."""
    incident: Annotated[str, AfterValidator(check_template(INCIDENT_FIELDS))] | None = None
    """What is known of an incident of several visits. Fields: only {unknown} {people} {places} {pictures} {time}."""
    late: Annotated[str, AfterValidator(check_template(("text", "age")))] | None = None
    """How a late message says its age. Fields: only {text} {age}."""
    spoken: Annotated[str, AfterValidator(check_template((*FIELDS, "text")))] | None = None
    """What a voice says for a step with `say`. Also: {text} of the alert."""


class EscalationStep(BaseModel):
    """Whom to notify next if nobody has acknowledged."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    urls: tuple[str, ...] = ()
    """Services to push to, as in `urls` above."""
    say: Annotated[str, AfterValidator(check_place)] | None = None
    """The place whose voice says the alert aloud."""
    after_s: float = Field(default=0, ge=0, le=86400)
    """How long after the alert, in seconds."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.urls and not self.say:
            why = "a step notifies nobody: give it urls, or say with the place of a voice"
            raise ValueError(why)
        return self


class PushSettings(ServiceSettings):
    """Pushes alerts to phones: once for each incident, and updated when more is known."""

    urls: tuple[str, ...] = ()
    """Apprise urls of the services to push to. `${NAME}` stands for a secret from the environment."""
    contacts: tuple[EscalationStep, ...] = ()
    """Who is notified next, while nobody acknowledges."""
    on: frozenset[Verdict] = frozenset({"stranger", "unidentified", "known"})
    """The verdicts whose alerts are pushed. Somebody of the group known alerts outside the agreed hours only."""
    quiet: HoursText | None = None
    """Local hours without alerts, such as 22:00-07:00. Alerts that come in these hours are pushed when they end."""
    quiet_except: frozenset[Verdict] = frozenset({"stranger", "known"})
    """The verdicts that are pushed in quiet hours too."""
    cooldown_s: float = Field(default=300, ge=0, le=86400)
    """A person with a name alerts again at the same place only after this time. Somebody unknown always alerts."""
    picture: bool = True
    """Send the visit's picture along."""
    late_s: float = Field(default=60, ge=1, le=86400)
    """A message that is at least this old says its age."""
    language: Literal["en", "fr"] = "en"
    """The language of the sentences that are not in `texts`."""
    texts: Texts = Texts()

    @property
    def steps(self) -> tuple[EscalationStep, ...]:
        """All escalation steps, in order: `urls`, then `contacts`."""
        return ((EscalationStep(urls=self.urls),) if self.urls else ()) + self.contacts

    @field_validator("urls")
    @classmethod
    def _can_be_used(cls, urls: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for url in urls:
            check_service_url(url, in_file=_is_in_file(info))
        return urls

    @field_validator("contacts")
    @classmethod
    def _in_order(cls, contacts: tuple[EscalationStep, ...], info: ValidationInfo) -> tuple[EscalationStep, ...]:
        for url in (url for step in contacts for url in step.urls):
            check_service_url(url, in_file=_is_in_file(info))
        waits = [step.after_s for step in contacts]
        if waits != sorted(waits):
            why = "a step comes before the one above it: put them in the order of after_s"
            raise ValueError(why)
        return contacts

    @model_validator(mode="after")
    def _has_somebody(self) -> Self:
        if not self.steps:
            why = "nobody would be notified: give it urls, such as [ntfy://a-name-that-nobody-guesses]"
            raise ValueError(why)
        return self


def _is_in_file(info: ValidationInfo) -> bool:
    """Whether a setting comes from a file, which may hold no secret."""
    where = info.context
    if not isinstance(where, Where):
        return False
    path = (*where.path, info.field_name)
    return not any(path[:length] in where.variables for length in range(1, len(path) + 1))
