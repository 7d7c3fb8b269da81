"""What a test run that dies has said last.

pytest catches what is written to stderr, and that is lost when the process is. Its faulthandler speaks when C or C++
aborts, but not when Python does: a "Fatal Python error" switches it off. So a process beside it looks after the file.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

__all__ = ["kept"]

# Waits for the end of the run, however it ends: the pipe closes even on SIGKILL. On 2 is what was caught.
HEIR = """
import os, sys
if not sys.stdin.buffer.read() and not os.path.sameopenfile(1, 2):
    caught = os.fstat(2).st_size
    words = os.pread(2, 30_000, max(caught - 30_000, 0))
    os.write(1, b"\\nThe test run ended before its time; what had been caught of its stderr:\\n" + words + b"\\n")
"""


@contextmanager
def kept(config: pytest.Config) -> Iterator[None]:
    """Have what was caught said if the process ends within the block; call it while stderr is being caught."""
    if config.getoption("capture") != "fd":
        yield
        return
    catcher = config.pluginmanager.getplugin("capturemanager")
    with catcher.global_and_fixture_disabled():
        out = os.dup(2)
    try:
        heir = subprocess.Popen(
            [sys.executable, "-IS", "-c", HEIR], stdin=subprocess.PIPE, stdout=out, start_new_session=True
        )
    finally:
        os.close(out)
    try:
        yield
    finally:
        heir.communicate(b"all is well", timeout=10)
