"""The price of a call by the table in prices.yaml. An unknown region or operation costs the highest price there."""

from datetime import date
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from nerves.sources import read_file

__all__ = ["Prices", "group", "price", "table"]

PRICES_FILE = Path(__file__).parent / "prices.yaml"
# The group of an operation that the table does not have.
UNKNOWN_GROUP = "unknown"

Tiers = dict[int, float]


class Prices(BaseModel):
    """The table of prices."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    date: date
    """The day on which the prices were read."""
    source: str
    """Where the prices were read."""
    currency: str
    """The currency of all prices."""
    groups: dict[str, tuple[str, ...]]
    """For each group its operations. They share one price and one monthly count of calls."""
    free: tuple[str, ...]
    """The operations that cost nothing."""
    regions: dict[str, dict[str, Tiers]]
    """For each region and group: the number of calls in a month from which a price applies, and the price."""

    @model_validator(mode="after")
    def _whole(self) -> "Prices":
        for region, groups in self.regions.items():
            if groups.keys() != self.groups.keys() or not all(0 in tiers for tiers in groups.values()):
                why = f"{region}: each group needs a price from the first call"
                raise ValueError(why)
        return self


@cache
def table() -> Prices:
    """Return the table of prices, read once."""
    return Prices.model_validate(read_file(PRICES_FILE))


def group(operation: str) -> str | None:
    """Return the group in which an operation is counted; None if it is free, `unknown` if the table lacks it."""
    if operation in table().free:
        return None
    return next((name for name, operations in table().groups.items() if operation in operations), UNKNOWN_GROUP)


def price(operation: str, region: str | None, calls_this_month: int) -> float:
    """Return the price of the next call in US dollars. `calls_this_month` counts the earlier calls of its group."""
    belongs = group(operation)
    if belongs is None:
        return 0.0
    tiers = table().regions.get(region or "", {}).get(belongs)
    if tiers is None:
        return max(max(each.values()) for groups in table().regions.values() for each in groups.values())
    return tiers[max(least for least in tiers if least <= calls_this_month)]
