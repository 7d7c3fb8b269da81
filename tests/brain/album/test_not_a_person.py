"""What a human said is not a person never alerts again, and hides nobody."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
import pytest

from brain.album.not_a_person import NegativeMatch, is_known_negative
from brain.people.gallery import Gallery, LabelRecord, Photo
from brain.settings.brain import BrainSettings
from brain.vision.backend import DetectedObject, Face, FaceEmbedding, Vector
from brain.vision.picture import Picture
from brain.visits.brain import Brain
from nerves.messages import Box, Fact, Frame, Visit
from tests.people import face as a_face

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
WALL, DOOR = Box(0.6, 0.2, 0.2, 0.6), Box(0.05, 0.2, 0.2, 0.7)
POSTER, STRANGER, ALICE = 1, 2, 3


def face(of: int, number: int) -> Vector:
    """One look at somebody; a poster is always the same face, and the camera trembles."""
    if of != POSTER:
        return a_face(of, number)
    noise = np.random.default_rng(number).normal(size=128)
    return (a_face(POSTER) + 0.1 * noise / np.linalg.norm(noise)).astype(np.float32)


@pytest.mark.parametrize(
    ("likeness", "is_negative"),
    [
        (NegativeMatch(0.20, 0.30, None, 0.0), True),
        (NegativeMatch(0.20, 0.30, 0.25, 0.0), True),
        pytest.param(NegativeMatch(0.20, 0.30, 0.15, 0.0), False, id="nearer to somebody we know"),
        pytest.param(NegativeMatch(0.40, 0.45, None, 1.0), False, id="a face that is not the thing's, at its place"),
        pytest.param(NegativeMatch(0.20, 0.70, None, 1.0), False, id="one face that is somebody else's"),
        pytest.param(NegativeMatch(None, 0.0, None, 0.8), True, id="no face, never anywhere else"),
        pytest.param(NegativeMatch(None, 0.0, None, 0.6), False, id="no face, and it moved"),
    ],
)
def test_not_a_person_is_recognised_by_face_or_by_place(likeness: NegativeMatch, is_negative: bool) -> None:  # noqa: FBT001
    assert is_known_negative(likeness) is is_negative


# Where somebody is in a picture, and whose face is seen; None for a back.
Scene = Callable[[int], list[tuple[Box, int | None]]]


class Room:
    """A sight that sees a scene; a picture's number is in its size."""

    name, min_person_score = "room", 0.4

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def detect(self, picture: Picture) -> list[DetectedObject]:
        return [DetectedObject("person", box, 0.9) for box, _ in self._scene(picture.width - 64)]

    def find_faces(self, picture: Picture, within: Box | None = None) -> list[Face]:
        return [Face(_head(box), 0.9, 80) for box, whose in self._scene(picture.width - 64) if box == within and whose]

    def identify(self, picture: Picture, found: Face) -> None:  # noqa: ARG002 - the protocol\'s
        return

    def embed(self, picture: Picture, found: Face) -> FaceEmbedding | None:
        whose = next(whose for box, whose in self._scene(picture.width - 64) if _head(box) == found.box)
        assert whose
        return FaceEmbedding(face(whose, picture.width), found.width, 50.0, 0.0, 1.0)


def _head(box: Box) -> Box:
    return Box(box.x + 0.4 * box.w, box.y + 0.02, 0.2 * box.w, 0.1)


def alerts(gallery: Gallery, scene: Scene, frames: int = 40) -> list[Visit]:
    brain = Brain(Room(scene), gallery, BrainSettings())
    facts: list[Fact] = []
    for number in range(frames):
        jpeg = cv2.imencode(".jpg", np.zeros((64, 64 + number, 3), np.uint8))[1].tobytes()
        facts += brain.see(Frame("hall", jpeg, START + timedelta(seconds=number / 2), number))
    facts += brain.finish(START + timedelta(seconds=frames / 2))
    return [fact for fact in facts if isinstance(fact, Visit) and fact.alert]


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    """Alice is known; the poster on the wall was called no person."""
    with Gallery(tmp_path / "gallery.db") as gallery:
        gallery.learn("alice", [Photo(face(ALICE, number), str(number), "a") for number in range(5)])
        poster = [Photo(face(POSTER, 500 + number), f"p{number}", "p") for number in range(3)]
        gallery.learn_label(LabelRecord(uuid4(), "hall", None, "family", None, START, WALL), poster)
        yield gallery


def moved(box: Box, number: int) -> Box:
    """Tremble as a detector does."""
    return Box(box.x + 0.004 * (number % 3), box.y, box.w, box.h)


