"""`kinwatch demo`: the whole house on this machine, on a short scene; real processes, a real broker."""

import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any

import yaml

from kinwatch.console import emit, err, say, sentence
from kinwatch.house import environment, parts, statuses
from kinwatch.keeping import keep
from kinwatch.sights import brain_settings, open_sight
from nerves import topics
from nerves.broker import private_broker
from nerves.bus import open_link
from nerves.errors import KinwatchError, SettingsError
from nerves.life import stopped_by_signals
from nerves.messages import Fact, Status, Stored, Visit
from nerves.settings import House, load

__all__ = ["Options", "run"]

PLACE, NAME = "garage", "Eileen"
ORGANS = {PLACE, "brain", "evidence"}
AWAKE_S = 90.0
# A visit ends some seconds after its person has gone; a slow machine may take its time.
SETTLE_S = 20.0
QUIET_S = 2.0


@dataclass(frozen=True)
class Options:
    """The options of `kinwatch demo`."""

    once: bool
    json: bool
    source: str | None
    pack: str | None
    keep: Path | None


@dataclass(frozen=True)
class Act:
    """One act of the show, and what the house must make of it."""

    name: str
    title: str
    verdict: str | None
    who: str | None = None
    alerts: int = 0


ACTS = (
    Act("cat", "a cat crosses the room: nothing should happen", None),
    Act("woman", "a woman whom nobody knows comes in: the household should be alerted", "stranger", alerts=1),
    Act("woman", f"{NAME} comes again, now that she is enrolled: a greeting", "family", who=NAME),
    Act("far", "somebody is there whose face cannot be seen: after 10 seconds, say so", "unidentified", alerts=1),
)
ENROLL_BEFORE = 2


def run(options: Options) -> None:
    """Show the scene, or watch a real camera; `KinwatchError` if the house did not do what it must."""
    logging.getLogger("nerves").setLevel(logging.WARNING)  # that links connect is no part of the show
    with ExitStack() as stack:
        folder = options.keep or Path(tempfile.mkdtemp(prefix="kinwatch-demo-"))
        folder.mkdir(parents=True, exist_ok=True)
        stop = stack.enter_context(stopped_by_signals())
        if options.source:
            _watch(options, options.source, folder, stop, stack)
        else:
            _show(options, folder, stop, stack)


def _show(options: Options, folder: Path, stop: Event, stack: ExitStack) -> None:
    theatre = stack.enter_context(_theatre())
    house, config = _house(folder, theatre.url, options, data_dir=folder / "data")
    stage = Stage(options, house, config, folder)
    stack.enter_context(stage.open())
    stage.await_awake(stop)
    begun = time.monotonic()
    failed = [*_acts(stage, theatre, stop)]
    while not options.once and not failed and not stop.is_set():
        stage.command("forget", NAME)
        failed = [*_acts(stage, theatre, stop)]
    if stop.is_set():
        return
    failed += stage.missing_evidence()
    stage.summary(failed, time.monotonic() - begun)


def _acts(stage: "Stage", theatre: Any, stop: Event) -> Iterator[str]:  # noqa: ANN401 - the theatre is imported late
    for number, act in enumerate(ACTS):
        if stop.is_set():
            return
        if number == ENROLL_BEFORE:
            stage.enroll()
        stage.tell(f"act {number + 1}: {act.title}")
        yield from stage.play(act, theatre.play)


def _watch(options: Options, source: str, folder: Path, stop: Event, stack: ExitStack) -> None:
    """Run the house on a real camera, with the people who are enrolled on this machine."""
    house, config = _house(folder, source, options, data_dir=None)
    stage = Stage(options, house, config, folder)
    stack.enter_context(stage.open())
    stage.await_awake(stop)
    stage.tell(f"watching {source}; Ctrl-C ends it. `kinwatch enroll NAME PHOTO...` teaches it who is family")
    while not stop.is_set():
        stage.take(0.5)
        if options.once and stage.over():
            return


