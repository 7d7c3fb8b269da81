"""A camera's health, on real scenes that these tests cover, freeze and darken."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from nerves.database import Database
from nerves.errors import CameraLost
from nerves.messages import Trouble
from nerves.services import Context
from senses.camera import CameraSettings, live, video, watching
from senses.camera.health import Health
from senses.camera.recorded import recording
from senses.camera.shot import Away, Shot
from senses.camera.stored_health import StoredHealth
from senses.closer import CloserLook
from senses.motion import Grey

pytestmark = pytest.mark.timeout(90)

FPS = 3
Make = Callable[[int], Grey | None]
rng = np.random.default_rng(5)
NOISE = rng.normal(0, 1, 1_000_000)


def noisy(grey: npt.NDArray[np.generic], sigma: float = 1.5) -> Grey:
    start = int(rng.integers(NOISE.size - grey.size))
    noise = sigma * NOISE[start : start + grey.size].reshape(grey.shape)
    return np.clip(np.asarray(grey, float) + noise, 0, 255).round().astype(np.uint8)


@pytest.fixture(scope="module")
def scenes(media: Path) -> list[Grey]:
    paths = sorted((media / "stills").glob("*.jpg"))
    greys = [video.grey(path.read_bytes()) for path in paths]
    assert len(greys) > 40
    return [grey for grey in greys if grey is not None]


def watched(health: Health, make: Make, seconds: range, *, fps: float = FPS) -> list[tuple[float, str]]:
    reports = []
    for number in range(int(seconds.start * fps), int(seconds.stop * fps)):
        report = health.check(make(number), number / fps)
        if report:
            reports.append((number / fps, report.what))
    return reports


COVERS: dict[str, tuple[str, Callable[[Grey], Grey]]] = {
    "black tape": ("covered", lambda grey: noisy(np.full(grey.shape, 12.0), 4)),
    "tape, much gain": ("covered", lambda grey: noisy(np.full(grey.shape, 25.0), 8)),
    "paper": ("covered", lambda grey: noisy(np.full(grey.shape, 140.0), 2)),
    "a hand, light at one side": (
        "covered",
        lambda grey: noisy(np.tile(20 + 100 * np.linspace(0, 1, grey.shape[1]) ** 3, (grey.shape[0], 1)), 3),
    ),
    "a cap, no noise": ("blind", np.zeros_like),
}


@pytest.mark.media
@pytest.mark.parametrize("cover", COVERS)
def test_a_covered_camera_is_reported_within_30_s_and_recovers(scenes: list[Grey], cover: str) -> None:
    what, make = COVERS[cover]
    scene, health = scenes[0], Health()
    assert not watched(health, lambda _: noisy(scene), range(30))
    ((at, state),) = watched(health, lambda _: make(scene), range(30, 90))
    assert state == what
    assert 10 <= at - 30 <= 30
    ((at, state),) = watched(health, lambda _: noisy(scene), range(90, 120))
    assert state == "recovered"
    assert at - 90 <= 10


@pytest.mark.media
@pytest.mark.parametrize("light", [1.0, 0.3, 0.1])
def test_no_scene_is_reported_by_day_or_in_low_light(scenes: list[Grey], light: float) -> None:
    for scene in scenes[::2]:
        reports = watched(Health(), lambda _, scene=scene: noisy(scene * light), range(17), fps=1)  # type: ignore[misc]
        assert not reports


@pytest.mark.media
@pytest.mark.parametrize("light", [0.03, 0.02])
def test_a_scene_in_the_dark_is_not_covered(scenes: list[Grey], light: float) -> None:
    state = [
        what
        for scene in scenes[::2]
        for _, what in watched(Health(), lambda _, scene=scene: noisy(scene * light), range(17), fps=1)  # type: ignore[misc]
    ]
    assert {*state} == {"dark"}
    assert len(state) > len(scenes) // 6


@pytest.mark.media
def test_darkness_is_reported_within_30_s_and_recovers_with_the_light(scenes: list[Grey]) -> None:
    scene, health = scenes[0], Health()
    assert not watched(health, lambda _: noisy(scene), range(30))
    ((at, state),) = watched(health, lambda _: noisy(scene * 0.02), range(30, 90))
    assert state == "dark"
    assert 10 <= at - 30 <= 30
    assert not watched(health, lambda _: noisy(np.full(scene.shape, 6.0), 2), range(90, 150)), "darker is not covered"
    ((at, state),) = watched(health, lambda _: noisy(scene * 0.2), range(150, 180))
    assert state == "recovered"
    assert at - 150 <= 10


def blurred(grey: Grey, pixels: float) -> Grey:
    return noisy(cv2.GaussianBlur(grey, (0, 0), pixels))


@pytest.mark.media
@pytest.mark.parametrize("pixels", [2, 3, 6])
def test_a_blurred_lens_is_reported_within_30_s_and_recovers(scenes: list[Grey], pixels: float) -> None:
    for scene in scenes[::15]:
        health = Health()
        assert not watched(health, lambda _, scene=scene: noisy(scene), range(30), fps=1)  # type: ignore[misc]
        make = lambda _, scene=scene: blurred(scene, pixels)  # noqa: E731
        ((at, state),) = watched(health, make, range(30, 90), fps=1)  # type: ignore[arg-type]
        assert state == "blurred"
        assert 10 <= at - 30 <= 30
        ((at, state),) = watched(health, lambda _, scene=scene: noisy(scene), range(90, 120), fps=1)  # type: ignore[misc]
        assert state == "recovered"
        assert at - 90 <= 10


@pytest.mark.media
def test_a_lens_that_was_never_sharp_is_reported(scenes: list[Grey]) -> None:
    for scene in scenes[::12]:
        make = lambda _, scene=scene: blurred(scene, 3)  # noqa: E731
        assert [state for _, state in watched(Health(), make, range(60), fps=1)] == ["blurred"]  # type: ignore[arg-type]


@pytest.mark.media
def test_a_slightly_soft_picture_is_not_reported(scenes: list[Grey]) -> None:
    for scene in scenes[::12]:
        make = lambda _, scene=scene: blurred(scene, 0.7)  # noqa: E731
        assert not watched(Health(), make, range(60), fps=1)  # type: ignore[arg-type]


def close_up(scene: Grey, person: Grey, share: float) -> Grey:
    """Return a scene with a person close to the lens, out of focus."""
    height, width = scene.shape
    soft = cv2.GaussianBlur(cv2.resize(person, (width, height)), (0, 0), 3)
    mask = np.zeros(scene.shape, np.float32)
    left = round(width * (1 - share) / 2)
    mask[:, left : width - left] = 1
    mask = cv2.GaussianBlur(mask, (0, 0), 5)
    return noisy(scene * (1 - mask) + soft * mask)


@pytest.mark.media
@pytest.mark.parametrize("share", [0.6, 0.9, 1.0])
def test_a_person_close_to_the_lens_for_a_minute_is_no_blur(scenes: list[Grey], media: Path, share: float) -> None:
    person = video.grey((media / "family" / "me" / "me_00.jpg").read_bytes())
    assert person is not None
    for scene in scenes[::12]:
        health = Health()
        assert not watched(health, lambda _, scene=scene: noisy(scene), range(30), fps=1)  # type: ignore[misc]
        make = lambda _, scene=scene: close_up(scene, person, share)  # noqa: E731
        assert not watched(health, make, range(30, 90), fps=1)  # type: ignore[arg-type]


@pytest.mark.media
def test_day_and_night_and_day_are_no_blur(scenes: list[Grey]) -> None:
    for scene in scenes[::12]:
        infrared = cv2.GaussianBlur(scene, (0, 0), 0.6) * 0.5 + 30
        make = lambda number, scene=scene, infrared=infrared: (  # noqa: E731
            noisy(infrared, 2) if number // 60 % 2 else noisy(scene)
        )
        assert not watched(Health(), make, range(240), fps=1)  # type: ignore[arg-type]


def clocked(grey: Grey, second: int) -> Grey:
    """Return the picture as most cameras send it: with the time and a name."""
    grey = grey.copy()
    cv2.putText(grey, f"2026-11-21 15:52:{second % 60:02}", (180, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.35, 255)
    cv2.putText(grey, "HALL", (4, grey.shape[0] - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.35, 255)
    return grey


@pytest.mark.media
@pytest.mark.parametrize("cover", COVERS)
def test_a_clock_in_the_picture_hides_no_cover(scenes: list[Grey], cover: str) -> None:
    what, make = COVERS[cover]
    health = Health()
    assert not watched(health, lambda number: clocked(noisy(scenes[0]), number), range(30), fps=1)
    reports = watched(health, lambda number: clocked(make(scenes[0]), number), range(30, 70), fps=1)
    assert [state for _, state in reports] == [what]


@pytest.mark.media
def test_a_clock_in_the_picture_hides_no_blur(scenes: list[Grey]) -> None:
    health = Health()
    assert not watched(health, lambda number: clocked(noisy(scenes[0]), number), range(30), fps=1)
    reports = watched(health, lambda number: clocked(blurred(scenes[0], 3), number), range(30, 70), fps=1)
    assert [state for _, state in reports] == ["blurred"]


def test_the_room_of_the_demo_is_not_reported() -> None:
    pytest.importorskip("skimage", reason="scikit-image is not installed")
    from kinwatch.demo.scene.room import empty_room, with_noise  # noqa: PLC0415

    generator = np.random.default_rng(1)
    make = lambda _: video.grey(with_noise(empty_room(), generator))  # noqa: E731
    assert not watched(Health(), make, range(120), fps=1)


@pytest.mark.media
def test_a_frozen_camera_is_reported_within_30_s_and_recovers(scenes: list[Grey]) -> None:
    health, last = Health(), noisy(scenes[2])
    assert not watched(health, lambda _: noisy(scenes[2]), range(20))
    ((at, state),) = watched(health, lambda _: last, range(20, 80))
    assert state == "frozen"
    assert at - 20 <= 30
    ((at, state),) = watched(health, lambda _: noisy(scenes[2]), range(80, 100))
    assert state == "recovered"


@pytest.mark.media
def test_an_empty_room_with_a_sensor_s_noise_is_not_frozen(scenes: list[Grey]) -> None:
    assert not watched(Health(), lambda _: noisy(scenes[3], 0.3), range(300), fps=2)


@pytest.mark.media
def test_a_slow_still_camera_is_reported_frozen_only_once(scenes: list[Grey]) -> None:
    stills = [noisy(scenes[4]) for _ in range(20)]
    reports = watched(Health(), lambda number: stills[number // FPS // 60], range(1100))
    assert [state for _, state in reports] == ["frozen", "recovered"]
    assert reports[-1][0] < 70


@pytest.mark.media
def test_a_short_touch_is_not_reported(scenes: list[Grey]) -> None:
    make = COVERS["paper"][1]
    reports = watched(
        Health(), lambda number: make(scenes[0]) if number // FPS % 20 < 8 else noisy(scenes[0]), range(200)
    )
    assert not reports


def test_a_camera_whose_pictures_cannot_be_decoded_is_blind() -> None:
    ((at, state),) = watched(Health(), lambda _: None, range(60))
    assert (at, state) == (15, "blind")


def test_an_absent_camera_is_reported_once_and_recovers() -> None:
    health = Health()
    report = health.camera_away("no route to host")
    assert report == ("offline", "no route to host")
    assert health.camera_away("no route to host") is None
    assert [state for _, state in watched(health, lambda _: noisy(_checks()), range(100, 110))] == ["recovered"]


def test_a_camera_that_returns_only_for_a_moment_has_not_recovered() -> None:
    health = Health("offline")
    assert health.check(_checks(), 100) is None
    assert health.camera_away("no route to host") is None
    assert [state for state, _ in watched(health, lambda _: noisy(_checks()), range(200, 210))] == [203]


@pytest.mark.parametrize("rests", [False, True])
def test_a_frozen_camera_stays_frozen_after_a_restart_until_its_picture_changes(rests: bool) -> None:  # noqa: FBT001
    health = Health("frozen")
    assert not watched(health, lambda _: _checks(), range(60))
    if rests:
        health.reset()
        assert not watched(health, lambda _: _checks(), range(60, 120))
        health.reset()
    reports = watched(health, lambda _: noisy(_checks()), range(120, 140))
    assert reports == [(123, "recovered")]


def _checks() -> Grey:
    return np.kron(np.indices((6, 10)).sum(axis=0) % 2, np.ones((30, 32))).astype(np.uint8) * 200


def test_the_camera_publishes_its_trouble_between_its_frames() -> None:
    settings = CameraSettings(kind="camera", place="hall", source="0")

    def shots() -> Iterator[Shot | Away]:
        for number in range(60 * FPS):
            grey = noisy(_checks() if number < 10 * FPS else np.full((180, 320), 90.0))
            yield Shot(np.dstack([grey] * 3), datetime.now(UTC), number / FPS)
        yield Away("its line is cut")
        yield Away("its line is cut")

    reports = [
        item for item in watching.reported(shots(), settings, CloserLook(), Health()) if isinstance(item, Trouble)
    ]
    assert [(trouble.place, trouble.what) for trouble in reports] == [("hall", "covered"), ("hall", "offline")]
    assert reports[1].detail == "its line is cut"


def test_a_trouble_from_before_a_restart_recovers(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "hall.db")) as database:
        stored = StoredHealth(Context(database, lambda _: None, lambda _: None))
        assert stored.last_reported() == "recovered"
        stored.store("covered")
        assert stored.last_reported() == "covered"
        health = Health(stored.last_reported())
    assert [state for _, state in watched(health, lambda _: noisy(_checks()), range(20))] == ["recovered"]


def test_a_camera_is_away_only_if_it_does_not_come_back_at_once() -> None:
    shot = Shot(b"", datetime.now(UTC), 0)
    tries = [True, True, False, False, True]

    def connect() -> live.Shots:
        if not tries.pop(0):
            raise CameraLost("no answer")  # noqa: EM101, TRY003
        yield shot

    found = list(islice(live.lasting(connect, name="hall", pause=lambda _: not tries), 5))
    assert found == [shot, shot, Away("no answer"), Away("no answer"), shot]


@pytest.mark.media
def test_no_clip_of_the_collection_is_reported(media: Path) -> None:
    for path in sorted((media / "clips").glob("*.mp4")):
        health = Health()
        greys = [video.grey(frame.jpeg) for frame in islice(recording(path, fps=2), 40)]
        reports = watched(health, lambda number, greys=greys: noisy(greys[number % len(greys)]), range(40), fps=2)  # type: ignore[misc]
        assert not reports
