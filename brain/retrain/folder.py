"""Replaces a folder in one step: at any moment a reader finds the old folder or the complete new one.

`retrained` is a link to a hidden folder next to it. A new hidden folder is filled and flushed to disk. Then a link to
it is renamed over the old link, which is a single step.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nerves.errors import KinwatchError

__all__ = ["CannotWrite", "check", "replacing"]


class CannotWrite(KinwatchError):
    """The folder of the result cannot be written."""


def check(out: Path) -> None:
    """Raise `CannotWrite` if a folder cannot be replaced. Called before the training, which may take hours."""
    _parent(_real(out))


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Yield a new folder to fill. It becomes `out` when the block ends, and is removed if the block raises.

    The remains of a killed run are removed.

    Raises:
        CannotWrite: The folder cannot be written, or `kinwatch retrain` did not make it.
    """
    out = _real(out)
    parent = _parent(out)
    try:
        with _alone(parent / f"{_ours(out)}lock"):
            _sweep(out)
            new = Path(tempfile.mkdtemp(prefix=_ours(out), dir=parent))
            try:
                yield new
                _through(new)
                _point(out, new)
            except BaseException:
                shutil.rmtree(new, ignore_errors=True)
                raise
            _sweep(out)
    except OSError as error:
        message = f"{error.filename or out}: cannot be written: {error.strerror or error}"
        raise CannotWrite(message) from error


def _ours(out: Path) -> str:
    return f".{out.name}.kinwatch-"


def _real(out: Path) -> Path:
    """Return the path itself, or the target if it is a link that kinwatch did not make."""
    out = out.expanduser().absolute()
    if out.is_symlink() and not out.readlink().name.startswith(_ours(out)):
        return out.resolve()
    return out


def _parent(out: Path) -> Path:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if not out.is_symlink() and out.exists():
            if not out.is_dir() or any(out.iterdir()):
                message = f"{out} exists and was not made by `kinwatch retrain`: move it away, or choose another --out"
                raise CannotWrite(message)
            out.rmdir()
    except OSError as error:
        message = f"{out}: cannot be written: {error.strerror}"
        raise CannotWrite(message) from error
    return out.parent


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock, so that one process at a time replaces this folder. The lock of a killed process is free."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sweep(out: Path) -> None:
    """Remove every hidden folder of kinwatch except the one in use."""
    used = out.readlink().name if out.is_symlink() else None
    for path in out.parent.glob(f"{_ours(out)}*"):
        if path.is_dir() and not path.is_symlink() and path.name != used:
            shutil.rmtree(path, ignore_errors=True)


def _through(folder: Path) -> None:
    """Flush a folder, and the files and folders in it, to disk."""
    for path in (*folder.rglob("*"), folder):
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _point(out: Path, new: Path) -> None:
    link = out.parent / f"{_ours(out)}link"
    link.unlink(missing_ok=True)
    link.symlink_to(new.name)
    link.replace(out)
    number = os.open(out.parent, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
