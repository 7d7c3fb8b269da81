"""What tests need of the outside: labelled pictures, model files, a broker; without them they skip and say so."""

import os
from pathlib import Path

import hypothesis
import pytest

from tests.faults import MOSQUITTO

# A shared machine may pause for a second: how long an example takes says nothing.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reasons = {
        "media": None if os.environ.get("KINWATCH_TEST_MEDIA") else "KINWATCH_TEST_MEDIA is not set",
        "models": None if os.environ.get("KINWATCH_MODELS") else "KINWATCH_MODELS is not set",
        "mosquitto": None if MOSQUITTO else "mosquitto is not installed",
    }
    for item in items:
        for marker, reason in reasons.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def media() -> Path:
    folder = os.environ.get("KINWATCH_TEST_MEDIA")
    if not folder:
        pytest.skip("KINWATCH_TEST_MEDIA is not set")
    return Path(folder)
