"""`kinwatch check` asks Rekognition at most once, and says in one line what to do."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from brain.cloud.ledger import CallLedger
from brain.settings.rekognition import RekognitionSettings
from kinwatch.commands.checking import Finding, findings
from nerves.settings import load
from tests.buckets import KEYS
from tests.rekognition import NOBODY, Rekognition

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(autouse=True)
def no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KINWATCH_MODELS", raising=False)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rekognition]:
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    with Rekognition(lambda _: NOBODY) as aws:
        yield aws
    assert aws.complaints == []


def check(folder: Path, **told: object) -> list[Finding]:
    brain = {"vision": "cascade", "rekognition": {"region": "eu-west-1"} | told}
    return look(folder, brain)


def look(folder: Path, brain: dict[str, object]) -> list[Finding]:
    file = folder / "kinwatch.yaml"
    file.write_text(json.dumps({"brain": brain}))
    house = load(file, environ={"KINWATCH_DATA_DIR": str(folder / "data")})
    return [found for found in findings(house) if found.what == "rekognition"]


def test_a_house_without_the_cloud_is_not_asked_about_it(tmp_path: Path) -> None:
    assert look(tmp_path, {}) == []
    assert look(tmp_path, {"vision": "nonsense"}) == []  # said elsewhere


def test_all_is_well(aws: Rekognition, tmp_path: Path) -> None:
    aws.make("kinwatch")
    (found,) = check(tmp_path, endpoint_url=aws.url)
    assert found == Finding(
        "rekognition",
        ok=True,
        detail="eu-west-1, collection kinwatch: answers as it should; today 1 of 100 calls, $0.001 of $0.10",
    )
    assert aws.calls == {"SearchFacesByImage": 1}


def test_a_fault_is_reported_after_one_call(aws: Rekognition, tmp_path: Path) -> None:
    (found,) = check(tmp_path, endpoint_url=aws.url)
    assert not found.ok
    assert "no such collection: kinwatch rekognition sync" in found.detail
    assert aws.count == 1
    for fault, advice in {
        "denied": "policy that `kinwatch docs rekognition` names",
        "expired": "renew them",
        "unknown key": "AWS_ACCESS_KEY_ID",
        "broken": "busy or broken",
        "throughput": "busy or broken",
        "cut": "is the internet there?",
        "page": "is endpoint_url right?",
    }.items():
        before = aws.count
        aws.fail(fault)
        (found,) = check(tmp_path, endpoint_url=aws.url)
        assert not found.ok
        assert advice in found.detail
        assert "\n" not in found.detail
        assert aws.count == before + 1


def test_impossible_settings_are_reported_without_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (found,) = check(tmp_path)
    assert (found.ok, "no AWS credentials" in found.detail) == (False, True)
    (found,) = check(tmp_path, region="eu-west-3")
    assert (found.ok, "no Rekognition in 'eu-west-3'" in found.detail) == (False, True)


def test_no_call_is_made_while_switched_off_or_without_budget(aws: Rekognition, tmp_path: Path) -> None:
    (found,) = check(tmp_path, endpoint_url=aws.url, enabled=False)
    assert found.ok
    assert found.detail.startswith("nothing was asked: no call may leave the house: brain.rekognition.enabled is false")
    (found,) = check(tmp_path, endpoint_url=aws.url, daily_calls=0)
    assert found.detail.startswith("nothing was asked: the day's 0 calls are spent")
    with CallLedger(tmp_path / "data" / "cloud.db", RekognitionSettings()) as ledger:
        ledger.on = False
    (found,) = check(tmp_path, endpoint_url=aws.url)
    assert found.ok
    assert "switched off (kinwatch rekognition on)" in found.detail
    assert aws.count == 0
