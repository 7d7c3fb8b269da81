"""The brain as a service: what it consumes, and the loop that turns the newest frame of each place into facts."""

import logging
import time
from collections import deque
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta
from typing import get_args
from uuid import UUID

from brain.cloud.onbus import CloudOnBus
from brain.people.gallery import Gallery
from brain.people.records import Person
from brain.process.album_writer import AlbumWriter
from brain.process.label_inbox import LabelInbox
from brain.process.self_test import test_visit
from brain.process.silence import SilenceMonitor
from brain.process.speech_inbox import SpeechInbox
from brain.process.state import BrainState
from brain.settings.brain import BrainSettings
from brain.talk.conversation import Conversation, HouseView, PersonInView
from brain.vision.backend import VisionBackend
from brain.visits.brain import Brain
from brain.visits.visit import OpenVisit
from nerves import topics
from nerves.errors import BrokerUnavailable
from nerves.exif import capture_time
from nerves.link import Link
from nerves.messages import (
    CameraEnabled,
    Fact,
    Frame,
    Heard,
    Label,
    Mentioned,
    Mode,
    People,
    PersonEntry,
    Presence,
    SelfTest,
    Trouble,
    Visit,
    now,
)
from nerves.process import Process, Subscription, log_as, serve
from nerves.settings import HouseSettings
from nerves.slots import NewestByPlace

__all__ = ["BrainLoop", "run"]

log = logging.getLogger(__name__)

FRAME_WAIT_S = 0.25
BRAIN_TICK_S = 0.5
STORE_VISITS_EVERY_S = 5.0
# While nothing happens, only the time is stored: a restarted brain knows how long nobody watched.
STORE_TIME_EVERY_S = 60.0
# A sender's clock is used if it differs from the time of arrival by no more than this.
MAX_CLOCK_LAG, MAX_CLOCK_LEAD = timedelta(seconds=60), timedelta(seconds=2)
MAX_MEASUREMENTS = 500
# After a longer pause between two ticks the brain's own machine was asleep.
MAX_TICK_PAUSE_S = 10.0


def run(
    house: HouseSettings,
    settings: BrainSettings,
    backend: VisionBackend,
    gallery: Gallery,
    url: str,
    cloud: CloudOnBus | None = None,
) -> None:
    """Run the house's brain until it is told to stop."""
    with (
        BrainState(house.data_dir / "brain.db") as state,
        closing(AlbumWriter(house.data_dir / "album.db", settings.album)) as album,
    ):
        second = cloud.second if cloud else None
        brain = Brain(
            backend,
            gallery,
            settings,
            visits=state.visits(),
            memory=state.memory(now(), settings.entrances),
            meet=album.recognise_stranger,
            second=second,
        )
        loop = BrainLoop(brain, gallery, state, album, Conversation(settings.answer), cloud)
        log_as("brain")
        log.info("awake: %s, %d people known, mode %s", backend.name, len(gallery.people()), state.mode)
        serve("brain", loop, house, url)


