"""The command as it is after `pip install kinwatch`, without any extra: in an environment with nothing else."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kinwatch.commands.docs import documents
from tests.paths import ROOT
from tests.waiting import scaled, soon

PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
NO_INDEX = re.compile(r"No matching distribution|Could not find a version|NewConnectionError|Name or service not known")
# What each command says in an empty folder. The first word of a pattern tells a line from a table.
ADVICE = r"kinwatch: .*needs the package \w+: pip install 'kinwatch\[(brain|demo|measure|rekognition|retrain)\]'"
WITHOUT_EXTRA = [
    ("--help", r"Usage: kinwatch"),
    ("--version", r"kinwatch \d+\.\d+\.\d+"),
    ("act evidence", r"kinwatch: .*actuators\.evidence is not in the settings"),
    ("album list", ADVICE),
    ("album name 0193f5a2 Alice", ADVICE),
    ("album show", ADVICE),
    ("album discard 0193f5a2", ADVICE),
    ("album undo", ADVICE),
    ("day", ADVICE),
    ("check", ADVICE.removeprefix("kinwatch: .*")),
    ("check --alert", r"kinwatch: no broker"),
    ("demo --once", ADVICE),
    ("docs", r"iam/store\.json"),
    ("docs settings", r"deadline_s"),
    ("enroll Alice photo.jpg", ADVICE),
    ("export family.json", ADVICE),
    ("forget Alice", ADVICE),
    ("import family.json", ADVICE),
    ("listen --seconds 1", r"kinwatch: no broker"),
    ("measure", ADVICE),
    ("models", r"in use with `pack: auto`"),
    ("people", ADVICE),
    ("rekognition off", ADVICE),
    ("rekognition on", ADVICE),
    ("rekognition sent", ADVICE),
    ("rekognition status", ADVICE),
    ("rekognition sync", ADVICE),
    ("replay clip.mp4", ADVICE),
    ("retrain pictures", ADVICE),
    ("schema", r'"visit"'),
    ("schema settings", r'"title": "kinwatch.yaml"'),
    ("sense hall", r"kinwatch: .*senses\.hall is not in the settings"),
    ("think", ADVICE),
    ("up", r"kinwatch: the settings name no sense and no actuator"),
]


def need(*command: str | Path) -> None:
    """Run a command; skip the test if it needs a package index and there is none."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if NO_INDEX.search(done.stderr):
        pytest.skip(f"pip has no package index here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and install it without extras; return the environment's folder of programs."""
    folder = tmp_path_factory.mktemp("installed")
    need(*PIP, "wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    (wheel,) = folder.glob("kinwatch-*.whl")
    need(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    need(*PIP, "--python", folder / "venv/bin/python", "install", wheel)
    return folder / "venv" / "bin"


def environment(home: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("KINWATCH_", "PYTHON", "XDG_"))}
    return kept | {"HOME": str(home), "COLUMNS": "200"}


def run(bare: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [bare / "kinwatch", *words]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.timeout(180)
def test_the_environment_has_no_package_of_an_extra(bare: Path) -> None:
    code = (
        "import importlib.util as u; print([n for n in ('numpy', 'cv2', 'PIL', 'boto3', 'kinwatch') if u.find_spec(n)])"
    )
    done = subprocess.run([bare / "python", "-c", code], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout == "['kinwatch']\n"


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("words", "expected"), WITHOUT_EXTRA, ids=[words for words, _ in WITHOUT_EXTRA])
def test_every_command_works_or_names_its_extra_in_one_line(
    bare: Path, tmp_path: Path, words: str, expected: str
) -> None:
    done = run(bare, tmp_path, *words.split())
    assert re.search(expected, done.stdout + done.stderr), done
    assert "Traceback" not in done.stderr
    own = [line for line in done.stderr.splitlines() if line.startswith("kinwatch: ")]
    assert len(own) == (done.returncode != 0)
    assert len(done.stderr.splitlines()) <= 1


def test_the_table_has_every_command() -> None:
    from kinwatch.cli.app import COMMAND_TABLE, album, rekognition  # noqa: PLC0415 - only this test needs them

    groups = {"album": album.app, "rekognition": rekognition.app}
    commands = {name for name, _, _ in COMMAND_TABLE}
    commands |= {f"{name} {command.name}" for name, group in groups.items() for command in group.registered_commands}
    assert all(any(words.startswith(name) for words, _ in WITHOUT_EXTRA) for name in commands), commands


@pytest.mark.mosquitto
@pytest.mark.timeout(180)
def test_up_runs_what_needs_no_extra_and_says_which_one_the_brain_needs(bare: Path, tmp_path: Path) -> None:
    settings = f"actuators: {{evidence: {{kind: store, url: 'file://{tmp_path}/evidence'}}}}"
    (tmp_path / "kinwatch.yaml").write_text(settings)
    log = tmp_path / "log"
    with (
        log.open("w") as out,
        subprocess.Popen([bare / "kinwatch", "up"], cwd=tmp_path, env=environment(tmp_path), stderr=out) as up,
    ):
        try:
            soon(lambda: "evidence   online" in log.read_text(), 60, log.read_text)
            soon(lambda: "stays off until its settings are corrected" in log.read_text(), 60, log.read_text)
        finally:
            up.terminate()
            up.wait(scaled(20))
    assert re.search(r"brain +kinwatch: this needs the package numpy: pip install 'kinwatch\[brain\]'", log.read_text())
    assert "Traceback" not in log.read_text()


@pytest.mark.timeout(180)
def test_the_pages_of_the_wheel_are_those_of_the_checkout(bare: Path, tmp_path: Path) -> None:
    listed = run(bare, tmp_path, "docs").stdout.splitlines()[:-1]
    assert [line.split()[0] for line in listed] == list(documents())
    (site,) = bare.parent.glob("lib/python3*/site-packages")
    for file, _ in documents().values():
        assert (site / "kinwatch" / file.relative_to(ROOT)).read_text() == file.read_text(), file
    for name in ("settings", "deploy", "iam/store.json", "docs/camera.md"):
        page = name if name in documents() else "camera"
        assert run(bare, tmp_path, "docs", name).stdout == documents()[page][0].read_text()


@pytest.mark.timeout(180)
def test_the_wheel_says_that_it_is_typed_and_brings_no_pictures(bare: Path) -> None:
    (site,) = bare.parent.glob("lib/python3*/site-packages")
    assert {file.parent.name for file in site.glob("*/py.typed")} >= {
        "kinwatch",
        "nerves",
        "senses",
        "brain",
        "actuators",
    }
    assert not [*(site / "kinwatch").rglob("*.png")]
