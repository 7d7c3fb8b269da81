"""The benchmark of rules: nobody is judged by what was tuned on them, and each peer's rule is its rule."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import peers, visits
from benchmarks.peers import SOMEBODY, STRANGER, Family, LogLikelihood
from benchmarks.visits import Marks, Trial, against, families, halves, marks, tuned
from brain.measure.embeddings import PictureVariant
from brain.verdict import odds
from brain.verdict.evidence import KnownPerson
from brain.vision.backend import FaceEmbedding


def people(count: int, photos: int) -> dict[str, list[Path]]:
    return {
        f"p{number:02}": [Path(f"p{number:02}/{photo:02}.jpg") for photo in range(photos)] for number in range(count)
    }


def folk() -> dict[str, list[Path]]:
    return people(14, 14) | {
        f"few{number}": [Path(f"few{number}/{photo}.jpg") for photo in range(6)] for number in range(9)
    }


def at(distance: float, width: float = 60.0) -> FaceEmbedding:
    """A look that far from ann's photos, and far from bob's."""
    vector = np.zeros(128, np.float32)
    vector[0] = distance
    return FaceEmbedding(vector, width, 30.0, 0.0, 1.0)


def family() -> Family:
    ann, bob = np.zeros((8, 128), np.float32), np.zeros((8, 128), np.float32)
    bob[:, 1] = 0.8
    return Family((KnownPerson("ann", "family", ann), KnownPerson("bob", "family", bob)))


def test_the_halves_share_nobody_and_have_as_many_who_can_be_family() -> None:
    one, other = halves(folk())
    assert set(one).isdisjoint(other)
    assert set(one) | set(other) == set(folk())
    enough = [sum(len(photos) >= 12 for photos in half.values()) for half in (one, other)]
    assert enough == [7, 7]
    assert halves(folk()) == (one, other)


def test_enrolled_photos_are_never_in_a_visit_and_strangers_are_not_at_home() -> None:
    crowd = folk()
    rng = np.random.default_rng(0)
    homes = families(crowd, rng)
    assert all(3 <= len(home) <= 4 for home in homes)
    assert all(len(set(photos)) == 8 for home in homes for photos in home.values())
    planned = list(visits.visits(crowd, homes, 30, rng))
    assert {shape: sum(one.shape == shape for one in planned) for shape in visits.SHAPES} == dict.fromkeys(
        visits.SHAPES, 90
    )
    for one in planned:
        assert one.member == (one.who in homes[one.family])
        enrolled = homes[one.family].get(one.who, [])
        assert all(view.file.parent.name == one.who and view.file not in enrolled for view in one.views)
    assert sum(one.member for one in planned) == 30 * len(visits.SHAPES)


def test_visits_have_the_shape_they_are_named_after() -> None:
    crowd = people(8, 24)
    rng = np.random.default_rng(1)
    planned = list(visits.visits(crowd, families(crowd, rng), 20, rng))
    sizes = {"clean": (6, 12), "cam": (6, 12), "cam 1-3": (1, 3), "burst": (7, 7), "long": (20, 41)}
    for one in planned:
        low, high = sizes[one.shape]
        assert low <= len(one.views) <= high
        assert all((view.how is None) == (one.shape == "clean") for view in one.views)
        assert len(set(one.views)) == len(one.views)
    assert all(len({view.file for view in one.views}) == 1 for one in planned if one.shape == "burst")


def test_another_seed_draws_from_the_same_views() -> None:
    crowd = people(5, 13)
    drawn: list[set[PictureVariant]] = []
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        planned = visits.visits(crowd, families(crowd, rng), 100, rng)
        drawn.append({view for one in planned for view in one.views if one.shape in ("cam", "burst")})
    assert len(drawn[0] & drawn[1]) > 0.8 * len(drawn[0])


@pytest.mark.parametrize(
    ("rule", "embeddings", "answer"),
    [
        (peers.FIXED["face_recognition, any <= 0.60"], [0.9, 0.9, 0.59], "ann"),
        (peers.FIXED["face_recognition, any <= 0.60"], [0.61, 0.7], None),
        (peers.FIXED["Double Take, best single frame"], [0.9, 0.57], "ann"),
        (peers.FIXED["Double Take, best single frame"], [0.9, 0.59], None),
        (peers.FIXED["FaceID, 0.50 of the top 3"], [0.47], None),
        (peers.FIXED["FaceID, 0.45 of the top 1"], [0.47], "ann"),
        (peers.FIXED["FaceID, 0.45 of the top 1"], [0.7] * 6 + [0.3], None),  # six tries
        (peers.FIXED["plain vote of design's numbers"], [0.4, 0.45], "ann"),
        (peers.FIXED["plain vote of design's numbers"], [0.4], None),
        (peers.FIXED["plain vote of design's numbers"], [0.4, 0.45, 0.7, 0.7, 0.7], STRANGER),
        (peers.FIXED["plain vote of design's numbers"], [0.55, 0.58, 0.7], None),
        (peers.FIXED["Frigate's vote, default mapped"], [0.45], "ann"),  # one face is enough
        (peers.FIXED["Frigate's vote, default mapped"], [0.45] + [0.9] * 11, "ann"),  # the unknown have no vote
        (peers.FIXED["Frigate's vote, default mapped"], [0.54] * 12, None),
        (peers.FIXED["Frigate's vote, default mapped"], [0.9] * 12 + [0.3], None),  # twelve tries
    ],
)
def test_each_peer_decides_by_its_own_rule(rule: peers.Rule, embeddings: list[float], answer: str | None) -> None:
    assert rule([at(distance) for distance in embeddings], family()) == answer


@pytest.mark.parametrize("name", peers.FIXED)
def test_without_an_embedding_nobody_is_named(name: str) -> None:
    assert peers.FIXED[name]([], family()) is None


def test_a_majority_is_more_than_half_of_the_frames() -> None:
    assert peers.majority([at(0.3), at(0.9)], family(), within=0.5) is None
    assert peers.majority([at(0.3), at(0.4), at(0.9)], family(), within=0.5) == "ann"


def test_log_likelihoods_add_up_to_a_name_or_a_stranger() -> None:
    rng = np.random.default_rng(0)
    home = family()
    learned = [(at(float(rng.normal(0.4, 0.07))), home, "ann") for _ in range(200)]
    learned += [(at(float(rng.normal(0.75, 0.07))), home, "x") for _ in range(200)]
    ratio = LogLikelihood.fitted(learned)
    assert ratio(at(0.4), 0.4) > 3
    assert ratio(at(0.8), 0.8) < -3
    assert peers.summed([at(0.35)] * 3, home, ratio=ratio, needs=10) == "ann"
    assert peers.summed([at(0.9)] * 3, home, ratio=ratio, needs=10) == STRANGER
    assert peers.summed([at(0.35)], home, ratio=ratio, needs=30) is None


def trials() -> list[Trial]:
    """Ann comes at 0.40, 0.44 ... and strangers at 0.50, 0.51 ..."""
    home = family()
    mine = [Trial("clean", "ann", True, home, (at(0.40 + 0.004 * number),)) for number in range(40)]  # noqa: FBT003
    return mine + [Trial("clean", f"s{n % 10}", False, home, (at(0.48 + 0.005 * n),)) for n in range(100)]  # noqa: FBT003


def test_marks_count_strangers_let_in_and_family_missed() -> None:
    found = marks(lambda embeddings, _: "ann" if embeddings[0].vector[0] <= 0.5 else None, trials())
    assert sum(wrong for _, wrong in found.strangers) == 5
    assert sum(wrong for _, wrong in found.family) == 14
    assert found.wrong == 0


def test_family_without_a_name_lets_a_stranger_in_and_names_nobody() -> None:
    found = marks(lambda *_: SOMEBODY, trials())
    assert all(wrong for _, wrong in found.strangers)
    assert all(wrong for _, wrong in found.family)
    assert found.wrong == 0
    assert not any(wrong for _, wrong in marks(lambda *_: STRANGER, trials()).strangers)


def test_a_threshold_is_tuned_as_lax_as_strangers_allow() -> None:
    tunable, grid = peers.tunables(LogLikelihood({}))["any frame, tuned strict"]
    assert tuned(tunable, grid, trials(), 0.0) == 0.47
    assert tuned(tunable, grid, trials(), 0.05) == 0.5


def test_better_worse_and_level_are_what_the_intervals_say() -> None:
    names = [f"p{number}" for number in range(20)]

    def made(strangers: bool, family_: bool) -> Marks:  # noqa: FBT001
        return Marks(tuple((name, strangers) for name in names), tuple((name, family_) for name in names), 0)

    none, both = made(strangers=False, family_=False), made(strangers=True, family_=True)
    assert against(none, both)["says"] == "better"
    assert against(both, none)["says"] == "worse"
    assert against(none, none)["says"] == "level"
    assert against(made(strangers=True, family_=False), made(strangers=False, family_=True))["says"] == "mixed"
    lucky = Marks(((names[0], True), *((name, False) for name in names[1:])), none.family, 0)
    assert against(none, lucky)["says"] == "level"


@pytest.mark.timeout(60)
def test_the_whole_is_judged_and_shown() -> None:
    every = [
        Trial(shape, one.who, one.member, one.family, one.embeddings) for one in trials() for shape in visits.SHAPES
    ]
    shipped = odds.dlib_space()
    for parts in (1, 2):
        found = visits.judged([(every, every, shipped)] * parts, 0.01)
        text = visits.table(found["shapes"])
        assert all(name in text for name in visits.RULES)
        assert "ours" not in visits.differences(found["shapes"]).splitlines()[1]
        clean = found["shapes"]["clean"]["any frame, tuned strict"]
        assert clean["strangers_called_family"]["of"] == 100 * parts
        assert clean["strangers_called_family"]["rate"] <= 0.01


def test_ours_is_judged_by_the_scatter_it_is_given_and_the_shipped_one_is_back_after() -> None:
    shipped = odds.dlib_space()
    other = odds.FaceSpace(shipped.centre, shipped.axes, shipped.between / 2)
    with visits.scattered(other):
        assert odds.dlib_space() is other
    assert odds.dlib_space() is shipped