class BrainLoop:
    """Gives the brain its frames, stores and publishes what it decides, and measures how fresh its frames are."""

    kind = "brain"
    retained_topics: tuple[str, ...] = (CameraEnabled.pattern(),)

    def __init__(
        self,
        brain: Brain,
        gallery: Gallery,
        state: BrainState,
        album: AlbumWriter,
        conversation: Conversation,
        cloud: CloudOnBus | None = None,
    ) -> None:
        self._brain, self._gallery, self._state, self._album, self._cloud = brain, gallery, state, album, cloud
        self.outbox = state.outbox
        self.frames: NewestByPlace[tuple[Frame, float]] = NewestByPlace()
        self._modes: NewestByPlace[str] = NewestByPlace()
        self._presences: NewestByPlace[Presence] = NewestByPlace()
        self._labels = LabelInbox(state.inbox, gallery, album.album)
        self._speech = SpeechInbox(state.heard, state.outbox, conversation)
        self._silence = SilenceMonitor()
        self._cloud_counts = cloud.counts(now()) if cloud else {}
        self._clock_lags: dict[str, timedelta] = {}
        self._ages_s: deque[float] = deque(maxlen=MAX_MEASUREMENTS)
        self._works_s: deque[float] = deque(maxlen=MAX_MEASUREMENTS)
        self._ticked = self._stored = time.monotonic()
        self._has_new_presence = False
        self._mode_published: object = None
        self._people_published: object = None
        brain.mode = state.mode

    def subscriptions(self) -> list[Subscription]:
        """Return what the brain consumes: of frames the newest, of facts and switches all."""
        rows = [
            Subscription(topics.to("+", Frame.kind), self._receive_frame, qos=0),
            Subscription(Trouble.pattern(), self._receive_trouble),
            Subscription(CameraEnabled.pattern(), self._receive_camera_enabled, durable=True),
            Subscription(topics.MODE_SET, self._receive_mode, durable=True),
            Subscription(Label.pattern(), self._labels.receive, durable=True),
            Subscription(Heard.pattern(), self._speech.receive, durable=True),
            Subscription(Mentioned.pattern(), self._speech.receive, durable=True),
            Subscription(Presence.pattern(), self._receive_presence),
            Subscription(topics.to(topics.TEST, SelfTest.kind), self._receive_self_test, durable=True),
        ]
        if self._cloud:
            rows.append(Subscription(topics.CLOUD_SET, self._cloud.receive, durable=True))
        return rows

    def work(self, process: Process) -> None:
        """Decide until told to stop."""
        while not process.stop.is_set():
            self._change_mode(self._modes.take(0) or self._speech.answer_waiting(self._house_view))
            self._hear_presences()
            self._publish_mode(process.facts)
            self.publish_people(process.facts)
            if self._cloud:
                self._cloud.tend(process.facts)
            self._labels.learn_waiting(self._store_open_visit)
            self.step(self.frames.take(FRAME_WAIT_S), process)
        self._store([])

    def step(self, arrived: tuple[Frame, float] | None, process: Process) -> None:
        """Work on a frame, or let time pass; `arrived` holds the frame and when it came (`time.monotonic`)."""
        facts: list[Fact] = []
        before = [*self._brain.visits, *self._brain.waiting_visits, *self._brain.ended_visits]
        if arrived:
            frame, since = arrived
            self._clock_lags[frame.place] = now() - frame.at
            begun = time.monotonic()
            facts += [*self._silence.frame_arrived(frame.place, now()), *self._brain.see(frame)]
            self._ages_s.append(begun - since)
            self._works_s.append(time.monotonic() - begun)
        facts += [*self._brain.answered(self._clock), *self._brain.wishes(now())]
        waited_s = time.monotonic() - self._ticked
        if waited_s >= BRAIN_TICK_S:
            self._ticked = time.monotonic()
            is_deaf = not process.link.connected or waited_s > MAX_TICK_PAUSE_S
            facts += [*self._pass_time(), *self._newly_silent(now(), is_deaf=is_deaf)]
            self._cloud_counts = self._cloud.counts(now()) if self._cloud else {}
        self._publish(facts, process.link)
        self._store_pictures(facts, [*before, *self._brain.visits])
        active = self._brain.active_mode(now())
        process.set_mode(active)
        process.set_status(
            self._status(active),
            **self._brain.counts,
            dropped=self.frames.dropped,
            age_ms_p99=_quantile_ms(self._ages_s, 0.99),
            work_ms_p50=_quantile_ms(self._works_s, 0.5),
            **self._cloud_counts,
        )

    def publish_people(self, link: Link) -> None:
        """Publish the names of the people we know if they have changed or the connection is new."""
        state = (link.connections, self._gallery.version)
        if state == self._people_published or not link.connected:
            return
        at = now()
        current = [person for person in self._gallery.people() if person.until is None or person.until > at]
        people = People(place="brain", people=tuple(_entry(person) for person in current))
        try:
            link.post(people.topic, people.payload(), retain=True)
            self._people_published = state
        except BrokerUnavailable:
            return

    # These run in the network threads.

    def _receive_frame(self, topic: str, jpeg: bytes) -> None:
        """Put a frame into its place's slot. Its time is the sender's, if that is plausible."""
        arrived, sent = now(), capture_time(jpeg)
        is_plausible = sent is not None and arrived - MAX_CLOCK_LAG <= sent <= arrived + MAX_CLOCK_LEAD
        at = sent if sent is not None and is_plausible else arrived
        place = topics.split(topic).place
        self.frames.put(place, (Frame(place, jpeg, at), time.monotonic()))

    def _receive_trouble(self, topic: str, body: bytes) -> None:
        self._silence.sense_reported(Trouble.read(topic, body))

    def _receive_camera_enabled(self, topic: str, body: bytes) -> None:
        self._silence.camera_switched(CameraEnabled.read(topic, body), now())

    def _receive_presence(self, topic: str, body: bytes) -> None:
        presence = Presence.read(topic, body)
        self._presences.put(presence.person, presence)

    def _receive_mode(self, topic: str, body: bytes) -> None:
        self._modes.put(topic, body.decode(errors="replace"))

    def _receive_self_test(self, topic: str, body: bytes) -> None:
        """Put the test alert into the outbox; a request that arrives twice gives one alert."""
        self.outbox.put_message(test_visit(SelfTest.read(topic, body)))

    # The rest runs in the thread of the work.

    def _status(self, active: Mode) -> str:
        mode = self._brain.mode if active == self._brain.mode else f"{self._brain.mode} ({active})"
        trouble = self._cloud.trouble if self._cloud else ""
        return f"{len(self._brain.visits)} visits now, mode {mode}" + (f"; {trouble}" if trouble else "")

    def _store_open_visit(self, visit: UUID) -> None:
        """Store an open visit in the album, so that its pictures can be learned."""
        self._album.put(each for each in self._brain.visits if each.id == visit)

    def _house_view(self) -> HouseView:
        """Return who is in view where, by our clock, and who is known: the answers are made of this."""
        people = [
            PersonInView(visit.id, visit.place, visit.verdict, visit.who, visit.last + self._lag(visit.place))
            for visit in self._brain.visits
        ]
        known = [_entry(person) for person in self._gallery.people()]
        closed = self._silence.closed
        return HouseView(
            now(),
            people,
            closed.union(self._clock_lags),
            known,
            cameras_off=closed,
            mode=self._brain.active_mode(now()),
        )

    def _change_mode(self, wanted: str | None) -> None:
        mode = next((mode for mode in get_args(Mode) if mode == wanted), None)
        if mode is not None:
            self._state.mode = self._brain.mode = mode
            self._mode_published = None  # confirms also a mode that was set already
        elif wanted is not None:
            log.warning("%s: there is no mode %r: use home, away, night, off or auto", topics.MODE_SET, wanted[:40])

    def _hear_presences(self) -> None:
        while presence := self._presences.take(0):
            self._brain.receive_presence(presence)
            self._has_new_presence = True

    def _publish_mode(self, link: Link) -> None:
        if link.connections != self._mode_published and link.connected:
            try:
                link.post(topics.MODE, self._brain.mode.encode(), retain=True)
                self._mode_published = link.connections
            except BrokerUnavailable:
                return

    def _pass_time(self) -> Iterable[Visit]:
        """Let time pass at every place, by the clock of its camera."""
        for place in self._brain.busy_places:
            yield from self._brain.tick(place, self._clock(place))

    def _clock(self, place: str) -> datetime:
        """Return the time by the clock of a place's camera."""
        return now() - self._lag(place)

    def _lag(self, place: str) -> timedelta:
        return self._clock_lags.get(place, timedelta())

    def _newly_silent(self, at: datetime, *, is_deaf: bool) -> Iterable[Trouble]:
        """Yield a `Trouble` for each device that has fallen silent; none while we could not receive anything."""
        if is_deaf:
            self._silence.was_deaf(at)
        yield from self._silence.newly_silent(at)

    def _store_pictures(self, facts: list[Fact], visits: list[OpenVisit]) -> None:
        """Store decided and ended visits in the album. They are published before, so a slow disk delays no alert."""
        changed = {fact.visit for fact in facts if isinstance(fact, Visit) and fact.phase != "started"}
        self._album.put({visit.id: visit for visit in visits if visit.id in changed}.values())
        self._album.prune()

    def _publish(self, facts: list[Fact], link: Link) -> None:
        visits = [fact for fact in facts if isinstance(fact, Visit)]
        is_changing = self._brain.pending or self._has_new_presence
        pause_s = STORE_VISITS_EVERY_S if is_changing else STORE_TIME_EVERY_S
        if visits or time.monotonic() - self._stored >= pause_s:
            self._store(visits)
        for visit in visits:
            alert = ", ALERT" if visit.alert else ""
            who = f" {visit.who or visit.stranger}" if visit.who or visit.stranger else ""
            log.info("%s: %s %s%s%s", visit.place, visit.phase, visit.verdict, who, alert)
        for fact in facts:
            if isinstance(fact, Trouble):
                log.warning("%s: %s: %s", fact.place, fact.what, fact.detail)
                self.outbox.put_message(fact)
            elif not isinstance(fact, Visit):
                link.offer(fact.topic, fact.payload())

    def _store(self, messages: list[Visit]) -> None:
        visits = [*self._brain.visits, *self._brain.waiting_visits]
        self._state.store(messages, visits, self._brain.memory(now()))
        self._stored, self._has_new_presence = time.monotonic(), False


def _entry(person: Person) -> PersonEntry:
    return PersonEntry(name=person.name, group=person.group)


def _quantile_ms(seconds: Iterable[float], share: float) -> int:
    """Return the quantile of some times, in milliseconds; 0 if there are none."""
    ordered = sorted(seconds)
    return round(1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]) if ordered else 0
