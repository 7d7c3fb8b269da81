"""Fetch a speech model, once: download, compare with its pin, unpack, and only then put it in its place."""

import shutil
import stat
import tempfile
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import NoReturn

from nerves.download import Progress, download
from nerves.errors import ModelError
from senses.hearing.models import Pin, SpeechModel, is_intact, pin_of, sha256

__all__ = ["pull_speech_model"]

MOST, MOST_UNPACKED, MOST_FILES = 200_000_000, 1_000_000_000, 1000
HEART = "final.mdl"  # what every model of Kaldi has


def pull_speech_model(model: SpeechModel, folder: Path, progress: Progress = lambda _done, _total: None) -> Pin | None:
    """Fetch a speech model into a folder, all of it or nothing.

    Returns:
        What it is pinned to from now on; None if it was there and right already.

    Raises:
        ModelError: It could not be fetched, is not what it was pinned to, or is no model.
    """
    if is_intact(model.name, folder):
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".pull-", dir=folder) as unsure:
            archive = Path(unsure) / f"{model.archive}.zip"
            download([model.address], archive, most=MOST, progress=progress)
            digest = _checked(model, archive, folder)
            files = _unpacked(archive, Path(unsure) / model.name)
            pin = Pin(source=model.address, sha256=digest, at=datetime.now(UTC), files=files)
            _place(model.name, Path(unsure), folder, pin)
            return pin
    except OSError as error:
        message = f"{folder}: the speech model cannot be written: {error.strerror or error}"
        raise ModelError(message) from error


def _checked(model: SpeechModel, archive: Path, folder: Path) -> str:
    """Return an archive's hash; `ModelError` if it is another than the first time."""
    digest, pin = sha256(archive), pin_of(model.name, folder)
    if pin and pin.sha256 != digest:
        message = (
            f"{model.address} is not what it was on {pin.at:%Y-%m-%d} (sha256 {digest}, then {pin.sha256}): nothing "
            f"was changed; if its authors have published another, remove {folder / model.name}.json and pull again"
        )
        raise ModelError(message)
    return digest


def _unpacked(archive: Path, into: Path) -> dict[str, str]:
    """Unpack what is in the archive's one folder; return the hash of each file."""
    try:
        with zipfile.ZipFile(archive) as opened:
            inside = {info: _safe(info) for info in opened.infolist() if not info.is_dir()}
            if len(inside) > MOST_FILES or sum(info.file_size for info in inside) > MOST_UNPACKED:
                _refuse(archive, "it is too large")
            for info, name in inside.items():
                path = into / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(info) as packed, path.open("wb") as out:
                    shutil.copyfileobj(packed, out)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        _refuse(archive, str(error))
    if not any(name.name == HEART for name in inside.values()):
        _refuse(archive, f"there is no {HEART} in it")
    return {str(name): sha256(into / name) for name in inside.values()}


def _safe(info: zipfile.ZipInfo) -> PurePosixPath:
    """Return a file's path inside the archive's one folder; `ModelError` for one that leads out of it."""
    name = PurePosixPath(info.filename)
    is_odd = name.is_absolute() or ".." in name.parts or "\\" in info.filename or len(name.parts) < 2  # noqa: PLR2004
    if is_odd or stat.S_ISLNK(info.external_attr >> 16):
        message = f"the archive has a file {info.filename!r}, which is none of a model: nothing was changed"
        raise ModelError(message)
    return PurePosixPath(*name.parts[1:])


def _refuse(archive: Path, why: str) -> NoReturn:
    message = f"{archive.name} is no speech model ({why}): nothing was changed"
    raise ModelError(message)


def _place(name: str, unsure: Path, folder: Path, pin: Pin) -> None:
    """Put a model, and what it is pinned to, where they belong; what was there goes with the folder `unsure`."""
    if (folder / name).exists():
        (folder / name).rename(unsure / "before")
    (unsure / name).rename(folder / name)
    written = unsure / f"{name}.json"
    written.write_text(pin.model_dump_json(indent=1))
    written.replace(folder / written.name)
