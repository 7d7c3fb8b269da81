import base64
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError
from pydantic import ValidationError

from actuators.store import StoreSettings, actuator, s3, store
from actuators.store.refusals import S3_ADVICE, s3_meaning
from actuators.store.spool import spool_priority
from nerves.bus import open_link
from nerves.database import Database
from nerves.errors import OutOfReach, SettingsError
from nerves.messages import Status, Stored, Visit
from nerves.runner import run_actuator
from nerves.services import Context, Tick
from nerves.settings import HouseSettings
from tests.actuators.test_store import SINCE, VISIT, visit
from tests.buckets import KEYS, S3, Weather, answer
from tests.paths import ROOT
from tests.waiting import interrupting, soon

FOLDER = f"visits/2026/11/21/123015_hall_{VISIT}"
JPEG = bytes(range(256)) * 300


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with S3() as server:
        yield server


@pytest.fixture
def bucket(server: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    name = f"house-{uuid4()}"
    server.bucket(name)
    return name


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Context]:
    with Database(tmp_path / "evidence.db") as database:
        yield Context(database, lambda _: None, lambda _: None)


def at(url: str, bucket: str, **more: object) -> StoreSettings:
    told = {"kind": "store", "url": f"s3://{bucket}/visits", "endpoint_url": url}
    return StoreSettings.model_validate(told | more)


def keep(settings: StoreSettings, messages: Iterable[Visit | Tick], desk: Context) -> list[Stored]:
    return list(store(settings, messages, desk))


def named(jpeg: bytes) -> str:
    return f"{FOLDER}/picture_{hashlib.sha256(jpeg).hexdigest()[:16]}.jpg"


def test_a_visit_is_pictures_facts_and_its_history(server: S3, bucket: str, desk: Context) -> None:
    told: list[Visit | Tick] = [visit(1, JPEG), visit(2, JPEG, alert=True), Tick(), visit(3, b"best", phase="ended")]
    receipts = keep(at(server.url, bucket), told, desk)
    found = server.objects(bucket)
    assert [*found] == [
        f"{FOLDER}/0001_started.json",
        f"{FOLDER}/0002_decided.json",
        f"{FOLDER}/0003_ended.json",
        f"{FOLDER}/0003_history.json",
        *sorted([named(JPEG), named(b"best")]),
    ]
    assert found[named(JPEG)] == JPEG
    assert found[named(b"best")] == b"best"
    decided = json.loads(found[f"{FOLDER}/0002_decided.json"])
    assert decided["sha256"] == hashlib.sha256(JPEG).hexdigest()
    assert decided["picture_url"] == f"s3://{bucket}/{named(JPEG)}"
    history = json.loads(found[f"{FOLDER}/0003_history.json"])
    assert [(each["seq"], each["phase"], each["alert"]) for each in history["history"]] == [
        (1, "started", False),
        (2, "decided", True),
        (3, "ended", False),
    ]
    assert [each["url"] for each in history["history"]] == [receipt.url for receipt in receipts]


def test_a_receipt_names_the_very_version_and_the_server_has_its_hash(server: S3, bucket: str, desk: Context) -> None:
    (receipt,) = keep(at(server.url, bucket), [visit(1, JPEG)], desk)
    key = named(JPEG)
    assert receipt.picture_url == f"s3://{bucket}/{key}"
    found = server.client().head_object(
        Bucket=bucket, Key=key, VersionId=receipt.picture_version, ChecksumMode="ENABLED"
    )
    assert found["ContentType"] == "image/jpeg"
    assert found["Metadata"]["sha256"] == receipt.sha256 == hashlib.sha256(JPEG).hexdigest()
    assert base64.b64decode(found["ChecksumSHA256"]) == hashlib.sha256(JPEG).digest()
    facts = server.client().head_object(Bucket=bucket, Key=f"{FOLDER}/0001_started.json", VersionId=receipt.version)
    assert facts["ContentType"] == "application/json"


def test_the_same_message_twice_is_sent_once_and_receipted_twice(server: S3, bucket: str, desk: Context) -> None:
    first = keep(at(server.url, bucket), [visit(1, JPEG)], desk)
    before = server.versions(bucket)
    again = keep(at(server.url, bucket), [visit(1, JPEG)], desk)
    known = {each["VersionId"] for each in before}
    new = [each["Key"] for each in server.versions(bucket) if each["VersionId"] not in known]
    assert new == ["visits/.kinwatch"]
    assert again[0].model_dump(exclude={"id", "at"}) == first[0].model_dump(exclude={"id", "at"})


