import pytest

from benchmarks.evidence import measure


@pytest.mark.timeout(150)
@pytest.mark.mosquitto
def test_a_store_that_is_killed_again_and_again_loses_and_doubles_nothing() -> None:
    found = measure(visits=20, kills=4, seed=3)
    assert (found["stored"], found["lost"], found["doubled"]) == (20, 0, 0), found
