"""The client against a service that speaks Rekognition's own format and rules, over HTTP."""

import io
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import cv2
import numpy as np
import pytest
from PIL import Image

from brain.cloud.answers import CloudFace, Collection
from brain.cloud.client import Cloud
from brain.cloud.errors import (
    BudgetSpent,
    CloudAway,
    CloudMissing,
    CloudOff,
    CloudPicture,
    CloudRefused,
)
from brain.cloud.ledger import About, CallLedger
from brain.settings.rekognition import RekognitionSettings
from brain.vision.backend import DetectedObject
from nerves.errors import SettingsError
from nerves.messages import Box
from tests.buckets import KEYS
from tests.paths import ROOT
from tests.rekognition import NOBODY, Rekognition, SeenFace, SeenThing, Shown

pytestmark = pytest.mark.timeout(60)

HALL = About("hall", uuid4(), what="a face")
# What a picture shows is told by how bright it is.
ANN, BOB, BOTH, STRANGER, CAT, BLURRED, EMPTY = 10, 40, 70, 100, 130, 160, 250
TRUTH = {
    ANN: Shown((SeenFace("ann", yaw=-12.5),), (SeenThing(), SeenThing("Man", None))),
    BOB: Shown((SeenFace("bob", {"ann": 31.0}),)),
    BOTH: Shown((SeenFace("ann", box=(0.0, 0.0, 0.2, 0.2)), SeenFace("bob", {"bob": 91.0}))),
    STRANGER: Shown((SeenFace("nobody we know"),)),
    CAT: Shown(things=(SeenThing("Cat", (0.5, 0.5, 0.2, 0.2), 88.0), SeenThing("Chair"), SeenThing("Dog", None))),
    BLURRED: Shown((SeenFace("ann", sharpness=1.0),)),
}
PHOTOS = {"Ann": (ANN, "a" * 64), "Bøb & 山": (BOB, "b" * 64)}


def picture(shade: int, wide: int = 120, high: int = 100) -> bytes:
    return bytes(cv2.imencode(".jpg", np.full((high, wide, 3), shade, np.uint8))[1])


def shown(jpeg: bytes) -> Shown:
    with Image.open(io.BytesIO(jpeg)) as image:
        shade = np.asarray(image.convert("L")).mean()
    return TRUTH[min(TRUTH, key=lambda each: abs(each - shade))] if shade < 200 else NOBODY


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rekognition]:
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    with Rekognition(shown, objects={"s3://our-house/faces/bob.jpg": picture(BOB)}) as aws:
        yield aws
    assert aws.complaints == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


class Here:
    """A client, its ledger and its clock."""

    def __init__(self, aws: Rekognition, folder: Path, **settings: object) -> None:
        told = {"endpoint_url": aws.url, "region": "eu-west-1", "timeout_s": 30} | settings
        self.now = 0.0
        self.ledger = CallLedger(folder / "cloud.db", checked := RekognitionSettings.model_validate(told))
        self.cloud = Cloud(checked, self.ledger, clock=lambda: self.now)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cloud.close()
        self.ledger.close()

    def outcomes(self) -> list[tuple[str, str]]:
        return [(call.operation, call.outcome) for call in reversed(self.ledger.calls())]


@pytest.fixture
def here(aws: Rekognition, folder: Path) -> Iterator[Here]:
    with Here(aws, folder) as here:
        yield here


def enroll(cloud: Cloud) -> dict[str, str]:
    cloud.create()
    return {name: cloud.index(name, sha256, picture(shade)) for name, (shade, sha256) in PHOTOS.items()}


def test_people_and_animals_without_a_box_are_left_out(here: Here) -> None:
    assert here.cloud.labels(picture(ANN), HALL) == [DetectedObject("person", Box(0.1, 0.1, 0.8, 0.8), 0.99)]
    assert here.cloud.labels(picture(CAT), HALL) == [DetectedObject("cat", Box(0.5, 0.5, 0.2, 0.2), 0.88)]
    assert here.cloud.labels(picture(EMPTY), HALL) == []


def test_a_face_comes_with_its_quality(here: Here) -> None:
    (face,) = here.cloud.faces(picture(ANN), HALL)
    assert face == CloudFace(Box(0.25, 0.2, 0.5, 0.6), pytest.approx(0.999), 80.0, 70.0, -12.5)
    assert [face.box.w for face in here.cloud.faces(picture(BOTH), HALL)] == [0.5, 0.2]
    assert here.cloud.faces(picture(EMPTY), HALL) == []


