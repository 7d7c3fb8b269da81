"""`kinwatch check --alert`: one test alert through the whole house, and what became of it everywhere."""

import time
from dataclasses import dataclass, field
from threading import Condition

from kinwatch.console import emit, say
from nerves import topics
from nerves.broker import need_url
from nerves.bus import open_link
from nerves.errors import BrokerUnavailable, KinwatchError, MessageError
from nerves.link import Link
from nerves.messages import Acknowledged, Fact, Rehearse, Rehearsed, Visit
from nerves.settings import House

__all__ = ["run"]

CONNECT_S = 5.0
# A house that has just been started may not listen yet: one test alert, wished for again, is still one.
AGAIN_S = 3.0
BRAIN = "brain"


@dataclass
class Answers:
    """What has come back of one test alert."""

    wish: Rehearse
    since: float = field(default_factory=time.monotonic)
    found: dict[str, tuple[bool, str, float]] = field(default_factory=dict)
    """For each organ: whether it is done, what it says, and after how many seconds."""
    came: Condition = field(default_factory=Condition)

    def receive(self, topic: str, body: bytes) -> None:
        """Note what the brain published or an organ did; a failure is what is said last until it is done."""
        try:
            fact: Fact = (Visit if topic == topics.to(topics.TEST, Visit.kind) else Rehearsed).read(topic, body)
        except MessageError:
            return
        if isinstance(fact, Visit) and fact.visit == self.wish.id:
            self._note(BRAIN, ok=True, detail="published the test alert")
        elif isinstance(fact, Rehearsed) and fact.visit == self.wish.id:
            self._note(fact.organ, ok=fact.ok, detail=fact.detail)

    def wait(self, organs: list[str], seconds: float) -> bool:
        """Wait until all organs are done; return whether they are."""
        with self.came:
            return self.came.wait_for(lambda: all(self.found.get(organ, (False,))[0] for organ in organs), seconds)

    def missing(self, organs: list[str]) -> bool:
        """Whether one of the organs has not said a word."""
        with self.came:
            return any(organ not in self.found for organ in organs)

    def _note(self, organ: str, *, ok: bool, detail: str) -> None:
        with self.came:
            if not self.found.get(organ, (False,))[0]:
                self.found[organ] = ok, detail, time.monotonic() - self.since
            self.came.notify_all()


def run(house: House, *, json: bool, seconds: float) -> None:
    """Send a test alert and tell what became of it; `KinwatchError` if it did not get through everywhere."""
    organs = [BRAIN, *house.actuators]
    answers = Answers(Rehearse())
    link = open_link(need_url(house), "kinwatch-rehearsal", durable=False, password=house.mqtt.login)
    for kind in (Visit.kind, Rehearsed.kind):
        link.listen(topics.to(topics.TEST, kind), answers.receive, qos=1)
    with link:
        _post(link, answers.wish)
        end = time.monotonic() + seconds
        while not answers.wait(organs, max(0.0, min(AGAIN_S, end - time.monotonic()))) and time.monotonic() < end:
            if answers.missing(organs):
                _post(link, answers.wish)
        done = Acknowledged(place=topics.TEST, visit=answers.wish.id, by="kinwatch check")
        link.post(done.topic, done.payload())  # else it goes on to the next contact
    bad = sum(not _tell(organ, answers, seconds, json=json) for organ in organs)
    if bad:
        message = f"the test alert did not get through everywhere: {bad} of {len(organs)} missing, see above"
        raise KinwatchError(message)


def _post(link: Link, wish: Rehearse) -> None:
    if not link.wait_connected(CONNECT_S):
        raise BrokerUnavailable(link.trouble or "no broker answers")
    link.post(wish.topic, wish.payload())


def _tell(organ: str, answers: Answers, seconds: float, *, json: bool) -> bool:
    """Say what became of it at one organ; whether all is well there."""
    start = "think" if organ == BRAIN else f"act {organ}"
    silent = f"no answer in {seconds:.0f} s: is it running? (kinwatch up, or kinwatch {start})"
    ok, detail, after = answers.found.get(organ, (False, silent, seconds))
    if json:
        emit({"organ": organ, "ok": ok, "detail": detail, "seconds": round(after, 2)})
    else:
        text = f"ok   {organ}: {detail}, after {after:.1f} s" if ok else f"BAD  {organ}: {detail}"
        say(text, "green" if ok else "bold red")
    return ok
