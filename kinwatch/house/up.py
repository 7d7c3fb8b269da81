"""`kinwatch up`: every service as a process of its own, and a private broker if the settings name none."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from rich.console import Console
from rich.text import Text

from brain.settings.brain import BrainSettings
from kinwatch.house.supervisor import PrintLine, ServiceProcess, supervise
from nerves import topics
from nerves.broker import private_broker
from nerves.bus import open_link
from nerves.errors import MessageError, SettingsError
from nerves.messages import Status, now
from nerves.plugins import read_actuator, read_sense
from nerves.process import stopped_by_signals
from nerves.settings import HouseSettings, read_table

__all__ = ["command_line", "environment", "line_printer", "run_up", "service_processes", "statuses"]

BRAIN = "brain"
HOUSE_NAME = "house"
ENDED_FIRST, ENDED_SECOND, ENDED_LAST = range(3)
SERVICE_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta", "bright_green")
NAMES_WIDTH = 10


def run_up(house: HouseSettings, config: Path | None = None) -> None:
    """Do `kinwatch up`: run the house until a signal; all settings are checked before anything starts."""
    services = service_processes(house, config)
    print_line = line_printer()
    with stopped_by_signals() as stop, _broker(house, print_line) as url, statuses(house, url, print_line):
        print_line(
            HOUSE_NAME, f"up with {', '.join(process.name for process in services)}; the bus is {url}; Ctrl-C ends it"
        )
        status = supervise(services, stop=stop, print_line=print_line, env=environment(house, url))
    print_line(HOUSE_NAME, "down")
    if status and not stop.is_set():
        message = "no service could run: see why above"
        raise SettingsError(message)


def service_processes(house: HouseSettings, config: Path | None = None) -> list[ServiceProcess]:
    """Return the processes that the settings ask for; `SettingsError` if any service's settings are wrong."""
    read_table(BrainSettings, BRAIN, house.brain, house.where("brain"))
    for name in house.senses:
        read_sense(house, name)
    for name in house.actuators:
        read_actuator(house, name)
    if not house.senses and not house.actuators:
        message = "the settings name no sense and no actuator: write kinwatch.yaml, or try `kinwatch demo`"
        raise SettingsError(message)
    chosen = ("--config", str(config)) if config else ()

    def part(name: str, turn: int, *words: str) -> ServiceProcess:
        return ServiceProcess(name, command_line(*words, *chosen), turn, may_end=turn == ENDED_FIRST)

    return [
        *(part(name, ENDED_LAST, "act", name) for name in house.actuators),
        part(BRAIN, ENDED_SECOND, "think"),
        *(part(name, ENDED_FIRST, "sense", name) for name in house.senses),
    ]


def command_line(*words: str) -> tuple[str, ...]:
    """Return how to start `kinwatch` with these words as a process of its own.

    With `-P` a `brain.py` or `queue.py` in the working folder, where the settings lie, is never imported.
    """
    return (sys.executable, "-P", "-m", "kinwatch", *words)


def environment(house: HouseSettings, url: str) -> dict[str, str]:
    """Return the environment in which a service finds this house's broker and folder."""
    env = {key: value for key, value in os.environ.items() if key != "KINWATCH_MQTT__URL"}
    env |= {"KINWATCH_DATA_DIR": str(house.data_dir), "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}
    return env if house.mqtt.url else env | {"KINWATCH_MQTT_URL": url}


def line_printer() -> PrintLine:
    """Return a function that prints a service's line on stderr, after its name; in colours on a terminal."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    colours: dict[str, str] = {}
    lock = Lock()

    def print_line(name: str, line: str) -> None:
        with lock:
            colour = colours.setdefault(name, SERVICE_COLOURS[len(colours) % len(SERVICE_COLOURS)])
            title = Text(f"{name:<{NAMES_WIDTH}} ", style=colour)
            console.print(Text.assemble(f"{now().astimezone():%H:%M:%S} ", title, line))

    return print_line


@contextmanager
def _broker(house: HouseSettings, print_line: PrintLine) -> Iterator[str]:
    if house.mqtt.url:
        yield house.mqtt.url
        return
    with private_broker(house.data_dir) as broker:
        if broker.warning:
            print_line(HOUSE_NAME, f"the broker is {broker.kind}: {broker.warning}")
        yield broker.url


@contextmanager
def statuses(house: HouseSettings, url: str, print_line: PrintLine) -> Iterator[Mapping[str, Status]]:
    """Print when a service starts, ends or changes its status; give the newest status of each by name."""
    known: dict[str, Status] = {}

    def receive(topic: str, payload: bytes) -> None:
        try:
            status = Status.read(topic, payload)
        except MessageError:
            return
        before = known.get(status.service)
        known[status.service] = status
        if before is None or (before.state, before.detail) != (status.state, status.detail):
            print_line(status.service, f"{status.state}{f': {status.detail}' if status.detail else ''}")

    link = open_link(url, f"{topics.ROOT}-up-{os.getpid()}", durable=False, password=house.mqtt.login)
    link.listen(topics.status("+"), receive, qos=1)
    with link:
        yield known
