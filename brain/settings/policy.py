"""The table `brain.policy` in kinwatch.yaml."""

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from nerves.hours import HoursText
from nerves.messages import Verdict

__all__ = ["PRESETS", "PolicySettings", "Preset"]


class Preset(NamedTuple):
    """What a preset stands for."""

    calm_home: float
    """The odds from which context calms in mode `home`; infinite: never."""
    calm_night: float
    """The same in mode `night`, and in mode `away` while somebody of the family is in."""
    entry_delay_s: float
    """How long somebody who comes in has time for a face, a phone or a name, in seconds."""


# What they cost is in docs/measured.md.
PRESETS: dict[str, Preset] = {
    "anxious": Preset(calm_home=200.0, calm_night=float("inf"), entry_delay_s=20.0),
    "balanced": Preset(calm_home=20.0, calm_night=200.0, entry_delay_s=45.0),
    "bold": Preset(calm_home=3.0, calm_night=20.0, entry_delay_s=90.0),
}


class PolicySettings(BaseModel):
    """When to alert."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    on: frozenset[Verdict] = frozenset({"stranger", "unidentified"})
    """Verdicts that alert. Somebody of the group known alerts outside the agreed hours even if `known` is not here."""
    preset: Literal["anxious", "balanced", "bold"] = "balanced"
    """How much context it takes to calm an alert about somebody whose face was not seen, and the entry delay."""
    entry_delay_s: float | None = Field(default=None, ge=0, le=600)
    """How long somebody whose face was not seen at an entrance has time to be recognised before an alert, in seconds.
    0 alerts at once. If left out, the preset decides: 20, 45 or 90."""
    calm_home: float | None = Field(default=None, ge=1)
    """The odds (20 means 20:1) from which context calms an alert in mode `home`. If left out, the preset decides."""
    calm_night: float | None = Field(default=None, ge=1)
    """The same in mode `night`. If left out, the preset decides."""
    night: HoursText | None = None
    """In mode `auto`: the hours of the night, such as 23:00-06:30, in local time."""
    incident_s: float = Field(default=120.0, ge=0, le=3600)
    """Unknown people who are seen within this time of each other are one incident, which alerts once, in seconds."""
    quiet_at_home: bool = False
    """In mode `home`, do not alert for `unidentified`."""
    accompanied: bool = False
    """Do not alert for somebody who comes to a place together with family or a guest."""
    accompanied_s: float = Field(default=30.0, ge=0, le=3600)
    """The longest time between the two people, in seconds."""
    cooldown_s: float = Field(default=60.0, ge=0, le=86400)
    """A person with a name alerts again at the same place only after this many seconds.

    Every visit of an unknown person alerts, because an unknown person has no name.
    """

    @property
    def delay_s(self) -> float:
        """The entry delay, in seconds."""
        return PRESETS[self.preset].entry_delay_s if self.entry_delay_s is None else self.entry_delay_s

    @property
    def home_odds(self) -> float:
        """The odds from which context calms in mode `home`."""
        return PRESETS[self.preset].calm_home if self.calm_home is None else self.calm_home

    @property
    def night_odds(self) -> float:
        """The odds from which context calms in mode `night`."""
        return PRESETS[self.preset].calm_night if self.calm_night is None else self.calm_night
