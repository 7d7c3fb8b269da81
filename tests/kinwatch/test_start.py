"""How the command starts: from any folder, and only with packages of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kinwatch import __main__ as start
from kinwatch.house.up import command_line
from tests.paths import ROOT
from tests.waiting import scaled, soon

NAMES = ("brain.py", "queue.py", "yaml.py", "senses.py")
SETTINGS = "actuators: {evidence: {kind: store, url: 'file:///%s/evidence'}}\n"


def house(folder: Path, *, with_files: bool) -> Path:
    """Return a folder with kinwatch.yaml and, if wanted, files that end whatever imports them."""
    folder.mkdir()
    (folder / "kinwatch.yaml").write_text(SETTINGS % folder)
    for name in NAMES if with_files else ():
        (folder / name).write_text(f"raise SystemExit('{name} of the working folder was imported')\n")
    return folder


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {"KINWATCH_DATA_DIR": str(folder / "data"), "PYTHONPATH": str(ROOT)}


def checked(folder: Path) -> tuple[int, str]:
    """Return the status and the output of `python -m kinwatch check`, the folder's name left out."""
    done = subprocess.run(
        [sys.executable, "-m", "kinwatch", "check"],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).replace(str(folder), "FOLDER")


@pytest.mark.timeout(40)
def test_check_is_the_same_beside_files_that_are_named_like_packages(tmp_path: Path) -> None:
    plain, crowded = (house(tmp_path / name, with_files=name == "crowded") for name in ("plain", "crowded"))
    assert checked(crowded) == checked(plain)
    assert "actuator evidence" in checked(crowded)[1]


@pytest.mark.mosquitto
@pytest.mark.timeout(60)
def test_up_is_the_same_beside_files_that_are_named_like_packages(tmp_path: Path) -> None:
    folder = house(tmp_path / "crowded", with_files=True)
    with (tmp_path / "log").open("w+") as log:
        command = [sys.executable, "-m", "kinwatch", "up"]
        with subprocess.Popen(command, cwd=folder, env=environment(folder), stderr=log, stdout=log) as up:
            try:
                soon(lambda: "evidence   online" in (tmp_path / "log").read_text(), 30)
                soon(lambda: "brain" in (tmp_path / "log").read_text().split("up with")[1].partition("\n")[2], 30)
            finally:
                up.terminate()
                up.wait(scaled(20))
    assert "was imported" not in (tmp_path / "log").read_text()


def test_a_service_is_started_without_the_working_folder_on_its_path() -> None:
    assert command_line("think") == (sys.executable, "-P", "-m", "kinwatch", "think")


def copied(folder: Path) -> Path:
    """Return a copy of the first lines of our packages, as installed."""
    for name in start.PACKAGES:
        (folder / name).mkdir(parents=True)
        shutil.copy(ROOT / name / "__init__.py", folder / name)
    shutil.copy(ROOT / "kinwatch" / "__main__.py", folder / "kinwatch")
    return folder


def started(path: str, cwd: Path) -> str:
    """Return what the command says if our packages are those on this path."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "kinwatch"],
        cwd=cwd,
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr


def test_a_package_that_overwrote_one_of_ours_is_named_with_what_to_do(tmp_path: Path) -> None:
    site = copied(tmp_path / "site")
    (site / "senses" / "__init__.py").write_text('"""Another package called senses."""\n')
    assert started(str(site), tmp_path) == (
        f"kinwatch: another package has replaced kinwatch's own senses in {site}: "
        "pip uninstall senses; pip install --force-reinstall --no-deps kinwatch\n"
    )


def test_a_package_whose_first_file_was_uninstalled_is_named(tmp_path: Path) -> None:
    site = copied(tmp_path / "site")
    (site / "brain" / "__init__.py").unlink()
    assert "kinwatch: another package has replaced kinwatch's own brain" in started(str(site), tmp_path)


def test_a_file_that_is_found_before_a_package_of_ours_is_named(tmp_path: Path) -> None:
    site = copied(tmp_path / "site")
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "brain.py").write_text("")
    assert started(f"{tmp_path / 'first'}:{site}", tmp_path) == (
        f"kinwatch: Python finds another brain before kinwatch's own: rename {tmp_path / 'first' / 'brain.py'}, "
        "or take its folder off PYTHONPATH\n"
    )


def test_the_packages_here_are_ours_and_typed() -> None:
    assert start.foreign_package() is None
    assert all((ROOT / name / "py.typed").exists() for name in start.PACKAGES)


def test_ctrl_c_while_the_command_is_imported_is_a_status_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted:
        def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
            if name == "kinwatch.cli":
                raise KeyboardInterrupt

    monkeypatch.setattr(start, "leave_working_folder", lambda: None)
    monkeypatch.delitem(sys.modules, "kinwatch.cli", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        start.run_kinwatch()
    assert ended.value.code == 130
