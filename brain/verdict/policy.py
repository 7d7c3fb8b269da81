"""Pure: verdict, mode and company -> whether the visit alerts, and why not."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from brain.settings.policy import PolicySettings
from nerves.hours import read_hours
from nerves.messages import Mode, Verdict

__all__ = ["ActiveMode", "active_mode", "calming_odds", "why_quiet"]

ActiveMode = Literal["home", "away", "night", "off"]
# Why the verdicts that the policy does not list are quiet. That family and guests are needs no word.
NOT_IN_POLICY: dict[Verdict, str] = {
    "stranger": "quiet: the policy says no alerts for stranger",
    "unidentified": "quiet: the policy says no alerts for unidentified",
    "known": "quiet: expected at this time",
}


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


def why_quiet(  # noqa: PLR0911, PLR0913 - all that an alert depends on
    policy: PolicySettings,
    verdict: Verdict,
    at: datetime,
    *,
    mode: ActiveMode = "home",
    company: Iterable[datetime] = (),
    alerted: datetime | None = None,
    unexpected: bool = False,
) -> str | None:
    """Return why a visit with this verdict does not alert: None if it alerts, empty if that needs no word.

    Args:
        policy: The household's settings.
        verdict: The verdict of the visit.
        at: Now.
        mode: The mode of the house.
        company: When recognised people were last seen at this place.
        alerted: When this named person last alerted at this place; None for an unknown person.
        unexpected: Whether it is somebody of the group known, outside the agreed hours.
    """
    if not (verdict in policy.on or unexpected):
        return NOT_IN_POLICY.get(verdict, "")
    if verdict == "identifying":
        return ""
    if mode == "off":
        return "quiet: the policy says no alerts in mode off"
    if mode == "home" and policy.quiet_at_home and verdict == "unidentified":
        return "quiet: the policy says no alerts for unidentified in mode home"
    near = timedelta(seconds=policy.accompanied_s)
    if policy.accompanied and any(abs(at - seen) <= near for seen in company):
        return "quiet: came together with somebody who is known"
    if alerted is not None and at - alerted < timedelta(seconds=policy.cooldown_s):
        return f"quiet: the same person alerted here less than {policy.cooldown_s:.0f} s before"
    return None
