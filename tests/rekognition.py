"""A Rekognition here: its own rules for requests, and answers from what the test knows to be true.

`with Rekognition(truth) as aws:` and `endpoint_url: {aws.url}`.
"""

import io
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from PIL import Image, UnidentifiedImageError

from tests.aws import Parameters, Refusal, Service, refuse

__all__ = ["NOBODY", "Refusal", "Rekognition", "SeenFace", "SeenThing", "Shown"]

LEAST_SIDE, LEAST_SHARPNESS, SAME = 80, 5.0, 99.5
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class SeenFace:
    """A face in a picture, as it truly is."""

    who: str | None = None
    """Whose; a face in the collection is alike if it is of the same."""
    like: Mapping[str, float] = field(default_factory=dict)
    """How similar it is to others, or to `who` where it is not nearly 100."""
    box: Box = (0.25, 0.2, 0.5, 0.6)
    confidence: float = 99.9
    sharpness: float = 80.0
    brightness: float = 70.0
    yaw: float = 0.0


@dataclass(frozen=True)
class SeenThing:
    """A thing in a picture; without a box it has no place."""

    name: str = "Person"
    box: Box | None = (0.1, 0.1, 0.8, 0.8)
    confidence: float = 99.0


@dataclass(frozen=True)
class Shown:
    """What a picture shows."""

    faces: tuple[SeenFace, ...] = ()
    things: tuple[SeenThing, ...] = ()


NOBODY = Shown()


@dataclass
class _Face:
    id: str
    label: str
    image: str
    who: str | None
    box: Box
    user: str | None = None


@dataclass
class _Collection:
    faces: dict[str, _Face] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    made: float = field(default_factory=time.time)


