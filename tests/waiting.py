"""How tests wait: for a condition, not for a time.

KINWATCH_TEST_SLOWER multiplies every limit and each test's own timeout: `KINWATCH_TEST_SLOWER=3` on a slow machine.
On a busy machine they are longer too: with eight processes that want to run for each core, eight times. A test that
passes takes no longer for it.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TypeVar

SLOWER = float(os.environ.get("KINWATCH_TEST_SLOWER", "1"))
FIRST_PAUSE_S = 0.005

T = TypeVar("T")


def scaled(limit_s: float) -> float:
    """Return a limit in seconds as this machine needs it now: by how slow and how busy it is."""
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    return limit_s * max(SLOWER, busy)


def soon(
    condition: Callable[[], T], timeout_s: float = 20, what: str | Callable[[], object] = "it", *, pause_s: float = 0.1
) -> T:
    """Return what `condition` returns as soon as that is true: asked again after at most `pause_s`, first more often.

    Raises:
        AssertionError: After `timeout_s` scaled seconds. It names `what`, or what the function `what` returns then.
    """
    begin = time.monotonic()
    next_pause_s = min(FIRST_PAUSE_S, pause_s)
    while not (found := condition()):
        waited_s = time.monotonic() - begin
        assert waited_s < scaled(timeout_s), f"waited {waited_s:.0f} s in vain for {what() if callable(what) else what}"
        time.sleep(next_pause_s)
        next_pause_s = min(next_pause_s * 1.3, pause_s)
    return found


def interrupt() -> None:
    """Send this process the Ctrl-C that ends the service it runs."""
    os.kill(os.getpid(), signal.SIGINT)


@contextmanager
def interrupting() -> Iterator[None]:
    """Interrupt this process at the end of the block, also if the block fails: for threads beside a service."""
    try:
        yield
    finally:
        interrupt()


def interrupt_when(condition: Callable[[], object], timeout_s: float = 20) -> None:
    """Interrupt this process, from a thread, as soon as `condition` is true."""

    def watch() -> None:
        with interrupting():
            soon(condition, timeout_s)

    Thread(target=watch, daemon=True).start()
