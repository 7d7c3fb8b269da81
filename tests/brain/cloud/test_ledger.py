"""The budget holds: for every way of counting, for several processes, and for one that is killed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.cloud import client
from brain.cloud.errors import BudgetSpent, CloudOff
from brain.cloud.ledger import About, CallLedger, Spent
from brain.cloud.prices import group, price, table
from brain.settings.rekognition import RekognitionSettings
from tests.buckets import KEYS
from tests.paths import ROOT
from tests.rekognition import NOBODY, Rekognition
from tests.waiting import soon

pytestmark = pytest.mark.timeout(60)

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
PAID, FREE = "DetectLabels", "ListFaces"
# Asks for ever, as fast as it can; its own tries included.
ASKER = """
import sys
from pathlib import Path
from brain.cloud.client import Cloud
from brain.cloud.errors import BudgetSpent, CloudAway
from brain.cloud.ledger import About, CallLedger
from brain.cloud.pictures import blank
from brain.settings.rekognition import RekognitionSettings
settings = RekognitionSettings.model_validate_json(sys.argv[2])
ledger = CallLedger(Path(sys.argv[1]), settings)
cloud = Cloud(settings, ledger)
print("ready", flush=True)
while True:
    try:
        cloud.labels(blank(), About("hall"))
    except CloudAway:
        cloud.retry()
    except BudgetSpent:
        print("spent", flush=True)
        break
