from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from brain.gallery import Gallery, Photo
from brain.sights.sight import Vector
from nerves.errors import GalleryError, KinwatchError

AT = datetime(2026, 11, 21, tzinfo=UTC)


def vector(seed: int) -> Vector:
    return np.random.default_rng(seed).normal(size=128).astype(np.float32)


def photo(seed: int) -> Photo:
    return Photo(vector(seed), f"{seed:064x}", f"{seed}.jpg")


def test_the_nearest_photo_of_each_person_counts(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("me", [photo(1), photo(2)])
        gallery.learn("wife", [photo(3)])
        matches = gallery.nearest(vector(2), AT)
    assert [match.name for match in matches] == ["me", "wife"]
    assert matches[0].distance == pytest.approx(0.0, abs=1e-5)


def test_the_same_photo_is_learned_once(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        assert gallery.learn("me", [photo(1), photo(2)]) == 2
        assert gallery.learn("me", [photo(2), photo(3)]) == 1
        assert gallery.people()[0].photos == 3


def test_a_running_brain_sees_what_another_process_enrolled(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as brain, Gallery(tmp_path / "g.db") as command:
        assert brain.nearest(vector(1), AT) == []
        command.learn("me", [photo(1)])
        assert [match.name for match in brain.nearest(vector(1), AT)] == ["me"]
        command.forget("me")
        assert brain.nearest(vector(1), AT) == []


def test_a_guest_is_known_until_the_pass_ends(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("ann", [photo(1)], group="guest", until=AT)
        assert gallery.nearest(vector(1), AT - timedelta(seconds=1))
        assert not gallery.nearest(vector(1), AT)


def test_forgetting_leaves_no_vector_in_any_file_though_a_brain_has_it_open(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery, Gallery(tmp_path / "g.db") as brain:
        gallery.learn("me", [photo(1)])
        gallery.learn("wife", [photo(2)])
        assert len(brain.nearest(vector(1), AT)) == 2
        gallery.forget("me")
        left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert vector(1).tobytes() not in left
        assert vector(2).tobytes() in left


def test_forgetting_nobody_says_who_there_is(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("wife", [photo(2)])
        with pytest.raises(GalleryError, match="nobody is called me: there are wife"):
            gallery.forget("me")


def test_a_damaged_gallery_is_named_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "g.db"
    file.write_bytes(b"not a database, but somebody's file\n" * 100)
    before = file.read_bytes()
    with pytest.raises(KinwatchError, match=r"g\.db"):
        Gallery(file)
    assert file.read_bytes() == before


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("me", [photo(1)])
        assert (tmp_path / "g.db").stat().st_mode & 0o077 == 0
