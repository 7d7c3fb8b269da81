"""The end of real processes whose threads are in foreign code."""

import subprocess
import sys

import pytest

from tests.paths import ROOT
from tests.waiting import scaled

SCRIPT = """
import atexit, sys, threading
from nerves.leaving import leaving

def look():
    import cv2, numpy
    while True:  # whenever it comes back from C++, it waits for Python
        cv2.blur(numpy.zeros((200, 200), numpy.uint8), (9, 9))
        begun.set()

begun = threading.Event()
kept = [[] for _ in range(500_000)]  # Python takes its time to take itself apart
with leaving():
    atexit.register(print, "what ends with the process has ended")
    if "looks" in sys.argv:
        threading.Thread(target=look, daemon=True).start()
        begun.wait(60)
    sys.stdout.write("said ")
    {end}
"""


def ended(end: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT.format(end=end), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=scaled(90), check=False)


@pytest.mark.timeout(100)
@pytest.mark.parametrize("thread", [[], ["looks"]])
@pytest.mark.parametrize(
    ("end", "status"), [("pass", 0), ("sys.exit()", 0), ("sys.exit(3)", 3), ("sys.exit(-1)", 255), ("1 / 0", 1)]
)
def test_a_process_ends_with_its_own_status_whatever_its_threads_do(end: str, status: int, thread: list[str]) -> None:
    done = ended(end, *thread)
    assert "terminate called" not in done.stderr
    assert (done.returncode, done.stdout) == (status, "said what ends with the process has ended\n")
    assert ("ZeroDivisionError" in done.stderr) == (end == "1 / 0")


@pytest.mark.timeout(100)
def test_a_process_that_ends_with_a_message_prints_it() -> None:
    done = ended("sys.exit('no such house')", "looks")
    assert (done.returncode, done.stderr) == (1, "no such house\n")