def test_without_its_memory_it_writes_the_same_again(server: S3, bucket: str, desk: Context, tmp_path: Path) -> None:
    messages = [visit(1, JPEG), visit(2, JPEG, phase="ended")]
    keep(at(server.url, bucket), messages[:1], desk)
    before = server.objects(bucket)
    with Database(tmp_path / "new.db") as empty:
        keep(at(server.url, bucket), messages[:1], Context(empty, lambda _: None, lambda _: None))
    assert server.objects(bucket) == before


def test_the_order_of_messages_changes_no_name(server: S3, bucket: str, desk: Context, tmp_path: Path) -> None:
    messages = [visit(1, JPEG), visit(2, JPEG, alert=True)]
    keep(at(server.url, bucket), messages, desk)
    before = server.objects(bucket)
    with Database(tmp_path / "new.db") as empty:
        keep(at(server.url, bucket), messages[::-1], Context(empty, lambda _: None, lambda _: None))
    assert server.objects(bucket) == before


def test_a_message_that_comes_late_completes_the_history(server: S3, bucket: str, desk: Context) -> None:
    keep(at(server.url, bucket), [visit(1), visit(3, phase="ended"), visit(2)], desk)
    (history,) = [body for key, body in server.objects(bucket).items() if key.endswith("0003_history.json")]
    assert [each["seq"] for each in json.loads(history)["history"]] == [1, 2, 3]
    assert json.loads(history)["phase"] == "ended"


def test_objects_are_locked_where_asked(server: S3, bucket: str, desk: Context) -> None:
    locked = f"{bucket}-l"
    server.bucket(locked, lock=True)
    keep(at(server.url, locked, lock_days=30, lock_mode="compliance"), [visit(1, JPEG)], desk)
    held = server.client().head_object(Bucket=locked, Key=named(JPEG))
    assert held["ObjectLockMode"] == "COMPLIANCE"
    assert timedelta(days=29) < held["ObjectLockRetainUntilDate"] - datetime.now(UTC) <= timedelta(days=30)


def test_how_it_is_kept_is_passed_on(server: S3, bucket: str, desk: Context) -> None:
    keep(at(server.url, bucket, storage_class="STANDARD_IA", sse="AES256"), [visit(1, JPEG)], desk)
    held = server.client().head_object(Bucket=bucket, Key=named(JPEG))
    assert (held["StorageClass"], held["ServerSideEncryption"]) == ("STANDARD_IA", "AES256")


