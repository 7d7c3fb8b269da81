"""The calls to Rekognition, and the decision when none is made."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import Any, TypeVar

from brain.cloud import answers
from brain.cloud.answers import CloudFace, Collection, Indexed, Page
from brain.cloud.breaker import Breaker
from brain.cloud.errors import CloudAway, CloudMissing, CloudPicture, CloudRefused
from brain.cloud.face_ids import label, user_id
from brain.cloud.ledger import About, CallLedger
from brain.cloud.pictures import blank, fit_for_rekognition
from brain.cloud.references import ComparePicture, read_all
from brain.settings.rekognition import RekognitionSettings
from brain.vision.backend import DetectedObject
from nerves.errors import SettingsError

__all__ = ["Cloud", "CloudFace", "Collection", "Indexed"]

# Weak similarities are evidence too. Below this one there are only strangers.
LEAST_SIMILARITY = 20.0
LEAST_LABEL = 30.0
# The most that one answer may hold. The collection of a household is smaller.
MOST_FACES, MOST_USERS = 4096, 500
MOST_AT_ONCE, MOST_ASSOCIATED = 1000, 100
A_TEST = About(what="an empty picture, as a test")
A_PHOTO = About(what="a reference photo")
NO_PICTURE = About(what="no picture")

Asked = Mapping[str, Any]
Said = Mapping[str, Any]
Found = TypeVar("Found")
Item = TypeVar("Item")


class Cloud:
    """Rekognition, within its budget.

    Any method may raise each of the errors in `brain.cloud.errors`. For a while after a failure, no picture of a visit
    is sent, and `CloudAway` is raised instead. Calls about the collection are always made, because a person waits.

    Args:
        settings: Those of Rekognition.
        ledger: Counts each call.
        clock: Steady, in seconds.

    Raises:
        SettingsError: It can never work: no boto3, no region, no credentials, or an unusable picture in `pictures`.
    """

    def __init__(
        self, settings: RekognitionSettings, ledger: CallLedger, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.names = tuple(settings.pictures)
        self._settings, self._ledger, self._clock = settings, ledger, clock
        self._breaker, self._lock = Breaker(), Lock()
        self._why, self._last = "", 0
        try:
            from brain.cloud.boto import BotoClient  # noqa: PLC0415 - boto3 takes half a second
        except ImportError as error:
            package = str(error.name).partition(".")[0]
            message = f"brain.rekognition needs the package {package}: pip install 'kinwatch[rekognition]'"
            raise SettingsError(message) from error
        self._references = read_all(settings.pictures)
        self._wire = BotoClient(settings, ledger)
        self.region = self._wire.region

    @property
    def compared(self) -> frozenset[str]:
        """The names a face is compared with, as far as known. The collection may still lack an enrolled person."""
        return frozenset(self.names) or self._ledger.held(self._settings.collection)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def retry(self) -> None:
        """End the pause after a failure, so that the next call is made at once."""
        with self._lock:
            self._breaker.worked()

    def labels(self, jpeg: bytes, about: About) -> list[DetectedObject]:
        """Return the people and animals in a picture, the highest score first."""
        parameters = {"Image": {"Bytes": fit_for_rekognition(jpeg)}, "MinConfidence": LEAST_LABEL}
        return self._ask_about_picture("DetectLabels", about, parameters, answers.detected_objects)

    def faces(self, jpeg: bytes, about: About) -> list[CloudFace]:
        """Return the faces in a picture, the widest first."""
        parameters = {"Image": {"Bytes": fit_for_rekognition(jpeg)}, "Attributes": ["DEFAULT"]}
        return self._ask_about_picture("DetectFaces", about, parameters, answers.faces)

    def who(self, jpeg: bytes, about: About) -> dict[str, float]:
        """Return for each name how similar the largest face in the picture is, 0 to 100.

        A name below 20 is missing.

        Raises:
            CloudPicture: There is no face in the picture.
        """
        return self._who(fit_for_rekognition(jpeg), about, self._references)

    def check(self) -> None:
        """Make one call as `who` does, with an empty picture. Raises the `CloudError` that `who` would raise."""
        try:
            self._who(blank(), A_TEST, self._references[:1])
        except CloudPicture:
            return

    def describe(self) -> Collection | None:
        """Return the size and the model of the collection; None if it does not exist."""
        try:
            return self._ask("DescribeCollection", {}, answers.collection)
        except CloudMissing:
            return None

    def create(self) -> None:
        """Create the collection. Raises `CloudRefused` if it exists already."""
        self._ask("CreateCollection", {}, answers.nothing)

    def index(self, name: str, sha256: str, jpeg: bytes) -> str:
        """Add the largest face of a photo to the collection; return its id. Raises `CloudPicture` if it has none."""
        parameters = {
            "Image": {"Bytes": fit_for_rekognition(jpeg)},
            "ExternalImageId": label(name, sha256),
            "DetectionAttributes": ["DEFAULT"],
            "MaxFaces": 1,
            "QualityFilter": "AUTO",
        }
        face_id, why_not = self._ask("IndexFaces", parameters, answers.added, A_PHOTO)
        if face_id is None:
            message = f"Rekognition found no face that it could use: {why_not}"
            raise CloudPicture(message)
        return face_id

    def list_faces(self) -> Iterator[Indexed]:
        """Yield every face in the collection. Raises `CloudMissing` if there is no collection."""
        return self._pages("ListFaces", {"MaxResults": MOST_FACES}, answers.indexed)

    def delete(self, face_ids: Sequence[str]) -> list[str]:
        """Remove faces; return the ids of those that stay because they still belong to a user."""
        batches = _batches(face_ids, MOST_AT_ONCE)
        left = [self._ask("DeleteFaces", {"FaceIds": some}, answers.not_deleted) for some in batches]
        return [each for some in left for each in some]

    def list_users(self) -> Iterator[str]:
        """Yield the name of every user that kinwatch created in the collection."""
        return self._pages("ListUsers", {"MaxResults": MOST_USERS}, answers.users)

    def create_user(self, name: str) -> None:
        """Create a user. Raises `CloudRefused` if the user exists already."""
        self._ask("CreateUser", {"UserId": user_id(name)}, answers.nothing)

    def associate(self, name: str, face_ids: Sequence[str]) -> list[str]:
        """Associate faces with a user; return the ids of those that were refused."""
        left: list[str] = []
        for some in _batches(face_ids, MOST_ASSOCIATED):
            # A human has named the person in these photos, so they need not be similar.
            parameters = {"UserId": user_id(name), "FaceIds": some, "UserMatchThreshold": 0.0}
            left += self._ask("AssociateFaces", parameters, answers.not_associated)
        return left

    def disassociate(self, name: str, face_ids: Sequence[str]) -> None:
        """Separate faces from a user, so that they can be removed."""
        for some in _batches(face_ids, MOST_ASSOCIATED):
            self._ask("DisassociateFaces", {"UserId": user_id(name), "FaceIds": some}, answers.nothing)

    def delete_user(self, name: str) -> None:
        """Remove a user; the faces stay. Raises `CloudMissing` if there is no such user."""
        self._ask("DeleteUser", {"UserId": user_id(name)}, answers.nothing)

    def _who(self, sent: bytes, about: About, references: Sequence[ComparePicture]) -> dict[str, float]:
        if self._settings.by == "compare":
            return self._compare(sent, about, references)
        asked: dict[str, Any] = {
            "CollectionId": self._settings.collection,
            "Image": {"Bytes": sent},
            "QualityFilter": "NONE",
        }
        if self._settings.by == "users":
            asked |= {"UserMatchThreshold": LEAST_SIMILARITY, "MaxUsers": MOST_USERS}
            return self._ask_about_picture("SearchUsersByImage", about, asked, answers.matched_users)
        asked |= {"FaceMatchThreshold": LEAST_SIMILARITY, "MaxFaces": MOST_FACES}
        return self._ask_about_picture("SearchFacesByImage", about, asked, answers.matched_faces)

    def _compare(self, sent: bytes, about: About, references: Sequence[ComparePicture]) -> dict[str, float]:
        """Compare with all references or with none: a person who was left out would look like a stranger."""
        self._ledger.check("CompareFaces", datetime.now(UTC), times=len(references))
        found: dict[str, float] = {}
        for name, image in references:
            asked = {
                "SourceImage": image,
                "TargetImage": {"Bytes": sent},
                "SimilarityThreshold": LEAST_SIMILARITY,
                "QualityFilter": "NONE",
            }
            similarity = self._ask_about_picture("CompareFaces", about, asked, answers.compared)
            if similarity is not None:
                found[name] = max(similarity, found.get(name, 0.0))
        return found

    def _ask_about_picture(
        self, operation: str, about: About, parameters: Asked, read: Callable[[Said], Found]
    ) -> Found:
        """Ask about a picture, unless a pause after a failure forbids it. Raises `CloudAway` then."""
        well = self._is_well()
        try:
            # After a failure the call only tests the connection, so botocore does not repeat it.
            found = self._wire.call(operation, about, parameters, read, again=well)
        except (CloudAway, CloudRefused) as error:
            self._failed(error)
            raise
        except CloudPicture:
            self.retry()
            raise
        self.retry()
        return found

    def _is_well(self) -> bool:
        """Return whether the last known call worked. Raises `CloudAway`, with the old reason, during a pause."""
        with self._lock:
            now, well = self._clock(), self._breaker.closed
            if self._breaker.left(now) and self._ledger.answered_since(self._last):
                well = True  # another process got an answer, so a person has repaired the fault
                self._breaker.worked()
            if not self._breaker.allows(now):
                raise CloudAway(self._why)
            return well

    def _failed(self, error: CloudAway | CloudRefused) -> None:
        with self._lock:
            self._why, self._last = str(error), self._ledger.newest()
            self._breaker.failed(self._clock(), refused=isinstance(error, CloudRefused))

    def _ask(
        self, operation: str, parameters: Asked, read: Callable[[Said], Found], about: About = NO_PICTURE
    ) -> Found:
        """Ask about the collection."""
        asked = {"CollectionId": self._settings.collection, **parameters}
        return self._wire.call(operation, about, asked, read, again=True)

    def _pages(self, operation: str, parameters: Asked, read: Callable[[Said], Page[Item]]) -> Iterator[Item]:
        items, token = self._ask(operation, parameters, read)
        yield from items
        while token:
            items, token = self._ask(operation, {**parameters, "NextToken": token}, read)
            yield from items


def _batches(ids: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(ids), size):
        yield [*ids[start : start + size]]
