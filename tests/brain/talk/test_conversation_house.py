"""Words to the real brain over a real broker, with two people in view: what is answered, told, learned and armed."""

import io
import itertools
import json
import os
import signal
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
from PIL import Image

from brain.people.gallery import Gallery, Photo
from brain.process.loop import run as run_brain
from brain.settings.brain import BrainSettings
from brain.vision.backend import DetectedObject, Face, FaceEmbedding
from brain.vision.picture import Picture
from nerves.bus import open_link
from nerves.messages import Box, Heard, Label, Visit
from nerves.settings import HouseSettings
from tests.faults import Broker
from tests.people import face, faces
from tests.waiting import soon

ALICE, BOB, NOBODY = 5, 6, 7
LEFT, RIGHT = Box(0.1, 0.2, 0.2, 0.8), Box(0.6, 0.2, 0.2, 0.8)


class Hall:
    """A sight that sees Alice on the left and somebody unknown on the right, in every picture."""

    name, min_person_score = "hall", 0.4

    def detect(self, _: Picture) -> list[DetectedObject]:
        return [DetectedObject("person", LEFT, 0.9), DetectedObject("person", RIGHT, 0.9)]

    def find_faces(self, _: Picture, within: Box | None = None) -> list[Face]:
        sides = [side for side in (LEFT, RIGHT) if within and abs(within.x - side.x) < 0.15]
        return [Face(Box(side.x + 0.06, 0.22, 0.08, 0.12), 0.9, 80) for side in sides]

    def identify(self, _: Picture, _face: Face) -> None:
        return

    def embed(self, picture: Picture, found: Face) -> FaceEmbedding | None:
        whose = ALICE if found.box.x < 0.4 else NOBODY
        return FaceEmbedding(faces(whose, 90, alike=0.4)[picture.width - 64], found.width, 50.0, 0.0, 1.0)


def jpeg(number: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.zeros((64, 64 + number, 3), np.uint8)).save(out, "JPEG")
    return out.getvalue()


class Family:
    """Who speaks to the house, and what comes of it."""

    def __init__(self, url: str) -> None:
        self.said: list[tuple[str, str]] = []
        self.visits: list[Visit] = []
        self.told: list[Label] = []
        self.modes: list[bytes] = []
        self.link = open_link(url, "family", durable=False)
        self.link.listen("kinwatch/+/say", self._hear, qos=1)
        self.link.listen("kinwatch/+/visit", lambda *it: self.visits.append(Visit.read(*it)), qos=1)
        self.link.listen("kinwatch/+/label", lambda *it: self.told.append(Label.read(*it)), qos=1)
        self.link.listen("kinwatch/mode", lambda _, body: self.modes.append(body), qos=1)

    def say(self, *sentences: str, place: str = "hall") -> str:
        """Say something at a place; return what is answered there at last."""
        for words in sentences:
            count, fact = len(self.said), Heard(place=place, words=words)
            assert self.link.post(fact.topic, fact.payload()).wait(20)
            assert soon(lambda count=count: len(self.said) > count, 40), words  # type: ignore[misc]
        assert self.said[-1][0] == f"kinwatch/{place}/say"
        return self.said[-1][1]

    def shows(self, verdict: str, who: str | None = None) -> Visit | None:
        return next((visit for visit in self.visits if (visit.verdict, visit.who) == (verdict, who)), None)

    def _hear(self, topic: str, body: bytes) -> None:
        self.said.append((topic, json.loads(body)["words"]))


def stand_there(url: str, gone: Event) -> None:
    link = open_link(url, "camera", durable=False)
    with link:
        for number in itertools.count():
            link.offer("kinwatch/hall/frame", jpeg(number % 80))
            if gone.wait(0.3):
                return


def talk(family: Family) -> None:
    assert soon(lambda: family.modes, 40)
    assert soon(lambda: family.shows("family", "Alice"), 40)
    assert soon(lambda: family.shows("stranger"), 40)
    unknown = family.shows("stranger")
    assert unknown
    assert family.say("Who do you see?") == "I see Alice and somebody I don't know."
    assert family.say("qui vois-tu ?", place="kitchen") == "Je vois Alice et quelqu'un que je ne connais pas."
    assert family.say("c'est Mallory") == "Je ne connais personne du nom de Mallory. Enregistrez d'abord son visage."
    assert family.say("this is Bob", "no") == "Very well, I leave it."
    assert not family.told
    assert family.say("c'est bob") == "Est-ce Bob que je vois ? Dites oui."
    assert family.say("oui") == "Je me souviendrai de Bob."
    assert soon(lambda: family.told, 40)
    assert [(told.visit, told.who, told.group) for told in family.told] == [(unknown.visit, "Bob", "guest")]
    assert soon(lambda: family.shows("guest", "Bob"), 40)
    named = family.shows("guest", "Bob")
    assert named
    assert (named.visit, named.phase) == (unknown.visit, "corrected")
    assert family.say("qui vois-tu") == "Je vois Alice et Bob, qui est invité."
    assert family.say("arm the house") == "Arm the house? Say yes."
    assert family.say("yes") == "The house is armed."
    assert soon(lambda: family.modes[-1] == b"away", 40)
    assert family.say("désarme la maison") == "Je n'ai pas le droit de désarmer à la voix."
    assert family.say("bonne nuit", "oui") == "Bonne nuit. Je surveille la maison."
    assert soon(lambda: family.modes[-1] == b"night", 40)
    assert family.modes == [b"home", b"away", b"night"]


@pytest.mark.mosquitto
@pytest.mark.timeout(240)
def test_a_family_speaks_to_its_house(tmp_path: Path) -> None:
    failures: list[BaseException] = []
    gone = Event()

    def live(url: str) -> None:
        family = Family(url)
        try:
            with family.link:
                assert family.link.wait_connected(20)
                talk(family)
        except BaseException as error:  # noqa: BLE001 - raised below
            failures.append(error)
        finally:
            gone.set()
            os.kill(os.getpid(), signal.SIGINT)

    with Broker() as broker, Gallery(tmp_path / "gallery.db") as gallery:
        gallery.learn("Alice", [Photo(face(ALICE, number), str(number), "a") for number in range(5)])
        gallery.learn("Bob", [Photo(face(BOB, number), str(number), "b") for number in range(5)], group="guest")
        threads = [Thread(target=live, args=[broker.url]), Thread(target=stand_there, args=[broker.url, gone])]
        for thread in threads:
            thread.start()
        run_brain(HouseSettings(data_dir=tmp_path), BrainSettings(), Hall(), gallery, broker.url)
        for thread in threads:
            thread.join()
    for failure in failures:
        raise failure
