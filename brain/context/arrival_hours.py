"""Pure: at which hours each person comes home. The house learns it from its phones and its named visits."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from brain.context import numbers

__all__ = ["BIN_COUNT", "ArrivalHours"]

# Half hours of the day by local time: those from Monday to Friday, then those of a Saturday or Sunday.
DAY_BINS = 48
BIN_COUNT = 2 * DAY_BINS
FRIDAY_NUMBER = 4
SAME_ARRIVAL = timedelta(seconds=numbers.SAME_ARRIVAL_S)


@dataclass
class ArrivalHours:
    """How often each person came home in each half hour of a day; long ago counts less."""

    counts: dict[str, list[float]] = field(default_factory=dict)
    """By person: `BIN_COUNT` numbers."""
    last: dict[str, datetime] = field(default_factory=dict)
    """By person: the last arrival that was counted."""

    def learn(self, person: str, at: datetime) -> None:
        """Count that a person came home, unless that was counted a moment ago: by a phone, then by a face."""
        last = self.last.get(person)
        if last is not None and abs(at - last) < SAME_ARRIVAL:
            return
        self.last[person] = at
        day, half_hour = _bins(at)
        counts = self.counts.setdefault(person, [0.0] * BIN_COUNT)
        counts[day : day + DAY_BINS] = [numbers.ARRIVAL_MEMORY * one for one in counts[day : day + DAY_BINS]]
        counts[day + half_hour] += 1

    def odds(self, person: str, at: datetime) -> float:
        """Return how much likelier this person comes home now than at a time that says nothing, 0.5 to 8.

        An arrival that was counted a moment ago may be this very one, and does not speak for itself.
        """
        day, half_hour = _bins(at)
        counts = self.counts.get(person, [0.0] * BIN_COUNT)[day : day + DAY_BINS]
        last = self.last.get(person)
        if last is not None and abs(at - last) < SAME_ARRIVAL and _bins(last)[0] == day:
            counts[_bins(last)[1]] -= 1
        middle = len(numbers.ARRIVAL_SPREAD) // 2
        near = sum(
            share * counts[(half_hour + number - middle) % DAY_BINS]
            for number, share in enumerate(numbers.ARRIVAL_SPREAD)
        )
        prior = numbers.PRIOR_ARRIVALS
        odds = (prior + numbers.UP_HALF_HOURS * near) / (prior + sum(counts))
        return min(max(odds, numbers.MIN_HOURS_ODDS), numbers.MAX_HOURS_ODDS)

    def forget(self, person: str) -> None:
        """Forget a person."""
        self.counts.pop(person, None)
        self.last.pop(person, None)


def _bins(at: datetime) -> tuple[int, int]:
    """Return the first bin of this kind of day, and the half hour of the day."""
    local = at.astimezone()
    return (DAY_BINS if local.weekday() > FRIDAY_NUMBER else 0), 2 * local.hour + local.minute // 30
