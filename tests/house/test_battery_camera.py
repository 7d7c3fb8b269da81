"""Pictures that any program publishes: one alone of a stranger, and some that lie on their side."""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from brain.visits.visit import ONE_PICTURE_REASON
from nerves.bus import open_link
from nerves.link import Link
from nerves.messages import People, Visit
from tests.faults import Broker
from tests.paths import ROOT
from tests.turned import turned
from tests.waiting import soon

pytestmark = [pytest.mark.media, pytest.mark.models, pytest.mark.mosquitto, pytest.mark.timeout(150)]


class House:
    """A brain on a broker, and a witness of what it says."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.visits: list[Visit] = []
        self.is_awake = False
        link.listen(Visit.pattern(), lambda topic, body: self.visits.append(Visit.read(topic, body)), qos=1)
        link.listen(People.pattern(), self._wake, qos=1)

    def of(self, place: str) -> list[Visit]:
        return [visit for visit in self.visits if visit.place == place]

    def _wake(self, _topic: str, _body: bytes) -> None:
        self.is_awake = True


@contextmanager
def house(folder: Path) -> Iterator[House]:
    with Broker() as broker, (folder / "log").open("wb") as log:
        env = {key: value for key, value in os.environ.items() if key != "KINWATCH_CONFIG"}
        env |= {
            "KINWATCH_DATA_DIR": str(folder / "data"),
            "KINWATCH_MQTT__URL": broker.url,
            "KINWATCH_BRAIN__PACK": "standard",
        }
        command = [sys.executable, "-m", "kinwatch", "think"]
        link = open_link(broker.url, "witness", durable=False)
        found = House(link)
        brain = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log)
        try:
            with link:
                soon(lambda: found.is_awake, 60, (folder / "log").read_text)
                yield found
        finally:
            brain.terminate()
            brain.wait(30)


def test_one_picture_of_a_stranger_rings_and_family_on_its_side_does_not(
    tmp_path: Path, media: Path, enrolled: Callable[[str], Path]
) -> None:
    shutil.copytree(enrolled("standard"), tmp_path / "data")
    with Image.open(media / "stills" / "coral_person_grace_hopper.jpg") as picture:
        stranger = turned(picture.convert("RGB"), 8)
    photos = []
    for name in ("me_00.jpg", "me_03.jpg", "me_05.jpg"):
        with Image.open(media / "family" / "me" / name) as photo:
            photos.append(turned(photo.convert("RGB"), 6, order=">"))
    with house(tmp_path) as seen:
        seen.link.offer("kinwatch/doorbell/frame", stranger)

        def is_named() -> bool:
            for photo in photos:
                seen.link.offer("kinwatch/hall/frame", photo)
            return any(visit.who == "me" for visit in seen.of("hall"))

        soon(is_named, 60, pause_s=0.5)
        soon(lambda: any(visit.alert for visit in seen.of("doorbell")), 60)
    alert = next(visit for visit in seen.of("doorbell") if visit.alert)
    assert alert.verdict == "unidentified"
    assert ONE_PICTURE_REASON in alert.reasons
    assert not any(visit.alert for visit in seen.of("hall"))
    # The stored picture is wider than high; she sits upright in it.
    assert alert.picture is not None
    with Image.open(io.BytesIO(alert.picture)) as shown:
        assert shown.height > shown.width
