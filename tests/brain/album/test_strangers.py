"""The same stranger again; on faces made of numbers, and on real people."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.album.album import Album
from brain.album.strangers import (
    Encounter,
    EncounterStore,
    MemoryEncounterStore,
    Stranger,
    Strangers,
    nearest_stranger,
    number_of,
    stranger_reason,
)
from brain.settings.brain import AlbumSettings
from brain.vision.backend import Vector, VisionBackend
from brain.vision.picture import Picture

# Of 45 people a02 and a32 look most alike.
PEOPLE = ("a02", "a32", "a08", "a12", "a16")
MONDAY = datetime(2026, 11, 16, 12, tzinfo=UTC)


def person(seed: int) -> Vector:
    made = np.random.default_rng(seed).normal(size=128)
    return (0.6 * made / np.linalg.norm(made)).astype(np.float32)


def faces(of: int, day: int, *, count: int = 6, spread: float = 0.15) -> list[Vector]:
    """Faces of a person: at `spread` from each other's mean, as photos of one day are."""
    drawn = np.random.default_rng([of, day]).normal(size=(count, 128))
    return [(person(of) + spread * noise / np.linalg.norm(noise)).astype(np.float32) for noise in drawn]


def meet(strangers: Strangers, of: int, day: int, *, visit: UUID | None = None, count: int = 6) -> Stranger | None:
    return strangers.recognise(
        visit or uuid4(), faces(of, day, count=count), [1.0] * count, MONDAY + timedelta(days=day)
    )


@pytest.fixture(params=["pocket", "album"])
def diary(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EncounterStore]:
    with Album(tmp_path / "album.db") as album:
        yield MemoryEncounterStore() if request.param == "pocket" else album.strangers


def test_a_returning_stranger_has_the_same_name_and_is_counted(diary: EncounterStore) -> None:
    strangers = Strangers(diary)
    first, other, again = meet(strangers, 1, 0), meet(strangers, 2, 1), meet(strangers, 1, 2)
    assert first == Stranger("stranger-1", 1, MONDAY)
    assert other == Stranger("stranger-2", 1, MONDAY + timedelta(days=1))
    assert again == Stranger("stranger-1", 2, MONDAY)


def test_the_same_visit_counts_once_and_keeps_its_name(diary: EncounterStore) -> None:
    strangers, visit = Strangers(diary), uuid4()
    assert meet(strangers, 1, 0, visit=visit) == meet(strangers, 1, 1, visit=visit)
    assert len(diary.encounters()) == 1
    # Few faces in a later look are no reason to forget who it was.
    again = meet(strangers, 1, 2, visit=visit, count=2)
    assert again is not None
    assert again.name == "stranger-1"


def test_two_faces_are_too_few_to_be_noted_and_enough_to_be_known_again(diary: EncounterStore) -> None:
    assert meet(Strangers(diary), 1, 0, count=2) is None
    assert list(diary.encounters()) == []
    meet(Strangers(diary), 1, 1)
    assert meet(Strangers(diary), 1, 2, count=2) == Stranger("stranger-1", 2, MONDAY + timedelta(days=1))
    assert meet(Strangers(diary), 2, 2, count=2) is None
    assert len(diary.encounters()) == 1


def test_faces_of_two_people_in_one_visit_are_not_mixed(diary: EncounterStore) -> None:
    strangers = Strangers(diary)
    meet(strangers, 1, 0)
    both = [*faces(1, 1, count=5), *faces(2, 1, count=2)]
    met = strangers.recognise(uuid4(), both, [1.0] * 7, MONDAY)
    assert met is not None
    assert met.name == "stranger-1"


@given(st.lists(st.sampled_from(range(5)), max_size=20), st.integers(0, 1000))
def test_visits_of_one_stranger_are_all_near_each_other(order: list[int], seed: int) -> None:
    """However wide people's faces scatter, no chain of visits joins two who are far apart."""
    diary = MemoryEncounterStore()
    for day, of in enumerate(order):
        Strangers(diary).recognise(uuid4(), faces(of, seed + day, spread=0.4), [1.0] * 6, MONDAY)
    together: dict[int, list[Encounter]] = {}
    for encounter in diary.encounters():
        together.setdefault(encounter.number, []).append(encounter)
    for visits in together.values():
        assert all(np.linalg.norm(a.mean - b.mean) <= 0.341 for a in visits for b in visits)


