"""The running brain stores what it knows, and starts from it."""

from collections.abc import Callable
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest

from brain.people.gallery import Gallery
from brain.process.loop import run as run_brain
from brain.process.state import BrainState
from brain.settings.brain import BrainSettings
from nerves.bus import open_link
from nerves.link import Link
from nerves.messages import Presence, Status, now
from nerves.settings import HouseSettings
from tests.backends import Blind
from tests.brain.people.test_gallery import photo
from tests.waiting import interrupting, soon


def lived(folder: Path, gallery: Gallery, happens: Callable[[Link, list[str]], object]) -> list[str]:
    """Run the brain while something happens, and return the modes in force that its status has said."""
    url, modes = f"loopback://{uuid4()}", list[str]()
    link = open_link(url, "family", durable=False)

    def hear(topic: str, body: bytes) -> None:
        if mode := Status.read(topic, body).mode:
            modes.append(mode)

    def live() -> None:
        with interrupting():
            assert soon(lambda: modes)
            happens(link, modes)

    link.listen("kinwatch/status/brain", hear, qos=1)
    with link:
        thread = Thread(target=live)
        thread.start()
        run_brain(HouseSettings(data_dir=folder), BrainSettings(), Blind(), gallery, url)
        thread.join()
    return modes


def alice_leaves(link: Link, modes: list[str]) -> None:
    presence = Presence(place="phones", person="Alice", home=False)
    assert link.post(presence.topic, presence.payload()).wait(20)
    assert soon(lambda: modes[-1] == "away", 20)


@pytest.mark.timeout(60)
def test_a_brain_that_is_started_again_knows_who_is_out_and_says_the_mode_in_force(tmp_path: Path) -> None:
    with BrainState(tmp_path / "brain.db") as state:
        state.mode = "auto"
    with Gallery(tmp_path / "gallery.db") as gallery:
        gallery.learn("Alice", [photo(1)])
        modes = lived(tmp_path, gallery, alice_leaves)
        assert (modes[0], modes[-1]) == ("home", "away")
        with BrainState(tmp_path / "brain.db") as state:
            memory = state.memory(now(), frozenset())
        assert memory is not None
        assert [report.is_home for report in memory.log.phones["Alice"]] == [False]
        assert lived(tmp_path, gallery, lambda _, __: None)[0] == "away"
