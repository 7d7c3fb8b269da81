"""What tests need of the outside: labelled pictures, model files, a broker; without them they skip and say so."""

import logging
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import pytest

from brain.models.files import MODEL_FILES
from tests import lastwords
from tests.faults import MOSQUITTO
from tests.once import made_once
from tests.paths import ROOT
from tests.waiting import scaled

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# A shared machine may pause for a second: how long an example takes says nothing.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


def packages() -> dict[str, str]:
    """Return the Debian package of each program that the tests may start, as scripts/programs declares them."""
    lines = (ROOT / "scripts" / "programs").read_text().splitlines()
    declared = [line.split() for line in lines if line and not line.startswith("#")]
    return {name: package for programs, package, *_ in declared for name in programs.split("|")}


def lacks(program: str) -> str | None:
    """Return what to say if a program is not here."""
    package = packages()[program]
    here = MOSQUITTO if program == "mosquitto" else shutil.which(program)
    return None if here else f"{program} is not installed (Debian: apt install {package})"


def limit_of(item: pytest.Item) -> float:
    """Return the seconds that a test may take, before they are scaled: its marker's, or the default."""
    marker = item.get_closest_marker("timeout")
    default = item.config.getoption("timeout") or item.config.getini("timeout")
    return float(marker.args[0] if marker else default)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Scale the timeout of a test as the machine needs it when the test begins."""
    item.add_marker(pytest.mark.timeout(scaled(limit_of(item))), append=False)
    return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip_what_cannot_run(items)
    if items and hasattr(items[0].config, "workerinput"):
        sort_longest_files_first(items)


def sort_longest_files_first(items: list[pytest.Item]) -> None:
    """Sort files by what their tests may take beyond the default: a worker that begins a long file last works alone."""
    extra_s: Counter[Path] = Counter()
    for item in items:
        default_s = float(item.config.getini("timeout"))
        extra_s[item.path] += round(max(0.0, limit_of(item) - default_s))
    items.sort(key=lambda item: -extra_s[item.path])


def lacks_models() -> str | None:
    """Return why there are no model files to test with; None if all are there."""
    folder = os.environ.get("KINWATCH_MODELS")
    if not folder:
        return "KINWATCH_MODELS is not set"
    lacking = [name for name in MODEL_FILES if not (Path(folder) / name).is_file()]
    return f"{folder} lacks {', '.join(lacking)}: scripts/test fetches them once" if lacking else None


def skip_what_cannot_run(items: list[pytest.Item]) -> None:
    reasons = {
        "chromium": None
        if CHROMIUM and find_spec("playwright")
        else "chromium (Debian: apt install chromium) or the package playwright is not installed",
        "hass": None if os.environ.get("KINWATCH_TEST_HASS") else "KINWATCH_TEST_HASS is not set",
        "node": None
        if shutil.which("node") and os.environ.get("KINWATCH_TEST_NODE")
        else "node is not installed, or KINWATCH_TEST_NODE is not set (the node_modules of `npm install mqtt`)",
        "media": None if os.environ.get("KINWATCH_TEST_MEDIA") else "KINWATCH_TEST_MEDIA is not set",
        "espeak": lacks("espeak-ng"),
        "pocketsphinx": None if find_spec("pocketsphinx") else "there is no pocketsphinx for this Python",
        "models": lacks_models(),
        "mosquitto": lacks("mosquitto"),
    }
    for item in items:
        for marker, reason in reasons.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
        for program in (name for marker in item.iter_markers("programs") for name in marker.args):
            if reason := lacks(program):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def _last_words(pytestconfig: pytest.Config) -> Iterator[None]:
    with lastwords.kept(pytestconfig):
        yield


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """Restore the level of our logger: a command that is run in this process, such as `people --json`, silences it."""
    level = logging.getLogger("nerves").level
    yield
    logging.getLogger("nerves").setLevel(level)


@pytest.fixture(scope="session")
def media() -> Path:
    folder = os.environ.get("KINWATCH_TEST_MEDIA")
    if not folder:
        pytest.skip("KINWATCH_TEST_MEDIA is not set")
    return Path(folder)


@pytest.fixture(scope="session")
def enrolled(tmp_path_factory: pytest.TempPathFactory, media: Path) -> Callable[[str], Path]:
    """Return the data folder that knows `me` and `wife` by a model pack: to be copied, for all tests share it."""

    def enroll(data: Path, pack: str) -> None:
        for name in ("me", "wife"):
            photos = map(str, sorted((media / "family" / name).glob("*.jpg")))
            command = [sys.executable, "-m", "kinwatch", "enroll", name, *photos, "--pack", pack]
            env = os.environ | {"KINWATCH_DATA_DIR": str(data)}
            done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr

    return lambda pack: made_once(tmp_path_factory, f"enrolled-{pack}", lambda data: enroll(data, pack))


@pytest.fixture(scope="session")
def home_assistant() -> Path:
    """The environment that has Home Assistant."""
    return Path(os.environ["KINWATCH_TEST_HASS"])
