"""The policies of deploy/iam allow exactly the calls that are made."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from brain.cloud import client
from brain.cloud.client import Cloud
from brain.cloud.errors import CloudRefused
from brain.cloud.ledger import About, CallLedger
from brain.settings.rekognition import RekognitionSettings
from tests.brain.cloud.test_client import ANN, picture
from tests.buckets import KEYS
from tests.paths import ROOT
from tests.rekognition import Rekognition, SeenFace, SeenThing, Shown

IAM = ROOT / "deploy" / "iam"
HALL = About("hall")
LOOKING = ["rekognition.json", "rekognition-compare.json"]
OBJECT = "s3://our-house/faces/ann.jpg"


def statements(name: str) -> list[dict[str, Any]]:
    policy = json.loads((IAM / name).read_text())
    assert policy["Version"] == "2012-10-17"
    found: list[dict[str, Any]] = policy["Statement"]
    return found


def allowed(*names: str) -> frozenset[str]:
    """Return the operations of Rekognition that policies allow."""
    actions = set()
    for statement in (each for name in names for each in statements(name)):
        assert statement["Effect"] == "Allow"
        told = statement["Action"]
        actions |= {told} if isinstance(told, str) else {*told}
    return frozenset(each.removeprefix("rekognition:") for each in actions if each.startswith("rekognition:"))


def made() -> set[str]:
    """Return the operations that the client names."""
    model = botocore.session.get_session().get_service_model("rekognition")
    return {*re.findall(r'"(\w+)"', Path(client.__file__).read_text())} & {*model.operation_names}


def test_what_the_client_calls_is_allowed_and_nothing_else_is() -> None:
    assert made() == allowed(*LOOKING, "rekognition-sync.json")
    assert len(made()) == 15


def test_no_action_is_a_pattern_and_a_collection_is_the_only_one() -> None:
    for name in (*LOOKING, "rekognition-sync.json"):
        for statement in statements(name):
            assert "*" not in str(statement["Action"])
            if statement["Resource"] == "*":  # calls that know no resource
                assert {*re.findall(r"rekognition:(\w+)", str(statement["Action"]))} <= {
                    "CompareFaces",
                    "DetectFaces",
                    "DetectLabels",
                }
            else:
                assert statement["Resource"].endswith((":collection/kinwatch", ":::our-house/faces/*"))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rekognition]:
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    shown = Shown((SeenFace("ann"),), (SeenThing(),))
    with Rekognition(lambda _: shown, objects={OBJECT: picture(ANN)}) as aws:
        yield aws
    assert aws.complaints == []


def opened(aws: Rekognition, folder: Path, **told: object) -> tuple[Cloud, CallLedger]:
    settings = RekognitionSettings.model_validate({"endpoint_url": aws.url, "region": "eu-west-1"} | told)
    ledger = CallLedger(folder / "cloud.db", settings)
    return Cloud(settings, ledger), ledger


def look(cloud: Cloud) -> None:
    assert cloud.labels(picture(ANN), HALL)
    assert cloud.faces(picture(ANN), HALL)
    assert cloud.who(picture(ANN), HALL) == {"Ann": 99.5}
    cloud.check()


def manage(cloud: Cloud) -> None:
    cloud.create()
    face = cloud.index("Ann", "a" * 64, picture(ANN))
    cloud.create_user("Ann")
    cloud.associate("Ann", [face])
    assert cloud.describe()
    assert [*cloud.list_users()] == ["Ann"]


def unmanage(cloud: Cloud) -> None:
    faces = [face.face_id for face in cloud.list_faces()]
    cloud.disassociate("Ann", faces)
    cloud.delete_user("Ann")
    assert cloud.delete(faces) == []


@pytest.mark.timeout(60)
def test_each_key_can_do_its_work_and_no_other(aws: Rekognition, tmp_path: Path) -> None:
    sync, run, compare = (allowed(f"rekognition{kind}.json") for kind in ("-sync", "", "-compare"))
    cloud, ledger = opened(aws, tmp_path)
    aws.may = sync
    manage(cloud)
    with pytest.raises(CloudRefused, match=r"AccessDenied.*policy that `kinwatch docs rekognition` names"):
        cloud.labels(picture(ANN), HALL)
    aws.may = run
    cloud.retry()
    look(cloud)
    with pytest.raises(CloudRefused, match="AccessDenied"):
        cloud.delete(["11111111-2222-3333-4444-555555555555"])
    for told in ({"by": "users"}, {"by": "compare", "pictures": {"Ann": [OBJECT]}}):
        other, its = opened(aws, tmp_path, **told)
        aws.may = run if told["by"] == "users" else compare
        look(other)
        other.close()
        its.close()
    aws.may = sync
    unmanage(cloud)
    cloud.close()
    ledger.close()
    assert {*aws.calls} == sync | run | compare