class Rekognition(Service):
    """The service, for `with`.

    Args:
        truth: What a picture shows, of the very bytes that arrived; asked by one thread at a time.
        objects: What is in buckets: `s3://bucket/key`.
    """

    name, target = "rekognition", "RekognitionService"

    def __init__(self, truth: Callable[[bytes], Shown], *, objects: Mapping[str, bytes] | None = None) -> None:
        super().__init__()
        self.page = 4096
        """How many faces or users one answer holds at most."""
        self.collections: dict[str, _Collection] = {}
        self._truth, self._objects = truth, dict(objects or {})

    def make(self, collection: str = "kinwatch") -> None:
        """Have an empty collection there."""
        self.collections[collection] = _Collection()

    def faces(self, collection: str = "kinwatch") -> list[str]:
        """Return the ExternalImageIds that a collection holds."""
        return sorted(face.label for face in self.collections[collection].faces.values())

    def _shown(self, image: Parameters) -> Shown:
        """Return what a picture shows; refuse one that is none."""
        picture = image.get("Bytes")
        if picture is None:
            there = image["S3Object"]
            picture = self._objects.get(f"s3://{there['Bucket']}/{there['Name']}")
        if picture is None:
            refuse("InvalidS3ObjectException", "Unable to get object metadata from S3")
        try:
            with Image.open(io.BytesIO(picture)) as opened:
                fine, small = opened.format in ("JPEG", "PNG"), min(opened.size) < LEAST_SIDE
        except UnidentifiedImageError:
            fine, small = False, False
        if not fine:
            refuse("InvalidImageFormatException", "Request has invalid image format")
        if small:
            refuse("InvalidParameterException", "Request has invalid parameters")
        return self._truth(picture)

    def _one(self, image: Parameters) -> SeenFace:
        """Return the largest face."""
        faces = self._shown(image).faces
        if not faces:
            refuse("InvalidParameterException", "There are no faces in the image. Should be at least 1.")
        return max(faces, key=lambda face: face.box[2] * face.box[3])

    def _of(self, parameters: Parameters) -> _Collection:
        name = parameters["CollectionId"]
        if name not in self.collections:
            text = f"The collection id: {name} does not exist"
            refuse("ResourceNotFoundException", text)
        return self.collections[name]

    def _user(self, parameters: Parameters) -> str:
        if parameters["UserId"] not in self._of(parameters).users:
            refuse("ResourceNotFoundException", "User not found")
        return str(parameters["UserId"])

    def _DetectLabels(self, parameters: Parameters) -> Parameters:  # noqa: N802 - as AWS calls it
        least, labels = parameters.get("MinConfidence", 55.0), {}
        for thing in self._shown(parameters["Image"]).things:
            if thing.confidence >= least:
                labels.setdefault(thing.name, []).append(thing)
        return {
            "Labels": [_label(name, things) for name, things in labels.items()],
            "LabelModelVersion": "3.0",
        }

    def _DetectFaces(self, parameters: Parameters) -> Parameters:  # noqa: N802
        return {"FaceDetails": [_detail(face) for face in self._shown(parameters["Image"]).faces]}

    def _SearchFacesByImage(self, parameters: Parameters) -> Parameters:  # noqa: N802
        faces, asked = self._of(parameters).faces.values(), self._one(parameters["Image"])
        found = [
            {"Similarity": similarity, "Face": _face(face)}
            for face in faces
            if (similarity := _similar(asked, face.who)) >= parameters.get("FaceMatchThreshold", 80.0)
        ]
        return {
            "SearchedFaceBoundingBox": _box(asked.box),
            "SearchedFaceConfidence": asked.confidence,
            "FaceMatches": _best(found, parameters.get("MaxFaces", 80)),
            "FaceModelVersion": "7.0",
        }

    def _SearchUsersByImage(self, parameters: Parameters) -> Parameters:  # noqa: N802
        asked = self._one(parameters["Image"])
        likes: dict[str, float] = {}
        for face in self._of(parameters).faces.values():
            if face.user:
                likes[face.user] = max(_similar(asked, face.who), likes.get(face.user, 0.0))
        found = [
            {"Similarity": similarity, "User": {"UserId": user, "UserStatus": "ACTIVE"}}
            for user, similarity in likes.items()
            if similarity >= parameters.get("UserMatchThreshold", 80.0)
        ]
        return {
            "UserMatches": _best(found, parameters.get("MaxUsers", 1)),
            "FaceModelVersion": "7.0",
            "SearchedFace": {"FaceDetail": {"BoundingBox": _box(asked.box), "Confidence": asked.confidence}},
            "UnsearchedFaces": [],
        }

    def _CompareFaces(self, parameters: Parameters) -> Parameters:  # noqa: N802
        source, target = self._one(parameters["SourceImage"]), self._shown(parameters["TargetImage"]).faces
        self._one(parameters["TargetImage"])
        least = parameters.get("SimilarityThreshold", 80.0)
        likes = [(_similar(face, source.who), face) for face in target]
        return {
            "SourceImageFace": {"BoundingBox": _box(source.box), "Confidence": source.confidence},
            "FaceMatches": [{"Similarity": like, "Face": _detail(face)} for like, face in likes if like >= least],
            "UnmatchedFaces": [_detail(face) for like, face in likes if like < least],
        }

    def _CreateCollection(self, parameters: Parameters) -> Parameters:  # noqa: N802
        name = parameters["CollectionId"]
        if name in self.collections:
            refuse("ResourceAlreadyExistsException", f"The collection id: {name} already exists")
        self.collections[name] = _Collection()
        return {"StatusCode": 200, "CollectionArn": _arn(name), "FaceModelVersion": "7.0"}

    def _DescribeCollection(self, parameters: Parameters) -> Parameters:  # noqa: N802
        there = self._of(parameters)
        return {
            "FaceCount": len(there.faces),
            "FaceModelVersion": "7.0",
            "CollectionARN": _arn(parameters["CollectionId"]),
            "CreationTimestamp": there.made,
            "UserCount": len(there.users),
        }

    def _IndexFaces(self, parameters: Parameters) -> Parameters:  # noqa: N802
        there, shown = self._of(parameters), self._shown(parameters["Image"]).faces
        careful = parameters.get("QualityFilter", "AUTO") != "NONE"
        taken, left = [], []
        for face in sorted(shown, key=lambda face: -face.box[2] * face.box[3]):
            reasons = ["LOW_SHARPNESS"] if careful and face.sharpness < LEAST_SHARPNESS else []
            reasons += ["EXCEEDS_MAX_FACES"] if len(taken) >= parameters.get("MaxFaces", 100) else []
            if reasons:
                left.append({"Reasons": reasons, "FaceDetail": _detail(face)})
                continue
            kept = _Face(str(uuid4()), parameters["ExternalImageId"], str(uuid4()), face.who, face.box)
            there.faces[kept.id] = kept
            taken.append({"Face": _face(kept), "FaceDetail": _detail(face)})
        return {"FaceRecords": taken, "FaceModelVersion": "7.0", "UnindexedFaces": left}

    def _ListFaces(self, parameters: Parameters) -> Parameters:  # noqa: N802
        faces: Iterable[_Face] = self._of(parameters).faces.values()
        if "UserId" in parameters:
            user = self._user(parameters)
            faces = [face for face in faces if face.user == user]
        return self._paged("Faces", [_face(face) for face in faces], parameters) | {"FaceModelVersion": "7.0"}

    def _ListUsers(self, parameters: Parameters) -> Parameters:  # noqa: N802
        users = [{"UserId": user, "UserStatus": "ACTIVE"} for user in sorted(self._of(parameters).users)]
        return self._paged("Users", users, parameters)

    def _DeleteFaces(self, parameters: Parameters) -> Parameters:  # noqa: N802
        faces = self._of(parameters).faces
        gone, left = [], []
        for each in parameters["FaceIds"]:
            if each not in faces:
                left.append({"FaceId": each, "Reasons": ["FACE_NOT_FOUND"]})
            elif user := faces[each].user:
                left.append({"FaceId": each, "UserId": user, "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"]})
            else:
                gone.append(faces.pop(each).id)
        return {"UnsuccessfulFaceDeletions": left} | ({"DeletedFaces": gone} if gone else {})

    def _CreateUser(self, parameters: Parameters) -> Parameters:  # noqa: N802
        users = self._of(parameters).users
        if parameters["UserId"] in users:
            refuse("ConflictException", "A user with that id exists already")
        users.add(parameters["UserId"])
        return {}

    def _DeleteUser(self, parameters: Parameters) -> Parameters:  # noqa: N802
        there, user = self._of(parameters), self._user(parameters)
        there.users.remove(user)
        for face in there.faces.values():
            face.user = None if face.user == user else face.user
        return {}

    def _AssociateFaces(self, parameters: Parameters) -> Parameters:  # noqa: N802
        faces, user = self._of(parameters).faces, self._user(parameters)
        taken, left = [], []
        for each in parameters["FaceIds"]:
            if each not in faces:
                left.append({"FaceId": each, "Reasons": ["FACE_NOT_FOUND"]})
            elif faces[each].user not in (None, user):
                left.append({"FaceId": each, "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]})
            elif faces[each].user is None:
                faces[each].user = user
                taken.append({"FaceId": each})
        return {"AssociatedFaces": taken, "UnsuccessfulFaceAssociations": left, "UserStatus": "UPDATING"}

    def _DisassociateFaces(self, parameters: Parameters) -> Parameters:  # noqa: N802
        faces, user = self._of(parameters).faces, self._user(parameters)
        gone, left = [], []
        for each in parameters["FaceIds"]:
            if each in faces and faces[each].user == user:
                faces[each].user = None
                gone.append({"FaceId": each})
            else:
                left.append({"FaceId": each, "Reasons": ["FACE_NOT_FOUND"]})
        return {"DisassociatedFaces": gone, "UnsuccessfulFaceDisassociations": left, "UserStatus": "UPDATING"}

    def _paged(self, what: str, items: list[Parameters], parameters: Parameters) -> Parameters:
        start = int(parameters.get("NextToken", "0"))
        end = start + min(self.page, parameters.get("MaxResults", 1000))
        return {what: items[start:end]} | ({"NextToken": str(end)} if end < len(items) else {})


def _similar(face: SeenFace, who: str | None) -> float:
    if who is None:
        return 0.0
    return face.like.get(who, SAME if face.who == who else 0.0)


def _best(found: list[Parameters], most: int) -> list[Parameters]:
    return sorted(found, key=lambda each: -each["Similarity"])[:most]


def _box(box: Box) -> Parameters:
    left, top, width, height = box
    return {"Left": left, "Top": top, "Width": width, "Height": height}


def _label(name: str, things: list[SeenThing]) -> Parameters:
    placed = [thing for thing in things if thing.box]
    return {
        "Name": name,
        "Confidence": max(thing.confidence for thing in things),
        "Instances": [
            {"BoundingBox": _box(thing.box), "Confidence": thing.confidence} for thing in placed if thing.box
        ],
        "Parents": [],
        "Aliases": [],
        "Categories": [{"Name": "Person Description" if name == "Person" else "Animals and Pets"}],
    }


def _detail(face: SeenFace) -> Parameters:
    left, top, width, height = face.box
    return {
        "BoundingBox": _box(face.box),
        "Landmarks": [{"Type": "nose", "X": left + width / 2, "Y": top + height / 2}],
        "Pose": {"Roll": 0.0, "Yaw": face.yaw, "Pitch": 0.0},
        "Quality": {"Brightness": face.brightness, "Sharpness": face.sharpness},
        "Confidence": face.confidence,
    }


def _face(face: _Face) -> Parameters:
    return {
        "FaceId": face.id,
        "BoundingBox": _box(face.box),
        "ImageId": face.image,
        "ExternalImageId": face.label,
        "Confidence": 99.9,
        "IndexFacesModelVersion": "7.0",
    } | ({"UserId": face.user} if face.user else {})


def _arn(name: str) -> str:
    return f"aws:rekognition:eu-west-1:123456789012:collection/{name}"