@pytest.mark.parametrize("by", ["collection", "users"])
def test_who_it_is_by_the_collection(aws: Rekognition, folder: Path, by: str) -> None:
    with Here(aws, folder, by=by) as here:
        for name, face_id in enroll(here.cloud).items():
            here.cloud.create_user(name)
            assert here.cloud.associate(name, [face_id]) == []
        assert here.cloud.who(picture(ANN), HALL) == {"Ann": 99.5}
        assert here.cloud.who(picture(BOB), HALL) == {"Ann": 31.0, "Bøb & 山": 99.5}
        assert here.cloud.who(picture(BOTH), HALL) == {"Bøb & 山": 91.0}
        assert here.cloud.who(picture(STRANGER), HALL) == {}
        with pytest.raises(CloudPicture, match="no faces in the image"):
            here.cloud.who(picture(EMPTY), HALL)
        assert aws.calls["SearchUsersByImage" if by == "users" else "SearchFacesByImage"] == 5


def test_who_it_is_by_comparing_with_files_and_pictures_in_a_bucket(aws: Rekognition, folder: Path) -> None:
    Image.new("RGB", (300, 200), (ANN,) * 3).save(folder / "ann.png")
    pictures = {"Ann": [str(folder / "ann.png")], "Bob": ["s3://our-house/faces/bob.jpg"]}
    with Here(aws, folder, by="compare", pictures=pictures) as here:
        assert here.cloud.names == ("Ann", "Bob")
        assert here.cloud.who(picture(ANN), HALL) == {"Ann": 99.5}
        assert here.cloud.who(picture(BOB), HALL) == {"Ann": 31.0, "Bob": 99.5}
        # The largest face counts, not the likest.
        assert here.cloud.who(picture(BOTH), HALL) == {"Bob": 91.0}
        assert here.cloud.who(picture(STRANGER), HALL) == {}
        assert (aws.count, here.ledger.spent(datetime.now(UTC)).day_calls) == (8, 8)


def test_comparing_with_some_but_not_all_would_make_strangers_so_it_is_all_or_none(
    aws: Rekognition, folder: Path
) -> None:
    pictures = {name: ["s3://our-house/faces/bob.jpg"] for name in ("Ann", "Bob", "Cy")}
    with Here(aws, folder, by="compare", pictures=pictures, daily_calls=5) as here:
        here.cloud.who(picture(ANN), HALL)
        with pytest.raises(BudgetSpent, match="the day's 5 calls are spent"):
            here.cloud.who(picture(ANN), HALL)
    assert aws.count == 3


def test_a_picture_in_a_bucket_that_cannot_be_read_says_so(aws: Rekognition, folder: Path) -> None:
    pictures = {"Ann": ["s3://our-house/faces/ann.jpg"]}
    with (
        Here(aws, folder, by="compare", pictures=pictures) as here,
        pytest.raises(CloudRefused, match=r"InvalidS3Object.*same region.*rekognition-compare\.json"),
    ):
        here.cloud.who(picture(ANN), HALL)


def test_a_collection_is_made_listed_and_emptied(here: Here, aws: Rekognition) -> None:
    cloud = here.cloud
    assert cloud.describe() is None
    with pytest.raises(CloudMissing, match="kinwatch rekognition sync"):
        list(cloud.list_faces())
    ids = enroll(cloud)
    assert cloud.describe() == Collection(2, 0, "7.0")
    aws.page = 1
    listed = list(cloud.list_faces())
    assert [(face.face_id, face.name, face.sha256, face.user) for face in listed] == [
        (ids[name], name, sha256, None) for name, (_, sha256) in PHOTOS.items()
    ]
    assert cloud.delete([*ids.values(), str(uuid4())]) == []
    assert aws.faces() == []
    with pytest.raises(CloudRefused, match="already exists"):
        cloud.create()


