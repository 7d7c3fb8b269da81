"""How a process of ours ends while some of its threads cannot."""

import atexit
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["leaving"]

FAILED = 1


@contextmanager
def leaving() -> Iterator[None]:
    """End the process as usual after the block, or at once where a thread still runs by then.

    Python ends a daemon thread that comes back from foreign code, such as a camera's read, by unwinding its stack
    while it takes itself apart. C++ does not let itself be unwound so: it says "terminate called without an active
    exception", and the process dies by SIGABRT. Nobody can call such a thread back, so once all that is ours is closed
    the process ends without taking itself apart. Wrap what the process does, and only once.
    """
    status = FAILED  # what Python ends with after any other error

    def leave() -> None:
        if threading.active_count() == 1:
            return
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):  # nobody reads it, it is closed, there is none
                stream.flush()
        os._exit(status)

    atexit.register(leave)
    try:
        yield
    except SystemExit as end:
        status = _status(end.code)
        raise
    status = 0


def _status(code: object) -> int:
    """Return the status with which Python ends for what `sys.exit` was given."""
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else FAILED
