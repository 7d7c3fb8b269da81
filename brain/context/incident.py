"""Pure: what belongs together is one incident. It rings once, and again only when it gets worse."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from uuid6 import uuid7

from nerves.messages import Incident, Verdict

__all__ = ["SPARSE_GAP_FACTOR", "OpenIncident", "body_in", "in_order", "is_worse", "joined"]

# A camera that sends a few pictures only may be silent for minutes while somebody is there: at such a place an incident
# is over after this many times the usual time. With 120 s, pictures up to six minutes apart are one incident.
SPARSE_GAP_FACTOR = 3


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident that is not over."""

    id: UUID
    since: datetime
    last: datetime
    places: tuple[str, ...] = ()
    """Where unknown people were seen, in this order."""
    bodies: frozenset[UUID] = frozenset()
    """The unknown bodies, each by the first visit of its way."""
    visits: frozenset[UUID] = frozenset()
    worst: Verdict = "unidentified"
    rings: int = 0

    def is_open(self, at: datetime, gap: timedelta, *, is_inside: bool) -> bool:
        """Return whether a visit belongs to it now.

        Args:
            at: Now.
            gap: How long after the last visit it is over.
            is_inside: Whether the visit's body is one of the incident's and may still be in the house.
        """
        return is_inside or at - self.last <= gap

    def message(self) -> Incident:
        """Return it as messages tell it."""
        return Incident(id=self.id, since=self.since, places=self.places, people=len(self.bodies), rings=self.rings)


def is_worse(incident: OpenIncident | None, verdict: Verdict, body: UUID, *, is_further: bool) -> bool:
    """Return whether a visit makes an incident ring: it is the first one, a stranger, or a further person.

    Args:
        incident: The open incident; None if there is none.
        verdict: The verdict of the visit.
        body: The visit that the way of its body begins with.
        is_further: Whether this body cannot be one of the incident's: it came in later, or both are seen at once.
    """
    if incident is None:
        return True
    if verdict == "stranger" and incident.worst != "stranger":
        return True
    return is_further and body not in incident.bodies


def body_in(incident: OpenIncident | None, root: UUID, place: str, *, is_sparse: bool, others: int) -> UUID:
    """Return the body that a visit is taken for.

    A few pictures show no way from one to the next. So at one place as many bodies are assumed as one picture shows.

    Args:
        incident: The open incident; None if there is none.
        root: The visit that the way of the body begins with.
        place: Where it was seen.
        is_sparse: Whether the camera sends a few pictures only.
        others: How many others of the incident appeared in the same picture.
    """
    if incident is None or not is_sparse or place not in incident.places:
        return root
    if root in incident.bodies or others >= len(incident.bodies):
        return root
    return sorted(incident.bodies)[others]


def joined(  # noqa: PLR0913 - what the visit is
    incident: OpenIncident | None, visit: UUID, place: str, verdict: Verdict, body: UUID, at: datetime, *, rings: bool
) -> OpenIncident:
    """Return the incident with one more visit, or a new one."""
    base = incident or OpenIncident(uuid7(), at, at)
    return replace(
        base,
        last=at,
        places=base.places if place in base.places else (*base.places, place),
        bodies=base.bodies | {body},
        visits=base.visits | {visit},
        worst="stranger" if verdict == "stranger" else base.worst,
        rings=base.rings + rings,
    )


def in_order(incident: OpenIncident, first: Mapping[str, datetime]) -> OpenIncident:
    """Return the incident with its places in the order in which its visits began.

    A visit that waits for a face joins the incident long after it began.

    Args:
        incident: The incident.
        first: When somebody of it was first seen at each place; if that is not known, when the incident began.
    """
    return replace(incident, places=tuple(sorted(incident.places, key=lambda one: first.get(one, incident.since))))
