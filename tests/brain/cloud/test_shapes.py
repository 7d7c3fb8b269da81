"""What is asked and what is understood, by botocore's own model of the service: Stubber, and answers as recorded."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.stub import ANY, Stubber

from brain.cloud.answers import CloudFace, Collection, Indexed
from brain.cloud.client import Cloud
from brain.cloud.errors import CloudMissing, CloudPicture
from brain.cloud.ledger import About, CallLedger
from brain.settings.rekognition import RekognitionSettings
from brain.vision.backend import DetectedObject
from nerves.messages import Box
from tests.brain.cloud.test_client import ANN, picture
from tests.buckets import KEYS
from tests.paths import DATA
from tests.shapes import written

pytestmark = pytest.mark.timeout(60)

DATA = json.loads((DATA / "rekognition.json").read_text())
FACE, OTHER, ANNS = "11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555", "a" * 64
IMAGE = {"Bytes": ANY}
IN = {"CollectionId": "kinwatch"}
HALL = About("hall")


def recorded(operation: str) -> dict[str, Any]:
    """Return what Amazon's own documentation, as botocore carries it, says that it answers."""
    loader = botocore.session.get_session().get_component("data_loader")
    example = loader.load_service_model("rekognition", "examples-1")["examples"][operation][0]
    return dict(example["output"])


def true(answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"ResponseMetadata": {"RequestId": "1", "HTTPStatusCode": 200}}


class Stubbed:
    """A client whose answers are given beforehand, each for a request that has to be exactly so."""

    def __init__(self, folder: Path, by: str) -> None:
        pictures = {"Bob": ["s3://our-house/bob.jpg"]} if by == "compare" else {}
        settings = RekognitionSettings.model_validate({"by": by, "pictures": pictures, "region": "us-east-1"})
        self.ledger = CallLedger(folder / "cloud.db", settings)
        self.cloud = Cloud(settings, self.ledger)
        self.stubber = Stubber(self.cloud._wire._client)  # noqa: SLF001

    def answers(self, operation: str, asked: dict[str, Any], answer: dict[str, Any] | None = None) -> None:
        name = botocore.xform_name(operation)
        said = DATA[operation] if answer is None else answer
        if "CreationTimestamp" in said:
            said = said | {"CreationTimestamp": datetime.fromtimestamp(said["CreationTimestamp"], UTC)}
        self.stubber.add_response(name, true(said), asked)


@pytest.fixture(params=["collection"])
def stubbed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubbed]:
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    made = Stubbed(tmp_path, request.param)
    with made.stubber, made.ledger:
        yield made
        made.stubber.assert_no_pending_responses()
    made.cloud.close()


def test_the_recorded_answers_are_as_the_service_gives_them() -> None:
    model = botocore.session.get_session().get_service_model("rekognition")
    for operation, answer in DATA.items():
        written(answer, model.operation_model(operation).output_shape)


def test_labels(stubbed: Stubbed) -> None:
    asked = {"Image": IMAGE, "MinConfidence": 30.0}
    stubbed.answers("DetectLabels", asked)
    assert stubbed.cloud.labels(picture(ANN), HALL) == [
        DetectedObject("person", Box(0.44, 0.35, 0.19, 0.27), pytest.approx(0.9887)),
        DetectedObject("cat", Box(0.6, 0.6, 0.3, 0.3), pytest.approx(0.901)),
        DetectedObject("person", Box(0.01, 0.4, 0.1, 0.2), pytest.approx(0.553)),
    ]
    stubbed.answers("DetectLabels", asked, recorded("DetectLabels"))
    assert stubbed.cloud.labels(picture(ANN), HALL) == []


def test_faces(stubbed: Stubbed) -> None:
    asked = {"Image": IMAGE, "Attributes": ["DEFAULT"]}
    stubbed.answers("DetectFaces", asked)
    box = Box(0.0888, 0.151, 0.7919, 0.751)
    assert stubbed.cloud.faces(picture(ANN), HALL) == [CloudFace(box, pytest.approx(0.999996), 53.3, 69.7, -10.69)]
    stubbed.answers("DetectFaces", asked, recorded("DetectFaces"))
    (face,) = stubbed.cloud.faces(picture(ANN), HALL)
    assert face.sharpness == pytest.approx(100.0, abs=100.0)


def test_who_in_a_collection(stubbed: Stubbed) -> None:
    asked = IN | {"Image": IMAGE, "MaxFaces": 4096, "FaceMatchThreshold": 20.0, "QualityFilter": "NONE"}
    stubbed.answers("SearchFacesByImage", asked)
    assert stubbed.cloud.who(picture(ANN), HALL) == {"Ann": 99.8}
    stubbed.answers("SearchFacesByImage", asked, recorded("SearchFacesByImage"))
    assert stubbed.cloud.who(picture(ANN), HALL) == {}  # of a collection that is not ours
    stubbed.answers("SearchFacesByImage", asked, {"SearchedFaceConfidence": 99.0})
    assert stubbed.cloud.who(picture(ANN), HALL) == {}


@pytest.mark.parametrize("stubbed", ["users"], indirect=True)
def test_who_by_users(stubbed: Stubbed) -> None:
    asked = IN | {"Image": IMAGE, "MaxUsers": 500, "UserMatchThreshold": 20.0, "QualityFilter": "NONE"}
    stubbed.answers("SearchUsersByImage", asked)
    assert stubbed.cloud.who(picture(ANN), HALL) == {"Ann": 99.88, "Grandma Jo": 21.3}


