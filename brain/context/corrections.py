"""What humans say of the visits in the log: whose they were, that nobody came, and whom to forget."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from brain.context.house_log import HouseLog
from brain.context.sighting import Sighting
from brain.people.records import LabelRecord

__all__ = ["Corrections"]


@dataclass
class Corrections:
    """Keeps the log of the house as the gallery says."""

    names: set[str]
    """Everybody in the gallery when it was last looked at."""
    before: dict[UUID, Sighting] = field(default_factory=dict)
    """By visit with a human's label: how it was before."""

    def apply(self, log: HouseLog, names: set[str], labels: Mapping[UUID, LabelRecord]) -> list[Sighting]:
        """Correct the log, and return the visits that have a new name.

        Visits that have not ended are left as they are: the brain applies their labels itself.

        Args:
            log: The log of the house.
            names: Everybody in the gallery.
            labels: All labels, by visit.
        """
        for name in self.names - names:
            log.forget(name)
        self.names = names
        self._take_back(log, labels)
        named = [visit for visit, label in labels.items() if self._correct(log, visit, label)]
        return [log.sightings[visit] for visit in named]

    def _take_back(self, log: HouseLog, labels: Mapping[UUID, LabelRecord]) -> None:
        for visit in self.before.keys() - labels.keys():
            before = self.before.pop(visit)
            if visit in log.sightings:
                log.rename(visit, before.who, before.verdict)

    def _correct(self, log: HouseLog, visit: UUID, label: LabelRecord) -> bool:
        """Apply a label, and return whether it gives the visit a new name."""
        ended = log.sightings.get(visit)
        if ended is None or ended.is_open:
            return False
        if label.who is None:
            log.drop(visit)
        if label.who in (None, ended.who):
            return False
        self.before.setdefault(visit, ended)
        log.rename(visit, label.who, label.group)
        return True
