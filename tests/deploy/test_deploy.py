"""The files of deploy/ fit together, and fit the code."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from brain.settings.brain import BrainSettings
from kinwatch.cli import app
from nerves import plugins
from nerves.plugins import read_actuator, read_sense
from nerves.settings import HouseSettings, load, read_table
from tests.paths import DEPLOY

SYSTEMD = shutil.which("systemd-analyze")
# What .env says once README.md has been followed, of what cannot have a default.
SAID = {"PUSH_URLS": '["ntfy://nobody-guesses"]', "X_ACCOUNT": "@ourhouse"}
# What compose finds beside its file once README.md has been followed.
MADE = {"kinwatch.yaml": "kinwatch.yaml.example", "secrets": "README.md"}


@pytest.fixture
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: service for name, service in compose["services"].items() if name != "mosquitto"}


def filled(value: str) -> str:
    """Return a value as compose fills it in."""
    return re.sub(r"\$\{(\w+):-(.*?)\}", lambda found: SAID.get(found[1], found[2]), value)


def accept(house: HouseSettings) -> None:
    read_table(BrainSettings, "brain", house.brain, house.where("brain"))
    for name in house.senses:
        read_sense(house, name)
    for name in house.actuators:
        read_actuator(house, name)


def test_the_example_settings_are_accepted(tmp_path: Path) -> None:
    house = load(DEPLOY / "kinwatch.yaml.example", environ={"KINWATCH_DATA_DIR": str(tmp_path / "data")})
    assert house.senses
    assert house.actuators
    accept(house)


def test_every_container_gets_settings_that_are_accepted(
    compose: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in ("aplay", "espeak-ng"):  # which the image has, whatever this machine has
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name, service in services(compose).items():
        (tmp_path / name).mkdir()
        for secret in service["secrets"]:
            (tmp_path / name / secret["target"]).write_text("secret\n")
        environ = {key: filled(value) for key, value in service["environment"].items()}
        mounted = {"KINWATCH_SECRETS_DIR": str(tmp_path / name), "KINWATCH_DATA_DIR": str(tmp_path / "data")}
        house = load(DEPLOY / "kinwatch.yaml.example", environ=environ | mounted)
        assert house.mqtt.password
        accept(house)
        assert name in {"brain", *house.senses, *house.actuators}


def test_every_container_logs_in_as_itself_and_mosquitto_knows_it(compose: dict[str, Any]) -> None:
    users = re.findall(r"^user (\S+)$", (DEPLOY / "mosquitto.acl").read_text(), re.MULTILINE)
    for name, service in services(compose).items():
        assert urlsplit(service["environment"]["KINWATCH_MQTT_URL"]).username == name
        assert [secret["source"] for secret in service["secrets"]] == [name]
        assert name in users
    given = re.search(r"^for user in (.*); do$", (DEPLOY / "README.md").read_text(), re.MULTILINE)
    assert given
    assert given[1].split() == users


def test_every_container_runs_a_command_that_there_is(compose: dict[str, Any]) -> None:
    commands = {(each.name or each.callback.__name__) for each in app.registered_commands if each.callback}
    for service in services(compose).values():
        assert service["command"][0] in commands


def test_every_container_has_what_its_service_needs_and_starts_only_if_asked(compose: dict[str, Any]) -> None:
    extras = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    ours = {*plugins.senses(), *plugins.actuators()}
    run = set()
    for name, service in services(compose).items():
        wanted = service["build"].get("args", {}).get("EXTRAS", "brain,camera").split(",")
        assert {*wanted} <= {*extras}
        kinds = [value for key, value in service["environment"].items() if key.endswith("__KIND")]
        run |= {*kinds} | ({*wanted} & ours)
        # Only what kinwatch.yaml.example names runs without being asked for.
        assert service.get("profiles", []) == ([name] if kinds else [])
        assert all(kind == "homeassistant" or kind in wanted for kind in kinds)
        others = [each["image"] for each in services(compose).values() if each["build"] != service["build"]]
        assert service["image"] not in others, "two images have one name"
    assert ours - run == {"store"}
    said = re.search(
        r"^# What more is to run, by README.md: (.*)$", (DEPLOY / ".env.example").read_text(), re.MULTILINE
    )
    assert said
    asked = {name for name, service in services(compose).items() if "profiles" in service}
    assert {*said[1].split(",")} == asked
    assert {*re.findall(r"^\| `(\w+)` \|", (DEPLOY / "README.md").read_text(), re.MULTILINE)} == asked


def test_what_is_mounted_is_there(compose: dict[str, Any]) -> None:
    mounted = [volume.partition(":")[0] for each in compose["services"].values() for volume in each["volumes"]]
    files = [secret["file"] for secret in compose["secrets"].values()]
    for source in (*mounted, *files):
        if source.startswith("./"):
            first = Path(source).parts[0]
            assert (DEPLOY / MADE.get(first, first)).exists(), source
        else:
            assert source in compose["volumes"]
    assert {secret["source"] for each in services(compose).values() for secret in each["secrets"]} == {
        *compose["secrets"]
    }


@pytest.mark.skipif(SYSTEMD is None, reason="no systemd-analyze here")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "kinwatch.service"
    text = (DEPLOY / "kinwatch.service").read_text()
    unit.write_text(text.replace("/opt/kinwatch/bin/kinwatch", sys.executable))
    done = subprocess.run([str(SYSTEMD), "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    about_ours = [line for line in done.stderr.splitlines() if "kinwatch.service" in line]
    assert (done.returncode, about_ours) == (0, [])
