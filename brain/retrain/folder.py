"""A folder that is replaced whole: whoever opens it finds the old one or the new one, at any moment.

`retrained` is a link to a hidden folder beside it; a new one is filled, written through to the disk, and the link is
renamed over the old link, which is one step.
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
    """The folder for the result cannot be written."""


def check(out: Path) -> None:
    """Raise `CannotWrite` if a folder cannot be replaced, before hours are spent on what should go there."""
    _parent(_real(out))


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Give a new folder to fill; it is `out` when the block ends, and gone if the block raises.

    What a run that was killed has left is removed.
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
    """Return the path itself, or where a link that is not ours leads."""
    out = out.expanduser().absolute()
    if out.is_symlink() and not out.readlink().name.startswith(_ours(out)):
        return out.resolve()
    return out


def _parent(out: Path) -> Path:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if not out.is_symlink() and out.exists():
            if not out.is_dir() or any(out.iterdir()):
                message = f"{out} is there and not made by `kinwatch retrain`: move it away, or name another --out"
                raise CannotWrite(message)
            out.rmdir()
    except OSError as error:
        message = f"{out}: cannot be written: {error.strerror}"
        raise CannotWrite(message) from error
    return out.parent


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process replaces this folder; a killed one waits for nobody."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sweep(out: Path) -> None:
    """Remove every folder of ours but the one in use."""
    used = out.readlink().name if out.is_symlink() else None
    for path in out.parent.glob(f"{_ours(out)}*"):
        if path.is_dir() and not path.is_symlink() and path.name != used:
            shutil.rmtree(path, ignore_errors=True)


def _through(folder: Path) -> None:
    """Write files and folders through to the disk."""
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
