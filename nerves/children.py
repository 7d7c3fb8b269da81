"""Child processes that end when we end, however that happens."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

__all__ = ["Child", "end", "start"]

Child = subprocess.Popen[bytes]
Stream = int | IO[bytes] | None


@cache
def _death_signal_prefix() -> tuple[str, ...]:
    """Return the prefix of a command that makes it end with us; empty if the system has no such means."""
    setpriv = shutil.which("setpriv", path="/usr/bin:/bin")
    prefix = (setpriv or "", "--pdeathsig", "TERM", "--")
    if not setpriv or subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        return ()
    return prefix


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    output: Stream = None,
) -> Child:
    """Start a command in a session of its own, so that Ctrl-C reaches us alone and we end it in order.

    On Linux it gets SIGTERM when the thread that called this ends, even by SIGKILL: use one that stays.
    """
    return subprocess.Popen(
        [*_death_signal_prefix(), *command],
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def end(child: Child, timeout_s: float) -> int:
    """Ask a child to end, kill it after the time, and return its exit status."""
    child.terminate()
    try:
        return child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()
