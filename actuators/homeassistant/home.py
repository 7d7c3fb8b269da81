"""What is held of the house; pure: each message makes a new one, and the same message twice makes no difference."""

from collections.abc import Mapping
from datetime import datetime
from functools import singledispatch
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from nerves import topics
from nerves.messages import (
    Acknowledged,
    CameraEnabled,
    Detections,
    Fact,
    Group,
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
# What a brain counts in its status only where it can ask the cloud.
CLOUD_COUNT = "cloud_calls_today"
MAX_REMEMBERED = 200


class Value(BaseModel):
    """A frozen value that survives a change of its fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class VisitState(Value):
    """What is held of one visit."""

    visit: UUID
    place: str
    at: datetime
    since: datetime = Field(default_factory=lambda known: known["at"])  # an older version has kept none
    seq: int
    verdict: Verdict
    who: str | None = None
    stranger: str | None = None
    reasons: tuple[str, ...] = ()
    alerted: bool = False


class PlaceState(Value):
    """What is held of one place."""

    trouble: str = ""
    offline: bool = False
    closed: bool = False
    last: VisitState | None = None


class PersonState(Value):
    """What is held of somebody we know."""

    group: Group = "family"
    place: str | None = None
    seen: datetime | None = None


class Home(Value):
    """All that Home Assistant is told, but for the pictures, which the broker keeps."""

    places: dict[str, PlaceState] = {}
    people: dict[str, PersonState] = {}
    visits: dict[UUID, VisitState] = {}
    ended: dict[UUID, VisitState | None] = {}
    unknown: VisitState | None = None
    named: str | None = None
    alert: VisitState | None = None
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
        """Read what an older version has kept: which visits are over, and nothing of them."""
        return {str(each): None for each in ended} if isinstance(ended, list) else ended

    def changed(self, **changes: Any) -> "Home":  # noqa: ANN401 - each field has its own type
        """Return this home with something changed."""
        return self.model_copy(update=changes)

    def visits_at(self, place: str) -> list[VisitState]:
        """Return who is at a place now."""
        return [held for held in self.visits.values() if held.place == place]

    def find_visit(self, visit: UUID) -> VisitState | None:
        """Return what is held of a visit, be it over or not."""
        return self.visits.get(visit) or self.ended.get(visit)

    def is_late(self, visit: Visit) -> bool:
        """Whether a message corrects a visit that is over: a second opinion takes its time."""
        return visit.phase == "corrected" and visit.visit in self.ended


def fit_to_settings(home: Home, places: tuple[str, ...], people: tuple[str, ...]) -> Home:
    """Return a home that fits the settings: these places alone, where any are named, and these people too."""
    wanted = places or tuple(home.places)
    return home.changed(
        places={place: home.places.get(place, PlaceState()) for place in wanted},
        people={name: PersonState() for name in people} | home.people,
    )


def has_cloud(status: Status) -> bool:
    """Return whether a status is of a brain that can ask the cloud; where nothing is counted it says neither."""
    return CLOUD_COUNT in status.counts


@singledispatch
def home_after(message: Fact, home: Home) -> Home:
    """Return the home after a message."""
    del message
    return home


@home_after.register
def _(visit: Visit, home: Home) -> Home:
    if visit.place == topics.TEST:
        return home
    before, is_late = home.find_visit(visit.visit), home.is_late(visit)
    if (before and visit.seq <= before.seq) or (visit.visit in home.ended and not is_late):
        return home
    held = _held(visit, alerted=visit.alert or (before is not None and before.alerted))
    home = _met(_unknown(_last(home, held), held, alert=visit.alert), visit)
    if visit.phase == "ended" or is_late:
        rest = {key: each for key, each in home.visits.items() if key != visit.visit}
        return home.changed(visits=rest, ended=_over(home, held), waiting=_waits(home, visit))
    return home.changed(visits=home.visits | {visit.visit: held}, waiting=_waits(home, visit))


@home_after.register
def _(seen: Detections, home: Home) -> Home:
    return _at(home, seen.place)


@home_after.register
def _(trouble: Trouble, home: Home) -> Home:
    return _at(home, trouble.place, trouble="" if trouble.what == "recovered" else trouble.what)


@home_after.register
def _(eyes: CameraEnabled, home: Home) -> Home:
    return _at(home, eyes.place, closed=not eyes.enabled)


@home_after.register
def _(status: Status, home: Home) -> Home:
    if status.service == BRAIN and status.counts and has_cloud(status) != home.cloud:
        home = home.changed(cloud=has_cloud(status))
    known = status.service in home.places
    return _at(home, status.service, offline=status.state == "offline") if known else home


@home_after.register
def _(people: People, home: Home) -> Home:
    known = {each.name: home.people.get(each.name, PersonState()) for each in people.people}
    groups = {each.name: each.group for each in people.people}
    return home.changed(people={name: each.model_copy(update={"group": groups[name]}) for name, each in known.items()})


@home_after.register
def _(stored: Stored, home: Home) -> Home:
    key = _evidence(stored)
    if key not in home.waiting and home.receipts:
        return home
    return home.changed(
        receipts=home.receipts + 1, stored=stored.url, waiting=tuple(each for each in home.waiting if each != key)
    )


@home_after.register
def _(told: Label, home: Home) -> Home:
    if home.unknown is None or home.unknown.visit != told.visit:
        return home
    return home.changed(named=told.who or "")


@home_after.register
def _(word: Acknowledged, home: Home) -> Home:
    return home.changed(acknowledged=True) if home.alert and home.alert.visit == word.visit else home


def _held(visit: Visit, *, alerted: bool) -> VisitState:
    fields: Mapping[str, Any] = {key: getattr(visit, key) for key in VisitState.model_fields if hasattr(visit, key)}
    return VisitState.model_validate({**fields, "alerted": alerted})


def _at(home: Home, place: str, **changes: Any) -> Home:  # noqa: ANN401 - each field has its own type
    known = home.places.get(place)
    changed = (known or PlaceState()).model_copy(update=changes)
    return home if changed == known else home.changed(places=home.places | {place: changed})


def _replaces(home: Home, held: VisitState, old: VisitState | None) -> bool:
    """Whether a visit takes the place of another; one that is over and was corrected, not of whoever came later."""
    is_same = old is not None and old.visit == held.visit
    return old is None or is_same or held.visit not in home.ended or held.since > old.since


def _last(home: Home, held: VisitState) -> Home:
    old = home.places.get(held.place, PlaceState()).last
    is_told = held.verdict != "identifying" and _replaces(home, held, old)
    return _at(home, held.place, **({"last": held} if is_told else {}))


def _over(home: Home, held: VisitState) -> dict[UUID, VisitState | None]:
    """Return the visits that are over, with one more, but for their reasons: a correction has its own."""
    rest = [(key, each) for key, each in home.ended.items() if key != held.visit]
    return dict([*rest, (held.visit, held.model_copy(update={"reasons": ()}))][-MAX_REMEMBERED:])


def _unknown(home: Home, held: VisitState, *, alert: bool) -> Home:
    """Note who is to be named, and what is to be acknowledged; a name that comes by itself needs no human."""
    if held.verdict in UNKNOWN_VERDICTS and _replaces(home, held, home.unknown):
        again = home.unknown is not None and home.unknown.visit == held.visit
        home = home.changed(unknown=held, named=home.named if again else None)
    elif home.unknown and home.unknown.visit == held.visit and held.who:
        home = home.changed(named=held.who)
    return home.changed(alert=held, acknowledged=False) if alert else home


def _met(home: Home, visit: Visit) -> Home:
    if not visit.who or visit.verdict not in ("family", "guest"):
        return home
    known = home.people.get(visit.who, PersonState(group=visit.verdict))
    if known.seen and visit.last < known.seen:
        return home
    return home.changed(
        people=home.people | {visit.who: known.model_copy(update={"place": visit.place, "seen": visit.last})}
    )


def _waits(home: Home, visit: Visit) -> tuple[str, ...]:
    """Return the evidence that is not stored yet; nothing waits where no store has ever answered."""
    return _latest(home.waiting, _evidence(visit)) if home.receipts else ()


def _evidence(message: Visit | Stored) -> str:
    return f"{message.visit} {message.seq}"


def _latest(known: tuple[str, ...], new: str) -> tuple[str, ...]:
    return (*(each for each in known if each != new), new)[-MAX_REMEMBERED:]
