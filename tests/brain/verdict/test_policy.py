import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from brain.settings.policy import PolicySettings
from brain.verdict.policy import ActiveMode, active_mode, calming_odds, why_quiet
from nerves.messages import Verdict

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
DEFAULT = PolicySettings()


def alerts(policy: PolicySettings, verdict: Verdict, at: datetime, **facts: Any) -> bool:  # noqa: ANN401 - why_quiet's
    return why_quiet(policy, verdict, at, **facts) is None


@pytest.mark.parametrize("verdict", ["stranger", "unidentified"])
@pytest.mark.parametrize("mode", ["home", "away", "night"])
def test_whoever_is_not_recognised_alerts(verdict: Verdict, mode: ActiveMode) -> None:
    assert alerts(DEFAULT, verdict, AT, mode=mode)


@pytest.mark.parametrize("verdict", ["family", "guest", "known", "identifying"])
def test_family_and_guests_do_not_alert(verdict: Verdict) -> None:
    assert not alerts(DEFAULT, verdict, AT, mode="away")


def test_somebody_known_alerts_outside_the_agreed_hours() -> None:
    assert alerts(DEFAULT, "known", AT, unexpected=True)
    assert alerts(PolicySettings(quiet_at_home=True), "known", AT, unexpected=True)
    assert not alerts(DEFAULT, "known", AT, mode="off", unexpected=True)
    assert not alerts(DEFAULT, "known", AT, alerted=AT - timedelta(seconds=30), unexpected=True)
    assert not alerts(PolicySettings(accompanied=True), "known", AT, company=[AT], unexpected=True)


def test_nothing_alerts_in_mode_off() -> None:
    assert not alerts(DEFAULT, "stranger", AT, mode="off")


def test_a_household_may_choose_quiet_at_home() -> None:
    policy = PolicySettings(quiet_at_home=True)
    assert not alerts(policy, "unidentified", AT, mode="home")
    assert alerts(policy, "unidentified", AT, mode="away")
    assert alerts(policy, "stranger", AT, mode="home")


def test_somebody_who_comes_with_family_may_be_let_in() -> None:
    policy = PolicySettings(accompanied=True)
    assert not alerts(policy, "stranger", AT, company=[AT - timedelta(seconds=20)])
    assert alerts(policy, "stranger", AT, company=[AT - timedelta(seconds=40)])
    assert alerts(DEFAULT, "stranger", AT, company=[AT])


def test_a_name_alerts_again_after_the_cooldown_only() -> None:
    policy = PolicySettings(on=frozenset({"guest"}))
    assert not alerts(policy, "guest", AT, alerted=AT - timedelta(seconds=30))
    assert alerts(policy, "guest", AT, alerted=AT - timedelta(seconds=60))


@given(st.sampled_from(["stranger", "unidentified"]), st.floats(0, 86400))
def test_a_new_stranger_always_breaks_through_the_cooldown(verdict: Verdict, cooldown: float) -> None:
    assert alerts(PolicySettings(cooldown_s=cooldown), verdict, AT, mode="night", alerted=None)


def test_home_is_the_mode_of_a_house_that_says_nothing() -> None:
    assert not alerts(PolicySettings(quiet_at_home=True), "unidentified", AT)


def test_company_counts_up_to_the_very_second() -> None:
    policy = PolicySettings(accompanied=True, accompanied_s=60)
    assert not alerts(policy, "stranger", AT, company=[AT - timedelta(seconds=60)])
    assert alerts(policy, "stranger", AT, company=[AT - timedelta(seconds=61)])


def test_whoever_is_not_decided_yet_never_alerts() -> None:
    assert not alerts(PolicySettings(on=frozenset({"identifying", "stranger"})), "identifying", AT, mode="away")


def at_local(hour: int, minute: int = 0, second: int = 0) -> datetime:
    """Return this time of a day, as the clock of this house shows it."""
    return datetime(2026, 11, 21, hour, minute, second).astimezone()


@pytest.mark.parametrize("wanted", ["home", "away", "night", "off"])
@pytest.mark.parametrize("is_empty", [True, False])
def test_a_mode_that_was_set_is_in_force(wanted: ActiveMode, *, is_empty: bool) -> None:
    assert active_mode(PolicySettings(night="23:00-06:30"), wanted, at_local(3), is_empty=is_empty) == wanted


@pytest.mark.parametrize("hour", [3, 12])
def test_auto_is_away_while_nobody_of_the_family_is_in(hour: int) -> None:
    assert active_mode(PolicySettings(night="23:00-06:30"), "auto", at_local(hour), is_empty=True) == "away"


