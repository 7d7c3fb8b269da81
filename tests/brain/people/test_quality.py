from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.models import packs
from brain.models.local import LocalBackend
from brain.people.enroll import read_photo
from brain.people.quality import (
    DUPLICATE_DISTANCE,
    MAX_COMPARED_PHOTOS,
    MIN_MATCH_LIMIT,
    Vectors,
    assess_photos,
    match_limits,
    new_photos,
)
from brain.settings.matching import MATCH_DISTANCE

# Photos of one person are about 0.4 apart in these synthetic ones, two people about 0.8: as measured on real ones.
WITHIN, APART = 0.4 / 16, 0.8 / 16


def somebody(seed: int, photos: int) -> Vectors:
    rng = np.random.default_rng(seed)
    centre = rng.normal(scale=APART, size=128)
    return (centre + rng.normal(scale=WITHIN, size=(photos, 128))).astype(np.float32)


def toward(one: Vectors, other: Vectors, share: float) -> Vectors:
    """Return photos of somebody who looks like another."""
    return (one + share * (other.mean(axis=0) - one.mean(axis=0))).astype(np.float32)


def spread(seed: int, photos: int) -> Vectors:
    """Return photos of one person none of which repeats another."""
    return np.random.default_rng(seed).normal(scale=0.35 / 16, size=(photos, 128)).astype(np.float32)


def test_a_photo_of_somebody_else_is_excluded_with_that_name_and_no_other_photo_is() -> None:
    alice, bob, carol = somebody(1, 10), somebody(2, 7), somebody(3, 5)
    found = assess_photos({"alice": np.vstack([alice, bob[:1]]), "bob": bob[1:], "carol": carol})
    assert [*found["alice"].excluded] == [10]
    assert found["alice"].excluded[10].startswith("looks more like bob (0.")
    assert not found["bob"].excluded
    assert not found["carol"].excluded


def test_a_photo_that_resembles_no_other_is_excluded_though_its_person_is_not_enrolled() -> None:
    found = assess_photos({"alice": np.vstack([somebody(1, 6), somebody(2, 1)])})
    assert [*found["alice"].excluded] == [6]
    assert "does not resemble the other photos of alice" in found["alice"].excluded[6]


def test_with_three_photos_none_is_excluded_as_odd() -> None:
    assert not assess_photos({"alice": np.vstack([somebody(1, 2), somebody(2, 1)])})["alice"].excluded


def test_an_excluded_photo_is_used_again_when_the_reason_is_gone() -> None:
    alice, bob = somebody(1, 1), somebody(2, 5)
    mixed = np.vstack([alice, bob[:2]])
    assert {*assess_photos({"alice": mixed, "bob": bob[2:]})["alice"].excluded} == {1, 2}
    assert not assess_photos({"alice": mixed})["alice"].excluded


def test_several_wrong_photos_do_not_vouch_for_each_other() -> None:
    alice, bob = somebody(1, 10), somebody(2, 7)
    found = assess_photos({"alice": np.vstack([alice, bob[:3]]), "bob": bob[3:]})
    assert sorted(found["alice"].excluded) == [10, 11, 12]
    assert not found["bob"].excluded


def test_the_same_photo_enrolled_for_two_people_stays_with_the_one_it_resembles() -> None:
    alice, bob = somebody(1, 5), somebody(2, 5)
    found = assess_photos({"alice": np.vstack([alice, bob[:1]]), "bob": bob})
    assert [*found["alice"].excluded] == [5]
    assert not found["bob"].excluded


@given(st.integers(0, 10_000), st.integers(1, 4), st.floats(0, 1))
@settings(max_examples=40)
def test_nobody_loses_the_last_photo(seed: int, people: int, alike: float) -> None:
    rng = np.random.default_rng(seed)
    first = somebody(seed, 6)
    known = {
        f"p{number}": toward(somebody(seed + number, int(rng.integers(1, 7))), first, alike) for number in range(people)
    }
    for name, held in assess_photos(known).items():
        assert len(held.excluded) < len(known[name])