NAMES = ("down", "slow", "cut", "deaf", "busy", "broken", "denied", "clock", "portal")
FAULTS: list[tuple[str | bytes, str, float]] = [
    ("down", "cannot be reached", 60),
    ("slow", "cannot be reached", 60),
    ("cut", "cannot be reached", 60),
    ("deaf", "cannot be reached", 60),
    (answer("503 Slow Down", "SlowDown"), "busy or broken: SlowDown", 60),
    (answer("500 Oops", "InternalError"), "busy or broken: InternalError", 60),
    (
        answer("403 Forbidden", "AccessDenied"),
        r"AccessDenied .*give it the policy of `kinwatch docs iam/store\.json`",
        300,
    ),
    (answer("403 Forbidden", "RequestTimeTooSkewed"), "clock is wrong", 300),
    (answer("200 OK"), "the server has not confirmed", 60),
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("weather", FAULTS, ids=NAMES)
def test_bad_weather_loses_and_doubles_nothing(
    server: S3, bucket: str, desk: Context, monkeypatch: pytest.MonkeyPatch, weather: tuple[str | bytes, str, float]
) -> None:
    fault, said, longest_s = weather
    monkeypatch.setattr(s3, "READ_TIMEOUT_S", 0.3)
    monkeypatch.setattr(s3, "MAX_ATTEMPTS", 1)
    told = [visit(1, JPEG), visit(2, JPEG[1:], phase="ended")]
    receipts: list[Stored] = []
    with Weather(server.port) as line:
        settings = at(line.url, bucket)
        for message in told:
            trying = store(settings, storms(line, fault, message), desk)
            with pytest.raises(OutOfReach, match=said) as caught:
                receipts += list(trying)
            assert caught.value.longest_s == longest_s
            line.now = "clear"
            receipts += keep(settings, [message], desk)
    assert [receipt.seq for receipt in receipts] == [1, 2]
    found = server.objects(bucket)
    assert {body for key, body in found.items() if key.endswith(".jpg")} == {JPEG, JPEG[1:]}
    assert len(found) == 5
    sizes: dict[str, set[str]] = {}
    for version in server.versions(bucket):
        sizes.setdefault(version["Key"], set()).add(version["ETag"])
    assert {key: len(tags) for key, tags in sizes.items() if len(tags) > 1} == {}, "a second version differs"


def storms(line: Weather, fault: str | bytes, message: Visit) -> Iterator[Visit]:
    """Yield the message; the weather breaks as soon as it is asked for."""
    line.now = fault
    yield message


@pytest.mark.timeout(60)
def test_an_outage_is_outlived_by_the_running_service(
    server: S3, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nerves.runner.RUNNER_PAUSES_S", (0.1, 0.1))
    monkeypatch.setattr("nerves.runner.MAX_TRIES", 1)
    monkeypatch.setattr(s3, "MAX_ATTEMPTS", 1)
    bus, told = f"loopback://{uuid4()}", [visit(1, JPEG, visit=uuid4()) for _ in range(3)]
    receipts: list[Stored] = []
    states: list[str] = []
    link = open_link(bus, "witness", durable=False)
    link.listen("kinwatch/+/stored", lambda topic, body: receipts.append(Stored.read(topic, body)), qos=1)
    link.listen("kinwatch/status/evidence", lambda topic, body: states.append(Status.read(topic, body).detail), qos=1)

    def outage() -> None:
        with interrupting():
            soon(lambda: states)
            for message in told:
                link.post(message.topic, message.payload()).wait(30)
            soon(lambda: any("cannot be reached" in state for state in states))
            line.now = "clear"
            soon(lambda: len(receipts) == 3, 20)

    with Weather(server.port) as line, link:
        line.now = "down"
        Thread(target=outage, daemon=True).start()
        run_actuator("evidence", actuator, at(line.url, bucket), HouseSettings(data_dir=tmp_path), bus)
    assert {receipt.visit for receipt in receipts} == {message.visit for message in told}
    assert len(server.objects(bucket)) == 6
    assert any("tries again: s3://" in state for state in states)


def test_what_fails_in_the_middle_is_not_receipted(server: S3, bucket: str, desk: Context) -> None:
    with Weather(server.port) as weather:
        trying = store(at(weather.url, bucket), iter([visit(1, JPEG), visit(2)]), desk)
        assert next(trying).seq == 1
        weather.now = answer("403 Forbidden", "AccessDenied")
        with pytest.raises(OutOfReach):
            next(trying)
    assert not [key for key in server.objects(bucket) if "0002" in key]


def test_a_refused_start_says_what_to_do(server: S3, bucket: str, desk: Context) -> None:
    with pytest.raises(OutOfReach, match=r"NoSuchBucket.*create it, or correct `url`"):
        keep(at(server.url, f"{bucket}-not"), [], desk)
    with pytest.raises(OutOfReach, match=r"cannot be reached.*is the internet there"):
        keep(at("http://127.0.0.1:9", bucket), [], desk)


def test_the_check_leaves_one_empty_object(server: S3, bucket: str, desk: Context) -> None:
    keep(at(server.url, bucket), [], desk)
    assert [(each["Key"], each["Size"]) for each in server.versions(bucket)] == [("visits/.kinwatch", 0)]


def test_without_credentials_it_refuses_to_start(bucket: str, desk: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(SettingsError, match="no AWS credentials: set AWS_ACCESS_KEY_ID"):
        keep(StoreSettings(kind="store", url=f"s3://{bucket}/visits"), [], desk)


def test_a_profile_that_is_not_there_is_named(bucket: str, desk: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(SettingsError, match=r"profile .nobody."):
        keep(StoreSettings(kind="store", url=f"s3://{bucket}/visits"), [], desk)


def test_without_boto3_it_says_what_to_install(bucket: str, desk: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.setitem(sys.modules, "boto3.session", None)
    monkeypatch.delitem(sys.modules, "actuators.store.s3")
    with pytest.raises(SettingsError, match=r"pip install 'kinwatch\[s3\]'"):
        keep(StoreSettings(kind="store", url=f"s3://{bucket}/visits"), [], desk)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"url": "file:///evidence", "lock_days": 3}, "lock_days is for s3://bucket/prefix only"),
        ({"url": "s3://our-house/visits", "endpoint_url": "minio.local"}, "no endpoint"),
        ({"url": "s3://our-house/visits", "endpoint_url": "https://me:secret@minio.local"}, "without a password"),
        ({"url": "s3://our-house/visits", "secret": "x"}, "secret"),
    ],
)
def test_settings_that_do_not_fit_are_refused(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        StoreSettings.model_validate({"kind": "store"} | more)


@pytest.mark.parametrize(
    ("code", "status", "means"),
    [
        ("SlowDown", 503, "away"),
        ("InternalError", 500, "away"),
        ("RequestTimeout", 400, "away"),
        ("", 429, "away"),
        ("AccessDenied", 403, "refused"),
        ("NoSuchBucket", 404, "refused"),
        ("PermanentRedirect", 301, "refused"),
        ("ExpiredToken", 400, "refused"),
        ("NotImplemented", 501, "refused"),
        ("EntityTooLarge", 400, "unfit"),
    ],
)
def test_what_an_answer_means(code: str, status: int, means: str) -> None:
    assert s3_meaning(code, status) == means
    assert all(s3_meaning(code, 400) == "refused" for code in S3_ADVICE)


def test_alerts_matter_most_and_whom_we_know_least() -> None:
    family = visit(2, verdict="family", who="Alice", phase="ended")
    stranger = visit(2, phase="decided")
    worths = [spool_priority(each) for each in (family, visit(1), stranger, visit(2, alert=True))]
    assert worths == sorted({*worths})
    assert spool_priority(visit(2, verdict="known", who="Maria")) == spool_priority(family)


POLICIES = {"store.json": {"s3:PutObject"}, "store-locked.json": {"s3:PutObject", "s3:PutObjectRetention"}}


def policy(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "deploy" / "iam" / name).read_text())
    return found


@pytest.mark.parametrize(("name", "actions"), POLICIES.items())
def test_the_policy_allows_uploads_only(name: str, actions: set[str]) -> None:
    (statement,) = policy(name)["Statement"]
    allowed = statement["Action"]
    assert {allowed} if isinstance(allowed, str) else {*allowed} == actions
    assert ([allowed] if isinstance(allowed, str) else sorted(allowed)) == sorted(actions)
    assert statement["Effect"] == "Allow"
    assert statement["Resource"] == "arn:aws:s3:::our-house/visits/*"


@pytest.mark.timeout(60)
def test_with_that_policy_it_stores_and_can_do_nothing_else(desk: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    with S3() as server:
        server.bucket("our-house")
        iam = server.client("iam")
        iam.create_user(UserName="evidence")
        iam.put_user_policy(UserName="evidence", PolicyName="p", PolicyDocument=json.dumps(policy("store.json")))
        key = iam.create_access_key(UserName="evidence")["AccessKey"]
        for name, value in (KEYS | {"AWS_ACCESS_KEY_ID": key["AccessKeyId"]}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        server.guard()
        (receipt,) = keep(at(server.url, "our-house"), [visit(1, JPEG)], desk)
        assert receipt.picture_url
        client = boto3.session.Session().client("s3", endpoint_url=server.url)
        object_key = named(JPEG)
        refused: list[Callable[[], object]] = [
            lambda: client.get_object(Bucket="our-house", Key=object_key),
            lambda: client.delete_object(Bucket="our-house", Key=object_key),
            lambda: client.list_objects_v2(Bucket="our-house"),
            lambda: client.put_object(Bucket="our-house", Key="elsewhere/x", Body=b""),
        ]
        for attempt in refused:
            with pytest.raises(ClientError, match="AccessDenied"):
                attempt()
        elsewhere = StoreSettings(kind="store", url="s3://our-house/elsewhere", endpoint_url=server.url)
        with pytest.raises(OutOfReach, match=r"AccessDenied .*kinwatch docs iam/store\.json"):
            keep(elsewhere, [visit(1, JPEG)], desk)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        with pytest.raises(OutOfReach, match=r"SignatureDoesNotMatch .*the secret is wrong"):
            keep(at(server.url, "our-house"), [], desk)


def test_visits_of_one_second_stay_apart(server: S3, bucket: str, desk: Context) -> None:
    keep(at(server.url, bucket), [visit(1, JPEG), visit(1, JPEG, visit=uuid4()), visit(1, JPEG, place="Küche")], desk)
    assert len({key.rpartition("/")[0] for key in server.objects(bucket)}) == 2
    assert SINCE.tzinfo == UTC
