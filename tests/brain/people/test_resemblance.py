"""Who could be taken for whom."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from brain.people.resemblance import Resemblance, relative_pass_share, resemblance_lines, resemblances
from brain.verdict import odds
from brain.verdict.evidence import KnownPerson
from brain.vision.backend import Vector
from tests.people import faces


def person(name: str, vectors: Vector) -> KnownPerson:
    return KnownPerson(name, "family", vectors)


def photos(of: int, count: int = 8, seed: int = 0) -> Vector:
    return np.stack(faces(of, count, seed))


def alike(vectors: Vector, other: Vector, share: float) -> Vector:
    """Return photos of somebody whose point is this share of the way from one person's to another's."""
    point = (1 - share) * vectors.mean(axis=0) + share * other.mean(axis=0)
    return np.asarray(other - other.mean(axis=0) + point, np.float32)


@given(st.integers(0, 300))
def test_more_photos_let_fewer_relatives_pass(who: int) -> None:
    shares = [relative_pass_share(person("Ann", photos(who, count))) or 0.0 for count in (1, 3, 12)]
    assert all(0 < share < 1 for share in shares)
    assert shares == sorted(shares, reverse=True)


def test_a_common_face_lets_more_relatives_pass() -> None:
    own = photos(1)
    common = (own - 0.5 * (own.mean(axis=0) - odds.dlib_space().centre)).astype(np.float32)
    rare, usual = relative_pass_share(person("Ann", own)), relative_pass_share(person("Ann", common))
    assert rare is not None
    assert usual is not None
    assert usual > rare + 0.1


def test_without_photos_there_is_no_estimate() -> None:
    found = resemblances([person("Cloud", np.zeros((0, 128), np.float32))])
    assert found == [Resemblance("Cloud", None, (), 0)]
    assert resemblance_lines(found) == []
    assert found[0].as_json() == {"name": "Cloud", "relative_passes": None, "alike": [], "photos": 0}


def test_people_who_are_alike_name_each_other() -> None:
    ann, bob = photos(1), photos(2)
    found = resemblances([person("Ann", ann), person("Bob", bob), person("Sue", alike(ann, photos(3), 0.2))])
    assert [one.alike for one in found] == [("Sue",), (), ("Ann",)]
    lines = resemblance_lines(found)
    assert [line.split(":")[0] for line in lines if "look alike" in line] == ["Ann and Sue look alike"]
    assert all(any("Ann and Sue look alike" in line for line in resemblance_lines([one])) for one in found[::2])


def test_sentences_say_how_often_and_what_helps() -> None:
    shares = {"Ann": (0.38, 8), "Bob": (0.21, 7), "Sue": (0.04, 9)}
    lines = resemblance_lines([Resemblance(name, share, (), count) for name, (share, count) in shares.items()])
    assert lines == [
        "a brother or sister of Ann would pass for Ann in about 4 of 10 visits (estimated)",
        "a brother or sister of Bob would pass for Bob in about 2 of 10 visits (estimated); fewer with 8 photos",
        "a brother or sister of Sue would pass for Sue in fewer than 1 of 10 visits (estimated)",
        "what helps: enroll brothers and sisters who visit (kinwatch enroll NAME PHOTO... --group known)",
    ]
    assert resemblance_lines([]) == []


def test_json_is_rounded() -> None:
    found = Resemblance("Ann", 0.1234, ("Bob",), 4)
    assert found.as_json() == {"name": "Ann", "relative_passes": 0.12, "alike": ["Bob"], "photos": 4}