def test_a_face_that_is_far_from_one_visit_is_another_stranger() -> None:
    step = np.zeros(128, np.float32)
    step[0] = 0.25
    known = [Encounter(uuid4(), 1, MONDAY, number * step, 1.0) for number in range(2)]
    assert nearest_stranger(2 * step, known[1:]) == 1
    assert nearest_stranger(2 * step, known) is None


def test_numbers_are_never_used_again(tmp_path: Path) -> None:
    with Album(tmp_path / "album.db", AlbumSettings(days=30)) as album:
        for day in range(3):
            meet(Strangers(album.strangers), day, day)
        album.prune(MONDAY + timedelta(days=60))
        assert list(album.strangers.encounters()) == []
    with Album(tmp_path / "album.db") as album:
        met = meet(Strangers(album.strangers), 1, 70)
    assert met == Stranger("stranger-4", 1, MONDAY + timedelta(days=70))


@pytest.mark.parametrize(
    ("days", "times", "text"),
    [
        (0, 1, "stranger-7: not seen before"),
        (0, 2, "stranger-7: seen 2 times today"),
        (3, 3, "stranger-7: seen 3 times since Monday"),
        (9, 12, "stranger-7: seen 12 times since 16 November 2026"),
    ],
)
def test_a_reason_says_how_often_and_since_when(days: int, times: int, text: str) -> None:
    assert stranger_reason(Stranger("stranger-7", times, MONDAY), MONDAY + timedelta(days=days)) == text


@pytest.mark.parametrize(
    ("name", "number"), [("stranger-7", 7), ("stranger-", None), ("0193", None), ("stranger-x", None)]
)
def test_only_a_stranger_s_name_is_parsed(name: str, number: int | None) -> None:
    assert number_of(name) == number


def seen(sight: VisionBackend, files: list[Path], day: int) -> tuple[list[Vector], list[float]]:
    """Look at photos as a room's camera would show them: small, blurred, noisy, another brightness."""
    rng = np.random.default_rng(day)
    looks = []
    for file in files:
        pixels = cv2.imread(str(file))
        assert pixels is not None
        small = cv2.resize(pixels, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
        noisy = cv2.blur(small, (2, 1)) * rng.uniform(0.8, 1.1) + rng.normal(0, 4, small.shape)
        jpeg = cv2.imencode(".jpg", np.clip(noisy, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 65])[1]
        picture = Picture(jpeg.tobytes())
        found = sight.find_faces(picture)
        look = sight.embed(picture, found[0]) if found else None
        if look:
            looks.append(look)
    return [look.vector for look in looks], [1.0] * len(looks)


def test_the_rooms_that_a_stranger_walks_through_are_one_coming(diary: EncounterStore) -> None:
    strangers, met = Strangers(diary), []
    for minutes in (0, 1, 16, 17, 33, 600):
        looks = faces(1, minutes)
        met.append(strangers.recognise(uuid4(), looks, [1.0] * len(looks), MONDAY + timedelta(minutes=minutes)))
    assert [one.times for one in met if one] == [1, 1, 1, 1, 2, 3]


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
def test_real_people_on_two_days_are_known_again_and_never_mixed(media: Path) -> None:
    from brain.models.local import LocalBackend  # noqa: PLC0415
    from brain.models.packs import model_folders  # noqa: PLC0415

    sight, strangers = LocalBackend("standard", model_folders(media)), Strangers()
    names: dict[str, set[str]] = {}
    known = 0
    for who in PEOPLE:
        files = sorted((media / "people" / who).glob("*.jpg"))
        for day in range(2):
            met = strangers.recognise(uuid4(), *seen(sight, files[day:14:2], day), MONDAY + timedelta(days=day))
            assert met is not None
            names.setdefault(met.name, set()).add(who)
            known += met.times > 1
    assert all(len(people) == 1 for people in names.values()), names
    assert known >= 3
