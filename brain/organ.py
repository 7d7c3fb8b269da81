"""The brain as a process: the newest frame of each place in, facts out."""

import logging
import time
from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import get_args

from brain.gallery import Gallery
from brain.memory import Memory
from brain.settings import BrainSettings
from brain.sights.sight import Sight
from brain.think import Brain
from nerves import topics
from nerves.bus import open_link
from nerves.errors import BrokerUnavailable
from nerves.exif import taken
from nerves.life import Life, Listen, alive
from nerves.link import Link
from nerves.messages import Fact, Frame, Mode, Visit, now
from nerves.outbox import Outbox
from nerves.settings import House
from nerves.slots import Slots

__all__ = ["Thinker", "run"]

log = logging.getLogger(__name__)

WAIT_S = 0.25
TICK_S = 0.5
KEEP_S = 5.0
FLUSH_S = 2.0
# A sender's clock is believed this far from the time of arrival.
CLOCK_PAST, CLOCK_FUTURE = timedelta(seconds=60), timedelta(seconds=2)
MEASURED = 500


def run(house: House, settings: BrainSettings, sight: Sight, gallery: Gallery, url: str) -> None:
    """Be the house's brain until told to stop."""
    slots: Slots[tuple[Frame, float]] = Slots()
    modes: Slots[str] = Slots()
    facts = open_link(url, f"{topics.ROOT}-brain-facts", durable=True, password=house.mqtt.login)
    facts.listen(topics.MODE_SET, lambda topic, body: modes.put(topic, body.decode(errors="replace")), qos=1)
    frames = Listen(topics.to("+", Frame.kind), lambda topic, jpeg: arrive(slots, topic, jpeg), qos=0)
    with (
        Memory(house.data_dir / "brain.db") as memory,
        alive("brain", url, password=house.mqtt.login, listens=[frames]) as life,
        facts,
        Outbox(memory.outbox, facts) as outbox,
    ):
        thinker = Thinker(Brain(sight, gallery, settings, visits=memory.visits()), memory, life)
        log.info("awake: %s, %d people known, mode %s", sight.name, len(gallery.people()), memory.mode)
        while not life.stop.is_set():
            thinker.hear_mode(modes.take(0), facts)
            thinker.step(slots.take(WAIT_S), slots.dropped)
        outbox.flush(FLUSH_S)


def arrive(slots: Slots[tuple[Frame, float]], topic: str, jpeg: bytes) -> None:
    """Put a frame that has arrived into its place's slot; its time is the sender's where that is plausible."""
    arrived, sent = now(), taken(jpeg)
    believed = sent is not None and arrived - CLOCK_PAST <= sent <= arrived + CLOCK_FUTURE
    at = sent if sent is not None and believed else arrived
    place = topics.parse(topic).place
    slots.put(place, (Frame(place, jpeg, at), time.monotonic()))


class Thinker:
    """Has the brain think, keeps and sends what it decides, and measures how fresh its frames are."""

    def __init__(self, brain: Brain, memory: Memory, life: Life) -> None:
        self._brain, self._memory, self._life = brain, memory, life
        self._lags: dict[str, timedelta] = {}
        self._ages: deque[float] = deque(maxlen=MEASURED)
        self._works: deque[float] = deque(maxlen=MEASURED)
        self._ticked = self._kept = time.monotonic()
        self._connections = 0
        brain.mode = memory.mode

    def step(self, arrived: tuple[Frame, float] | None, dropped: int) -> None:
        """Work on a frame, or let time pass."""
        facts: list[Fact] = []
        if arrived:
            frame, since = arrived
            self._lags[frame.place] = now() - frame.at
            begun = time.monotonic()
            facts += self._brain.see(frame)
            self._ages.append(begun - since)
            self._works.append(time.monotonic() - begun)
        if time.monotonic() - self._ticked >= TICK_S:
            self._ticked = time.monotonic()
            facts += self._passed(now())
        self._send(facts)
        self._life.status(
            f"{len(self._brain.visits)} visits now, mode {self._brain.mode}",
            **self._brain.counts,
            dropped=dropped,
            age_ms_p99=_thousandth(self._ages, 0.99),
            work_ms_p50=_thousandth(self._works, 0.5),
        )

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

    def _passed(self, at: datetime) -> Iterable[Visit]:
        """Let time pass at every place; where the camera's clock is off, it passes by that clock."""
        for place in {visit.place for visit in self._brain.visits}:
            yield from self._brain.tick(place, at - self._lags.get(place, timedelta()))

    def _send(self, facts: list[Fact]) -> None:
        visits = [fact for fact in facts if isinstance(fact, Visit)]
        overdue = self._brain.visits and time.monotonic() - self._kept >= KEEP_S
        if visits or overdue:
            self._memory.keep(visits, self._brain.visits)
            self._kept = time.monotonic()
        for visit in visits:
            alert = ", ALERT" if visit.alert else ""
            log.info("%s: %s %s %s%s", visit.place, visit.phase, visit.verdict, visit.who or "", alert)
        for fact in facts:
            if not isinstance(fact, Visit):
                self._life.link.offer(fact.topic, fact.payload())


def _thousandth(seconds: Iterable[float], share: float) -> int:
    """Return the quantile of some times, in milliseconds; 0 for none."""
    ordered = sorted(seconds)
    return round(1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]) if ordered else 0
