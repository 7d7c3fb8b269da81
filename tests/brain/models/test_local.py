"""The local sight on labelled stills and clips; the counts are what the model files can reach."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from brain.models.blaze import BlazeFace, BlazePose
from brain.models.local import TURNED_PERSON, LocalBackend
from brain.vision.backend import Face, Vector, VisionBackend
from brain.vision.boxes import RawDetection, letterbox, suppress
from brain.vision.geometry import iou
from brain.vision.picture import Picture, Pixels
from brain.vision.turn import turn_box, turn_pixels
from brain.visits.observe import observe
from nerves.errors import ModelError
from nerves.messages import Box

STANDARD, BUILT_IN = "standard", "built-in"
both_packs = pytest.mark.parametrize("pack", [STANDARD, BUILT_IN])


def folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set")
    return Path(value)


@pytest.fixture(scope="module")
def sights() -> dict[str, LocalBackend]:
    models = folder("KINWATCH_MODELS")
    return {STANDARD: LocalBackend("standard", [models]), BUILT_IN: LocalBackend("built-in", [models])}


@pytest.fixture(scope="module")
def media() -> Path:
    return folder("KINWATCH_TEST_MEDIA")


def jpeg(pixels: Pixels) -> bytes:
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def stills(media: Path) -> Iterator[tuple[str, str, Picture]]:
    with (media / "stills_ground_truth.csv").open() as rows:
        for row in csv.DictReader(rows):
            yield row["label"], row["file"], Picture((media / row["file"]).read_bytes())


def clip(media: Path, name: str, step: int) -> Iterator[tuple[str, Picture]]:
    """Every step-th scored frame with its label."""
    with (media / "clips_ground_truth.csv").open() as rows:
        spans = [row for row in csv.DictReader(rows) if row["file"] == f"clips/{name}"]
    frames = cv2.VideoCapture(str(media / "clips" / name))
    for span in spans:
        for number in range(int(span["first_frame"]), int(span["last_frame"]) + 1):
            there, pixels = frames.read()
            if there and number % step == 0 and span["label"] != "unsure":
                yield span["label"], Picture(jpeg(pixels.astype(np.uint8, copy=False)))
    frames.release()


def people(sight: VisionBackend, picture: Picture) -> list[Box]:
    return [
        thing.box
        for thing in sight.detect(picture)
        if thing.label == "person" and thing.score >= sight.min_person_score
    ]


def faces_of_people(sight: VisionBackend, picture: Picture) -> list[Face]:
    """Each face once, as the brain looks for them: in every person."""
    apart: list[Face] = []
    for face in (face for box in people(sight, picture) for face in sight.find_faces(picture, box)):
        centre = face.box.x + face.box.w / 2
        if all(abs(centre - other.box.x - other.box.w / 2) > face.box.w / 2 for other in apart):
            apart.append(face)
    return apart


def family(sight: VisionBackend, media: Path) -> dict[str, list[Vector]]:
    known: dict[str, list[Vector]] = {"me": [], "wife": []}
    for who, vectors in known.items():
        for photo in sorted((media / "family" / who).glob("*.jpg")):
            picture = Picture(photo.read_bytes())
            for face in sight.find_faces(picture)[:1]:
                look = sight.embed(picture, face)
                assert look is not None
                vectors.append(look.vector)
    return known


def nearest(vectors: list[Vector], vector: Vector) -> float:
    return min(float(np.linalg.norm(one - vector)) for one in vectors)


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
@pytest.mark.parametrize(("pack", "least"), [(STANDARD, 47), (BUILT_IN, 41)])
def test_people_are_found_and_animals_and_rooms_are_not_people(
    sights: dict[str, LocalBackend], media: Path, pack: str, least: int
) -> None:
    sight = sights[pack]
    found = {name: (label, bool(people(sight, picture))) for label, name, picture in stills(media)}
    assert [name for name, (label, person) in found.items() if person and label in {"none", "cat", "dog"}] == []
    assert sum(person for label, person in found.values() if label == "person") >= least


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
@both_packs
def test_no_animal_and_no_room_has_a_face_that_is_a_person(
    sights: dict[str, LocalBackend], media: Path, pack: str
) -> None:
    sight = sights[pack]
    assert [
        name
        for label, name, picture in stills(media)
        if label in {"none", "cat", "dog"}
        and observe(sight.detect(picture), sight.find_faces(picture), sure=sight.min_person_score)
    ] == []


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
def test_animals_are_found_by_name(sights: dict[str, LocalBackend], media: Path) -> None:
    for label, name, picture in stills(media):
        if label in {"cat", "dog"}:
            assert label in {thing.label for thing in sights[STANDARD].detect(picture)}, name


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
@pytest.mark.parametrize(("pack", "missed"), [(STANDARD, 0), (BUILT_IN, 1)])
def test_everyone_who_comes_is_seen_and_an_empty_room_is_empty(
    sights: dict[str, LocalBackend], media: Path, pack: str, missed: int
) -> None:
    seen = [(label, len(people(sights[pack], picture))) for label, picture in clip(media, "visits_1_4.mp4", 10)]
    assert sum(number for label, number in seen if label == "none") == 0
    assert sum(number == 0 for label, number in seen if label == "person") <= missed
    assert sum(label == "person" for label, _ in seen) > 50


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_person_in_a_turned_picture_is_found_where_they_are(
    sights: dict[str, LocalBackend], media: Path, quarters: int
) -> None:
    sight = sights[STANDARD]
    picture = Picture((media / "stills" / "coco_person_000000000785.jpg").read_bytes())
    lying = Picture(jpeg(turn_pixels(picture.full, -quarters)))
    (expected,) = people(sight, picture)
    (found,) = [one for one in sight.detect_turned(lying, quarters) if one.label == "person"]
    assert iou(turn_box(found.box, quarters), expected) > 0.8
    assert found.score >= TURNED_PERSON
    assert sights[BUILT_IN].detect_turned(lying, quarters) == []
    assert people(sights[BUILT_IN], lying)


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
@pytest.mark.parametrize(("pack", "most"), [(STANDARD, 0), (BUILT_IN, 2)])
def test_backs_have_no_faces(sights: dict[str, LocalBackend], media: Path, pack: str, most: int) -> None:
    backs = [picture for label, picture in clip(media, "visits_1_4.mp4", 12) if label == "person"]
    assert len(backs) > 40
    assert sum(bool(faces_of_people(sights[pack], picture)) for picture in backs) <= most


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
@both_packs
def test_family_members_are_distinguished_with_turned_and_tilted_heads(
    sights: dict[str, LocalBackend], media: Path, pack: str
) -> None:
    sight = sights[pack]
    known = family(sight, media)
    assert {who: len(vectors) for who, vectors in known.items()} == {"me": 10, "wife": 10}
    for _, picture in clip(media, "me_and_wife_facing.mp4", 6):
        faces = sorted(faces_of_people(sight, picture), key=lambda face: face.box.x)
        assert len(faces) == 2
        for who, other, face in zip(("wife", "me"), ("me", "wife"), faces, strict=True):
            look = sight.embed(picture, face)
            assert look is not None
            assert nearest(known[who], look.vector) <= 0.5
            assert nearest(known[other], look.vector) > 0.6


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
@pytest.mark.parametrize(("pack", "least"), [(STANDARD, 17), (BUILT_IN, 12)])
def test_strangers_with_small_faces_are_seen_and_are_nobody_we_know(
    sights: dict[str, LocalBackend], media: Path, pack: str, least: int
) -> None:
    sight = sights[pack]
    known = [vector for vectors in family(sight, media).values() for vector in vectors]
    frames = [picture for _, picture in clip(media, "corridor_two_strangers.mp4", 4)]
    looks = [sight.embed(picture, face) for picture in frames for face in faces_of_people(sight, picture)]
    assert len(looks) >= least
    assert min(nearest(known, look.vector) for look in looks if look) > 0.5


@pytest.mark.models
@both_packs
@pytest.mark.parametrize("size", [(16, 16), (16, 1600), (3000, 200), (17, 31), (1080, 1920)])
def test_a_picture_of_any_size_is_analysed(sights: dict[str, LocalBackend], pack: str, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(7).integers(0, 255, (*size, 3), np.uint8)
    picture, sight = Picture(jpeg(noise)), sights[pack]
    for thing in sight.detect(picture):
        assert all(0 <= edge <= 1 for edge in thing.box)
    for box in (None, Box(0, 0, 0.01, 0.01), Box(0.9, 0.9, 0.5, 0.5), Box(2, 2, 1, 1), Box(0.5, 0.5, 0, 0)):
        for face in sight.find_faces(picture, box):
            assert np.isfinite([*face.box, face.score, face.width]).all()


@pytest.mark.models
@both_packs
@pytest.mark.parametrize(
    "box",
    [Box(-3, -3, 1, 1), Box(2, 2, 1, 1), Box(0, 0, 0, 0), Box(0.99, 0.99, 0.4, 0.4), Box(float("nan"), 0, 1, 1)],
)
def test_a_face_that_is_none_gives_no_vector_or_a_finite_one(
    sights: dict[str, LocalBackend], pack: str, box: Box
) -> None:
    picture = Picture(jpeg(np.full((240, 320, 3), 90, np.uint8)))
    look = sights[pack].embed(picture, Face(box, 0.9, 50.0))
    assert look is None or (np.isfinite(look.vector).all() and 0 <= look.yaw <= 1 and look.sharpness >= 0)


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
@both_packs
def test_an_embedding_has_128_numbers_and_the_quality_of_the_face(
    sights: dict[str, LocalBackend], media: Path, pack: str
) -> None:
    sight = sights[pack]
    sharp = cv2.imread(str(media / "family" / "me" / "me_00.jpg"))
    assert sharp is not None
    values = []
    for pixels in (sharp, cv2.GaussianBlur(sharp, (0, 0), 3)):
        picture = Picture(jpeg(pixels.astype(np.uint8, copy=False)))
        look = sight.embed(picture, sight.find_faces(picture)[0])
        assert look is not None
        assert look.vector.shape == (128,)
        assert look.vector.dtype == np.float32
        values.append(look.sharpness)
    assert values[1] < values[0] / 2


@pytest.mark.models
def test_a_backend_names_its_pack(sights: dict[str, LocalBackend]) -> None:
    assert sights[STANDARD].name == "local standard"
    assert sights[BUILT_IN].name == "local built-in"


def test_a_backend_without_its_files_fails_before_it_analyses(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="kinwatch models pull built-in"):
        LocalBackend("auto", [tmp_path])


@pytest.mark.models
def test_black_pixels_hold_nobody() -> None:
    models, black = folder("KINWATCH_MODELS"), np.zeros((90, 160, 3), np.uint8)
    assert BlazePose(models / "blazepose_person_detection.tflite", 1).find(black, 0.7) == []
    assert BlazeFace(models / "face_detection_full_range_sparse.tflite", 1).find(black, 0.6) == []


def test_one_box_remains_for_each_detection() -> None:
    cat = RawDetection("cat", 0.5, 0, 0, 10, 10)
    person, same, other = (
        RawDetection("person", score, x, 0, x + 10, 10) for score, x in ((0.9, 0), (0.8, 2), (0.7, 8))
    )
    nowhere = RawDetection("person", 0.99, float("nan"), 0, 1, 1)
    assert suppress([cat, other, same, nowhere, person], 0.45) == [person, other, cat]


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("size", [(40, 80), (80, 40), (64, 64), (1, 500)])
def test_a_box_in_the_square_is_where_it_was_in_the_picture(size: tuple[int, int], *, centred: bool) -> None:
    height, width = size
    box = letterbox(np.zeros((height, width, 3), np.uint8), 64, fill=9, centred=centred)
    inner = np.array([[box.left, box.top, box.left + width * box.scale, box.top + height * box.scale]], np.float32)
    assert box.pixels.shape == (64, 64, 3)
    assert np.allclose(box.undo(inner), [[0, 0, width, height]], atol=1e-3)