def test_the_poster_never_alerts_and_says_why(gallery: Gallery) -> None:
    assert alerts(gallery, lambda number: [(moved(WALL, number), POSTER)]) == []


def test_the_poster_in_the_dark_never_alerts(gallery: Gallery) -> None:
    assert alerts(gallery, lambda number: [(moved(WALL, number), None)]) == []


def test_until_it_is_taken_back(gallery: Gallery) -> None:
    gallery.undo()
    assert len(alerts(gallery, lambda number: [(moved(WALL, number), POSTER)])) == 1


def test_a_stranger_who_walks_past_the_poster_alerts(gallery: Gallery) -> None:
    def scene(number: int) -> list[tuple[Box, int | None]]:
        walker = Box(min(0.02 * number, 0.7), 0.2, 0.2, 0.7)
        return [(moved(WALL, number), POSTER), (walker, STRANGER)] if number > 5 else [(moved(WALL, number), POSTER)]

    (alert,) = alerts(gallery, scene)
    assert alert.verdict == "stranger"


@pytest.mark.parametrize("whose", [STRANGER, None], ids=["with a face", "from behind"])
def test_a_person_in_front_of_the_poster_alerts(gallery: Gallery, whose: int | None) -> None:
    def scene(number: int) -> list[tuple[Box, int | None]]:
        if number < 10:
            return [(WALL, POSTER)]
        # The follower may take the newcomer for the poster's visit: they come from the side and stay before it.
        return [(Box(max(0.6 - 0.05 * max(20 - number, 0), 0.3), 0.15, 0.28, 0.8), whose)]

    assert len(alerts(gallery, scene, 60)) == 1


def test_a_stranger_exactly_where_the_poster_hangs_alerts_by_the_face(gallery: Gallery) -> None:
    assert [visit.verdict for visit in alerts(gallery, lambda _: [(WALL, STRANGER)])] == ["stranger"]


def test_somebody_from_behind_at_another_spot_alerts(gallery: Gallery) -> None:
    assert len(alerts(gallery, lambda number: [(moved(DOOR, number), None)])) == 1


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
def test_a_real_picture_is_known_again_and_real_people_are_not_taken_for_it(media: Path) -> None:
    from brain.album.not_a_person import MAX_NEGATIVE_FACE_DISTANCE, MAX_NEGATIVE_MEAN_DISTANCE  # noqa: PLC0415
    from brain.models.local import LocalBackend  # noqa: PLC0415
    from brain.models.packs import model_folders  # noqa: PLC0415
    from brain.people.alike import mean_vector  # noqa: PLC0415

    backend = LocalBackend("standard", model_folders(media))

    def weighted_vectors(file: Path, *, seed: int) -> list[Vector]:
        """Look at one picture as a camera would show it several times: shifted, blurred, dim, poorly packed."""
        rng = np.random.default_rng(seed)
        pixels = cv2.imread(str(file))
        assert pixels is not None
        found = []
        for _ in range(3):
            shift = np.array([[0.7, 0, rng.uniform(-5, 5)], [0, 0.7, rng.uniform(-5, 5)]])
            seen = cv2.blur(cv2.warpAffine(pixels, shift, (175, 175)), (2, 2)) * rng.uniform(0.7, 1.1)
            jpeg = cv2.imencode(".jpg", np.clip(seen, 0, 255), [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(50, 80))])[1]
            picture = Picture(jpeg.tobytes())
            faces = backend.find_faces(picture)
            embedding = backend.embed(picture, faces[0]) if faces else None
            found += [embedding.vector] if embedding else []
        return found

    def compared(named: list[Vector], seen: list[Vector]) -> bool:
        mean = mean_vector(seen, [1.0] * len(seen))
        far = max(min(float(np.linalg.norm(one - vector)) for one in named) for vector in seen)
        near = min(float(np.linalg.norm(one - mean)) for one in named)
        return is_known_negative(NegativeMatch(near, far, None, 0.0))

    files = [min((media / "people" / who).glob("*.jpg")) for who in ("a02", "a08", "a16", "a32", "a43")]
    named, seen = [[weighted_vectors(file, seed=seed) for file in files] for seed in (1, 2)]
    assert (MAX_NEGATIVE_MEAN_DISTANCE, MAX_NEGATIVE_FACE_DISTANCE) == (0.33, 0.50)
    assert sum(compared(one, again) for one, again in zip(named, seen, strict=True)) >= 4
    others = [(one, other) for one in range(5) for other in range(5) if one != other]
    assert not any(compared(named[one], seen[other]) for one, other in others)