@pytest.mark.parametrize("stubbed", ["compare"], indirect=True)
def test_who_by_comparing(stubbed: Stubbed) -> None:
    asked = {
        "SourceImage": {"S3Object": {"Bucket": "our-house", "Name": "bob.jpg"}},
        "TargetImage": IMAGE,
        "SimilarityThreshold": 20.0,
        "QualityFilter": "NONE",
    }
    stubbed.answers("CompareFaces", asked)
    assert stubbed.cloud.who(picture(ANN), HALL) == {"Bob": 97.2}
    stubbed.answers("CompareFaces", asked, recorded("CompareFaces"))
    assert stubbed.cloud.who(picture(ANN), HALL) == {"Bob": 100}
    stubbed.answers("CompareFaces", asked, DATA["CompareFaces"] | {"FaceMatches": []})
    assert stubbed.cloud.who(picture(ANN), HALL) == {}


def test_a_collection(stubbed: Stubbed) -> None:
    cloud = stubbed.cloud
    stubbed.answers("CreateCollection", IN, recorded("CreateCollection"))
    cloud.create()
    stubbed.answers("DescribeCollection", IN)
    assert cloud.describe() == Collection(14, 2, "7.0")
    stubbed.stubber.add_client_error("describe_collection", "ResourceNotFoundException", "gone", 400)
    assert cloud.describe() is None
    photo = {"ExternalImageId": f"Ann:{ANNS}", "DetectionAttributes": ["DEFAULT"], "QualityFilter": "AUTO"}
    asked = IN | photo | {"Image": IMAGE, "MaxFaces": 1}
    stubbed.answers("IndexFaces", asked)
    assert cloud.index("Ann", ANNS, picture(ANN)) == FACE
    stubbed.answers("IndexFaces", asked, recorded("IndexFaces"))
    assert len(cloud.index("Ann", ANNS, picture(ANN))) == len(FACE)
    unfit = {"UnindexedFaces": [{"Reasons": ["LOW_BRIGHTNESS", "EXTREME_POSE"]}]}
    stubbed.answers("IndexFaces", asked, unfit)
    with pytest.raises(CloudPicture, match="extreme pose, low brightness"):
        cloud.index("Ann", ANNS, picture(ANN))


def test_what_a_collection_holds(stubbed: Stubbed) -> None:
    cloud = stubbed.cloud
    stubbed.answers("ListFaces", IN | {"MaxResults": 4096}, DATA["ListFaces"] | {"NextToken": "more"})
    stubbed.answers("ListFaces", IN | {"MaxResults": 4096, "NextToken": "more"}, recorded("ListFaces"))
    listed = list(cloud.list_faces())
    assert listed[:2] == [Indexed(FACE, "Ann", ANNS, "Ann"), Indexed(OTHER, None, None)]
    assert len(listed) == 2 + len(recorded("ListFaces")["Faces"])
    stubbed.answers("DeleteFaces", IN | {"FaceIds": [FACE]}, recorded("DeleteFaces"))
    assert cloud.delete([FACE]) == []
    stubbed.answers("DeleteFaces", IN | {"FaceIds": ["x"] * 1000}, {"DeletedFaces": [FACE]})
    failed = [{"FaceId": FACE, "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"], "UserId": "Ann"}]
    failed.append({"FaceId": OTHER, "Reasons": ["FACE_NOT_FOUND"]})
    stubbed.answers("DeleteFaces", IN | {"FaceIds": ["x"] * 5}, {"UnsuccessfulFaceDeletions": failed})
    assert cloud.delete(["x"] * 1005) == [FACE]


def test_users_of_a_collection(stubbed: Stubbed) -> None:
    cloud = stubbed.cloud
    stubbed.answers("CreateUser", IN | {"UserId": "Grandma.Jo"}, {})
    cloud.create_user("Grandma Jo")
    join = {"UserId": "Ann", "UserMatchThreshold": 0.0}
    stubbed.answers("AssociateFaces", IN | join | {"FaceIds": [FACE] * 100}, {"UserStatus": "UPDATING"})
    stubbed.answers("AssociateFaces", IN | join | {"FaceIds": [FACE] * 20})
    assert cloud.associate("Ann", [FACE] * 120) == [OTHER]
    users = {"Users": [{"UserId": "Ann", "UserStatus": "ACTIVE"}, {"UserId": "employee:7"}]}
    stubbed.answers("ListUsers", IN | {"MaxResults": 500}, users | {"NextToken": "more"})
    stubbed.answers("ListUsers", IN | {"MaxResults": 500, "NextToken": "more"}, {})
    assert list(cloud.list_users()) == ["Ann"]
    leave = {"UserId": "Ann", "FaceIds": [FACE]}
    stubbed.answers("DisassociateFaces", IN | leave, {"UserStatus": "UPDATING"})
    cloud.disassociate("Ann", [FACE])
    stubbed.answers("DeleteUser", IN | {"UserId": "Ann"}, {})
    cloud.delete_user("Ann")
    stubbed.stubber.add_client_error("delete_user", "ResourceNotFoundException", "gone", 400)
    with pytest.raises(CloudMissing):
        cloud.delete_user("Ann")
