"""Silences libraries that print while they work."""

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

__all__ = ["quiet"]

STDOUT_FD, STDERR_FD = 1, 2


@contextmanager
def quiet() -> Iterator[None]:
    """Hide all output and warnings within the block, also those of C++ code. Errors are still raised."""
    kept = os.dup(STDOUT_FD), os.dup(STDERR_FD)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in (STDOUT_FD, STDERR_FD):
            os.dup2(nowhere, stream)
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for stream, before in zip((STDOUT_FD, STDERR_FD), kept, strict=True):
            os.dup2(before, stream)
            os.close(before)
        os.close(nowhere)
