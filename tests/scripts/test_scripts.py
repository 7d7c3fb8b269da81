"""What the scripts install: every package pinned with its hashes, every program with its Debian package."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import packages
from tests.paths import ROOT

LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins() -> dict[str, list[str]]:
    """Return the releases that the lock pins of each package: several where Pythons or machines differ."""
    found: dict[str, list[str]] = {}
    for line in LOCK.splitlines():
        if line[:1] not in {"", " ", "#"}:
            name, _, rest = line.partition("==")
            found.setdefault(name, []).append(rest.split()[0])
    return found


def wanted() -> list[str]:
    lines = [*PROJECT["dependencies"], *(line for extra in PROJECT["optional-dependencies"].values() for line in extra)]
    return sorted({line for line in lines if not line.startswith("kinwatch[")})


@pytest.mark.parametrize("line", wanted())
def test_what_the_project_needs_is_pinned(line: str) -> None:
    requirement = Requirement(line)
    releases = pins().get(canonicalize_name(requirement.name), [])
    assert any(requirement.specifier.contains(release) for release in releases), "run scripts/lock"


def test_every_pin_has_hashes() -> None:
    blocks = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert len(blocks) > 100
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_lock_names_no_server() -> None:
    assert "://" not in LOCK
    assert "--index" not in LOCK


def test_every_program_has_a_package_or_is_never_installed() -> None:
    declared = packages()
    assert {"mosquitto", "mosquitto_pub", "espeak-ng", "ffmpeg", "node", "chromium"} <= declared.keys()
    assert all(re.fullmatch(r"-|[a-z0-9][a-z0-9+.-]+", package) for package in declared.values())
