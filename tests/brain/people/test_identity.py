"""Who it is, on real faces."""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from brain.models.local import LocalBackend
from brain.people.enroll import read_photo
from brain.people.gallery import Gallery, Photo
from brain.verdict.evidence import Evidence, FaceSample, add_face
from brain.verdict.judge import Judgement, judge
from nerves.errors import GalleryError

pytestmark = [pytest.mark.media, pytest.mark.models, pytest.mark.timeout(60)]
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(scope="module")
def backend() -> LocalBackend:
    return LocalBackend("standard", [Path(os.environ["KINWATCH_MODELS"])])


def photos(backend: LocalBackend, folder: str, count: int) -> list[Photo]:
    found = []
    for file in sorted((Path(os.environ["KINWATCH_TEST_MEDIA"]) / folder).iterdir()):
        try:
            found.append(read_photo(file, backend))
        except GalleryError:  # somebody stands behind
            continue
        if len(found) == count:
            break
    return found


@pytest.fixture(scope="module")
def me(backend: LocalBackend) -> list[Photo]:
    return photos(backend, "retrain/train/me", 12) + photos(backend, "retrain/test/me", 4)


@pytest.fixture(scope="module")
def wife(backend: LocalBackend) -> list[Photo]:
    return photos(backend, "retrain/train/wife", 6)


@pytest.fixture(scope="module")
def strangers(backend: LocalBackend) -> list[Photo]:
    return photos(backend, "retrain/test/people", 11)


@pytest.fixture
def gallery(tmp_path: Path, me: list[Photo], wife: list[Photo]) -> Iterator[Gallery]:
    with Gallery(tmp_path / "gallery.db") as gallery:
        gallery.learn("me", me[:9])
        gallery.learn("wife", wife[:4])
        yield gallery


def said(gallery: Gallery, faces: Sequence[Photo]) -> Judgement:
    evidence = Evidence()
    for face in faces:
        evidence = add_face(evidence, FaceSample(face.vector, 1.0))
    return judge(evidence, gallery.known(NOW), last=True)


@pytest.mark.parametrize("lucky", [0, 5, 11])
def test_eleven_strangers_and_one_who_matches_are_a_stranger(
    gallery: Gallery, me: list[Photo], strangers: list[Photo], lucky: int
) -> None:
    assert said(gallery, [*strangers[:lucky], me[-1], *strangers[lucky:]]).verdict == "stranger"


def test_family_is_family_and_strangers_are_strangers(
    gallery: Gallery, me: list[Photo], wife: list[Photo], strangers: list[Photo]
) -> None:
    assert said(gallery, me[-4:]).who == "me"
    assert said(gallery, wife[4:]).who == "wife"
    for one in strangers:
        assert said(gallery, [one] * 4).verdict in ("stranger", "unidentified")


def test_a_wrong_photo_among_ten_is_excluded_and_changes_nobody_elses_visits(
    gallery: Gallery, wife: list[Photo], strangers: list[Photo]
) -> None:
    visits = [wife[4:], strangers[:6], [strangers[3]] * 4]
    before = [said(gallery, visit) for visit in visits]
    gallery.learn("me", [wife[5]])
    excluded = [one for one in gallery.references("me") if one.excluded]
    assert [one.sha256 for one in excluded] == [wife[5].sha256]
    assert "wife" in str(excluded[0].excluded)
    assert [said(gallery, visit) for visit in visits] == before
    gallery.learn("me", [strangers[0]])  # somebody whom nobody has enrolled
    assert {one.sha256 for one in gallery.references("me") if one.excluded} == {wife[5].sha256, strangers[0].sha256}
    assert [said(gallery, visit) for visit in visits] == before
