"""What tests need of the outside: labelled pictures, model files, a broker; without them they skip and say so."""

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import pytest

from tests import lastwords
from tests.faults import MOSQUITTO

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# A shared machine may pause for a second: how long an example takes says nothing.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reasons = {
        "chromium": None
        if CHROMIUM and find_spec("playwright")
        else "chromium or the package playwright is not installed",
        "hass": None if os.environ.get("KINWATCH_TEST_HASS") else "KINWATCH_TEST_HASS is not set",
        "node": None
        if shutil.which("node") and os.environ.get("KINWATCH_TEST_NODE")
        else "node is not installed, or KINWATCH_TEST_NODE is not set (the node_modules of `npm install mqtt`)",
        "media": None if os.environ.get("KINWATCH_TEST_MEDIA") else "KINWATCH_TEST_MEDIA is not set",
        "espeak": None if shutil.which("espeak-ng") else "espeak-ng is not installed",
        "models": None if os.environ.get("KINWATCH_MODELS") else "KINWATCH_MODELS is not set",
        "mosquitto": None if MOSQUITTO else "mosquitto is not installed",
    }
    for item in items:
        for marker, reason in reasons.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def _last_words(pytestconfig: pytest.Config) -> Iterator[None]:
    with lastwords.kept(pytestconfig):
        yield


@pytest.fixture(scope="session")
def media() -> Path:
    folder = os.environ.get("KINWATCH_TEST_MEDIA")
    if not folder:
        pytest.skip("KINWATCH_TEST_MEDIA is not set")
    return Path(folder)


@pytest.fixture(scope="session")
def home_assistant() -> Path:
    """The environment that has Home Assistant."""
    return Path(os.environ["KINWATCH_TEST_HASS"])
