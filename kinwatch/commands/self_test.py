"""`kinwatch check --alert`: the self-test, one test alert through the whole house."""

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

CONNECT_S = 10.0
# A house that has just been started may not listen yet, so the request is repeated; it has one id and is one alert.
ASK_AGAIN_S = 3.0
BRAIN = "brain"


@dataclass
class SelfTestResults:
    """What each service has reported about one test alert."""

    request: SelfTest
    since: float = field(default_factory=time.monotonic)
    found: dict[str, tuple[bool, str, float]] = field(default_factory=dict)
    """For each service: whether it has succeeded, its own words, and after how many seconds."""
    came: Condition = field(default_factory=Condition)

    def receive(self, topic: str, body: bytes) -> None:
        """Store what the brain published or a service reported; a later success replaces a failure."""
        try:
            fact: Fact = (Visit if topic == topics.to(topics.TEST, Visit.kind) else SelfTestResult).read(topic, body)
        except MessageError:
            return
        if isinstance(fact, Visit) and fact.visit == self.request.id:
            self._store(BRAIN, ok=True, detail="published the test alert")
        elif isinstance(fact, SelfTestResult) and fact.visit == self.request.id:
            self._store(fact.service, ok=fact.ok, detail=fact.detail)

    def wait(self, services: list[str], seconds: float) -> bool:
        """Wait until all services have succeeded, at most these seconds; return whether they have."""
        with self.came:
            return self.came.wait_for(
                lambda: all(self.found.get(service, (False,))[0] for service in services), seconds
            )

    def missing(self, services: list[str]) -> bool:
        """Return whether one of the services has reported nothing yet."""
        with self.came:
            return any(service not in self.found for service in services)

    def _store(self, service: str, *, ok: bool, detail: str) -> None:
        with self.came:
            if not self.found.get(service, (False,))[0]:
                self.found[service] = ok, detail, time.monotonic() - self.since
            self.came.notify_all()


def run_self_test(house: HouseSettings, *, json: bool, seconds: float) -> None:
    """Do `kinwatch check --alert`.

    Raises:
        BrokerUnavailable: No broker answers.
        KinwatchError: The test alert did not get through everywhere.
    """
    services = [BRAIN, *house.actuators]
    answers = SelfTestResults(SelfTest())
    link = open_link(need_url(house), "kinwatch-self-test", durable=False, password=house.mqtt.login)
    for kind in (Visit.kind, SelfTestResult.kind):
        link.listen(topics.to(topics.TEST, kind), answers.receive, qos=1)
    with link:
        _post(link, answers.request)
        end = time.monotonic() + seconds
        while not answers.wait(services, max(0.0, min(ASK_AGAIN_S, end - time.monotonic()))) and time.monotonic() < end:
            if answers.missing(services):
                _post(link, answers.request)
        done = Acknowledged(place=topics.TEST, visit=answers.request.id, by="kinwatch check")
        link.post(done.topic, done.payload())  # otherwise it goes on to the next contact
    bad = sum(not _print_result(service, answers, seconds, json=json) for service in services)
    if bad:
        message = f"the test alert did not get through everywhere: {bad} of {len(services)} missing, see above"
        raise KinwatchError(message)


def _post(link: Link, request: SelfTest) -> None:
    if not link.wait_connected(CONNECT_S):
        raise BrokerUnavailable(link.trouble or "no broker answers")
    link.post(request.topic, request.payload())


def _print_result(service: str, answers: SelfTestResults, seconds: float, *, json: bool) -> bool:
    """Print what became of the test alert at one service; return whether it succeeded there."""
    start = "think" if service == BRAIN else f"act {service}"
    silent = f"no answer in {seconds:.0f} s: is it running? (kinwatch up, or kinwatch {start})"
    ok, detail, after = answers.found.get(service, (False, silent, seconds))
    if json:
        emit({"service": service, "ok": ok, "detail": detail, "seconds": round(after, 2)})
    else:
        text = f"ok   {service}: {detail}, after {after:.1f} s" if ok else f"BAD  {service}: {detail}"
        print_line(text, "green" if ok else "bold red")
    return ok
