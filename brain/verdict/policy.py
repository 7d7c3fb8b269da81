"""Pure: verdict, mode and company -> whether the visit alerts."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from brain.settings.policy import PolicySettings
from nerves.messages import Mode, Verdict

__all__ = ["alerts"]


def alerts(
    policy: PolicySettings,
    verdict: Verdict,
    at: datetime,
    *,
    mode: Mode = "home",
    company: Iterable[datetime] = (),
    alerted: datetime | None = None,
) -> bool:
    """Return whether a visit with this verdict alerts.

    Args:
        policy: The household's settings.
        verdict: The verdict of the visit.
        at: Now.
        mode: The mode of the house.
        company: When recognised people were last seen at this place.
        alerted: When this named person last alerted at this place; None for an unknown person.
    """
    if mode == "off" or verdict == "identifying" or verdict not in policy.on:
        return False
    if mode == "home" and policy.quiet_at_home and verdict == "unidentified":
        return False
    near = timedelta(seconds=policy.accompanied_s)
    if policy.accompanied and any(abs(at - seen) <= near for seen in company):
        return False
    return alerted is None or at - alerted >= timedelta(seconds=policy.cooldown_s)