def test_a_users_faces_are_removed_once_they_are_nobodys(here: Here, aws: Rekognition) -> None:
    cloud, (name, other) = here.cloud, PHOTOS
    ids = enroll(cloud)
    cloud.create_user(name)
    cloud.create_user(other)
    assert cloud.associate(name, [*ids.values()]) == []
    assert cloud.associate(other, [ids[other]]) == [ids[other]]
    aws.page = 1
    assert sorted(cloud.list_users()) == sorted(PHOTOS)
    assert {face.user for face in cloud.list_faces()} == {name}
    assert cloud.delete([*ids.values()]) == [*ids.values()]
    cloud.disassociate(name, [ids[other]])
    assert cloud.delete([*ids.values()]) == [ids[name]]
    cloud.delete_user(name)
    assert cloud.delete([ids[name]]) == []
    with pytest.raises(CloudMissing):
        cloud.delete_user(name)
    with pytest.raises(CloudRefused, match="Conflict"):
        cloud.create_user(other)


def test_faces_of_somebody_else_in_the_collection_are_nobodys(here: Here, aws: Rekognition) -> None:
    enroll(here.cloud)
    for face in aws.collections["kinwatch"].faces.values():
        face.label = "employee 7".replace(" ", ":")
    assert {(face.name, face.sha256) for face in here.cloud.list_faces()} == {(None, None)}
    assert here.cloud.who(picture(ANN), HALL) == {}


def test_a_photo_that_cannot_be_used_says_why(here: Here) -> None:
    here.cloud.create()
    with pytest.raises(CloudPicture, match="could use: low sharpness"):
        here.cloud.index("Ann", "a" * 64, picture(BLURRED))
    with pytest.raises(CloudPicture, match="could use: there is none"):
        here.cloud.index("Ann", "a" * 64, picture(EMPTY))


def test_what_left_the_house_is_listed(here: Here, aws: Rekognition) -> None:
    here.cloud.labels(picture(ANN), HALL)
    (call,) = here.ledger.calls()
    assert (call.operation, call.outcome, call.place, call.visit, call.what, call.usd) == (
        "DetectLabels",
        "answered",
        "hall",
        HALL.visit,
        "a face",
        0.001,
    )
    assert [("DetectLabels", call.size)] == [(operation, len(jpeg)) for operation, jpeg in aws.sent]


BUSY_SAID = "busy or broken|cannot be reached"
BUSY = ["throughput", "throttling", "too many", "broken", "unavailable", "limit", "cut"]


@pytest.mark.parametrize("fault", BUSY)
def test_a_busy_rekognition_is_asked_again_and_every_try_is_counted(here: Here, aws: Rekognition, fault: str) -> None:
    aws.fail(fault, 1)
    assert here.cloud.labels(picture(ANN), HALL)
    assert aws.count == here.ledger.spent(datetime.now(UTC)).day_calls == 2
    assert [outcome == "answered" for _, outcome in here.outcomes()] == [False, True]


@pytest.mark.parametrize("fault", ["throughput", "broken", "cut"])
def test_what_stays_busy_is_away_and_is_left_alone_for_a_while(aws: Rekognition, folder: Path, fault: str) -> None:
    with Here(aws, folder, tries=2) as here:
        aws.fail(fault)
        with pytest.raises(CloudAway, match=BUSY_SAID):
            here.cloud.who(picture(ANN), HALL)
        assert aws.count == 2
        with pytest.raises(CloudAway, match=BUSY_SAID):
            here.cloud.who(picture(ANN), HALL)
        assert aws.count == 2
        here.now = 15.0
        with pytest.raises(CloudAway, match=BUSY_SAID):
            here.cloud.labels(picture(ANN), HALL)
        assert aws.count == 3  # who asks whether it is back asks once
        aws.fail(None)
        here.now = 44.9
        with pytest.raises(CloudAway, match=BUSY_SAID):
            here.cloud.labels(picture(ANN), HALL)
        here.now = 45.0
        assert here.cloud.labels(picture(ANN), HALL)
        assert here.cloud.labels(picture(ANN), HALL)


@pytest.mark.parametrize("fault", ["page", "half", "empty", "list"])
def test_what_answers_but_is_no_rekognition_is_not_believed(here: Here, aws: Rekognition, fault: str) -> None:
    aws.fail(fault)
    with pytest.raises(CloudAway, match=r"is not Rekognition.*endpoint_url|cannot be reached"):
        here.cloud.labels(picture(ANN), HALL)
    assert here.outcomes()[0] in [("DetectLabels", "not understood"), ("DetectLabels", "IncompleteReadError")]


