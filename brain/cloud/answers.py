"""Pure: what Rekognition's answers mean."""

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

# Rekognition's words for what the house knows by another; animals have the same name in small letters.
ANIMALS = frozenset(
    {"Bear", "Bird", "Cat", "Chicken", "Cow", "Dog", "Elephant", "Giraffe", "Goat", "Hamster", "Horse", "Mouse"}
    | {"Parrot", "Pig", "Rabbit", "Raccoon", "Rat", "Sheep", "Squirrel", "Turtle", "Zebra"}
)

# A list that is empty may be missing.
Said = Mapping[str, Any]
Item = TypeVar("Item")
# With what to ask for the next one.
Page = tuple[list[Item], str | None]


class CloudFace(NamedTuple):
    """A face in a picture."""

    box: Box
    """Where, as fractions of the picture; it may reach beyond the picture's edge."""
    score: float
    """0 to 1."""
    sharpness: float
    """0 to 100."""
    brightness: float
    """0 to 100."""
    yaw: float
    """In degrees, -180 to 180; 0 is straight at the camera."""


class Collection(NamedTuple):
    """What a collection says of itself."""

    faces: int
    users: int
    model: str
    """The version of the face model; vectors of another version are not compared."""


class Indexed(NamedTuple):
    """A face in the collection."""

    face_id: str
    name: str | None
    """Whose; None if it is none of ours."""
    sha256: str | None
    """Of which photo."""
    user: str | None = None
    """The name of the user it is part of; None if it is part of none, or of none of ours."""


def detected_objects(said: Said) -> list[DetectedObject]:
    """Return the people and animals that have a place in the picture, the surest first."""
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
    """Return for each of our names the highest similarity of its photos."""
    return _highest(
        (label.name, each["Similarity"])
        for each in said.get("FaceMatches", ())
        if (label := read_label(each["Face"].get("ExternalImageId", "")))
    )


def matched_users(said: Said) -> dict[str, float]:
    """Return for each of our names the similarity."""
    return _highest(
        (name, each["Similarity"])
        for each in said.get("UserMatches", ())
        if (name := name_of(each["User"].get("UserId", "")))
    )


def compared(said: Said) -> float | None:
    """Return how similar the largest face of the target is to the reference; None if not at all."""
    matches = [(each["Face"]["BoundingBox"], each["Similarity"]) for each in said.get("FaceMatches", ())]
    others = [(each["BoundingBox"], None) for each in said.get("UnmatchedFaces", ())]
    largest = max([*matches, *others], key=lambda face: face[0]["Width"] * face[0]["Height"], default=(None, None))
    return largest[1]


def indexed(said: Said) -> Page[Indexed]:
    """Return the faces of one page of a collection."""
    return [_indexed(face) for face in said.get("Faces", ())], said.get("NextToken")


def users(said: Said) -> Page[str]:
    """Return the names of the users on one page that are ours."""
    names = [name_of(user.get("UserId", "")) for user in said.get("Users", ())]
    return [name for name in names if name is not None], said.get("NextToken")


def collection(said: Said) -> Collection:
    """Return what a collection says of itself."""
    return Collection(said.get("FaceCount", 0), said.get("UserCount", 0), said.get("FaceModelVersion", ""))


def added(said: Said) -> tuple[str | None, str]:
    """Return the id of the face that was added to a collection; or why there is none."""
    for record in said.get("FaceRecords", ()):
        return record["Face"]["FaceId"], ""
    reasons = {reason for face in said.get("UnindexedFaces", ()) for reason in face.get("Reasons", ())}
    return None, ", ".join(sorted(reasons)).lower().replace("_", " ") or "there is none"


def not_deleted(said: Said) -> list[str]:
    """Return the ids of the faces that are still there."""
    failed = said.get("UnsuccessfulFaceDeletions", ())
    return [each["FaceId"] for each in failed if "FACE_NOT_FOUND" not in each.get("Reasons", ())]


def not_associated(said: Said) -> list[str]:
    """Return the ids of the faces that have not become a user's."""
    return [each["FaceId"] for each in said.get("UnsuccessfulFaceAssociations", ())]


def nothing(_: Said) -> None:
    """Find nothing in an answer that says nothing but that it is done."""


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
