"""The running house of the demo: what it decides in each act, and whether that is right."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread

from kinwatch.console import emit, err, print_line, sentence
from kinwatch.house.supervisor import supervise
from kinwatch.house.up import command_line, environment, service_processes, statuses
from nerves import topics
from nerves.broker import private_broker
from nerves.bus import open_link
from nerves.errors import BrokerUnavailable, KinwatchError
from nerves.link import Link
from nerves.messages import Fact, Status, Stored, Trouble, Visit
from nerves.settings import HouseSettings

__all__ = ["DEMO_NAME", "DEMO_PLACE", "DemoAct", "DemoOptions", "DemoRun", "act_fault"]

DEMO_PLACE, DEMO_NAME = "garage", "Eileen"
DEMO_SERVICES = {DEMO_PLACE, "brain", "evidence"}
START_TIMEOUT_S = 90.0
# A visit ends some seconds after its person has gone, later on a slow machine.
SETTLE_S = 20.0
QUIET_S = 2.0
CLEAR_STATUS_S = 1.0


@dataclass(frozen=True)
class DemoOptions:
    """The options of `kinwatch demo`."""

    once: bool
    json: bool
    source: str | None
    pack: str | None
    keep: Path | None


@dataclass(frozen=True)
class DemoAct:
    """One act of the scene, and what the house must decide about it."""

    name: str
    title: str
    verdict: str | None
    who: str | None = None
    alerts: int = 0


class DemoRun:
    """The running house of the demo. Use `open` with `with`."""

    def __init__(self, options: DemoOptions, house: HouseSettings, config: Path, folder: Path) -> None:
        self.visits: list[Visit] = []
        self.receipts: list[Stored] = []
        self._options, self._house, self._config, self._folder = options, house, config, folder
        self._arrived: Queue[Fact] = Queue()
        self._statuses: Mapping[str, Status] = {}
        self._env: dict[str, str] = {}

    @contextmanager
    def open(self) -> Iterator[None]:
        """Start the broker and every service as processes; stop them after the block."""
        with ExitStack() as stack:
            broker = stack.enter_context(private_broker(self._house.data_dir))
            self.announce(f"the bus is {broker.kind} at {broker.url}", quiet=True)
            if broker.warning:
                self.announce(f"note: {broker.warning}", quiet=True)
            log = stack.enter_context((self._folder / "house.log").open("a"))
            self._env = environment(self._house, broker.url)

            def write_log(service: str, line: str) -> None:
                log.write(f"{service}: {line}\n")
                log.flush()

            self._statuses = stack.enter_context(statuses(self._house, broker.url, write_log))
            link = open_link(broker.url, f"{topics.ROOT}-demo", durable=False)
            for fact in (Visit, Stored, Trouble):
                link.listen(topics.to("+", fact.kind), self._receiver(fact), qos=1)
            stack.enter_context(link)
            stack.callback(_clear_statuses, link)
            link.wait_connected(START_TIMEOUT_S)
            over = Event()
            services = service_processes(self._house, self._config)
            keeper = Thread(
                target=supervise, args=[services], kwargs={"stop": over, "print_line": write_log, "env": self._env}
            )
            keeper.start()
            stack.callback(keeper.join)
            stack.callback(over.set)
            yield

    def wait_online(self, stop: Event) -> None:
        """Wait until every service is online, or `stop` is set. Raises `KinwatchError` after `START_TIMEOUT_S`."""
        until = time.monotonic() + START_TIMEOUT_S
        while not stop.wait(0.1):
            online = {name for name, status in self._statuses.items() if status.state == "online" and status.detail}
            if online >= DEMO_SERVICES:
                self.announce(f"online, each a process of its own: {', '.join(sorted(DEMO_SERVICES))}", quiet=True)
                return
            if time.monotonic() > until:
                message = f"{', '.join(sorted(DEMO_SERVICES - online))} did not start: see {self._folder / 'house.log'}"
                raise KinwatchError(message)

    def play(self, act: DemoAct, play: Callable[[str], None]) -> Iterator[str]:
        """Play an act, print what the house decides, and yield what is wrong with it."""
        before = len(self.visits)
        player = Thread(target=play, args=[act.name], daemon=True)
        player.start()
        while player.is_alive():
            self.take(0.2)
        self._settle(before)
        messages = self.visits[before:]
        problem = act_fault(act, messages)
        if problem:
            self.announce(f"WRONG: {problem}")
            yield f"{act.title}: {problem}"
        elif act.verdict is None:
            self.announce("nothing happened, as it should be")

    def enroll(self) -> None:
        """Enrol the woman of the scene from a photo, by the command that a person would type."""
        from kinwatch.demo.scene.people import write_portrait  # noqa: PLC0415 - scikit-image takes a second

        file = self._folder / f"{DEMO_NAME.lower()}.png"
        write_portrait(file)
        self.command("enroll", DEMO_NAME, str(file))

    def command(self, *words: str) -> None:
        """Run a command of kinwatch on this house and print its output. Raises `KinwatchError` if it fails."""
        self.announce(f"$ kinwatch {' '.join(words)}")
        line = command_line(*words, "--config", str(self._config))
        done = subprocess.run(line, env=self._env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise KinwatchError(done.stderr.strip() or f"kinwatch {words[0]} failed")
        self.announce(f"  {done.stdout.strip()}")

    def take(self, timeout_s: float) -> bool:
        """Print the next message; return False if none came within this time."""
        try:
            fact = self._arrived.get(timeout=timeout_s)
        except Empty:
            return False
        if isinstance(fact, Visit):
            self.visits.append(fact)
            self._show(fact)
        elif isinstance(fact, Stored):
            self.receipts.append(fact)
        elif isinstance(fact, Trouble) and self._options.source:
            self.announce(f"{fact.place} is {fact.what}{f': {fact.detail}' if fact.detail else ''}")
        return True

    def over(self) -> bool:
        """Return whether the camera's recording has been played and every visit has ended."""
        camera = self._statuses.get(DEMO_PLACE)
        open_visits = {visit.visit for visit in self.visits} - {v.visit for v in self.visits if v.phase == "ended"}
        return camera is not None and camera.state == "offline" and not open_visits

    def camera_failure(self) -> str:
        """Return why the camera's process failed; empty if it runs, or has played its recording."""
        camera = self._statuses.get(DEMO_PLACE)
        return camera.detail if camera is not None and camera.state == "offline" else ""

    def missing_evidence(self) -> Iterator[str]:
        """Yield a line if a decision was not stored, after up to `SETTLE_S`."""
        until = time.monotonic() + SETTLE_S
        wanted = {(visit.visit, visit.seq) for visit in self.visits}
        while time.monotonic() < until and wanted - {(receipt.visit, receipt.seq) for receipt in self.receipts}:
            self.take(0.2)
        left = wanted - {(receipt.visit, receipt.seq) for receipt in self.receipts}
        if left:
            yield f"{len(left)} messages were not stored"

    def summary(self, failed: list[str], seconds: float) -> None:
        """Print the result; `KinwatchError` if an act failed."""
        evidence = self._folder / "evidence"
        stored = len(list(evidence.glob("*/*.json")))
        if self._options.json:
            facts = {"ok": not failed, "failed": failed, "visits": len({visit.visit for visit in self.visits})}
            emit({"summary": facts | {"stored": stored, "evidence": str(evidence), "seconds": round(seconds, 1)}})
        else:
            print_line(f"{stored} visits are stored with their pictures in {evidence}")
        if failed:
            message = f"the house did not do what it must: {'; '.join(failed)}; see {self._folder / 'house.log'}"
            raise KinwatchError(message)

    def announce(self, text: str, *, quiet: bool = False) -> None:
        """Print a line for a person: on stdout, or on stderr if stdout has JSON."""
        if self._options.json:
            err.print(text, markup=False)
        else:
            print_line(text, "dim" if quiet else None)

    def _show(self, visit: Visit) -> None:
        if self._options.json:
            emit({"event": "visit"} | visit.model_dump(mode="json", exclude={"picture", "frame"}))
            return
        text, style = sentence(visit)
        print_line(f"  {visit.at.astimezone():%H:%M:%S} {text}", style)
        if visit.verdict == "family" and visit.phase in ("decided", "corrected"):
            print_line(f"  Hello, {visit.who}!", "bold green")

    def _settle(self, before: int) -> None:
        """Wait until the visits of the act have ended and nothing has come for `QUIET_S`, at most `SETTLE_S`."""
        until = time.monotonic() + SETTLE_S
        quiet = time.monotonic() + QUIET_S
        while time.monotonic() < until:
            if self.take(0.2):
                quiet = time.monotonic() + QUIET_S
            messages = self.visits[before:]
            ended = {visit.visit for visit in messages if visit.phase == "ended"}
            if {visit.visit for visit in messages} <= ended and time.monotonic() > quiet:
                return

    def _receiver(self, fact: type[Fact]) -> Callable[[str, bytes], None]:
        return lambda topic, payload: self._arrived.put(fact.read(topic, payload))


def _clear_statuses(link: Link) -> None:
    """Let the broker forget the demo's services: it may be the house's own, and `kinwatch check` would miss them."""
    with suppress(BrokerUnavailable):
        for name in sorted(DEMO_SERVICES):
            link.post(topics.status(name), b"", retain=True).wait(CLEAR_STATUS_S)


def act_fault(act: DemoAct, messages: list[Visit]) -> str | None:
    """Return how the house's messages in an act differ from what is right; None if they do not."""
    visits = {visit.visit for visit in messages}
    if act.verdict is None:
        return f"{len(visits)} visits where there is nobody" if visits else None
    alerts = sum(visit.alert for visit in messages)
    last = messages[-1] if messages else None
    if len(visits) != 1 or last is None:
        return f"{len(visits)} visits instead of one"
    if (last.verdict, last.who) != (act.verdict, act.who):
        return f"{_named(last.verdict, last.who)} instead of {_named(act.verdict, act.who)}"
    return f"{alerts} alerts instead of {act.alerts}" if alerts != act.alerts else None


def _named(verdict: str, who: str | None) -> str:
    return f"{verdict} {who}" if who else verdict
