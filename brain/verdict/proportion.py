"""Pure: how often something happened, and the interval in which its true rate lies."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import exp, lgamma, log, log1p

import numpy as np
import numpy.typing as npt

__all__ = ["Proportion", "clopper_pearson", "paired", "percent"]

CONFIDENCE_LEVEL = 0.95
ONE_DECIMAL_BELOW = 0.1  # a share below this, or its rest, is printed to a tenth of a percent
BISECTION_STEPS = 60  # bisections: the interval is exact to 1e-18

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Proportion:
    """How many of how many, with the 95 % interval of Clopper and Pearson."""

    count: int
    of: int

    @property
    def rate(self) -> float | None:
        """The share; None of nothing."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """The lowest and the highest true rate that the count allows, 0 to 1."""
        return clopper_pearson(self.count, self.of)

    def as_json(self) -> dict[str, float | int | None]:
        """Return it as `kinwatch measure --json` prints it."""
        low, high = self.interval
        rate = None if self.rate is None else round(self.rate, 4)
        return asdict(self) | {"rate": rate, "low": round(low, 4), "high": round(high, 4)}

    def __str__(self) -> str:
        if not self.of:
            return "none to count"
        low, high = self.interval
        if not self.count:
            return f"0 of {self.of}; up to {percent(high)} is possible"
        return f"{self.count} of {self.of} ({percent(self.count / self.of)}; {percent(low)} to {percent(high)})"


def percent(share: float) -> str:
    """Return a share for a person to read: two digits that say something."""
    text = f"{100 * share:.1f}" if min(share, 1 - share) < ONE_DECIMAL_BELOW else f"{100 * share:.0f}"
    return f"{text.removesuffix('.0')} %"


def clopper_pearson(count: int, of: int, confidence: float = CONFIDENCE_LEVEL) -> tuple[float, float]:
    """Return the exact interval of a proportion (Clopper and Pearson, Biometrika 26, 1934).

    Its ends are the rates at which so many, or more (so few, or fewer), would happen in 2.5 % of all experiments.
    """
    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else _solve(lambda rate: 1 - _at_most(count - 1, of, rate) - tail)
    high = 1.0 if count == of else _solve(lambda rate: tail - _at_most(count, of, rate))
    return low, high


def paired(differences: Sequence[tuple[str, float]], rounds: int = 2000, seed: int = 0) -> tuple[float, float, float]:
    """Return the mean difference and its 95 % interval, by drawing whole people anew (a cluster bootstrap).

    Args:
        differences: Of each trial: whose it was, and the difference there (ours minus theirs).
        rounds: How often people are drawn.
        seed: Of the draws.
    """
    if not differences:
        return 0.0, 0.0, 0.0
    people = sorted({who for who, _ in differences})
    rows = [[value for who, value in differences if who == one] for one in people]
    sums, counts = np.array([sum(row) for row in rows]), np.array([len(row) for row in rows])
    drawn = np.random.default_rng(seed).multinomial(len(people), [1 / len(people)] * len(people), size=rounds)
    means: Floats = (drawn @ sums) / (drawn @ counts)
    low, high = np.quantile(means, ((1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2))
    return float(sums.sum() / counts.sum()), float(low), float(high)


def _solve(rising: Callable[[float], float]) -> float:
    """Return where a function that rises from below 0 to above crosses 0, between 0 and 1."""
    low, high = 0.0, 1.0
    for _ in range(BISECTION_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2


def _at_most(count: int, of: int, rate: float) -> float:
    """Return the binomial probability of at most so many of so many."""
    if rate <= 0 or rate >= 1:
        return 1.0 if rate <= 0 or count >= of else 0.0
    ways = [lgamma(of + 1) - lgamma(k + 1) - lgamma(of - k + 1) for k in range(count + 1)]
    return min(1.0, sum(exp(way + k * log(rate) + (of - k) * log1p(-rate)) for k, way in enumerate(ways)))
