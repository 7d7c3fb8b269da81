"""What a call costs, by the table in prices.yaml; what that does not know costs as much as the dearest it knows."""

from datetime import date
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from nerves.sources import read_file

__all__ = ["Prices", "group", "price", "table"]

PRICES_FILE = Path(__file__).parent / "prices.yaml"
# What is in no list.
UNKNOWN_GROUP = "unknown"

Tiers = dict[int, float]


class Prices(BaseModel):
    """The table."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    date: date
    """When it was read."""
    source: str
    """Where."""
    currency: str
    """What dollars are meant."""
    groups: dict[str, tuple[str, ...]]
    """The operations that have one price, and one count of calls a month."""
    free: tuple[str, ...]
    """The operations that cost nothing."""
    regions: dict[str, dict[str, Tiers]]
    """For each region and group: from so many calls in a month, dollars a call."""

    @model_validator(mode="after")
    def _whole(self) -> "Prices":
        for region, groups in self.regions.items():
            if groups.keys() != self.groups.keys() or not all(0 in tiers for tiers in groups.values()):
                why = f"{region}: each group needs a price from the first call"
                raise ValueError(why)
        return self


@cache
def table() -> Prices:
    """Return the table."""
    return Prices.model_validate(read_file(PRICES_FILE))


def group(operation: str) -> str | None:
    """Return with which others an operation is counted; None for one that is free."""
    if operation in table().free:
        return None
    return next((name for name, operations in table().groups.items() if operation in operations), UNKNOWN_GROUP)


def price(operation: str, region: str | None, calls_this_month: int) -> float:
    """Return what the next call costs, in US dollars; `calls_this_month` are those of its group before it."""
    belongs = group(operation)
    if belongs is None:
        return 0.0
    tiers = table().regions.get(region or "", {}).get(belongs)
    if tiers is None:
        return max(max(each.values()) for groups in table().regions.values() for each in groups.values())
    return tiers[max(least for least in tiers if least <= calls_this_month)]
