"""A test run that Python itself ends is not silent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import scaled

ROOT = Path(__file__).parent.parent
CONFTEST = """
import pytest
from tests import lastwords

@pytest.fixture(scope="session", autouse=True)
def last_words(pytestconfig):
    with lastwords.kept(pytestconfig):
        yield
"""
TEST = """
import ctypes, os, signal, sys

def test_it():
    sys.stderr.write("a word before\\n")
    {end}
"""
FATAL = 'ctypes.pythonapi.Py_FatalError(b"the stack is full")'


def said(folder: Path, end: str, *options: str) -> tuple[int, str]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(TEST.format(end=end))
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=scaled(60), check=False)
    return done.returncode, done.stderr  # both its ends are closed: whoever speaks for it has spoken


@pytest.mark.timeout(70)
@pytest.mark.parametrize(
    ("end", "status", "word"),
    [(FATAL, -6, "the stack is full"), ("os.kill(os.getpid(), signal.SIGKILL)", -9, "what had been caught")],
)
def test_a_run_that_dies_leaves_its_last_words(end: str, status: int, word: str, tmp_path: Path) -> None:
    ended, words = said(tmp_path, end)
    assert ended == status
    assert word in words
    assert "a word before" in words


@pytest.mark.timeout(70)
@pytest.mark.parametrize("options", [[], ["-s"], ["--capture=sys"]])
def test_a_run_that_ends_well_leaves_none(options: list[str], tmp_path: Path) -> None:
    ended, words = said(tmp_path, "pass", *options)
    assert ended == 0
    assert "before its time" not in words
