"""What the tests of the cascade share: the stand-in, the clips and a data folder that knows the family."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from brain.cloud.client import Cloud
from brain.cloud.ledger import CallLedger
from brain.settings.rekognition import RekognitionSettings
from tests.brain.cloud.cascade_clips import Scene, a_photo, half
from tests.buckets import KEYS
from tests.rekognition import Rekognition


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return Scene()


@pytest.fixture
def aws(scene: Scene, tmp_path: Path) -> Iterator[Rekognition]:
    with Rekognition(scene) as aws:
        settings = RekognitionSettings(endpoint_url=aws.url)
        with CallLedger(tmp_path / "setup.db", settings) as ledger:
            cloud = Cloud(settings, ledger)
            cloud.create()
            for number, name in enumerate(("me", "wife")):
                scene.who = name
                cloud.index(name, f"{number:064x}", a_photo())
            cloud.close()
        aws.calls.clear()
        aws.sent.clear()
        yield aws


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory, enrolled: Callable[[str], Path]) -> Path:
    """A data folder that knows `me` and `wife`."""
    return shutil.copytree(enrolled("standard"), tmp_path_factory.mktemp("family") / "data")


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory, media: Path) -> dict[str, Path]:
    folder, both = tmp_path_factory.mktemp("clips"), media / "clips" / "me_and_wife_facing.mp4"
    return {
        "me": half(both, folder / "me.mp4", left=False),
        "wife": half(both, folder / "wife.mp4", left=True),
        "long": half(both, folder / "long.mp4", left=True, times=3),
        "visits": half(both, folder / "visits.mp4", left=True, empty_s=4),
        "large": half(both, folder / "large.mp4", left=True, size=(480, 270)),
    }