@given(st.integers(0, 10_000), st.integers(0, 60), st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_the_order_of_photos_and_people_makes_no_difference(seed: int, photos: int, shuffled: object) -> None:
    alice, bob = spread(seed, photos), somebody(seed + 1, 6)
    known = {"alice": np.vstack([alice, bob[:2]]), "bob": bob[2:], "carol": toward(somebody(seed + 2, 4), bob, 0.7)}
    order = list(range(len(known["alice"])))
    shuffled.shuffle(order)  # type: ignore[attr-defined]
    again = assess_photos({"carol": known["carol"], "bob": known["bob"], "alice": known["alice"][order]})
    found = assess_photos(known)
    assert again["bob"] == found["bob"]
    assert again["carol"] == found["carol"]
    assert {order[index]: why for index, why in again["alice"].excluded.items()} == found["alice"].excluded
    assert tuple(order[index] for index in again["alice"].redundant) == found["alice"].redundant


@given(st.integers(0, 10_000), st.integers(MAX_COMPARED_PHOTOS - 3, MAX_COMPARED_PHOTOS + 50))
@settings(max_examples=20)
def test_at_most_forty_photos_are_compared_and_the_redundant_ones_are_not_lost(seed: int, photos: int) -> None:
    held = assess_photos({"alice": spread(seed, photos)})["alice"]
    assert len(set(held.redundant)) == len(held.redundant) == max(0, photos - MAX_COMPARED_PHOTOS - len(held.excluded))
    assert not set(held.redundant) & set(held.excluded)


def test_the_most_redundant_photo_is_left_out_first() -> None:
    photos = spread(1, MAX_COMPARED_PHOTOS + 1)
    photos[7] = photos[3] + 0.001
    held = assess_photos({"alice": photos})["alice"]
    assert held.redundant in ((3,), (7,))


def test_removing_redundant_photos_changes_no_comparison() -> None:
    photos = spread(1, MAX_COMPARED_PHOTOS + 9)
    first = assess_photos({"alice": photos})["alice"].redundant
    left = np.delete(photos, first[:4], axis=0)
    again = assess_photos({"alice": left})["alice"].redundant
    assert {left[index].tobytes() for index in again} == {photos[index].tobytes() for index in first[4:]}


def test_a_photo_that_shows_nothing_new_is_known_and_says_which_it_repeats() -> None:
    known, new = spread(1, 3), spread(2, 2)
    near = known[1] + np.float32(0.9 * DUPLICATE_DISTANCE / np.sqrt(128))
    far = known[1] + np.float32(1.1 * DUPLICATE_DISTANCE / np.sqrt(128))
    assert new_photos(known, [near, new[0], new[0], far]) == ([1, 3], [1])
    assert new_photos(known[:0], []) == ([], [])


@given(st.integers(0, 10_000), st.integers(0, 8), st.integers(0, 8))
@settings(max_examples=30)
def test_learning_the_same_again_is_nothing_new(seed: int, known: int, new: int) -> None:
    before, photos = spread(seed, known), list(spread(seed + 1, new))
    kept, _ = new_photos(before, photos)
    after = np.vstack([before, *(photos[index][None] for index in kept)])
    assert new_photos(after, photos)[0] == []


def test_a_limit_is_lower_only_where_two_people_look_alike() -> None:
    alice, bob = somebody(1, 8), somebody(2, 8)
    assert match_limits({"alice": alice, "bob": bob}) == {"alice": MATCH_DISTANCE, "bob": MATCH_DISTANCE}
    alike = {"alice": alice, "bob": toward(bob, alice, 0.5)}
    nearest = min(float(np.linalg.norm(alice - vector, axis=1).min()) for vector in alike["bob"])
    assert MIN_MATCH_LIMIT < nearest < MATCH_DISTANCE
    assert match_limits(alike) == {"alice": pytest.approx(nearest), "bob": pytest.approx(nearest)}
    assert match_limits({"alice": alice, "bob": toward(bob, alice, 1.0)}) == {
        "alice": MIN_MATCH_LIMIT,
        "bob": MIN_MATCH_LIMIT,
    }


@given(st.integers(0, 10_000), st.floats(0, 1.2), st.integers(0, 5))
@settings(max_examples=40)
def test_no_limit_is_above_the_safe_floor_nor_makes_anybody_unrecognisable(seed: int, alike: float, more: int) -> None:
    alice, bob = somebody(seed, 4), somebody(seed + 1, 4)
    before = match_limits({"alice": alice, "bob": toward(bob, alice, alike)})
    after = match_limits({"alice": alice, "bob": toward(bob, alice, alike), "more": somebody(seed + 2, more)})
    for name, limit in before.items():
        assert MIN_MATCH_LIMIT <= after[name] <= limit <= MATCH_DISTANCE


def test_an_empty_gallery_has_no_doubts() -> None:
    assert assess_photos({}) == {}
    assert match_limits({}) == {}
    assert assess_photos({"alice": np.zeros((0, 128), np.float32)})["alice"].excluded == {}


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
def test_a_real_photo_of_somebody_else_is_found_whether_that_one_is_enrolled_or_not(media: Path) -> None:
    sight = LocalBackend("standard", packs.model_folders(Path("/nowhere")))
    named = {name: sorted((media / "family" / name).glob("*.jpg")) for name in ("me", "wife")}
    me, wife = (np.stack([read_photo(file, sight).vector for file in named[name]]) for name in ("me", "wife"))
    assert {name: dict(held.excluded) for name, held in assess_photos({"me": me, "wife": wife}).items()} == {
        "me": {},
        "wife": {},
    }
    for enrolled in ({"wife": wife[1:]}, {}):
        found = assess_photos({"me": np.vstack([me, wife[:1]])} | enrolled)
        assert [*found["me"].excluded] == [len(me)]
        assert not any(held.excluded for name, held in found.items() if name != "me")
