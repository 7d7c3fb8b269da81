"""Pure: how long people walk from place to place. The house learns it from the visits of people it names."""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

from brain.context import numbers
from brain.settings.context import PlaceSettings

__all__ = ["TravelTimes"]

# The defaults count as much as this many walks that were seen.
PRIOR_WALKS = 10.0


@dataclass
class TravelTimes:
    """The gaps between leaving one place and appearing at another."""

    places: Mapping[str, PlaceSettings] = field(default_factory=dict)
    gaps: dict[str, list[int]] = field(default_factory=dict)
    """By "place>place": how many walks fell between each two edges of `GAP_EDGES_S`."""
    arrivals: dict[str, list[int]] = field(default_factory=dict)
    """By place: how often people of the house appeared there after a camera saw them elsewhere, and without."""

    def learn(self, before: str, after: str, gap_s: float) -> None:
        """Count a walk of a person who was named at both places."""
        interval = _interval(gap_s)
        if interval is not None:
            self.gaps.setdefault(f"{before}>{after}", [0] * len(numbers.GAP_SHARES))[interval] += 1

    def learn_arrival(self, place: str, *, was_seen_before: bool) -> None:
        """Count how somebody of the house appeared at a place."""
        self.arrivals.setdefault(place, [0, 0])[0 if was_seen_before else 1] += 1

    def log_odds(self, before: str, after: str, gap_s: float, *, background_s: float = numbers.BACKGROUND_S) -> float:
        """Return the log odds that the same body appears after this gap, against another body by chance.

        Minus infinity if the gap is impossible. Another body appears once in `background_s`.
        """
        interval = _interval(gap_s)
        if interval is None or (before == after and gap_s < 0):
            return -math.inf
        counts = self.gaps.get(f"{before}>{after}", [0] * len(numbers.GAP_SHARES))
        shares = numbers.RETURN_GAP_SHARES if before == after else numbers.GAP_SHARES
        share = (counts[interval] + PRIOR_WALKS * shares[interval]) / (sum(counts) + PRIOR_WALKS)
        begin = numbers.GAP_EDGES_S[interval]
        width = numbers.GAP_EDGES_S[interval + 1] - (max(begin, 0.0) if before == after else begin)
        return math.log(share / width * background_s) + self._way(before, after, sum(counts))

    def is_entrance(self, place: str) -> bool:
        """Return whether people come into the house here."""
        return place in self.places and self.places[place].entrance

    def nowhere_share(self, place: str) -> float:
        """Return how often a person of the house who appears at a place was seen nowhere before, 0 to 1."""
        seen, nowhere = self.arrivals.get(place, [0, 0])
        count = numbers.NOWHERE_PRIOR_COUNT
        return (nowhere + count * numbers.NOWHERE_PRIOR_SHARE) / (seen + nowhere + count)

    def _way(self, before: str, after: str, walks: int) -> float:
        if before == after:
            return numbers.RETURN_LOG_ODDS
        is_told = any(place.next_to for place in self.places.values())
        is_near = not is_told or after in self._next_to(before) or before in self._next_to(after)
        return 0.0 if is_near or walks >= PRIOR_WALKS else numbers.NOT_ADJACENT_LOG_ODDS

    def _next_to(self, place: str) -> tuple[str, ...]:
        return self.places[place].next_to if place in self.places else ()


def _interval(gap_s: float) -> int | None:
    edges = numbers.GAP_EDGES_S
    return bisect_right(edges, gap_s) - 1 if edges[0] <= gap_s < edges[-1] else None
