from pathlib import Path
from threading import Event

from brain.people.gallery import Gallery
from brain.process.album_writer import Keepsakes
from brain.process.loop import Thinker
from brain.process.state import Memory
from brain.settings.brain import BrainSettings
from brain.visits.brain import Brain
from nerves.loopback import Loopback, LoopbackLink
from nerves.messages import People
from nerves.process import Life
from tests.test_brain_gallery import photo
from tests.test_brain_think import Table, nobody
from tests.test_nerves_daemon import soon


def test_who_is_known_is_told_when_it_changes_and_to_whoever_comes_later(tmp_path: Path) -> None:
    bus, heard = Loopback(), list[tuple[str, ...]]()

    def hear(topic: str, payload: bytes) -> None:
        heard.append(tuple(known.name for known in People.read(topic, payload).people))

    gallery = Gallery(tmp_path / "gallery.db")
    settings = BrainSettings()
    link = LoopbackLink(bus, "brain")
    with Memory(tmp_path / "brain.db") as memory, link:
        keepsakes = Keepsakes(tmp_path / "album.db", settings.album)
        brain = Brain(Table(nobody), gallery, settings)
        thinker = Thinker(brain, memory, keepsakes, Life("brain", link, Event()))
        thinker.tell_people(gallery, link)
        gallery.learn("Alice", [photo(1)], group="family")
        for _ in range(3):
            thinker.tell_people(gallery, link)
        late = LoopbackLink(bus, "late")
        late.listen(People.pattern(), hear, qos=1)
        with late:
            gallery.forget("Alice")
            thinker.tell_people(gallery, link)
            assert soon(lambda: len(heard) == 2)
        keepsakes.close()
    gallery.close()
    assert heard == [("Alice",), ()]