"""


def settings(**told: object) -> RekognitionSettings:
    generous = {"daily_calls": 10**6, "monthly_calls": 10**7, "daily_usd": 1000, "monthly_usd": 10_000}
    return RekognitionSettings.model_validate({"region": "eu-west-1"} | generous | told)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cloud.db"


def spend(ledger: CallLedger, at: datetime = AT) -> int:
    """Call until it may no more; return how often."""
    for count in range(200):
        try:
            ledger.reserve(PAID, About(), at)
        except BudgetSpent:
            return count
    return 200


@pytest.mark.parametrize(
    ("limits", "most", "why"),
    [
        ({"daily_calls": 7}, 7, "the day's 7 calls"),
        ({"monthly_calls": 6}, 6, "the month's 6 calls"),
        ({"daily_usd": 0.005}, 5, r"the day's \$0\.01"),
        ({"daily_usd": 0.0059}, 5, r"the day's"),
        ({"monthly_usd": 0.1}, 100, r"the month's \$0\.10"),
        ({"daily_calls": 0}, 0, "the day's 0 calls"),
        ({"daily_usd": 0}, 0, r"the day's \$0\.00"),
    ],
)
def test_the_first_limit_that_is_reached_ends_it(file: Path, limits: dict[str, Any], most: int, why: str) -> None:
    with CallLedger(file, settings(**limits)) as ledger:
        assert spend(ledger) == most
        with pytest.raises(BudgetSpent, match=why):
            ledger.check(PAID, AT)
        assert ledger.spent(AT) == Spent(most, pytest.approx(most / 1000), most, pytest.approx(most / 1000))


def test_a_day_and_a_month_begin_at_midnight_utc_wherever_the_house_is(file: Path) -> None:
    here = datetime.fromisoformat("2026-11-30T23:30:00-05:00")  # the first of December, as AWS bills
    with CallLedger(file, settings(daily_calls=2, monthly_calls=3)) as ledger:
        assert spend(ledger, datetime(2026, 11, 30, 23, 59, tzinfo=UTC)) == 2
        assert spend(ledger, here) == 2
        assert ledger.spent(here)[0::2] == (2, 2)
        assert spend(ledger, here + timedelta(days=1)) == 1


def test_a_clock_that_is_set_back_gives_nothing_back(file: Path) -> None:
    with CallLedger(file, settings(daily_calls=3)) as ledger:
        assert spend(ledger) == 3
        assert spend(ledger, AT - timedelta(days=40)) == 0


def test_what_is_free_is_listed_but_neither_counted_nor_stopped(file: Path) -> None:
    with CallLedger(file, settings(daily_calls=0)) as ledger:
        ledger.reserve(FREE, About(what="no picture"), AT)
        assert ledger.spent(AT) == Spent(0, 0, 0, 0)
        assert [(call.operation, call.usd) for call in ledger.calls()] == [(FREE, 0.0)]


def test_so_many_calls_fit_or_do_not(file: Path) -> None:
    with CallLedger(file, settings(daily_calls=5, daily_usd=0.004)) as ledger:
        ledger.check(PAID, AT, times=4)
        with pytest.raises(BudgetSpent):
            ledger.check(PAID, AT, times=5)
        assert ledger.calls() == []


def test_the_switch_stops_everything_in_every_process_until_it_is_on_again(file: Path) -> None:
    with CallLedger(file, settings()) as ledger, CallLedger(file, settings()) as other:
        assert ledger.on
        other.on = False
        other.on = False
        assert not ledger.on
        for operation in (PAID, FREE):
            with pytest.raises(CloudOff, match="kinwatch rekognition on"):
                ledger.reserve(operation, About(), AT)
        assert ledger.calls() == []
        ledger.on = True
        assert spend(other) == 200
    with CallLedger(file, settings(enabled=False)) as ledger, pytest.raises(CloudOff, match="enabled is false"):
        ledger.reserve(FREE, About(), AT)


def test_what_was_sent_is_listed_newest_first_and_a_call_without_an_end_says_so(file: Path) -> None:
    visit = uuid4()
    with CallLedger(file, settings()) as ledger:
        ledger.reserve(PAID, About("hall", visit, 1234, "a face"), AT - timedelta(hours=2))
        number = ledger.reserve(PAID, About("hall", visit, 1234, "a face"), AT)
        ledger.settle(number, "answered")
    with CallLedger(file, settings()) as ledger:
        newest, oldest = ledger.calls()
        assert newest == (number, AT, PAID, 0.001, "hall", visit, 1234, "a face", "answered")
        assert oldest.outcome == "unknown"
        assert ledger.calls(since=AT) == [newest]
        assert ledger.calls(limit=1) == [newest]


def test_who_was_forgotten_is_owed_until_paid(file: Path) -> None:
    with CallLedger(file, settings()) as ledger:
        for name in ("Bob", "Ann", "Bob"):
            ledger.owe(name)
    with CallLedger(file, settings()) as ledger:
        assert ledger.owed() == ["Ann", "Bob"]
        ledger.paid("Ann")
        assert ledger.owed() == ["Bob"]


def test_the_file_is_its_owners_alone(file: Path) -> None:
    with CallLedger(file, settings()):
        assert file.stat().st_mode & 0o777 == 0o600


def test_many_threads_share_one_budget(file: Path) -> None:
    with CallLedger(file, settings(daily_calls=150)) as one, CallLedger(file, settings(daily_calls=150)) as other:
        counts: list[int] = []
        threads = [Thread(target=lambda by=by: counts.append(spend(by))) for by in (one, other, one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(counts) == one.spent(AT).day_calls == 150


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rekognition]:
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    with Rekognition(lambda _: NOBODY) as aws:
        yield aws
    assert aws.complaints == []


def ask(file: Path, told: RekognitionSettings) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", ASKER, str(file), told.model_dump_json()]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)})


def has_asked_or_ended(ledger: CallLedger, process: subprocess.Popen[bytes], calls: int) -> bool:
    """Whether so many calls are counted, or the process has met the limit."""
    return ledger.spent(datetime.now(UTC)).day_calls >= calls or process.poll() is not None


@pytest.mark.timeout(240)
def test_who_is_killed_again_and_again_never_passes_the_limit_nor_forgets_a_call(aws: Rekognition, file: Path) -> None:
    dice, most = random.Random(6), 50  # noqa: S311 - no secret
    told = settings(endpoint_url=aws.url, daily_calls=most, tries=2)
    kills = 0
    with CallLedger(file, told) as ledger:
        while ledger.spent(datetime.now(UTC)).day_calls < most - 2:
            before, wanted = ledger.spent(datetime.now(UTC)).day_calls, dice.randrange(3, 15)
            aws.fail("throughput" if dice.random() < 0.3 else None, 1)
            with ask(file, told) as process:
                assert process.stdout
                process.stdout.readline()
                is_asked = partial(has_asked_or_ended, ledger, process, before + wanted)
                soon(is_asked, 60, "its next question", pause_s=0.001)
                time.sleep(dice.random() / 100)
                process.send_signal(signal.SIGKILL)
            kills += 1
            assert aws.count <= ledger.spent(datetime.now(UTC)).day_calls <= most
        aws.fail(None)
        with ask(file, told) as last:
            assert last.wait(60) == 0
        assert ledger.spent(datetime.now(UTC)).day_calls == most
        unknown = sum(call.outcome == "unknown" for call in ledger.calls(limit=most))
        # A killed one may have counted a call that never left, and left one whose answer nobody read.
        assert most - kills <= aws.count <= most
        assert unknown <= kills
    assert kills >= 3


@pytest.mark.timeout(120)
def test_several_processes_at_once_share_one_budget(aws: Rekognition, file: Path) -> None:
    told = settings(endpoint_url=aws.url, daily_calls=40)
    processes = [ask(file, told) for _ in range(3)]
    for process in processes:
        process.communicate(timeout=100)
        assert process.returncode == 0
    assert aws.count == 40


def test_the_price_table_has_a_date_and_knows_every_call_that_is_made() -> None:
    assert table().date.year >= 2026
    assert table().source.startswith("https://")
    model = botocore.session.get_session().get_service_model("rekognition")
    listed = [*table().free, *(each for operations in table().groups.values() for each in operations)]
    assert len(listed) == len({*listed})
    assert {*listed} <= {*model.operation_names}
    source = Path(client.__file__).read_text()
    assert all(f'"{operation}"' in source for operation in listed)


def test_regions_are_real_ones() -> None:
    regions = botocore.session.get_session().get_available_regions("rekognition")
    assert {*table().regions} <= {*regions}


@given(st.sampled_from([*table().regions, "eu-north-1", None]), st.integers(0, 10**8))
def test_no_call_is_cheaper_than_it_could_be_nor_dearer_than_the_dearest(region: str | None, calls: int) -> None:
    for operation in ("DetectLabels", "CompareFaces"):
        usd = price(operation, region, calls)
        assert 0.0004 <= usd <= 0.0013
        assert price(operation, region, calls + 1) <= usd


def test_prices() -> None:
    assert price("DetectLabels", "eu-west-1", 0) == 0.001
    assert price("DetectLabels", "us-east-1", 999_999) == 0.001
    assert price("DetectLabels", "us-east-1", 1_000_000) == 0.0008
    assert price("DetectLabels", "eu-central-1", 10**7) == 0.0012
    assert price("DetectLabels", "xx-new-1", 0) == price("DetectLabels", None, 0) == 0.0013
    assert price("ListFaces", "eu-west-1", 0) == 0
    assert (price("DetectTelepathy", "eu-west-1", 0), group("DetectTelepathy")) == (0.0013, "unknown")
