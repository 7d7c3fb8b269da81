"""The brain as a process: the newest frame of each place in, facts out."""

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
from brain.process.album_writer import AlbumWriter
from brain.process.label_inbox import LabelInbox
from brain.process.self_test import rehearse
from brain.process.silence import SilenceMonitor
from brain.process.speech_inbox import SpeechInbox
from brain.process.state import BrainState
from brain.settings.brain import BrainSettings
from brain.talk.conversation import Conversation, HouseView, PersonInView
from brain.vision.backend import VisionBackend
from brain.visits.brain import Brain
from brain.visits.visit import OpenVisit
from nerves import topics
from nerves.bus import open_link
from nerves.errors import BrokerUnavailable, MessageError
from nerves.exif import taken
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
    SelfTest,
    Trouble,
    Visit,
    now,
)
from nerves.outbox import Outbox
from nerves.process import Process, Subscription, running
from nerves.settings import HouseSettings
from nerves.slots import NewestByPlace

__all__ = ["BrainLoop", "run"]

log = logging.getLogger(__name__)

WAIT_S = 0.25
TICK_S = 0.5
KEEP_S = 5.0
FLUSH_S = 2.0
# A sender's clock is believed this far from the time of arrival.
CLOCK_PAST, CLOCK_FUTURE = timedelta(seconds=60), timedelta(seconds=2)
MEASURED = 500
# A brain that has paused for so long was asleep itself.
ASLEEP_S = 10.0


def run(
    house: HouseSettings,
    settings: BrainSettings,
    sight: VisionBackend,
    gallery: Gallery,
    url: str,
    cloud: CloudOnBus | None = None,
) -> None:
    """Be the house's brain until told to stop."""
    slots: NewestByPlace[tuple[Frame, float]] = NewestByPlace()
    modes: NewestByPlace[str] = NewestByPlace()
    facts = open_link(url, f"{topics.ROOT}-brain-facts", durable=True, password=house.mqtt.login)
    facts.listen(topics.MODE_SET, lambda topic, body: modes.put(topic, body.decode(errors="replace")), qos=1)
    if cloud:
        facts.listen(topics.CLOUD_SET, cloud.receive, qos=1)
    frames = Subscription(topics.to("+", Frame.kind), lambda topic, jpeg: arrive(slots, topic, jpeg), qos=0)
    silence = SilenceMonitor()
    facts.listen(CameraEnabled.pattern(), lambda topic, body: hear_eyes(silence, topic, body), qos=1)
    troubles = Subscription(topics.to("+", Trouble.kind), lambda topic, body: hear_trouble(silence, topic, body))
    with (
        BrainState(house.data_dir / "brain.db") as memory,
        closing(AlbumWriter(house.data_dir / "album.db", settings.album)) as keepsakes,
    ):
        lessons = LabelInbox(memory.inbox, gallery, keepsakes.album)
        facts.listen(topics.to("+", Label.kind), lessons.receive, qos=1)
        ears = SpeechInbox(memory.heard, memory.outbox, Conversation(settings.answer))
        for kind in (Heard.kind, Mentioned.kind):
            facts.listen(topics.to("+", kind), ears.receive, qos=1)
        wishes = topics.to(topics.TEST, SelfTest.kind)
        facts.listen(wishes, lambda topic, body: rehearse(topic, body, memory.outbox), qos=1)
        with (
            running("brain", url, password=house.mqtt.login, listens=[frames, troubles]) as life,
            facts,
            Outbox(memory.outbox, facts, retained=[CameraEnabled.pattern()]) as outbox,
        ):
            second = cloud.second if cloud else None
            brain = Brain(sight, gallery, settings, visits=memory.visits(), meet=keepsakes.meet, second=second)
            thinker = BrainLoop(brain, memory, keepsakes, life, silence, cloud)
            log.info("awake: %s, %d people known, mode %s", sight.name, len(gallery.people()), memory.mode)
            while not life.stop.is_set():
                thinker.hear_mode(modes.take(0) or ears.attend(lambda: thinker.view(gallery)), facts)
                thinker.tell_people(gallery, facts)
                if cloud:
                    cloud.tend(facts)
                lessons.study(thinker.show)
                thinker.step(slots.take(WAIT_S), slots.dropped)
            outbox.flush(FLUSH_S)


