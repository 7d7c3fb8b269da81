from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.settings.policy import PolicySettings
from brain.verdict.policy import alerts
from nerves.messages import Mode, Verdict

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
DEFAULT = PolicySettings()


@pytest.mark.parametrize("verdict", ["stranger", "unidentified"])
@pytest.mark.parametrize("mode", ["home", "away", "night"])
def test_whoever_is_not_recognised_alerts(verdict: Verdict, mode: Mode) -> None:
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