def test_a_rekognition_that_never_answers_costs_one_try_and_its_time(aws: Rekognition, folder: Path) -> None:
    with Here(aws, folder, timeout_s=1.5) as here:
        aws.fail("silent")
        with pytest.raises(CloudAway, match="cannot be reached: Read timeout"):
            here.cloud.who(picture(ANN), HALL)
        assert aws.count == 1
        assert here.outcomes() == [("SearchFacesByImage", "ReadTimeoutError")]


def test_nobody_there_at_all_is_away(aws: Rekognition, folder: Path) -> None:
    with Here(aws, folder, endpoint_url="http://127.0.0.1:9", tries=1) as here:
        with pytest.raises(CloudAway, match="is the internet there"):
            here.cloud.who(picture(ANN), HALL)
        assert here.ledger.spent(datetime.now(UTC)).day_calls == 1


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        ("denied", r"AccessDenied.*policy that `kinwatch docs rekognition` names"),
        ("expired", "ExpiredToken.*renew them"),
        ("unknown key", "UnrecognizedClient.*AWS_ACCESS_KEY_ID"),
    ],
)
def test_a_refusal_says_what_to_do_and_waits_for_a_person(
    here: Here, aws: Rekognition, fault: str, advice: str
) -> None:
    aws.fail(fault)
    with pytest.raises(CloudRefused, match=advice):
        here.cloud.who(picture(ANN), HALL)
    assert aws.count == 1
    aws.fail(None)
    here.now = 1000.0
    with pytest.raises(CloudAway, match=advice):
        here.cloud.labels(picture(ANN), HALL)
    assert aws.count == 1
    here.cloud.retry()
    assert here.cloud.labels(picture(ANN), HALL)


def test_what_a_person_has_repaired_is_asked_again_once_anybody_has_got_an_answer(
    here: Here, aws: Rekognition, folder: Path
) -> None:
    with pytest.raises(CloudMissing):
        here.cloud.who(picture(ANN), HALL)
    with Here(aws, folder) as command:
        enroll(command.cloud)
        assert here.cloud.who(picture(ANN), HALL) == {"Ann": 99.5}


