"""Pure: turns the responses of Rekognition into our own types."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from brain.cloud.face_ids import name_of, read_label
from brain.vision.backend import PERSON, DetectedObject
from nerves.messages import Box

__all__ = [
    "CloudFace",
    "Collection",
    "Indexed",
    "Page",
    "added",
    "collection",
    "compared",
    "detected_objects",
    "faces",
    "indexed",
    "matched_faces",
    "matched_users",
    "not_associated",
    "not_deleted",
    "nothing",
    "users",
]

# The labels of Rekognition that are animals. Our label of an animal is the same word in lower case.
ANIMALS = frozenset(
    {"Bear", "Bird", "Cat", "Chicken", "Cow", "Dog", "Elephant", "Giraffe", "Goat", "Hamster", "Horse", "Mouse"}
    | {"Parrot", "Pig", "Rabbit", "Raccoon", "Rat", "Sheep", "Squirrel", "Turtle", "Zebra"}
)

# A response of Rekognition. An empty list may be missing from it.
Said = Mapping[str, Any]
Item = TypeVar("Item")
# The items of one page, and the token that requests the next page; None on the last page.
Page = tuple[list[Item], str | None]


class CloudFace(NamedTuple):
    """A face in a picture."""

    box: Box
    """As fractions of the picture. It may reach beyond the edge of the picture."""
    score: float
    """How sure Rekognition is that it is a face, 0 to 1."""
    sharpness: float
    """0 to 100."""
    brightness: float
    """0 to 100."""
    yaw: float
    """How far the head is turned, in degrees, -180 to 180. At 0 it faces the camera."""


class Collection(NamedTuple):
    """The size and the model of a collection."""

    faces: int
    users: int
    model: str
    """The version of the face model. Rekognition does not compare vectors of different versions."""


class Indexed(NamedTuple):
    """A face in the collection."""

    face_id: str
    name: str | None
    """The person's name; None if kinwatch did not add the face."""
    sha256: str | None
    """The hash of the photo; None if kinwatch did not add the face."""
    user: str | None = None
    """The name of the user that the face belongs to; None without a user, or if kinwatch did not create that user."""


def detected_objects(said: Said) -> list[DetectedObject]:
    """Return the people and animals that have a box in the picture, the highest score first."""
    found = [
        DetectedObject(kind, _box(each["BoundingBox"]), each["Confidence"] / 100)
        for label in said.get("Labels", ())
        if (kind := _kind(label["Name"]))
        for each in label.get("Instances", ())
        if "BoundingBox" in each
    ]
    return sorted(found, key=lambda one: one.score, reverse=True)


def faces(said: Said) -> list[CloudFace]:
    """Return the faces in a picture, the widest first."""
    found = [
        CloudFace(
            _box(each["BoundingBox"]),
            each["Confidence"] / 100,
            each["Quality"]["Sharpness"],
            each["Quality"]["Brightness"],
            each["Pose"]["Yaw"],
        )
        for each in said.get("FaceDetails", ())
    ]
    return sorted(found, key=lambda face: face.box.w, reverse=True)


def matched_faces(said: Said) -> dict[str, float]:
    """Return for each name of ours the highest similarity among its photos, 0 to 100."""
    return _highest(
        (label.name, each["Similarity"])
        for each in said.get("FaceMatches", ())
        if (label := read_label(each["Face"].get("ExternalImageId", "")))
    )


def matched_users(said: Said) -> dict[str, float]:
    """Return the similarity for each name of ours, 0 to 100."""
    return _highest(
        (name, each["Similarity"])
        for each in said.get("UserMatches", ())
        if (name := name_of(each["User"].get("UserId", "")))
    )


def compared(said: Said) -> float | None:
    """Return how similar the largest face of the target is to the reference, 0 to 100; None if it does not match."""
    matches = [(each["Face"]["BoundingBox"], each["Similarity"]) for each in said.get("FaceMatches", ())]
    others = [(each["BoundingBox"], None) for each in said.get("UnmatchedFaces", ())]
    largest = max([*matches, *others], key=lambda face: face[0]["Width"] * face[0]["Height"], default=(None, None))
    return largest[1]


def indexed(said: Said) -> Page[Indexed]:
    """Return the faces of one page of a collection, and the token of the next page."""
    return [_indexed(face) for face in said.get("Faces", ())], said.get("NextToken")


def users(said: Said) -> Page[str]:
    """Return the names of our users on one page, and the token of the next page."""
    names = [name_of(user.get("UserId", "")) for user in said.get("Users", ())]
    return [name for name in names if name is not None], said.get("NextToken")


def collection(said: Said) -> Collection:
    """Return the size and the model of a collection."""
    return Collection(said.get("FaceCount", 0), said.get("UserCount", 0), said.get("FaceModelVersion", ""))


def added(said: Said) -> tuple[str | None, str]:
    """Return the id of the face that was added to a collection and an empty text, or None and the reason."""
    for record in said.get("FaceRecords", ()):
        return record["Face"]["FaceId"], ""
    reasons = {reason for face in said.get("UnindexedFaces", ()) for reason in face.get("Reasons", ())}
    return None, ", ".join(sorted(reasons)).lower().replace("_", " ") or "there is none"


def not_deleted(said: Said) -> list[str]:
    """Return the ids of the faces that were not deleted and are still in the collection."""
    failed = said.get("UnsuccessfulFaceDeletions", ())
    return [each["FaceId"] for each in failed if "FACE_NOT_FOUND" not in each.get("Reasons", ())]


def not_associated(said: Said) -> list[str]:
    """Return the ids of the faces that were not associated with the user."""
    return [each["FaceId"] for each in said.get("UnsuccessfulFaceAssociations", ())]


def nothing(_: Said) -> None:
    """Ignore a response that only confirms the operation."""


def _indexed(face: Said) -> Indexed:
    photo = read_label(face.get("ExternalImageId", ""))
    name, sha256 = photo or (None, None)
    return Indexed(face["FaceId"], name, sha256, name_of(face.get("UserId", "")))


def _kind(label: str) -> str | None:
    if label == "Person":
        return PERSON
    return label.lower() if label in ANIMALS else None


def _box(said: Said) -> Box:
    return Box(said["Left"], said["Top"], said["Width"], said["Height"])


def _highest(similarities: Iterable[tuple[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, similarity in similarities:
        found[name] = max(similarity, found.get(name, 0.0))
    return found
