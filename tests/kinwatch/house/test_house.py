import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread
from typing import Self

import psutil
import pytest

from kinwatch.house import supervisor
from kinwatch.house.supervisor import ServiceProcess, supervise
from kinwatch.house.up import environment, service_processes
from nerves.errors import SettingsError
from nerves.settings import HouseSettings
from tests.paths import ROOT
from tests.waiting import scaled, soon


def python(name: str, code: str, turn: int = 0, *, may_end: bool = False) -> ServiceProcess:
    return ServiceProcess(name, (sys.executable, "-uc", code), turn, may_end=may_end)


STAY = "import os, time; print('pid', os.getpid()); time.sleep(60)"


class Kept:
    """Parts that are kept, from a thread of their own."""

    def __init__(self, *kept: ServiceProcess) -> None:
        self.parts = kept
        self.lines: list[tuple[str, str]] = []
        self.status: int | None = None
        self.stop = Event()
        self.thread = Thread(target=self._keep)

    def _keep(self) -> None:
        self.status = supervise(self.parts, stop=self.stop, print_line=lambda *line: self.lines.append(line))

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()

    def pids(self, name: str) -> list[int]:
        return [int(line.split()[1]) for who, line in self.lines if who == name and line.startswith("pid ")]

    def said(self, name: str) -> str:
        return "\n".join(line for who, line in self.lines if who == name)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "RESTART_PAUSES_S", (0.1, 0.4))


def test_a_killed_service_is_started_again() -> None:
    with Kept(python("hall", STAY)) as kept:
        assert soon(lambda: kept.pids("hall"))
        os.kill(kept.pids("hall")[0], signal.SIGKILL)
        assert soon(lambda: len(kept.pids("hall")) == 2)
    assert "ended by signal 9: starting it again in 0.1 s" in kept.said("hall")
    assert not psutil.pid_exists(kept.pids("hall")[1])


def test_the_pause_grows_up_to_its_limit() -> None:
    with Kept(python("hall", "raise SystemExit(1)")) as kept:
        assert soon(lambda: kept.said("hall").count("in 0.4 s") == 2)
    said = kept.said("hall")
    assert said.index("in 0.1 s") < said.index("in 0.2 s") < said.index("in 0.4 s")


def test_a_clip_that_ended_is_not_started_again() -> None:
    with Kept(python("clip", "print('over')", may_end=True), python("brain", STAY)) as kept:
        assert soon(lambda: "has ended" in kept.said("clip"))
        time.sleep(0.5)
    assert kept.said("clip").count("over") == 1
    assert kept.status == 0


def test_wrong_settings_are_reported_once_and_the_other_services_continue() -> None:
    with Kept(python("bad", "raise SystemExit(2)"), python("good", STAY)) as kept:
        assert soon(lambda: "until its settings are corrected" in kept.said("bad"))
        assert soon(lambda: kept.pids("good"))
        time.sleep(0.4)
        assert kept.thread.is_alive()
    assert kept.said("bad").count("corrected") == 1


def test_when_all_have_wrong_settings_it_ends() -> None:
    with Kept(python("bad", "raise SystemExit(2)"), python("worse", "raise SystemExit(2)")) as kept:
        assert soon(lambda: kept.status == 2)


def test_services_end_in_order() -> None:
    code = """
import signal, sys, time
def end(*_):
    time.sleep(0.1); print("bye", time.time()); sys.exit()
signal.signal(signal.SIGTERM, end); print("pid 0"); time.sleep(60)
"""
    with Kept(python("last", code, 2), python("first", code, 0), python("second", code, 1)) as kept:
        assert soon(lambda: all(kept.pids(part.name) for part in kept.parts))
    assert [name for name, line in kept.lines if line.startswith("bye")] == ["first", "second", "last"]


