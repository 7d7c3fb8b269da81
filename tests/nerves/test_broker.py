import contextlib
import importlib.util
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from nerves import broker
from nerves.broker import house_url, need_url, private_broker
from nerves.errors import BrokerUnavailable
from nerves.settings import HouseSettings
from tests.waiting import soon

RUN = """
import pathlib, sys, time
from nerves.broker import private_broker
with private_broker(pathlib.Path(sys.argv[1])) as broker:
    print(broker.url, flush=True)
    time.sleep(60)
"""


def port(url: str) -> int:
    return urlsplit(url).port or 0


def answers(url: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port(url)), 1).close()
    except OSError:
        return False
    return True


def listener(url: str) -> psutil.Process | None:
    for process in psutil.Process().children():
        # A process that is just ending may be looked at by root only.
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            for connection in process.net_connections("tcp"):
                if connection.status == "LISTEN" and connection.laddr.port == port(url):
                    return process
    return None


@pytest.fixture
def without_mosquitto(monkeypatch: pytest.MonkeyPatch) -> None:
    found = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, **how: None if name == "mosquitto" else found(name, **how))


@pytest.mark.mosquitto
def test_mosquitto_is_preferred_and_listens_on_loopback_only(tmp_path: Path) -> None:
    with private_broker(tmp_path) as private:
        assert private.kind == "mosquitto"
        assert private.warning == ""
        assert answers(private.url)
        process = listener(private.url)
        assert process
        listening = [c.laddr.ip for c in process.net_connections("tcp") if c.status == "LISTEN"]
        assert listening == ["127.0.0.1"]
    assert not answers(private.url)


@pytest.mark.mosquitto
def test_the_port_is_the_same_next_time(tmp_path: Path) -> None:
    with private_broker(tmp_path) as first:
        pass
    with private_broker(tmp_path) as second:
        assert second.url == first.url


@pytest.mark.mosquitto
def test_another_port_is_taken_when_the_old_one_is_not_free(tmp_path: Path) -> None:
    with private_broker(tmp_path) as first:
        pass
    with socket.create_server(("127.0.0.1", port(first.url))), private_broker(tmp_path) as second:
        assert second.url != first.url


@pytest.mark.mosquitto
def test_a_broker_that_dies_is_started_again_on_its_port(tmp_path: Path) -> None:
    with private_broker(tmp_path) as private:
        dead = listener(private.url)
        assert dead
        dead.kill()
        assert soon(lambda: listener(private.url) not in (None, dead) and answers(private.url))


@pytest.mark.mosquitto
def test_other_processes_find_the_running_broker(tmp_path: Path) -> None:
    house = HouseSettings(data_dir=tmp_path)
    assert house_url(house) is None
    with private_broker(tmp_path) as private:
        assert house_url(house) == need_url(house) == private.url
    assert house_url(house) is None


def test_a_stored_url_without_a_broker_behind_it_is_ignored(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        dead = free.getsockname()[1]
    (tmp_path / "broker.url").write_text(f"mqtt://127.0.0.1:{dead}\n")
    assert house_url(HouseSettings(data_dir=tmp_path)) is None
    with pytest.raises(BrokerUnavailable, match="kinwatch up"):
        need_url(HouseSettings(data_dir=tmp_path))


def test_the_settings_broker_wins(tmp_path: Path) -> None:
    house = HouseSettings.model_validate({"data_dir": tmp_path, "mqtt": {"url": "mqtt://elsewhere"}})
    assert house_url(house) == "mqtt://elsewhere"


@pytest.mark.mosquitto
def test_a_second_house_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with (
        private_broker(tmp_path),
        pytest.raises(BrokerUnavailable, match="KINWATCH_DATA_DIR"),
        private_broker(tmp_path),
    ):
        pass


@pytest.mark.mosquitto
@pytest.mark.skipif(not shutil.which("setpriv"), reason="no setpriv here")
def test_the_broker_ends_when_we_are_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path)], stdout=subprocess.PIPE) as us:
        assert us.stdout
        url = us.stdout.readline().decode().strip()
        assert answers(url)
        us.send_signal(signal.SIGKILL)
        us.wait()
    assert soon(lambda: not answers(url))


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("without_mosquitto")
def test_amqtt_stands_in_with_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("amqtt")
    with private_broker(tmp_path) as private:
        assert private.kind == "amqtt"
        assert "do not survive crashes" in private.warning
        assert answers(private.url)
    assert soon(lambda: not answers(private.url))


@pytest.mark.usefixtures("without_mosquitto")
def test_no_broker_at_all_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with (
        pytest.raises(BrokerUnavailable, match=r"apt install mosquitto.*kinwatch\[broker\]"),
        private_broker(tmp_path),
    ):
        pass


def test_a_broker_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "print('out of luck'); raise SystemExit(1)"
    monkeypatch.setattr(broker, "_find", lambda: ("mosquitto", [sys.executable, "-c", words]))
    with pytest.raises(BrokerUnavailable, match="does not start: out of luck"), private_broker(tmp_path):
        pass