class Stage:
    """The running house, as its audience sees it."""

    def __init__(self, options: Options, house: House, config: Path, folder: Path) -> None:
        self.visits: list[Visit] = []
        self.receipts: list[Stored] = []
        self._options, self._house, self._config, self._folder = options, house, config, folder
        self._arrived: Queue[Fact] = Queue()
        self._statuses: Mapping[str, Status] = {}
        self._env: dict[str, str] = {}

    @contextmanager
    def open(self) -> Iterator[None]:
        """Start the broker and every organ, each a process; end them."""
        with ExitStack() as stack:
            broker = stack.enter_context(private_broker(self._house.data_dir))
            self.tell(f"the bus is {broker.kind} at {broker.url}", quiet=True)
            if broker.warning:
                self.tell(f"note: {broker.warning}", quiet=True)
            log = stack.enter_context((self._folder / "house.log").open("a"))
            self._env = environment(self._house, broker.url)

            def note(organ: str, line: str) -> None:
                log.write(f"{organ}: {line}\n")
                log.flush()

            self._statuses = stack.enter_context(statuses(self._house, broker.url, note))
            link = open_link(broker.url, f"{topics.ROOT}-demo", durable=False)
            for fact in (Visit, Stored):
                link.listen(topics.to("+", fact.kind), self._receiver(fact), qos=1)
            stack.enter_context(link)
            link.wait_connected(AWAKE_S)
            over = Event()
            organs = parts(self._house, self._config)
            keeper = Thread(target=keep, args=[organs], kwargs={"stop": over, "say": note, "env": self._env})
            keeper.start()
            stack.callback(keeper.join)
            stack.callback(over.set)
            yield

    def await_awake(self, stop: Event) -> None:
        """Wait until every organ lives."""
        until = time.monotonic() + AWAKE_S
        while not stop.wait(0.1):
            awake = {name for name, status in self._statuses.items() if status.state == "online" and status.detail}
            if awake >= ORGANS:
                self.tell(f"awake, each a process of its own: {', '.join(sorted(ORGANS))}", quiet=True)
                return
            if time.monotonic() > until:
                message = f"{', '.join(sorted(ORGANS - awake))} did not start: see {self._folder / 'house.log'}"
                raise KinwatchError(message)

    def play(self, act: Act, play: Callable[[str], None]) -> Iterator[str]:
        """Play an act, show what the house says, and yield what it should have done and did not."""
        before = len(self.visits)
        player = Thread(target=play, args=[act.name], daemon=True)
        player.start()
        while player.is_alive():
            self.take(0.2)
        self._settle(before)
        said = self.visits[before:]
        problem = _wrong(act, said)
        if problem:
            self.tell(f"WRONG: {problem}")
            yield f"{act.title}: {problem}"
        elif act.verdict is None:
            self.tell("nothing happened, as it should be")

    def enroll(self) -> None:
        """Enrol the woman from a photo, as a person would at a terminal."""
        from kinwatch.scene.people import photo  # noqa: PLC0415 - scikit-image takes a second

        file = self._folder / f"{NAME.lower()}.png"
        photo(file)
        self.command("enroll", NAME, str(file))

    def command(self, *words: str) -> None:
        """Run a command of kinwatch on this house."""
        self.tell(f"$ kinwatch {' '.join(words)}")
        line = [sys.executable, "-m", "kinwatch", *words, "--config", str(self._config)]
        done = subprocess.run(line, env=self._env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise KinwatchError(done.stderr.strip() or f"kinwatch {words[0]} failed")
        self.tell(f"  {done.stdout.strip()}")

    def take(self, timeout_s: float) -> bool:
        """Show the next event; False if none came within the time."""
        try:
            fact = self._arrived.get(timeout=timeout_s)
        except Empty:
            return False
        if isinstance(fact, Visit):
            self.visits.append(fact)
            self._show(fact)
        elif isinstance(fact, Stored):
            self.receipts.append(fact)
        return True

    def over(self) -> bool:
        """Whether the camera's recording has been played and every visit has ended."""
        camera = self._statuses.get(PLACE)
        open_visits = {visit.visit for visit in self.visits} - {v.visit for v in self.visits if v.phase == "ended"}
        return camera is not None and camera.state == "offline" and not open_visits

    def missing_evidence(self) -> Iterator[str]:
        """Yield what was decided and not stored."""
        until = time.monotonic() + SETTLE_S
        wanted = {(visit.visit, visit.seq) for visit in self.visits}
        while time.monotonic() < until and wanted - {(receipt.visit, receipt.seq) for receipt in self.receipts}:
            self.take(0.2)
        left = wanted - {(receipt.visit, receipt.seq) for receipt in self.receipts}
        if left:
            yield f"{len(left)} messages were not stored"

    def summary(self, failed: list[str], seconds: float) -> None:
        """Say how it went; `KinwatchError` if not well."""
        evidence = self._folder / "evidence"
        stored = len(list(evidence.glob("*/*.json")))
        if self._options.json:
            facts = {"ok": not failed, "failed": failed, "visits": len({visit.visit for visit in self.visits})}
            emit({"summary": facts | {"stored": stored, "evidence": str(evidence), "seconds": round(seconds, 1)}})
        else:
            say(f"{stored} visits are stored with their pictures in {evidence}")
        if failed:
            message = f"the house did not do what it must: {'; '.join(failed)}; see {self._folder / 'house.log'}"
            raise KinwatchError(message)

    def tell(self, text: str, *, quiet: bool = False) -> None:
        """Tell the audience; beside JSON on stdout, on stderr."""
        if self._options.json:
            err.print(text, markup=False)
        else:
            say(text, "dim" if quiet else None)

    def _show(self, visit: Visit) -> None:
        if self._options.json:
            emit({"event": "visit"} | visit.model_dump(mode="json", exclude={"picture", "frame"}))
            return
        text, style = sentence(visit)
        say(f"  {visit.at.astimezone():%H:%M:%S} {text}", style)
        if visit.verdict == "family" and visit.phase in ("decided", "corrected"):
            say(f"  Hello, {visit.who}!", "bold green")

    def _settle(self, before: int) -> None:
        """Wait until the visits of the act have ended, or for a moment if there was none."""
        until = time.monotonic() + SETTLE_S
        quiet = time.monotonic() + QUIET_S
        while time.monotonic() < until:
            if self.take(0.2):
                quiet = time.monotonic() + QUIET_S
            said = self.visits[before:]
            ended = {visit.visit for visit in said if visit.phase == "ended"}
            if {visit.visit for visit in said} <= ended and time.monotonic() > quiet:
                return

    def _receiver(self, fact: type[Fact]) -> Callable[[str, bytes], None]:
        return lambda topic, payload: self._arrived.put(fact.read(topic, payload))


def _wrong(act: Act, said: list[Visit]) -> str | None:
    """Return what the house should have said in an act and did not, or the other way round."""
    visits = {visit.visit for visit in said}
    if act.verdict is None:
        return f"{len(visits)} visits where there is nobody" if visits else None
    alerts = sum(visit.alert for visit in said)
    last = said[-1] if said else None
    if len(visits) != 1 or last is None:
        return f"{len(visits)} visits instead of one"
    if (last.verdict, last.who) != (act.verdict, act.who):
        return f"{last.verdict} {last.who or ''} instead of {act.verdict} {act.who or ''}".replace("  ", " ")
    return f"{alerts} alerts instead of {act.alerts}" if alerts != act.alerts else None


@contextmanager
def _theatre() -> Iterator[Any]:
    try:
        from kinwatch.theatre import Theatre  # noqa: PLC0415 - OpenCV and scikit-image take two seconds
    except ImportError as error:
        message = f"the demo needs the package {error.name}: pip install 'kinwatch[demo]'"
        raise SettingsError(message) from error
    with Theatre() as theatre:
        yield theatre


def _house(folder: Path, source: str, options: Options, *, data_dir: Path | None) -> tuple[House, Path]:
    """Write the demo's settings; the models are looked for, and fetched if need be, in the usual data folder."""
    usual = load()
    os.environ.setdefault("KINWATCH_MODELS", str(usual.data_dir / "models"))
    if options.pack:
        os.environ["KINWATCH_BRAIN__PACK"] = options.pack
    config = folder / "kinwatch.yaml"
    tables: dict[str, Any] = {
        "senses": {PLACE: {"kind": "camera", "source": source}},
        "actuators": {"evidence": {"kind": "store", "url": (folder / "evidence").absolute().as_uri()}},
        "data_dir": str((data_dir or usual.data_dir).absolute()),
    }
    config.write_text(yaml.safe_dump(tables))
    house = load(config, environ={key: value for key, value in os.environ.items() if key != "KINWATCH_DATA_DIR"})
    open_sight(usual, brain_settings(house))  # fetches the built-in models, once
    return house, config
