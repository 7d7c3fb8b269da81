"""The household benchmark: the same seed gives the same days, and intruders change nothing in the family's days."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks import household
from benchmarks.household import Plan, remembered_judgements, simulate
from benchmarks.household_faces import Cast, Looks
from benchmarks.household_intruders import KINDS, Modes, intrusions
from benchmarks.household_life import DAY_S, DOORS, FAMILY, HELPERS, PLACES, Stretch, family_life, path, phones
from benchmarks.household_script import script
from benchmarks.household_sight import ScriptedSight, numbered_jpeg
from benchmarks.household_tally import LATE_S, Ring, Tally, figures
from brain.verdict import odds
from brain.vision.backend import FaceEmbedding
from brain.vision.picture import Picture

PHOTOS = 12


def looks(rng: np.random.Generator, photos: int) -> list[Looks]:
    """Photos of one invented person, scattered as dlib's vectors are."""
    space = odds.dlib_space()
    back = np.linalg.pinv(space.axes)
    person = rng.normal(0.0, np.sqrt(np.maximum(space.between, 0.0)))

    def vector() -> np.ndarray:  # type: ignore[type-arg]
        return np.asarray(space.centre + back @ (person + rng.normal(0.0, 1.0, 128)), np.float32)

    def face(one: np.ndarray, width: float) -> FaceEmbedding:  # type: ignore[type-arg]
        return FaceEmbedding(one + rng.normal(0.0, 0.01, 128).astype(np.float32), width, 20.0, 0.1, 1.0)

    return [
        Looks(one, tuple(face(one, 50.0) for _ in range(4)), (face(one, 19.0),))
        for one in (vector() for _ in range(photos))
    ]


def invented() -> Cast:
    rng = np.random.default_rng(0)
    shown = {role: looks(rng, PHOTOS) for role in FAMILY + HELPERS}
    return Cast(
        {role: [one.photo for one in photos[:8]] for role, photos in shown.items()},
        {role: photos[8:] for role, photos in shown.items()},
        [looks(rng, 4) for _ in range(5)],
    )


def test_the_family_lives_the_same_days_with_the_same_seed_and_others_with_another() -> None:
    one, same, other = (family_life(3, [seed, 1]) for seed in (5, 5, 6))
    assert one.stretches == same.stretches
    assert one.moves == same.moves
    assert one.stretches != other.stretches


def test_a_day_has_about_150_passes_of_family() -> None:
    stretches = family_life(14, [0, 1]).stretches
    assert 120 < sum(one.who in FAMILY for one in stretches) / 14 < 180


def test_people_walk_through_doors_only() -> None:
    assert path("out", "kitchen") == ["entrance", "hall", "kitchen"]
    assert path("kitchen", "living") == ["living"]
    stretches = family_life(7, [0, 1]).stretches
    for who in FAMILY:
        mine = [one for one in stretches if one.who == who]
        for before, after in pairwise(mine):
            is_near = after.start - before.end < 31
            assert not is_near or after.place == before.place or after.place in DOORS[before.place]
            assert after.start - before.end > -2.001
    assert {one.place for one in stretches} == set(PLACES)


def test_nobody_is_at_home_while_the_house_is_empty() -> None:
    life = family_life(7, [0, 1])
    for start, end in life.empty(7 * DAY_S):
        inside = [one for one in life.stretches if one.who in FAMILY and start + 31 < one.start < end - 1]
        assert not inside


def test_intruders_come_as_their_kind_says() -> None:
    life = family_life(28, [0, 1])
    modes = Modes(life)
    came = intrusions(life, np.random.default_rng(2))
    assert 28 < len(came) < 56
    assert {one.kind for one in came} == set(KINDS)
    for one in came:
        first = one.stretches[0]
        assert 1 <= len(one.stretches) <= 5
        assert first.place == KINDS[one.kind][1]
        assert KINDS[one.kind][0] in (one.mode, "any", "arrival", "home")
        assert one.mode == modes.at(first.start)
        if one.kind == "follows somebody in":
            assert any(0 < first.start - move.at <= 20 for move in life.moves if move.home)
    assert {one.hides_face for one in came} == {True, False}


def test_phones_come_home_late_early_or_never() -> None:
    life = family_life(60, [0, 1])
    facts = list(phones(life, np.random.default_rng(3)))
    assert facts == sorted(facts, key=lambda fact: fact.at)
    homes = sum(move.home for move in life.moves)
    assert 0.9 * homes < sum(fact.home for fact in facts) < 1.15 * homes


def test_an_intruder_changes_nothing_in_the_familys_pictures() -> None:
    people = invented()
    life = family_life(1, [0, 1])
    at = next(one for one in life.stretches if one.place == "kitchen" and one.activity == "stay").start
    intruder = Stretch("intruder-0", "kitchen", at + 1, at + 30, "stay", "intruder-0")
    everybody = {**people.shown, "intruder-0": people.strangers[0]}
    alone = list(script(life.stretches, everybody, 0.3, 0))
    visited = {(one.at, one.place): one for one in script([*life.stretches, intruder], everybody, 0.3, 0)}
    assert len(visited) > len({(one.at, one.place) for one in alone})
    for one in alone:
        family = tuple(shown for shown in visited[one.at, one.place].shown if shown.who != "intruder-0")
        assert family == one.shown