@pytest.mark.parametrize(
    ("at", "mode"),
    [
        (at_local(22, 59, 59), "home"),
        (at_local(23), "night"),
        (at_local(0), "night"),
        (at_local(6, 29, 59), "night"),
        (at_local(6, 30), "home"),
    ],
)
def test_auto_is_night_in_the_hours_of_the_night(at: datetime, mode: ActiveMode) -> None:
    assert active_mode(PolicySettings(night="23:00-06:30"), "auto", at, is_empty=False) == mode
    assert active_mode(PolicySettings(night="23:00-06:30"), "auto", at.astimezone(UTC), is_empty=False) == mode


def test_a_house_without_hours_of_the_night_has_no_night() -> None:
    assert active_mode(DEFAULT, "auto", at_local(3), is_empty=False) == "home"


@pytest.mark.parametrize("known_in", [True, False])
def test_at_home_it_takes_the_odds_of_home_to_calm(*, known_in: bool) -> None:
    assert calming_odds(DEFAULT, "home", known_in=known_in) == 20


@pytest.mark.parametrize("known_in", [True, False])
def test_at_night_it_takes_longer_odds_to_calm(*, known_in: bool) -> None:
    assert calming_odds(DEFAULT, "night", known_in=known_in) == 200


def test_away_nothing_calms_unless_somebody_known_is_in() -> None:
    assert calming_odds(DEFAULT, "away", known_in=False) == math.inf
    assert calming_odds(DEFAULT, "away", known_in=True) == 200
    bold = PolicySettings(calm_night=1)
    assert calming_odds(bold, "away", known_in=False) == math.inf


@pytest.mark.parametrize(
    ("preset", "home", "night", "delay_s"),
    [("anxious", 200, math.inf, 20), ("balanced", 20, 200, 45), ("bold", 3, 20, 90)],
)
def test_a_preset_decides_what_calms_and_how_long_somebody_has_who_comes_in(
    preset: str, home: float, night: float, delay_s: float
) -> None:
    policy = PolicySettings.model_validate({"preset": preset})
    assert (policy.home_odds, policy.night_odds, policy.delay_s) == (home, night, delay_s)


def test_a_household_is_balanced_if_it_says_nothing() -> None:
    assert PolicySettings(preset="balanced") == DEFAULT


def test_a_number_that_is_written_counts_before_the_preset() -> None:
    policy = PolicySettings(preset="anxious", calm_home=7, calm_night=8, entry_delay_s=0)
    assert (policy.home_odds, policy.night_odds, policy.delay_s) == (7, 8, 0)
    assert PolicySettings(preset="bold", calm_home=7).night_odds == 20
    assert PolicySettings(preset="bold", calm_night=8).home_odds == 3


@pytest.mark.parametrize(
    ("setting", "least", "too_little"), [("calm_home", 1, 0.99), ("calm_night", 1, 0.99), ("entry_delay_s", 0, -0.1)]
)
def test_odds_below_even_and_times_below_zero_are_refused(setting: str, least: float, too_little: float) -> None:
    PolicySettings.model_validate({setting: least})
    with pytest.raises(ValidationError, match=setting):
        PolicySettings.model_validate({setting: too_little})


def test_a_preset_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="preset"):
        PolicySettings.model_validate({"preset": "careless"})


QUIET_AT_HOME, ACCOMPANIED = PolicySettings(quiet_at_home=True), PolicySettings(accompanied=True)
GUESTS = PolicySettings(on=frozenset({"guest"}))


@pytest.mark.parametrize(
    ("policy", "verdict", "facts", "told"),
    [
        (DEFAULT, "stranger", {"mode": "off"}, "quiet: the policy says no alerts in mode off"),
        (DEFAULT, "known", {"mode": "off", "unexpected": True}, "quiet: the policy says no alerts in mode off"),
        (QUIET_AT_HOME, "unidentified", {}, "quiet: the policy says no alerts for unidentified in mode home"),
        (ACCOMPANIED, "stranger", {"company": [AT]}, "quiet: came together with somebody who is known"),
        (GUESTS, "guest", {"alerted": AT}, "quiet: the same person alerted here less than 60 s before"),
        (GUESTS, "stranger", {}, "quiet: the policy says no alerts for stranger"),
        (GUESTS, "unidentified", {"mode": "off"}, "quiet: the policy says no alerts for unidentified"),
        (DEFAULT, "known", {}, "quiet: expected at this time"),
        (DEFAULT, "family", {}, ""),
        (DEFAULT, "guest", {"mode": "off"}, ""),
        (DEFAULT, "identifying", {}, ""),
    ],
)
def test_what_does_not_alert_says_why_unless_that_is_no_news(
    policy: PolicySettings, verdict: Verdict, facts: dict[str, Any], told: str
) -> None:
    assert why_quiet(policy, verdict, AT, **facts) == told
