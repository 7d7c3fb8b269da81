"""Pure: the state of the house. Each message gives a new one; the same message twice changes nothing."""

from collections.abc import Mapping
from datetime import datetime
from functools import singledispatch
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from actuators.homeassistant.incident import newest_incident
from nerves import topics
from nerves.messages import (
    Acknowledged,
    CameraEnabled,
    Detections,
    Fact,
    Group,
    Incident,
    Label,
    People,
    Status,
    Stored,
    Trouble,
    Verdict,
    Visit,
)

__all__ = [
    "BRAIN",
    "UNKNOWN_VERDICTS",
    "Home",
    "PersonState",
    "PlaceState",
    "VisitState",
    "fit_to_settings",
    "has_cloud",
    "home_after",
]

BRAIN = "brain"
UNKNOWN_VERDICTS = ("stranger", "unidentified")
# The brain has this number in its status only if it can ask the cloud.
CLOUD_COUNT = "cloud_calls_today"
MAX_REMEMBERED = 200


class Value(BaseModel):
    """A frozen value that ignores fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class VisitState(Value):
    """The state of one visit."""

    visit: UUID
    place: str
    at: datetime
    since: datetime = Field(default_factory=lambda known: known["at"])  # an older version did not store it
    seq: int
    verdict: Verdict
    who: str | None = None
    stranger: str | None = None
    reasons: tuple[str, ...] = ()
    alerted: bool = False
    incident: UUID | None = None
    probably: str | None = None
    odds: int | None = None


class PlaceState(Value):
    """The state of one place."""

    trouble: str = ""
    offline: bool = False
    disabled: bool = False
    last: VisitState | None = None


class PersonState(Value):
    """The state of a person we know."""

    group: Group = "family"
    place: str | None = None
    seen: datetime | None = None


class Home(Value):
    """Everything that Home Assistant shows, except the pictures, which the broker retains."""

    places: dict[str, PlaceState] = {}
    people: dict[str, PersonState] = {}
    visits: dict[UUID, VisitState] = {}
    ended: dict[UUID, VisitState | None] = {}
    unknown: VisitState | None = None
    named: str | None = None
    alert: VisitState | None = None
    incident: Incident | None = None
    acknowledged: bool = True
    receipts: int = 0
    waiting: tuple[str, ...] = ()
    stored: str | None = None
    cloud: bool = False
    announced: dict[str, dict[str, str]] = {}
    retained: tuple[str, ...] = ()

    @field_validator("ended", mode="before")
    @classmethod
    def _of_ids(cls, ended: object) -> object:
        """Read the format of an older version, which stored only the ids of ended visits."""
        return {str(each): None for each in ended} if isinstance(ended, list) else ended

    def changed(self, **changes: Any) -> "Home":  # noqa: ANN401 - each field has its own type
        """Return this home with some fields changed."""
        return self.model_copy(update=changes)

    def visits_at(self, place: str) -> list[VisitState]:
        """Return the visits at a place now."""
        return [visit for visit in self.visits.values() if visit.place == place]

    def find_visit(self, visit: UUID) -> VisitState | None:
        """Return the state of a visit, whether it has ended or not."""
        return self.visits.get(visit) or self.ended.get(visit)

    def is_same_alert(self, visit: UUID) -> bool:
        """Whether a visit is the one that alerted last, or belongs to the same incident."""
        if self.alert is None or self.alert.visit == visit:
            return self.alert is not None
        known = self.find_visit(visit)
        return known is not None and known.incident is not None and known.incident == self.alert.incident

    def unknown_of(self, incident: UUID) -> list[VisitState]:
        """Return the visits of an incident that have no name."""
        known = [each for each in (*self.visits.values(), *self.ended.values()) if each]
        return [each for each in known if each.incident == incident and each.verdict in UNKNOWN_VERDICTS]

    def is_late(self, visit: Visit) -> bool:
        """Whether a message corrects a visit that has ended: a second opinion can come late."""
        return visit.phase == "corrected" and visit.visit in self.ended


def fit_to_settings(home: Home, places: tuple[str, ...], people: tuple[str, ...]) -> Home:
    """Return a home with only the places of the settings, if there are any, and with their people added."""
    wanted = places or tuple(home.places)
    return home.changed(
        places={place: home.places.get(place, PlaceState()) for place in wanted},
        people={name: PersonState() for name in people} | home.people,
    )


def has_cloud(status: Status) -> bool:
    """Whether the brain that sent a status can ask the cloud. A status without counts does not say."""
    return CLOUD_COUNT in status.counts


@singledispatch
def home_after(message: Fact, home: Home) -> Home:
    """Return the home after a message; the same object if nothing has changed."""
    del message
    return home


@home_after.register
def _(visit: Visit, home: Home) -> Home:
    if visit.place == topics.TEST:
        return home
    before, is_late = home.find_visit(visit.visit), home.is_late(visit)
    if (before and visit.seq <= before.seq) or (visit.visit in home.ended and not is_late):
        return home
    state = _visit_state(visit, alerted=visit.alert or (before is not None and before.alerted))
    home = home.changed(incident=newest_incident(home.incident, visit.incident))
    home = _with_person(_with_unknown(_with_last(home, state), state, alert=visit.alert), visit)
    waiting = _waiting(home, visit)
    if visit.phase == "ended" or is_late:
        others = {key: each for key, each in home.visits.items() if key != visit.visit}
        return home.changed(visits=others, ended=_ended(home, state), waiting=waiting)
    return home.changed(visits=home.visits | {visit.visit: state}, waiting=waiting)


@home_after.register
def _(message: Detections, home: Home) -> Home:
    return _with_place(home, message.place)


@home_after.register
def _(trouble: Trouble, home: Home) -> Home:
    return _with_place(home, trouble.place, trouble="" if trouble.what == "recovered" else trouble.what)


@home_after.register
def _(switch: CameraEnabled, home: Home) -> Home:
    return _with_place(home, switch.place, disabled=not switch.enabled)


@home_after.register
def _(status: Status, home: Home) -> Home:
    if status.service == BRAIN and status.counts and has_cloud(status) != home.cloud:
        home = home.changed(cloud=has_cloud(status))
    known = status.service in home.places
    return _with_place(home, status.service, offline=status.state == "offline") if known else home


@home_after.register
def _(people: People, home: Home) -> Home:
    known = {each.name: home.people.get(each.name, PersonState()) for each in people.people}
    groups = {each.name: each.group for each in people.people}
    return home.changed(people={name: each.model_copy(update={"group": groups[name]}) for name, each in known.items()})


@home_after.register
def _(stored: Stored, home: Home) -> Home:
    key = _evidence_key(stored)
    if key not in home.waiting and home.receipts:
        return home
    return home.changed(
        receipts=home.receipts + 1, stored=stored.url, waiting=tuple(each for each in home.waiting if each != key)
    )


@home_after.register
def _(label: Label, home: Home) -> Home:
    if home.unknown is None or home.unknown.visit != label.visit:
        return home
    return home.changed(named=label.who or "")


@home_after.register
def _(acknowledged: Acknowledged, home: Home) -> Home:
    return home.changed(acknowledged=True) if home.is_same_alert(acknowledged.visit) else home


def _visit_state(visit: Visit, *, alerted: bool) -> VisitState:
    fields: Mapping[str, Any] = {key: getattr(visit, key) for key in VisitState.model_fields if hasattr(visit, key)}
    incident = visit.incident.id if visit.incident else None
    return VisitState.model_validate({**fields, "alerted": alerted, "incident": incident})


def _with_place(home: Home, place: str, **changes: Any) -> Home:  # noqa: ANN401 - each field has its own type
    known = home.places.get(place)
    changed = (known or PlaceState()).model_copy(update=changes)
    return home if changed == known else home.changed(places=home.places | {place: changed})


def _replaces(home: Home, new: VisitState, old: VisitState | None) -> bool:
    """Whether a visit is shown instead of another. A late correction does not replace a visit that began later."""
    is_same = old is not None and old.visit == new.visit
    return old is None or is_same or new.visit not in home.ended or new.since > old.since


def _with_last(home: Home, visit: VisitState) -> Home:
    old = home.places.get(visit.place, PlaceState()).last
    is_shown = visit.verdict != "identifying" and _replaces(home, visit, old)
    return _with_place(home, visit.place, **({"last": visit} if is_shown else {}))


def _ended(home: Home, visit: VisitState) -> dict[UUID, VisitState | None]:
    """Return the ended visits with one more. They have no reasons: a correction brings its own."""
    others = [(key, each) for key, each in home.ended.items() if key != visit.visit]
    return dict([*others, (visit.visit, visit.model_copy(update={"reasons": ()}))][-MAX_REMEMBERED:])


def _with_unknown(home: Home, visit: VisitState, *, alert: bool) -> Home:
    """Return the home with the visit to name and the alert to acknowledge; a visit that got a name needs no label."""
    if visit.verdict in UNKNOWN_VERDICTS and _replaces(home, visit, home.unknown):
        is_same = home.unknown is not None and home.unknown.visit == visit.visit
        home = home.changed(unknown=visit, named=home.named if is_same else None)
    elif home.unknown and home.unknown.visit == visit.visit and visit.who:
        home = home.changed(named=visit.who)
    return home.changed(alert=visit, acknowledged=False) if alert else home


def _with_person(home: Home, visit: Visit) -> Home:
    """Return the home with the time and place at which a known person was seen last."""
    if not visit.who or visit.verdict not in ("family", "guest", "known"):
        return home
    known = home.people.get(visit.who, PersonState(group=visit.verdict))
    if known.seen and visit.last < known.seen:
        return home
    return home.changed(
        people=home.people | {visit.who: known.model_copy(update={"place": visit.place, "seen": visit.last})}
    )


def _waiting(home: Home, visit: Visit) -> tuple[str, ...]:
    """Return the keys of evidence that is not stored yet; none if no store has ever sent a receipt."""
    return _newest(home.waiting, _evidence_key(visit)) if home.receipts else ()


def _evidence_key(message: Visit | Stored) -> str:
    return f"{message.visit} {message.seq}"


def _newest(known: tuple[str, ...], new: str) -> tuple[str, ...]:
    return (*(each for each in known if each != new), new)[-MAX_REMEMBERED:]
