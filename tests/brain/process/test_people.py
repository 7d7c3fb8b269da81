from pathlib import Path

from brain.people.gallery import Gallery
from brain.process.album_writer import AlbumWriter
from brain.process.loop import BrainLoop
from brain.process.state import BrainState
from brain.settings.brain import BrainSettings
from brain.talk.conversation import Conversation
from brain.visits.brain import Brain
from nerves.loopback import Loopback, LoopbackLink
from nerves.messages import People
from tests.brain.people.test_gallery import photo
from tests.brain.visits.test_brain import Table, nobody
from tests.waiting import soon


def test_groups_are_published_with_the_names(tmp_path: Path) -> None:
    bus, heard = Loopback(), list[People]()
    settings, link = BrainSettings(), LoopbackLink(bus, "brain")
    late = LoopbackLink(bus, "late")
    late.listen(People.pattern(), lambda topic, body: heard.append(People.read(topic, body)), qos=1)
    with Gallery(tmp_path / "gallery.db") as gallery, BrainState(tmp_path / "brain.db") as memory, link:
        gallery.learn("Alice", [photo(1)])
        gallery.learn("Maria", [photo(2)], group="known", hours=["Tue 09:00-12:00"])
        keepsakes = AlbumWriter(tmp_path / "album.db", settings.album)
        brain = Brain(Table(nobody), gallery, settings)
        BrainLoop(brain, gallery, memory, keepsakes, Conversation(settings.answer)).publish_people(link)
        with late:  # the message is retained
            assert soon(lambda: heard)
        keepsakes.close()
    assert [(one.name, one.group) for one in heard[0].people] == [("Alice", "family"), ("Maria", "known")]


def test_the_known_people_are_published_on_change_and_retained(tmp_path: Path) -> None:
    bus, heard = Loopback(), list[tuple[str, ...]]()

    def hear(topic: str, payload: bytes) -> None:
        heard.append(tuple(known.name for known in People.read(topic, payload).people))

    gallery = Gallery(tmp_path / "gallery.db")
    settings = BrainSettings()
    link = LoopbackLink(bus, "brain")
    with BrainState(tmp_path / "brain.db") as memory, link:
        keepsakes = AlbumWriter(tmp_path / "album.db", settings.album)
        brain = Brain(Table(nobody), gallery, settings)
        thinker = BrainLoop(brain, gallery, memory, keepsakes, Conversation(settings.answer))
        thinker.publish_people(link)
        gallery.learn("Alice", [photo(1)], group="family")
        for _ in range(3):
            thinker.publish_people(link)
        late = LoopbackLink(bus, "late")
        late.listen(People.pattern(), hear, qos=1)
        with late:
            gallery.forget("Alice")
            thinker.publish_people(link)
            assert soon(lambda: len(heard) == 2)
        keepsakes.close()
    gallery.close()
    assert heard == [("Alice",), ()]
