"""`kinwatch check --alert`: one test alert through the whole house, and what became of it everywhere."""

import time
from dataclasses import dataclass, field
from threading import Condition

from kinwatch.console import emit, print_line
from nerves import topics
from nerves.broker import need_url
from nerves.bus import open_link
from nerves.errors import BrokerUnavailable, KinwatchError, MessageError
from nerves.link import Link
from nerves.messages import Acknowledged, Fact, SelfTest, SelfTestResult, Visit
from nerves.settings import HouseSettings

__all__ = ["run_self_test"]

CONNECT_S = 5.0
# A house that has just been started may not listen yet: one test alert, wished for again, is still one.
ASK_AGAIN_S = 3.0
BRAIN = "brain"


@dataclass
class SelfTestResults:
    """What has come back of one test alert."""

    wish: SelfTest
    since: float = field(default_factory=time.monotonic)
    found: dict[str, tuple[bool, str, float]] = field(default_factory=dict)
    """For each service: whether it is done, what it says, and after how many seconds."""
    came: Condition = field(default_factory=Condition)

    def receive(self, topic: str, body: bytes) -> None:
        """Note what the brain published or a service did; a failure is what is said last until it is done."""
        try:
            fact: Fact = (Visit if topic == topics.to(topics.TEST, Visit.kind) else SelfTestResult).read(topic, body)
        except MessageError:
            return
        if isinstance(fact, Visit) and fact.visit == self.wish.id:
            self._store(BRAIN, ok=True, detail="published the test alert")
        elif isinstance(fact, SelfTestResult) and fact.visit == self.wish.id:
            self._store(fact.service, ok=fact.ok, detail=fact.detail)

    def wait(self, services: list[str], seconds: float) -> bool:
        """Wait until all services are done; return whether they are."""
        with self.came:
            return self.came.wait_for(
                lambda: all(self.found.get(service, (False,))[0] for service in services), seconds
            )

    def missing(self, services: list[str]) -> bool:
        """Whether one of the services has not said a word."""
        with self.came:
            return any(service not in self.found for service in services)

    def _store(self, service: str, *, ok: bool, detail: str) -> None:
        with self.came:
            if not self.found.get(service, (False,))[0]:
                self.found[service] = ok, detail, time.monotonic() - self.since
            self.came.notify_all()


def run_self_test(house: HouseSettings, *, json: bool, seconds: float) -> None:
    """Send a test alert and tell what became of it; `KinwatchError` if it did not get through everywhere."""
    services = [BRAIN, *house.actuators]
    answers = SelfTestResults(SelfTest())
    link = open_link(need_url(house), "kinwatch-rehearsal", durable=False, password=house.mqtt.login)
    for kind in (Visit.kind, SelfTestResult.kind):
        link.listen(topics.to(topics.TEST, kind), answers.receive, qos=1)
    with link:
        _post(link, answers.wish)
        end = time.monotonic() + seconds
        while not answers.wait(services, max(0.0, min(ASK_AGAIN_S, end - time.monotonic()))) and time.monotonic() < end:
            if answers.missing(services):
                _post(link, answers.wish)
        done = Acknowledged(place=topics.TEST, visit=answers.wish.id, by="kinwatch check")
        link.post(done.topic, done.payload())  # else it goes on to the next contact
    bad = sum(not _print_result(service, answers, seconds, json=json) for service in services)
    if bad:
        message = f"the test alert did not get through everywhere: {bad} of {len(services)} missing, see above"
        raise KinwatchError(message)


def _post(link: Link, wish: SelfTest) -> None:
    if not link.wait_connected(CONNECT_S):
        raise BrokerUnavailable(link.trouble or "no broker answers")
    link.post(wish.topic, wish.payload())


def _print_result(service: str, answers: SelfTestResults, seconds: float, *, json: bool) -> bool:
    """Say what became of it at one service; whether all is well there."""
    start = "think" if service == BRAIN else f"act {service}"
    silent = f"no answer in {seconds:.0f} s: is it running? (kinwatch up, or kinwatch {start})"
    ok, detail, after = answers.found.get(service, (False, silent, seconds))
    if json:
        emit({"service": service, "ok": ok, "detail": detail, "seconds": round(after, 2)})
    else:
        text = f"ok   {service}: {detail}, after {after:.1f} s" if ok else f"BAD  {service}: {detail}"
        print_line(text, "green" if ok else "bold red")
    return ok
