"""Pure: verdict, mode and company -> whether the visit alerts."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from brain.settings.policy import PolicySettings
from nerves.hours import read_hours
from nerves.messages import Mode, Verdict

__all__ = ["ActiveMode", "active_mode", "alerts", "calming_odds"]

ActiveMode = Literal["home", "away", "night", "off"]


def active_mode(policy: PolicySettings, wanted: Mode, at: datetime, *, is_empty: bool) -> ActiveMode:
    """Return the mode in force: `auto` is away while nobody of the family is in, night in the hours of the night.

    Args:
        policy: The household's settings.
        wanted: The mode that was set.
        at: Now.
        is_empty: Whether everybody of the family is known to be out.
    """
    if wanted != "auto":
        return wanted
    if is_empty:
        return "away"
    is_night = policy.night is not None and read_hours(policy.night).contain(at.astimezone().replace(tzinfo=None))
    return "night" if is_night else "home"


def calming_odds(policy: PolicySettings, mode: ActiveMode, *, known_in: bool) -> float:
    """Return the odds from which context calms an alert; infinite: never.

    Args:
        policy: The household's settings.
        mode: The mode in force.
        known_in: Whether somebody of the family is known to be in.
    """
    if mode == "home":
        return policy.home_odds
    return math.inf if mode == "away" and not known_in else policy.night_odds


def alerts(  # noqa: PLR0913 - all that an alert depends on
    policy: PolicySettings,
    verdict: Verdict,
    at: datetime,
    *,
    mode: ActiveMode = "home",
    company: Iterable[datetime] = (),
    alerted: datetime | None = None,
    unexpected: bool = False,
) -> bool:
    """Return whether a visit with this verdict alerts.

    Args:
        policy: The household's settings.
        verdict: The verdict of the visit.
        at: Now.
        mode: The mode of the house.
        company: When recognised people were last seen at this place.
        alerted: When this named person last alerted at this place; None for an unknown person.
        unexpected: Whether it is somebody of the group known, outside the agreed hours.
    """
    if mode == "off" or verdict == "identifying" or not (verdict in policy.on or unexpected):
        return False
    if mode == "home" and policy.quiet_at_home and verdict == "unidentified":
        return False
    near = timedelta(seconds=policy.accompanied_s)
    if policy.accompanied and any(abs(at - seen) <= near for seen in company):
        return False
    return alerted is None or at - alerted >= timedelta(seconds=policy.cooldown_s)
