"""Intervals, curves, degraded pictures, labelled folders, visits, and what is recommended."""

import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.measure import curves, folders, household, own, pairs
from brain.measure.advice import ENOUGH_STRANGERS, Nearest, advise
from brain.measure.cache import EmbeddingCache
from brain.measure.degrade import FACE_WIDTHS_PX, Degradation, as_seen, burst, camera, moment
from brain.measure.embeddings import EmbeddingReader, PictureVariant, model
from brain.measure.household import Case, HouseholdPlan, alone, figures
from brain.measure.visits import compose, decide
from brain.models.local import LocalBackend
from brain.settings.matching import MATCH_DISTANCE
from brain.verdict.evidence import KnownPerson
from brain.verdict.proportion import Proportion, clopper_pearson, paired
from brain.vision.backend import Face, FaceEmbedding, VisionBackend
from brain.vision.picture import Picture
from nerves.messages import Box


class ColourSight:
    """A sight that takes every picture for a face in its middle, and its colour for the person."""

    name = "colour"
    min_person_score = 0.5

    def __init__(self) -> None:
        self.looked = 0

    def find_faces(self, picture: Picture, within: Box | None = None) -> list[Face]:
        del within
        return [Face(Box(0.25, 0.25, 0.5, 0.5), 1.0, picture.width / 2)] if picture.full.max() > 20 else []

    def embed(self, picture: Picture, face: Face) -> FaceEmbedding | None:
        self.looked += 1
        vector = np.zeros(128, np.float32)
        vector[:3] = picture.crop(face.box).reshape(-1, 3).mean(axis=0) / 128
        return FaceEmbedding(vector, face.width, 30.0, 0.0, 1.0)

    def detect(self, picture: Picture) -> list[object]:
        raise NotImplementedError(picture)


def silent(_done: int, _total: int | None) -> None:
    pass


@pytest.fixture
def colours(tmp_path: Path) -> Iterator[tuple[ColourSight, EmbeddingReader]]:
    sight = ColourSight()
    with EmbeddingCache(tmp_path / "cache" / "embeddings.db") as cache:
        yield sight, EmbeddingReader(lambda: sight, "colour", cache)  # type: ignore[arg-type, return-value]


def paint(path: Path, colour: tuple[int, int, int], *, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(-3, 4, (64, 64, 3))
    cv2.imwrite(str(path), np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8))
    return path


RED, GREEN, BLUE, WHITE, BLACK = (30, 30, 220), (30, 220, 30), (220, 30, 30), (220, 220, 220), (0, 0, 0)


# Newcombe, Statistics in Medicine 17 (1998), table I, method 5.
@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617), (0, 20, 0.0, 0.1684), (1, 29, 0.0009, 0.1776)],
)
def test_the_exact_interval_is_the_published_one(count: int, of: int, low: float, high: float) -> None:
    assert clopper_pearson(count, of) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 400), st.integers(1, 400))
def test_an_interval_holds_the_rate_and_mirrors_its_complement(count: int, of: int) -> None:
    count = min(count, of)
    low, high = clopper_pearson(count, of)
    assert 0 <= low <= count / of <= high <= 1
    assert clopper_pearson(of - count, of) == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_a_rate_says_what_is_possible_where_nothing_happened() -> None:
    assert str(Proportion(0, 60)) == "0 of 60; up to 6 % is possible"
    assert str(Proportion(3, 60)) == "3 of 60 (5 %; 1 % to 14 %)"
    assert Proportion(0, 0).as_json() == {"count": 0, "of": 0, "rate": None, "low": 0.0, "high": 1.0}


