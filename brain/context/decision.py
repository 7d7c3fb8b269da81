"""Pure: whether a visit alerts, and why not."""

from dataclasses import dataclass
from datetime import datetime

from brain.context.incident import OpenIncident
from brain.context.terms import ContextOdds

__all__ = ["Decision"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a visit alerts now."""

    alert: bool
    context: ContextOdds | None = None
    """What the context says; None if it was not asked."""
    is_calm: bool = False
    """Whether the context keeps it from alerting."""
    incident: OpenIncident | None = None
    """The incident that the visit belongs to from now on; None if it belongs to none."""
    until: datetime | None = None
    """Until when the alert waits for a face, a phone or a name; None if it does not wait."""
    unexpected: str = ""
    """Why somebody of the group known is not expected now; empty if the person is, or is somebody else."""
    quiet: str = ""
    """Why the policy asks for no alert; empty if it asks for one, or if that needs no word."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons of the context, and why it is quiet or what it waits for."""
        told = (self.unexpected,) if self.unexpected else self.context.reasons if self.context else ()
        if self.quiet:
            return (*told, self.quiet)
        return (*told, f"waits until {self.until.astimezone():%H:%M:%S}") if self.until else told
