"""The table `brain.policy` in kinwatch.yaml."""

from pydantic import BaseModel, ConfigDict, Field

from nerves.messages import Verdict

__all__ = ["PolicySettings"]


class PolicySettings(BaseModel):
    """When to alert. The defaults alert for everybody who is not recognised, in every mode but `off`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    on: frozenset[Verdict] = frozenset({"stranger", "unidentified"})
    """Verdicts that alert."""
    quiet_at_home: bool = False
    """In mode `home`, do not alert for `unidentified`."""
    accompanied: bool = False
    """Do not alert for somebody who comes to a place together with a recognised person."""
    accompanied_s: float = Field(default=30.0, ge=0, le=3600)
    """The longest time between the two people, in seconds."""
    cooldown_s: float = Field(default=60.0, ge=0, le=86400)
    """A person with a name alerts again at the same place only after this many seconds.

    Every visit of an unknown person alerts, because an unknown person has no name.
    """