def test_a_paired_interval_is_over_people_not_over_trials() -> None:
    steady = [(f"p{i % 20}", 1.0 if i % 2 else 0.0) for i in range(400)]
    lumpy = [(f"p{i // 20}", 1.0 if (i // 20) % 2 else 0.0) for i in range(400)]
    one, other = paired(steady), paired(lumpy)
    assert one[0] == other[0] == 0.5
    assert other[2] - other[1] > 0.3
    assert paired(lumpy) == other
    assert paired([("p", 0.0)] * 9) == (0.0, 0.0, 0.0)


def test_distances_that_do_not_overlap_are_separated_without_a_mistake() -> None:
    same, different = np.array([0.2, 0.3, 0.4]), np.array([0.6, 0.7, 0.8])
    assert curves.area_under_curve(same, different) == 1.0
    assert curves.best(same, different).rate == Proportion(6, 6)
    assert curves.best(same, different).threshold == pytest.approx(0.5)
    assert curves.equal_error(same, different).rate.count == 0
    assert curves.accepted_at(same, different, 0.01).rate == Proportion(3, 3)


def test_two_bells_have_the_area_and_the_error_that_theory_says() -> None:
    rng = np.random.default_rng(0)
    same, different = rng.normal(0, 1, 20_000), rng.normal(2, 1, 20_000)
    assert curves.area_under_curve(same + 9, different + 9) == pytest.approx(0.9214, abs=0.005)  # Phi(2 / sqrt 2)
    assert curves.equal_error(same + 9, different + 9).rate.rate == pytest.approx(0.1587, abs=0.005)  # Phi(-1)


def test_equal_distances_are_no_better_than_a_coin() -> None:
    assert curves.area_under_curve(np.full(4, 0.5), np.full(5, 0.5)) == 0.5


def test_a_pair_without_a_face_is_taken_for_two_people() -> None:
    same, different = np.array([0.3, np.inf]), np.array([0.8, np.inf])
    assert curves.correct(same, different, 0.6) == Proportion(3, 4)
    assert curves.within(same, 9.0) == Proportion(1, 2)
    assert curves.roc(same, different)[-1].tolist() == [0.8, 0.5, 0.5]


def test_true_accepts_are_counted_below_the_distance_that_is_one_too_many() -> None:
    same, different = np.linspace(0.1, 0.9, 9), np.linspace(0.5, 1.0, 100)
    assert curves.accepted_at(same, different, 0.0).rate == Proportion(4, 9)
    assert curves.accepted_at(same, different, 0.0).threshold < 0.5
    assert curves.within(different, curves.accepted_at(same, different, 0.1).threshold).count == 10


def face_like() -> np.ndarray:
    return cv2.GaussianBlur(
        np.random.default_rng(1).integers(0, 256, (200, 200, 3)).astype(np.float32), (0, 0), 3
    ).astype(np.uint8)


def test_degrading_gives_the_same_bytes_for_the_same_values() -> None:
    pixels = face_like()
    how = camera(np.random.default_rng(7))
    assert how == camera(np.random.default_rng(7))
    assert as_seen(pixels, 100, how) == as_seen(pixels, 100, how)
    assert as_seen(pixels, 100, how) != as_seen(pixels, 100, camera(np.random.default_rng(8)))


@pytest.mark.parametrize("seed", range(5))
def test_a_room_camera_makes_the_face_28_to_64_pixels_wide(seed: int) -> None:
    how = camera(np.random.default_rng(seed))
    width = Picture(as_seen(face_like(), 100, how)).width / 2
    assert FACE_WIDTHS_PX[0] - 0.5 <= width <= FACE_WIDTHS_PX[1] + 0.5
    assert 50 <= how.quality <= 80


def test_movement_and_noise_do_what_they_say() -> None:
    pixels = face_like()

    def detail(how: Degradation) -> float:
        return float(cv2.Sobel(Picture(as_seen(pixels, 100, how)).full, cv2.CV_64F, 1, 0).var())

    across, down = Degradation(moved=0.12), Degradation(moved=0.12, angle=np.pi / 2)
    assert detail(across) < 0.6 * detail(Degradation())
    assert detail(across) < 0.8 * detail(down)
    assert detail(Degradation(soft=0.05)) < 0.6 * detail(Degradation())
    assert detail(Degradation(noise=8)) > 1.5 * detail(Degradation())


def test_frames_of_a_burst_are_more_alike_than_other_moments() -> None:
    rng = np.random.default_rng(3)
    widths = [how.face or 0 for how in burst(rng, 7)]
    apart = [camera(rng).face or 0 for _ in range(7)]
    assert np.std(widths) < np.std(apart) / 2
    assert len({how.seed for how in burst(rng, 7)}) == 7
    assert all(0.7 < how.scale < 1.1 and how.face is None for how in (moment(rng) for _ in range(20)))


def test_the_cache_stores_embeddings_and_missing_ones_for_its_owner_only(tmp_path: Path) -> None:
    look = FaceEmbedding(np.arange(128, dtype=np.float32), 40.0, 20.0, 0.1, 0.9)
    file = tmp_path / "cache" / "embeddings.db"
    with EmbeddingCache(file) as cache:
        cache.put({"one": look, "none": None})
    with EmbeddingCache(file) as cache:
        found = cache.get(["one", "none", "other"] + [str(i) for i in range(1200)])
    assert set(found) == {"one", "none"}
    assert found["none"] is None
    assert found["one"] is not None
    np.testing.assert_array_equal(found["one"].vector, look.vector)
    assert (found["one"].width, found["one"].face_confidence) == (40.0, 0.9)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_picture_is_analysed_once_and_again_when_it_changes(
    tmp_path: Path, colours: tuple[ColourSight, EmbeddingReader]
) -> None:
    sight, looker = colours
    file = paint(tmp_path / "a.png", RED)
    views = [PictureVariant(file), PictureVariant(file, camera(np.random.default_rng(0))), PictureVariant(file)]
    first = looker.embeddings(views, silent)
    assert sight.looked == 2
    again = EmbeddingReader(looker.open_backend, looker.model, looker.cache).embeddings(views, silent)
    assert sight.looked == 2
    assert all(np.array_equal(first[view].vector, again[view].vector) for view in views)  # type: ignore[union-attr]
    paint(file, BLUE)
    EmbeddingReader(looker.open_backend, looker.model, looker.cache).embeddings(views[:1], silent)
    EmbeddingReader(looker.open_backend, "other models", looker.cache).embeddings(views[:1], silent)
    assert sight.looked == 4


def test_damaged_pictures_are_named_and_left_out(tmp_path: Path, colours: tuple[ColourSight, EmbeddingReader]) -> None:
    _, looker = colours
    good, text, empty = paint(tmp_path / "a.png", RED), tmp_path / "b.jpg", tmp_path / "c.jpg"
    text.write_text("no picture")
    empty.touch()
    found = looker.embeddings([PictureVariant(file) for file in (good, text, empty, tmp_path / "gone.jpg")], silent)
    assert set(found) == {PictureVariant(good)}
    assert set(looker.bad) == {text, empty, tmp_path / "gone.jpg"}
    assert looker.bad[text] == "not a picture"


def test_other_models_are_another_key() -> None:
    assert model("standard") != model("built-in")


def household_of(folder: Path, *, strangers: int = 4) -> Path:
    for name, colour in (("ann", RED), ("bob", GREEN)):
        for number in range(3):
            paint(folder / "train" / name / f"{number}.png", colour, seed=number)
            paint(folder / "test" / name / f"{number}.png", colour, seed=10 + number)
    paint(folder / "train/people/0.png", BLUE)
    for number in range(strangers):
        paint(folder / "test/people" / f"{number}.png", (200 - 9 * number, 60, 90), seed=number)
    return folder


def test_the_given_split_is_taken_and_strangers_of_the_training_are_not(tmp_path: Path) -> None:
    household_of(tmp_path)
    paint(tmp_path / "test/carl/0.png", WHITE)
    found = folders.labelled(tmp_path)
    assert {name: len(files) for name, files in found.enrolled.items()} == {"ann": 3, "bob": 3}
    assert set(found.tests) == {"ann", "bob"}
    assert len(found.strangers) == 4
    assert "there is no carl in train" in found.notes[0]
    more = found.visited_by(folders.strangers(tmp_path / "train/people"))
    assert len(more.strangers) == 5


def test_without_a_split_pictures_are_split_by_name_and_stay_on_their_side(tmp_path: Path) -> None:
    for number in range(20):
        paint(tmp_path / "ann" / f"{number}.png", RED, seed=number)
        paint(tmp_path / "people" / f"{number}.png", BLUE, seed=number)
    paint(tmp_path / "bob/only.png", GREEN)
    before = folders.labelled(tmp_path)
    assert set(before.enrolled["ann"]).isdisjoint(before.tests["ann"])
    assert len(before.enrolled["ann"]) + len(before.tests["ann"]) == 20
    assert "bob" not in before.tests
    assert any("too few" in note for note in before.notes)
    assert len(before.strangers) == 20
    paint(tmp_path / "ann/new.png", RED)
    after = folders.labelled(tmp_path)
    assert set(before.enrolled["ann"]) <= set(after.enrolled["ann"])
    assert set(before.tests["ann"]) <= set(after.tests["ann"])


def test_strangers_are_a_person_a_picture_or_a_person_a_folder(tmp_path: Path) -> None:
    paint(tmp_path / "1.png", RED)
    paint(tmp_path / "x/1.png", BLUE)
    paint(tmp_path / "x/2.png", BLUE)
    assert sorted(len(files) for files in folders.strangers(tmp_path).values()) == [1, 2]


@pytest.mark.parametrize(
    ("made", "says"), [(None, "no such folder"), ("", "nothing to measure"), ("train/ann", "test: no such folder")]
)
def test_a_folder_that_cannot_be_measured_is_one_line(tmp_path: Path, made: str | None, says: str) -> None:
    folder = tmp_path / "labelled"
    if made is not None:
        (folder / made).mkdir(parents=True)
    with pytest.raises(folders.Unusable, match=says) as caught:
        folders.labelled(folder)
    assert "\n" not in str(caught.value)


def test_figures_count_each_mistake_once() -> None:
    cases = [
        Case("ann", "family", "ann"),
        Case("ann", "family", "bob"),
        Case("ann", "family", None),
        Case("ann", "stranger", None),
        Case("ann", "unidentified", None),
        Case(None, "stranger", None),
        Case(None, "guest", "bob"),
        Case(None, "family", None),
    ]
    found = figures(cases)
    assert found.strangers_called_family == Proportion(2, 3)
    assert found.family_called_stranger == Proportion(1, 5)
    assert found.wrong_name == Proportion(1, 5)
    assert found.named == Proportion(1, 5)
    assert found.decided == Proportion(7, 8)


@pytest.mark.parametrize(
    ("away", "says"), [(0.49, ("family", "ann")), (0.55, ("unidentified", None)), (0.61, ("stranger", None))]
)
def test_a_picture_alone_is_judged_by_its_nearest_photo(away: float, says: tuple[str, str | None]) -> None:
    vectors = np.zeros((2, 128), np.float32)
    vectors[1] = 1.0
    look = FaceEmbedding(np.eye(1, 128, dtype=np.float32)[0] * np.float32(away), 60, 30, 0, 1)
    assert alone("ann", look, [KnownPerson("ann", "family", vectors)])[1:] == says
    assert alone("ann", None, [KnownPerson("ann", "family", vectors)])[1] == "unidentified"


def test_visits_show_different_photos_where_there_are_so_many() -> None:
    many = [Path(f"ann/{number}.jpg") for number in range(15)]
    visits = list(compose(many, 50, seed=0, room=False))
    assert all(6 <= len(visit) <= 12 and len({view.file for view in visit}) == len(visit) for visit in visits)
    assert all(view.how is None for visit in visits for view in visit)
    assert visits == list(compose(many, 50, seed=0, room=False)) != list(compose(many, 50, seed=1, room=False))


def test_a_photo_that_comes_again_is_changed_a_little() -> None:
    (visit,) = compose([Path("people/1.jpg")], 1, seed=0, room=False)
    assert 6 <= len(set(visit)) == len(visit) <= 12
    assert [view.how is None for view in visit] == [True] + [False] * (len(visit) - 1)
    (small,) = compose([Path("people/1.jpg")], 1, seed=0, room=True)
    assert all(view.how and view.how.face for view in small)


def test_nobody_seen_is_nobody_identified() -> None:
    known = [KnownPerson("ann", "family", np.ones((2, 128), np.float32))]
    assert decide([], known) == ("unidentified", None, 0)


def test_a_household_of_colours_is_distinguished(tmp_path: Path, colours: tuple[ColourSight, EmbeddingReader]) -> None:
    _, looker = colours
    paint(tmp_path / "test/ann/dark.png", BLACK)
    labelled = folders.labelled(household_of(tmp_path))
    found = household.measure_household(labelled, looker, HouseholdPlan(visits=2), silent)
    assert found.pictures.named == Proportion(6, 7)
    assert found.pictures.wrong_name == Proportion(0, 7)
    assert found.pictures.strangers_called_family == Proportion(0, 4)
    assert found.visits.named.of == 4
    assert found.visits.strangers_called_family.of == 4
    assert found.people == {"ann": 3, "bob": 3}
    assert set(found.pictures.as_json()["decided"]) == {"count", "of", "rate", "low", "high"}


def test_no_face_to_enrol_is_one_line(tmp_path: Path, colours: tuple[ColourSight, EmbeddingReader]) -> None:
    _, looker = colours
    paint(tmp_path / "train/ann/0.png", BLACK)
    paint(tmp_path / "test/ann/0.png", BLACK)
    with pytest.raises(folders.Unusable, match="no face in any of the 1 pictures"):
        household.measure_household(folders.labelled(tmp_path), looker, HouseholdPlan(visits=1), silent)


def near(own_: float, other: float, who: str = "ann") -> Nearest:
    return Nearest(who, f"{who}.jpg", own_, other, "bob")


def strangers_at(*distances: float) -> list[Nearest]:
    far = [0.9] * (ENOUGH_STRANGERS - len(distances))
    return [near(np.inf, away, f"s{number}") for number, away in enumerate([*distances, *far])]


def test_the_advice_is_never_above_the_safe_floor() -> None:
    advice = advise([near(0.3, 0.9)], strangers_at())
    assert advice.threshold == MATCH_DISTANCE
    assert advice.named == Proportion(1, 1)


@pytest.mark.parametrize(("stranger", "threshold"), [(0.505, 0.5), (0.50, 0.49), (0.455, 0.45), (0.45, 0.44)])
def test_the_advice_is_below_the_nearest_stranger(stranger: float, threshold: float) -> None:
    assert advise([near(0.3, 0.9)], strangers_at(stranger)).threshold == threshold


def test_a_wrong_name_lowers_the_advice_and_a_right_one_does_not() -> None:
    assert advise([near(0.48, 0.46)], strangers_at()).threshold == 0.45
    assert advise([near(0.30, 0.46)], strangers_at()).threshold == MATCH_DISTANCE


def test_an_unsafe_threshold_is_refused_and_the_picture_named() -> None:
    advice = advise([near(0.3, 0.9)], strangers_at(0.35))
    assert advice.threshold is None
    assert "s0.jpg is at 0.35 from bob" in advice.why


def test_too_few_strangers_are_refused_and_counted() -> None:
    advice = advise([near(0.3, 0.9)], strangers_at()[:20])
    assert (advice.threshold, advice.needed) == (None, ENOUGH_STRANGERS - 20)
    assert f"{ENOUGH_STRANGERS - 20} more are needed" in advice.why
    faceless = [near(np.inf, np.inf, f"n{number}") for number in range(ENOUGH_STRANGERS)]
    assert advise([near(0.3, 0.9)], faceless).needed == ENOUGH_STRANGERS


def test_a_gallery_is_judged_photo_by_photo_without_itself() -> None:
    def person(name: str, *places: float) -> KnownPerson:
        vectors = np.zeros((len(places), 128), np.float32)
        vectors[:, 0] = places
        return KnownPerson(name, "family", vectors)

    known = [person("ann", 0.0, 0.2, 0.3), person("bob", 0.75, 0.85), person("carl", 2.0)]
    found = own.measure_gallery(known, [])
    ann, bob, carl = found.people
    assert (ann.own, ann.other, ann.whose) == (pytest.approx(0.1), pytest.approx(0.45), "bob")
    assert (bob.photos, carl.own) == (2, None)
    assert found.pictures.named == Proportion(5, 5)
    assert found.pictures.strangers_called_family == Proportion(
        2, 6
    )  # ann's last is 0.45 from bob, bob's first from ann
    assert advise(found.family, found.strangers).needed == ENOUGH_STRANGERS - 3
    alone_here = own.measure_gallery(known[:1], [])
    assert alone_here.people[0].other is None
    assert alone_here.pictures.strangers_called_family.of == 0


PAIRS = "file_x,file_y,same\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "line 2: a pair is file_x,file_y,same"),
        (PAIRS + "a.png,b.png,maybe\n", "line 2"),
        (PAIRS + "a.png,b.png,1\n", "pairs of one person and pairs of two"),
        (PAIRS, "pairs of one person and pairs of two"),
    ],
)
def test_pairs_that_cannot_be_used_are_one_line(
    tmp_path: Path, colours: tuple[ColourSight, EmbeddingReader], text: str, says: str
) -> None:
    paint(tmp_path / "a.png", RED)
    paint(tmp_path / "b.png", RED)
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(folders.Unusable, match=says):
        pairs.measure_pairs(tmp_path, colours[1], silent)


def test_pairs_of_colours(tmp_path: Path, colours: tuple[ColourSight, EmbeddingReader]) -> None:
    for name, colour in (("r1", RED), ("r2", RED), ("g", GREEN), ("dark", BLACK)):
        paint(tmp_path / f"{name}.png", colour)
    (tmp_path / "bad.png").write_text("no")
    rows = ["r1.png,r2.png,1", "r1.png,dark.png,1", "r1.png,g.png,0", "g.png,dark.png,0", "r1.png,bad.png,0"]
    (tmp_path / "pairs.csv").write_text(PAIRS + "\n".join(rows))
    found = pairs.measure_pairs(tmp_path, colours[1], silent)
    facts = found.as_json()
    assert (facts["same"], facts["different"], facts["no_face"]) == (2, 2, 2)
    assert facts["accuracy"] == 0.75
    assert facts["tar_at_far_1pct"] == 0.5
    assert facts["at"]["0.60"]["different_accepted"]["count"] == 0
    assert set(colours[1].bad) == {tmp_path / "bad.png"}


def opened(models: Path) -> VisionBackend:
    return LocalBackend("standard", [models])


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
def test_two_processes_distinguish_real_faces(tmp_path: Path, media: Path) -> None:
    models = Path(os.environ["KINWATCH_MODELS"])
    for name in ("me", "wife"):
        for number, file in enumerate(sorted((media / "retrain/train" / name).iterdir())[:6]):
            target = tmp_path / ("train" if number < 4 else "test") / name / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    (tmp_path / "test/people").mkdir()
    for file in sorted((media / "retrain/test/people").iterdir())[:3]:
        shutil.copy(file, tmp_path / "test/people")
    with EmbeddingCache(tmp_path / "embeddings.db") as cache:
        looker = EmbeddingReader(partial(opened, models), model("standard"), cache, jobs=2)
        found = household.measure_household(folders.labelled(tmp_path), looker, HouseholdPlan(visits=1), silent)
    assert found.pictures.named == Proportion(4, 4)
    assert found.visits.named == Proportion(2, 2)
    assert found.visits.strangers_called_family == Proportion(0, 3)
