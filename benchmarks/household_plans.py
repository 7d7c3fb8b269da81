"""Pure: the fixed points of each day in the household benchmark: who works when, meals, television, visitors."""

from dataclasses import dataclass

import numpy as np

__all__ = ["FAMILY", "DayPlan", "plans_of"]

Rng = np.random.Generator

FAMILY = ("father", "mother", "daughter", "son")
# Days of the week, from Monday: the weekend, the days when the mother works, the guest comes, and the cleaner comes.
WEEKEND, MOTHER_WORKS, GUEST_COMES, CLEANER_COMES = (5, 6), (0, 1, 3), (2, 5), (1, 4)
# How likely: all go out together at a weekend; somebody goes out alone; a child has sport in the afternoon; somebody
# watches television.
TOGETHER_SHARE, ALONE_OUT_SHARE, SPORT_SHARE, TELEVISION_SHARE = 0.5, 0.66, 0.3, 0.7


@dataclass(frozen=True, slots=True)
class DayPlan:
    """The fixed points of one person's day, in hours."""

    wakes: float
    outings: tuple[tuple[float, float], ...]
    meals: tuple[tuple[float, float], ...]
    television: tuple[float, float] | None
    bed: float


def plans_of(day: int, rng: Rng) -> dict[str, DayPlan]:
    """Return everybody's plan of one day; day 0 is a Monday."""
    weekday = day % 7

    def around(hour: float, minutes: float) -> float:
        return float(hour + rng.normal(0, minutes / 60))

    dinner = around(19.0, 15)
    supper, evening = (dinner, dinner + around(0.6, 5)), around(20.3, 10)
    television = (evening, evening + around(1.8, 15))
    plans = {}
    together, joint_out = rng.random() < TOGETHER_SHARE, (around(11, 30), around(15.5, 40))
    leave_together = around(7.75, 7)
    for number, who in enumerate(FAMILY):
        lag = float(rng.uniform(0, 8)) / 3600 * number
        out: tuple[tuple[float, float], ...]
        if weekday in WEEKEND:
            wakes = around(8.5, 25)
            out = (tuple(hour + lag for hour in joint_out),) if together else _alone_out(rng)  # type: ignore[assignment]
        else:
            wakes = around(6.8, 8)
            out = _work(who, weekday, leave_together + lag, rng)
        watches = television if rng.random() < TELEVISION_SHARE else None
        breakfast = wakes + float(rng.uniform(0.2, 0.4))
        meals = ((breakfast, breakfast + float(rng.uniform(0.2, 0.4))), (supper[0] + lag, supper[1] + lag))
        plans[who] = DayPlan(wakes, out, meals, watches, around(21.9 if who in FAMILY[2:] else 22.9, 15))
    if weekday in GUEST_COMES:
        plans["guest"] = DayPlan(0, ((around(18.8, 15), around(21.8, 20)),), (), None, 0)
    if weekday in CLEANER_COMES:
        plans["cleaner"] = DayPlan(0, ((around(9.2, 8), around(12.0, 10)),), (), None, 0)
    return plans


def _alone_out(rng: Rng) -> tuple[tuple[float, float], ...]:
    """Return an outing of one person at a weekend, in two of three cases."""
    start = float(rng.uniform(10, 16))
    return ((start, start + float(rng.uniform(0.7, 2.5))),) if rng.random() < ALONE_OUT_SHARE else ()


def _work(who: str, weekday: int, leave: float, rng: Rng) -> tuple[tuple[float, float], ...]:
    """Return when somebody is out on a weekday. The children and the mother leave together; the mother works 3 days."""
    if who == "father":
        return ((leave - float(rng.uniform(0.1, 0.5)), float(rng.normal(17.6, 0.4))),)
    if who == "mother":
        return ((leave, float(rng.normal(14.2, 0.3))),) if weekday in MOTHER_WORKS else ((10.2, 11.4),)
    back, sport = float(rng.normal(15.6, 0.2)), float(rng.uniform(16.5, 17))
    return ((leave, back), (sport, sport + 1.5)) if rng.random() < SPORT_SHARE else ((leave, back),)