def test_a_place_has_one_frame_at_a_time_and_time_goes_on() -> None:
    people = invented()
    frames = list(script(family_life(1, [0, 1]).stretches, people.shown, 0.3, 0))
    assert [one.at for one in frames] == sorted(one.at for one in frames)
    assert len({(one.at, one.place) for one in frames}) == len(frames)
    for one in frames:
        for shown in one.shown:
            assert 0 <= shown.box.x <= shown.box.x + shown.box.w <= 1.05
            assert 0 <= shown.box.y <= shown.box.y + shown.box.h <= 1.05


def test_the_backend_sees_whom_the_script_shows() -> None:
    people = invented()
    sight = ScriptedSight(0)
    frames = script(family_life(1, [0, 1]).stretches, people.shown, 1.0, 0)
    one = next(frame for frame in frames if frame.shown and frame.shown[0].embedding)
    picture = Picture(sight.picture(one))
    assert [found.box for found in sight.detect(picture)] == [shown.box for shown in one.shown]
    (face,) = sight.find_faces(picture, one.shown[0].box)
    assert sight.embed(picture, face) is one.shown[0].embedding
    assert sight.find_faces(picture) == []
    assert numbered_jpeg("hall", 1) != numbered_jpeg("hall", 2)


def lived(folder: Path, plan: Plan) -> dict[str, object]:
    with remembered_judgements():
        tally, life, came = simulate(plan, invented(), folder, lambda _: None)
    return figures(tally, came, plan.days, len(life.stretches))


@pytest.mark.timeout(120)
def test_the_same_seed_gives_the_same_figures(tmp_path: Path) -> None:
    plan = Plan(days=1, seed=3, faces=0.3, hours=7.3)
    found = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        found.append(lived(tmp_path / name, plan))
    assert found[0] == found[1]
    keys = {"days", "passes", "false_alarms", "false_alarms_a_week", "intruders", "intruders_missed", "by"}
    assert keys | {"rings_an_incident", "decided_s_p50", "rings_during_intrusion"} <= set(found[0])
    assert json.loads(json.dumps(found[0])) == found[0]


def ring(visit: object, at: float, incident: object = None) -> Ring:
    return Ring(visit, incident, at, "hall", "home", "unidentified")  # type: ignore[arg-type]


def test_rings_are_false_late_or_part_of_an_intrusion() -> None:
    life = family_life(28, [0, 1])
    came = intrusions(life, np.random.default_rng(2))[:3]
    first, second, third = (one.who for one in came)
    tally = Tally(first_seen={first: 0.0, second: 1000.0, third: 2000.0})
    owners = {"a": first, "b": "mother", "c": "father", "d": second}
    for visit, owner in owners.items():
        tally.votes[visit][owner] += 5  # type: ignore[index]
        tally.votes[visit]["son"] += 2  # type: ignore[index]
    tally.rings = [ring("a", 10.0, 1), ring("b", 20.0, 1), ring("c", 500.0, 2), ring("d", 1001 + LATE_S, 3)]
    found = figures(tally, came, 7, 100)
    assert (found["false_alarms"], found["false_alarms_a_week"], found["rings_during_intrusion"]) == (1, 1.0, 1)
    assert (found["intruders"], found["intruders_missed"], found["intruders_late"]) == (3, 1, 1)
    assert found["rings_an_incident"]["median"] == 1.5
    assert found["by_who"] == {"father": 1}


def test_a_ring_is_about_everybody_of_its_incident_who_was_seen_before() -> None:
    life = family_life(28, [0, 1])
    first, second = (one.who for one in intrusions(life, np.random.default_rng(2))[:2])
    tally = Tally(first_seen={first: 5.0, second: 15.0})
    for visit, owner in {"a": "mother", "b": first, "c": second}.items():
        tally.votes[visit][owner] += 1  # type: ignore[index]
    tally.rings, tally.joined[1] = [ring("a", 10.0, 1)], {"a", "b", "c"}  # type: ignore[arg-type]
    assert tally.about(tally.rings[0]) == {"mother", first}
    found = figures(tally, intrusions(life, np.random.default_rng(2))[:2], 7, 100)
    assert (found["false_alarms"], found["intruders_missed"]) == (0, 1)


def test_without_incidents_every_ring_of_family_is_a_false_alarm() -> None:
    tally = Tally()
    for visit in ("a", "b"):
        tally.votes[visit]["mother"] += 1  # type: ignore[index]
    tally.rings = [ring("a", 1.0), ring("b", 2.0)]
    assert figures(tally, [], 1, 2)["false_alarms"] == 2
    assert household.Plan().scenario is None


def test_a_scenario_has_one_kind_of_intruder(tmp_path: Path) -> None:
    plan = Plan(days=7, hours=0.1, scenario="terrace")
    _, _, came = simulate(plan, invented(), tmp_path, lambda _: None)
    assert {one.kind for one in came} == {"terrace"}


def test_the_command_line_becomes_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    given = [
        "household.py",
        "--people",
        ".",
        "--days",
        "3",
        "--scenario",
        "terrace",
        "--without",
        "continuity",
        "--presence",
    ]
    monkeypatch.setattr("sys.argv", given)
    assert household.given_plan(household.arguments()) == Plan(
        days=3, scenario="terrace", without=("continuity",), presence=True
    )
