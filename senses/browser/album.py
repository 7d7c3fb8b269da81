"""The recent visits that the page shows, so that a person can say who it was."""

from collections import OrderedDict
from typing import Any

from nerves.messages import Label, Visit, stamp

__all__ = ["RecentVisits"]

MAX_VISITS = 20


class RecentVisits:
    """The newest message and the last picture of each of the last 20 visits; in memory only."""

    def __init__(self) -> None:
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._labels: dict[str, str] = {}

    def put(self, visit: Visit) -> dict[str, Any] | None:
        """Add a visit message and return its line for the page; None if a newer message of the visit is there."""
        key = str(visit.visit)
        held = self._visits.get(key)
        if held and held.seq >= visit.seq:
            return None
        if held and visit.picture is None:
            visit = visit.model_copy(update={"picture": held.picture})
        self._visits[key] = visit
        while len(self._visits) > MAX_VISITS:
            gone, _ = self._visits.popitem(last=False)
            self._labels.pop(gone, None)
        return self._line(visit)

    def lines(self) -> list[dict[str, Any]]:
        """Return what the page shows of each visit, oldest first."""
        return [self._line(visit) for visit in self._visits.values()]

    def picture(self, visit: str) -> bytes | None:
        """Return the picture of a visit; None if there is none."""
        held = self._visits.get(visit)
        return held.picture if held else None

    def add_label(self, label: Label) -> dict[str, Any] | None:
        """Add a person's label and return the line of its visit; None if the visit is not held."""
        held = self._visits.get(str(label.visit))
        if held is None:
            return None
        self._labels[str(label.visit)] = label.who or ""
        return self._line(held)

    def place(self, visit: str) -> str | None:
        """Return the place of a visit; None if the visit is not held."""
        held = self._visits.get(visit)
        return held.place if held else None

    def _line(self, visit: Visit) -> dict[str, Any]:
        return {
            "visit": str(visit.visit),
            "seq": visit.seq,
            "place": visit.place,
            "phase": visit.phase,
            "verdict": visit.verdict,
            "who": visit.who or visit.stranger,
            "since": stamp(visit.since),
            "alert": visit.alert,
            "picture": visit.picture is not None,
            "label": self._labels.get(str(visit.visit)),
        }