def test_a_service_that_ignores_the_signal_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STOP_TIMEOUT_S", 0.2)
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {STAY}"
    with Kept(python("deaf", deaf)) as kept:
        assert soon(lambda: kept.pids("deaf"))
    assert not psutil.pid_exists(kept.pids("deaf")[0])


def test_a_line_carries_its_name_once() -> None:
    code = "print('12:34:56 hall: seen'); print('12:34:56 other: x'); print('plain'); print('\\xff')"
    with Kept(python("hall", code, may_end=True)) as kept:
        assert soon(lambda: kept.status == 0)
    assert [line for _, line in kept.lines][:3] == ["seen", "12:34:56 other: x", "plain"]


def house(tmp_path: Path, **tables: object) -> HouseSettings:
    return HouseSettings.model_validate({"data_dir": tmp_path, **tables})


STORE = {"kind": "store", "url": "file:///evidence"}


def test_a_service_is_a_process_and_senses_end_first(tmp_path: Path) -> None:
    found = service_processes(house(tmp_path, actuators={"evidence": STORE}), Path("my.yaml"))
    assert [(part.name, part.command[1:], part.stop_turn) for part in found] == [
        ("evidence", ("-P", "-m", "kinwatch", "act", "evidence", "--config", "my.yaml"), 2),
        ("brain", ("-P", "-m", "kinwatch", "think", "--config", "my.yaml"), 1),
    ]


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({}, "no sense and no actuator"),
        ({"actuators": {"evidence": STORE | {"ulr": 1}}}, "actuators.evidence.ulr is not a setting"),
        ({"actuators": {"evidence": STORE}, "brain": {"vison": "x"}}, "brain.vison is not a setting"),
        ({"actuators": {"evidence": STORE | {"url": "s3://our-house"}}}, "has no prefix"),
    ],
)
def test_wrong_settings_start_nothing(tmp_path: Path, tables: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        service_processes(house(tmp_path, **tables))


def test_services_find_the_broker_and_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINWATCH_MQTT__URL", "mqtt://stale")
    env = environment(house(tmp_path), "mqtt://127.0.0.1:1")
    assert env["KINWATCH_MQTT_URL"] == "mqtt://127.0.0.1:1"
    assert env["KINWATCH_DATA_DIR"] == str(tmp_path)
    assert "KINWATCH_MQTT__URL" not in env


UP = """
import sys
from pathlib import Path
from kinwatch.house import up
from kinwatch.house.supervisor import ServiceProcess
from nerves.settings import HouseSettings
service = '''
import pathlib
from nerves.runner import run_actuator
from nerves.messages import Heard
from nerves.services import Actuator, ServiceSettings
from nerves.settings import load
def act(settings, messages):
    for message in messages:
        pass
    return ()
run_actuator("voice", Actuator(ServiceSettings, Heard, act), ServiceSettings(kind="t"), load())
'''
up.service_processes = lambda *_: [ServiceProcess("voice", (sys.executable, "-c", service), 2)]
up.run_up(HouseSettings(data_dir=Path(sys.argv[1])))
"""


@pytest.mark.timeout(60)
@pytest.mark.mosquitto
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_whole_house_ends_with_up(tmp_path: Path, number: int) -> None:
    log = tmp_path / "log"
    with log.open("wb") as err:
        up = subprocess.Popen([sys.executable, "-c", UP, str(tmp_path / "data")], cwd=ROOT, stderr=err)
    with up:
        assert soon(lambda: "ready" in log.read_text(), 15), log.read_text()
        family = psutil.Process(up.pid).children(recursive=True)
        assert len(family) == 2
        up.send_signal(number)
        status = up.wait(scaled(10))
    assert status == (0 if number != signal.SIGKILL else -number)
    gone, left = psutil.wait_procs(family, timeout=scaled(8))
    assert len(gone) == 2, left
    if number != signal.SIGKILL:
        assert "voice      offline" in log.read_text()
        assert not (tmp_path / "data" / "broker.url").exists()