def test_a_wrong_secret_is_reported(aws: Rekognition, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with Here(aws, folder) as here, pytest.raises(CloudRefused, match=r"InvalidSignature.*AWS_SECRET_ACCESS_KEY"):
        here.cloud.who(picture(ANN), HALL)


def test_a_missing_collection_is_reported(here: Here) -> None:
    with pytest.raises(CloudMissing, match="no such collection: kinwatch rekognition sync"):
        here.cloud.who(picture(ANN), HALL)


def test_a_bad_picture_is_its_own_fault_only(here: Here, aws: Rekognition) -> None:
    with pytest.raises(CloudPicture, match="truncated"):
        here.cloud.labels(picture(ANN)[:-40], HALL)
    assert aws.count == 0
    enroll(here.cloud)
    with pytest.raises(CloudPicture):
        here.cloud.who(picture(EMPTY), HALL)
    assert here.cloud.who(picture(ANN), HALL)


def test_while_the_cloud_is_off_nothing_leaves(here: Here, aws: Rekognition, folder: Path) -> None:
    here.ledger.on = False
    calls = [
        lambda: here.cloud.labels(picture(ANN), HALL),
        lambda: here.cloud.who(picture(ANN), HALL),
        here.cloud.describe,
        here.cloud.check,
    ]
    for call in calls:
        with pytest.raises(CloudOff, match="kinwatch rekognition on"):
            call()
    here.ledger.on = True
    assert here.cloud.labels(picture(ANN), HALL)
    with Here(aws, folder, enabled=False) as disabled, pytest.raises(CloudOff, match="enabled is false"):
        disabled.cloud.describe()
    assert aws.count == 1


def test_switched_off_between_two_tries_the_second_stays_at_home(here: Here, aws: Rekognition, folder: Path) -> None:
    aws.fail("throughput")
    with CallLedger(folder / "cloud.db", RekognitionSettings()) as somebody:
        aws.arrives = lambda _: setattr(somebody, "on", False)
        with pytest.raises(CloudOff):
            here.cloud.labels(picture(ANN), HALL)
    assert aws.count == 1
    assert here.outcomes() == [("DetectLabels", "ProvisionedThroughputExceededException")]


def test_at_the_limit_nothing_leaves_but_what_is_free(aws: Rekognition, folder: Path) -> None:
    with Here(aws, folder, daily_calls=3) as here:
        enroll(here.cloud)
        here.cloud.who(picture(ANN), HALL)
        for call in (lambda: here.cloud.who(picture(ANN), HALL), here.cloud.check):
            with pytest.raises(BudgetSpent, match="the day's 3 calls are spent"):
                call()
        assert here.cloud.describe() == Collection(2, 0, "7.0")
        assert here.cloud.delete([face.face_id for face in here.cloud.list_faces()]) == []
    assert aws.calls["SearchFacesByImage"] == 1


def test_the_limit_holds_for_tries_too(aws: Rekognition, folder: Path) -> None:
    with Here(aws, folder, daily_calls=2, tries=5) as here:
        aws.fail("broken")
        with pytest.raises(BudgetSpent):
            here.cloud.labels(picture(ANN), HALL)
    assert aws.count == 2


def test_one_call_with_an_empty_picture_checks_everything(aws: Rekognition, folder: Path) -> None:
    with Here(aws, folder) as here:
        with pytest.raises(CloudMissing):
            here.cloud.check()
        here.cloud.create()
        here.cloud.retry()
        here.cloud.check()
    assert aws.calls == {"SearchFacesByImage": 2, "CreateCollection": 1}
    assert {Image.open(io.BytesIO(jpeg)).size for _, jpeg in aws.sent} == {(80, 80)}
    two = {"by": "compare", "pictures": {"Bob": ["s3://our-house/faces/bob.jpg"] * 2}}
    with Here(aws, folder, **two) as here:
        here.cloud.check()
    assert aws.calls["CompareFaces"] == 1


def test_a_ledger_that_cannot_be_written_lets_nothing_out(here: Here, aws: Rekognition) -> None:
    here.ledger.close()
    with pytest.raises(CloudRefused, match="calls cannot be counted, so none is made"):
        here.cloud.labels(picture(ANN), HALL)
    assert aws.count == 0


WITHOUT_BOTO3 = """
import sys
from pathlib import Path
sys.modules["boto3"] = None
from brain.cloud.client import Cloud
from brain.cloud.ledger import CallLedger
from brain.settings.rekognition import RekognitionSettings
from nerves.errors import SettingsError
try:
    Cloud(RekognitionSettings(), CallLedger(Path(sys.argv[1]), RekognitionSettings()))
except SettingsError as error:
    sys.exit(str(error))
"""


def test_without_boto3_it_says_what_to_install(folder: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_BOTO3, str(folder / "cloud.db")]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.strip() == "brain.rekognition needs the package boto3: pip install 'kinwatch[rekognition]'"


def test_boto3_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, brain.cloud.client, kinwatch.commands.checking; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0


def settings(**told: object) -> RekognitionSettings:
    return RekognitionSettings.model_validate(told)


@pytest.mark.parametrize(
    ("told", "environment", "complaint"),
    [
        ({}, {"AWS_DEFAULT_REGION": None}, r"must specify a region.*check region"),
        ({"region": "eu-west-3"}, {}, r"no Rekognition in 'eu-west-3': choose one of .*eu-west-1"),
        ({"region": "xx-west-3"}, {}, r"no Rekognition in 'xx-west-3': choose one of eu-west-1, us-east-1$"),
        ({"region": "eu-west-1"}, {"AWS_ACCESS_KEY_ID": None}, r"AWS_ACCESS_KEY_ID"),
        (
            {"region": "eu-west-1"},
            {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
            "no AWS credentials: set AWS_ACCESS_KEY_ID",
        ),
        ({"region": "eu-west-1"}, {"AWS_PROFILE": "not-there"}, r"not-there.*~/\.aws"),
        (
            {"by": "compare", "pictures": {"Ann": ["/no/such.jpg"]}},
            {},
            r"pictures\.Ann: /no/such\.jpg: No such file or directory",
        ),
        ({"by": "compare", "pictures": {"Ann": [__file__]}}, {}, r"pictures\.Ann: .*not a picture"),
    ],
)
def test_impossible_settings_are_refused_at_the_start(
    told: dict[str, Any],
    environment: dict[str, str | None],
    complaint: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for key, value in (KEYS | environment).items():
        if value is None:
            monkeypatch.delenv(key, raising=False)
        else:
            monkeypatch.setenv(key, value)
    with CallLedger(folder / "cloud.db", settings(**told)) as ledger, pytest.raises(SettingsError, match=complaint):
        Cloud(settings(**told), ledger)
