"""Somebody of the group known: alerts outside the agreed hours, and corrections of other alerts."""

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from actuators.push.rules import TEXTS, is_welcome, rings_at, visit_text
from actuators.push.settings import PushSettings
from nerves.hours import outside_hours_reason
from nerves.messages import Label, Verdict, Visit
from tests.actuators.test_push import Phone, Running, quiet_now, settings, visit
from tests.waiting import soon

pytest.importorskip("apprise")
REASONS = (outside_hours_reason("Maria", ["Tue 09:00-12:00"]), "5 usable faces")


@pytest.fixture
def phone() -> Iterator[Phone]:
    with Phone() as phone:
        yield phone


def maria(seq: int = 1, **fields: object) -> Visit:
    return visit(seq, "known", **({"who": "Maria"} | fields))


def test_somebody_known_outside_the_hours_is_pushed_by_name_also_in_quiet_hours(tmp_path: Path, phone: Phone) -> None:
    alert = maria(alert=True, reasons=REASONS)
    with Running(tmp_path, settings(urls=[phone.url], **quiet_now())) as run:
        run.send(maria(place="porch"), alert)
        assert soon(lambda: phone.got)
        run.send(alert.model_copy(update={"seq": 2, "phase": "ended", "alert": False}))
        time.sleep(0.3)
    assert phone.texts() == [f"Maria at {alert.since.astimezone():%H:%M}, outside the agreed hours."]


@pytest.mark.parametrize(
    ("reasons", "text"), [((), "That was Maria."), (REASONS, "Maria at {time}, outside the agreed hours.")]
)
def test_an_alert_that_turns_out_to_be_somebody_known_is_corrected(
    tmp_path: Path, phone: Phone, reasons: tuple[str, ...], text: str
) -> None:
    alert = visit(verdict="unidentified")
    with Running(tmp_path, settings(urls=[phone.url])) as run:
        run.send(alert)
        assert soon(lambda: phone.got)
        run.send(maria(3, visit=alert.visit, reasons=reasons, since=alert.since))
        assert soon(lambda: len(phone.got) == 2)
    assert phone.texts()[1] == text.format(time=f"{alert.since.astimezone():%H:%M}")


def test_somebody_known_in_the_hours_stops_an_alert_that_has_not_rung(tmp_path: Path, phone: Phone) -> None:
    alert = visit(verdict="unidentified")
    with Running(tmp_path, settings(urls=[phone.url], **quiet_now())) as run:
        run.send(alert, maria(3, visit=alert.visit))
        time.sleep(0.3)
    with Running(tmp_path, settings(urls=[phone.url])) as run:
        time.sleep(0.3)
    assert phone.got == []


def test_a_label_says_that_all_is_well(tmp_path: Path, phone: Phone) -> None:
    alert = maria(alert=True, reasons=REASONS)
    with Running(tmp_path, settings(urls=[phone.url])) as run:
        run.send(alert)
        assert soon(lambda: phone.got)
        run.send(Label(place="hall", visit=alert.visit, who="Marta", group="known"))
        assert soon(lambda: len(phone.got) == 2)
    assert phone.texts()[1] == "That was Marta."


@pytest.mark.parametrize(
    ("verdict", "alert", "reasons", "welcome"),
    [
        ("stranger", False, (), False),
        ("family", False, (), True),
        ("known", False, (), True),
        ("known", False, REASONS, False),
        ("known", True, (), False),  # the household alerts for everybody who is known
        ("guest", False, REASONS, True),
    ],
)
def test_who_is_welcome(verdict: Verdict, alert: bool, reasons: tuple[str, ...], welcome: bool) -> None:  # noqa: FBT001
    told = visit(verdict=verdict, alert=alert, reasons=reasons)
    assert is_welcome(settings(urls=["json://x"]), told) == welcome


def test_the_sentence_in_french_and_in_own_words() -> None:
    late = maria(alert=True, reasons=REASONS)
    time_of_day = f"{late.since.astimezone():%H:%M}"
    french = settings(urls=["json://x"], language="fr")
    assert visit_text(french, late, first=True) == f"Maria à {time_of_day}, en dehors des heures convenues."
    own = settings(urls=["json://x"], texts={"unexpected": "{name}: now?"})
    assert visit_text(own, late, first=True) == "Maria: now?"
    assert visit_text(french, maria(), first=True) == f"Maria à {time_of_day}."
    assert TEXTS["en"].keys() == TEXTS["fr"].keys()


def test_a_household_may_leave_known_people_out() -> None:
    chosen = PushSettings.model_validate({"kind": "push", "urls": ["json://x"], "on": ["stranger"]})
    assert rings_at(chosen, "known", datetime(2026, 11, 24, 15)) is None  # noqa: DTZ001 - a wall clock