def arrive(slots: NewestByPlace[tuple[Frame, float]], topic: str, jpeg: bytes) -> None:
    """Put a frame that has arrived into its place's slot; its time is the sender's where that is plausible."""
    arrived, sent = now(), taken(jpeg)
    believed = sent is not None and arrived - CLOCK_PAST <= sent <= arrived + CLOCK_FUTURE
    at = sent if sent is not None and believed else arrived
    place = topics.parse(topic).place
    slots.put(place, (Frame(place, jpeg, at), time.monotonic()))


def hear_trouble(silence: SilenceMonitor, topic: str, body: bytes) -> None:
    """Note what a sense says of itself."""
    try:
        silence.heard(Trouble.read(topic, body))
    except MessageError as error:
        log.warning("unreadable, left out: %s", error)


def hear_eyes(silence: SilenceMonitor, topic: str, body: bytes) -> None:
    """Note that somebody has opened or closed the eyes of a place; the broker repeats it on every connection."""
    try:
        silence.lidded(CameraEnabled.read(topic, body), now())
    except MessageError as error:
        log.warning("unreadable, left out: %s", error)


class BrainLoop:
    """Has the brain think, keeps and sends what it decides, and measures how fresh its frames are."""

    def __init__(
        self,
        brain: Brain,
        memory: BrainState,
        keepsakes: AlbumWriter,
        life: Process,
        silence: SilenceMonitor | None = None,
        cloud: CloudOnBus | None = None,
    ) -> None:
        self._brain, self._memory, self._keepsakes, self._life = brain, memory, keepsakes, life
        self._cloud = cloud
        self._spent = cloud.counts(now()) if cloud else {}
        self._lags: dict[str, timedelta] = {}
        self._ages: deque[float] = deque(maxlen=MEASURED)
        self._works: deque[float] = deque(maxlen=MEASURED)
        self._ticked = self._kept = time.monotonic()
        self._connections = 0
        self._introduced: object = None
        self._silence = silence or SilenceMonitor()
        brain.mode = memory.mode

    def step(self, arrived: tuple[Frame, float] | None, dropped: int) -> None:
        """Work on a frame, or let time pass."""
        facts: list[Fact] = []
        before = [*self._brain.visits, *self._brain.over]
        if arrived:
            frame, since = arrived
            self._lags[frame.place] = now() - frame.at
            begun = time.monotonic()
            facts += [*self._silence.arrived(frame.place, now()), *self._brain.see(frame)]
            self._ages.append(begun - since)
            self._works.append(time.monotonic() - begun)
        facts += self._brain.answered(self._clock)
        waited_s = time.monotonic() - self._ticked
        if waited_s >= TICK_S:
            self._ticked = time.monotonic()
            facts += [*self._passed(), *self._listened(now(), waited_s)]
            self._spent = self._cloud.counts(now()) if self._cloud else {}
        self._send(facts)
        self._keep_pictures(facts, [*before, *self._brain.visits])
        self._life.set_status(
            self._doing(),
            **self._brain.counts,
            dropped=dropped,
            age_ms_p99=_thousandth(self._ages, 0.99),
            work_ms_p50=_thousandth(self._works, 0.5),
            **self._spent,
        )

    def _doing(self) -> str:
        trouble = self._cloud.trouble if self._cloud else ""
        return f"{len(self._brain.visits)} visits now, mode {self._brain.mode}" + (f"; {trouble}" if trouble else "")

    def show(self, visit: UUID) -> None:
        """Put a visit that is still open into the album, so that a human's word finds its pictures."""
        self._keepsakes.put(each for each in self._brain.visits if each.id == visit)

    def view(self, gallery: Gallery) -> HouseView:
        """Return who is in view where, by our clock, and who is known: what answers are made of."""
        people = [
            PersonInView(
                visit.id, visit.place, visit.verdict, visit.who, visit.last + self._lags.get(visit.place, timedelta())
            )
            for visit in self._brain.visits
        ]
        known = [PersonEntry(name=person.name, group=person.group) for person in gallery.people()]
        closed = self._silence.closed
        return HouseView(now(), people, closed.union(self._lags), known, closed=closed, mode=self._brain.mode)

    def hear_mode(self, wanted: str | None, link: Link) -> None:
        """Take a new mode, and have everybody know the one that holds."""
        mode = next((mode for mode in get_args(Mode) if mode == wanted), None)
        if mode is not None:
            self._memory.mode = self._brain.mode = mode
            self._connections = 0
        elif wanted is not None:
            log.warning("%s: no mode is called %r: home, away, night or off", topics.MODE_SET, wanted[:40])
        if link.connections != self._connections and link.connected:
            try:
                link.post(topics.MODE, self._brain.mode.encode(), retain=True)
                self._connections = link.connections
            except BrokerUnavailable:
                return

    def tell_people(self, gallery: Gallery, link: Link) -> None:
        """Have everybody know who is known, by name, whenever that changes or the connection is new."""
        state = (link.connections, gallery.version)
        if state == self._introduced or not link.connected:
            return
        at = now()
        here = [person for person in gallery.people() if person.until is None or person.until > at]
        known = tuple(PersonEntry(name=person.name, group=person.group) for person in here)
        people = People(place="brain", people=known)
        try:
            link.post(people.topic, people.payload(), retain=True)
            self._introduced = state
        except BrokerUnavailable:
            return

    def _passed(self) -> Iterable[Visit]:
        """Let time pass at every place; where the camera's clock is off, it passes by that clock."""
        for place in {visit.place for visit in self._brain.visits}:
            yield from self._brain.tick(place, self._clock(place))

    def _clock(self, place: str) -> datetime:
        """Return the time by a place's camera."""
        return now() - self._lags.get(place, timedelta())

    def _listened(self, at: datetime, waited_s: float) -> Iterable[Trouble]:
        """Say who has fallen silent; where it is we who heard nothing, nobody has."""
        if not self._life.link.connected or waited_s > ASLEEP_S:
            self._silence.deaf(at)
        yield from self._silence.passed(at)

    def _keep_pictures(self, facts: list[Fact], visits: list[OpenVisit]) -> None:
        """Put what has been decided or has ended into the album; it is sent already, so that no disk delays it."""
        told = {fact.visit for fact in facts if isinstance(fact, Visit) and fact.phase != "started"}
        self._keepsakes.put({visit.id: visit for visit in visits if visit.id in told}.values())
        self._keepsakes.prune()

    def _send(self, facts: list[Fact]) -> None:
        visits = [fact for fact in facts if isinstance(fact, Visit)]
        overdue = self._brain.visits and time.monotonic() - self._kept >= KEEP_S
        if visits or overdue:
            self._memory.keep(visits, self._brain.visits)
            self._kept = time.monotonic()
        for visit in visits:
            alert = ", ALERT" if visit.alert else ""
            who = f" {visit.who or visit.stranger}" if visit.who or visit.stranger else ""
            log.info("%s: %s %s%s%s", visit.place, visit.phase, visit.verdict, who, alert)
        for fact in facts:
            if isinstance(fact, Trouble):
                log.warning("%s: %s: %s", fact.place, fact.what, fact.detail)
                self._memory.outbox.put(str(fact.id), fact.topic, fact.payload())
            elif not isinstance(fact, Visit):
                self._life.link.offer(fact.topic, fact.payload())


def _thousandth(seconds: Iterable[float], share: float) -> int:
    """Return the quantile of some times, in milliseconds; 0 for none."""
    ordered = sorted(seconds)
    return round(1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]) if ordered else 0
