"""End a process although some of its threads cannot end."""

import atexit
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["leaving"]

ERROR_STATUS = 1


@contextmanager
def leaving() -> Iterator[None]:
    """End the process as usual after the block, or at once if a thread still runs by then.

    Python ends a daemon thread that comes back from foreign code, such as a camera's read, by unwinding its stack
    while it takes itself apart. C++ does not allow that: it prints "terminate called without an active exception", and
    the process dies by SIGABRT. Such a thread cannot be stopped. So after everything of ours is closed, the process
    ends without the rest of the shutdown. Use this once, around all work of the process.
    """
    status = ERROR_STATUS  # the status of Python after any other error

    def leave() -> None:
        if threading.active_count() == 1:
            return
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):  # without a reader, closed, or absent
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
    """Return the exit status of Python for an argument of `sys.exit`."""
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else ERROR_STATUS
