"""Pure: verdict, mode and company -> should the household be alerted?"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from nerves.messages import Mode, Verdict

__all__ = ["Policy", "alerts"]


class Policy(BaseModel):
    """When to alert. The defaults alert for everybody who is not recognised, in every mode but `off`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    on: frozenset[Verdict] = frozenset({"stranger", "unidentified"})
    """Verdicts that alert."""
    quiet_at_home: bool = False
    """In mode `home`, do not alert for `unidentified`."""
    accompanied: bool = False
    """Do not alert for somebody who comes with a recognised person at the same place."""
    accompanied_s: float = Field(default=30.0, ge=0, le=3600)
    """How near in time the recognised person must have been, in seconds."""
    cooldown_s: float = Field(default=60.0, ge=0, le=86400)
    """A person with a name alerts again at the same place only after this many seconds.

    Somebody unknown has no name: every unknown visit is new and breaks through.
    """


def alerts(
    policy: Policy,
    verdict: Verdict,
    at: datetime,
    *,
    mode: Mode = "home",
    company: Iterable[datetime] = (),
    alerted: datetime | None = None,
) -> bool:
    """Whether a visit with this verdict alerts.

    Args:
        policy: The household's settings.
        verdict: What is held of the visit.
        at: Now.
        mode: What the house is in.
        company: When recognised people were last seen at this place.
        alerted: When this named person last alerted at this place; None for somebody unknown.
    """
    if mode == "off" or verdict == "identifying" or verdict not in policy.on:
        return False
    if mode == "home" and policy.quiet_at_home and verdict == "unidentified":
        return False
    near = timedelta(seconds=policy.accompanied_s)
    if policy.accompanied and any(abs(at - seen) <= near for seen in company):
        return False
    return alerted is None or at - alerted >= timedelta(seconds=policy.cooldown_s)
