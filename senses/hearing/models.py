"""The speech models: where they come from, whether they are intact, and fetching one.

Their authors publish no hash. So the first download of a model is trusted (it comes over HTTPS) and pinned:
`<name>.json` beside the model's folder stores the sha256 of the archive and of every file. From then on no other
content is used or fetched.
"""

import shutil
import stat
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import NoReturn

from pydantic import BaseModel, ConfigDict, ValidationError

from nerves.download import Progress, download
from nerves.errors import ModelError
from nerves.model_store import sha256_of, staged

__all__ = ["SPEECH_MODELS", "Pin", "SpeechModel", "find_speech_model", "pull_speech_model", "speech_model_state"]

SITE = "https://alphacephei.com/vosk/models"
MAX_ARCHIVE_BYTES, MAX_UNPACKED_BYTES, MAX_ARCHIVE_FILES = 200_000_000, 1_000_000_000, 1000
# Every model of Kaldi, and so of Vosk, has this file.
KALDI_FILE = "final.mdl"


@dataclass(frozen=True)
class SpeechModel:
    """A model of one language."""

    name: str
    """Also the name of its folder."""
    archive: str
    """The authors' own name for it."""
    licence: str = "Apache-2.0"
    site: str = SITE

    @property
    def address(self) -> str:
        """The web address of its archive."""
        return f"{self.site}/{self.archive}.zip"


SPEECH_MODELS = {
    model.name: model
    for model in (
        SpeechModel("vosk-en", "vosk-model-small-en-us-0.15"),
        SpeechModel("vosk-fr", "vosk-model-small-fr-0.22"),
    )
}


class Pin(BaseModel):
    """What the first download contained."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    source: str
    sha256: str
    at: datetime
    files: dict[str, str]


def find_speech_model(name: str, folders: Sequence[Path]) -> Path:
    """Return the folder of a model whose files are all as they were fetched.

    Raises:
        ModelError: The model is absent, or one of its files differs.
    """
    folder = next((each for each in folders if (each / name).is_dir()), None)
    if folder is None:
        searched = ", ".join(str(each) for each in folders) or "no folder"
        message = f"the speech model {name} is not in {searched}: run `kinwatch models pull {name}`"
        raise ModelError(message)
    wrong = _wrong(name, folder)
    if wrong:
        message = (
            f"{folder / name} is not the speech model that was fetched ({wrong}): run `kinwatch models pull {name}`"
        )
        raise ModelError(message)
    return folder / name


def speech_model_state(name: str, folders: Sequence[Path]) -> str:
    """Return the path of an intact model and its pin; else `absent`, or what is wrong."""
    try:
        found = find_speech_model(name, folders)
    except ModelError as error:
        return str(error) if any((each / name).is_dir() for each in folders) else "absent"
    pin = _pin_of(name, found.parent)
    return f"{found} (pinned to sha256 {pin.sha256} on {pin.at:%Y-%m-%d})" if pin else str(found)


def pull_speech_model(model: SpeechModel, folder: Path, progress: Progress = lambda _done, _total: None) -> Pin | None:
    """Fetch a speech model into a folder, all of it or nothing.

    Returns:
        The new pin; None if the model was there and intact.

    Raises:
        ModelError: The download failed, differs from the pin, or is not a model.
    """
    if (folder / model.name).is_dir() and not _wrong(model.name, folder):
        return None
    with staged(folder, "speech model") as temporary:
        archive = temporary / f"{model.archive}.zip"
        download([model.address], archive, max_bytes=MAX_ARCHIVE_BYTES, progress=progress)
        digest = _checked(model, archive, folder)
        files = _unpacked(archive, temporary / model.name)
        pin = Pin(source=model.address, sha256=digest, at=datetime.now(UTC), files=files)
        _place(model.name, temporary, folder, pin)
        return pin


def _pin_of(name: str, folder: Path) -> Pin | None:
    """Return the pin of a model in a folder; None if nothing was ever fetched."""
    path = folder / f"{name}.json"
    try:
        return Pin.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        message = f"{path} cannot be read: remove it and run `kinwatch models pull {name}`"
        raise ModelError(message) from error


def _wrong(name: str, folder: Path) -> str:
    """Return what is wrong with a model's files; an empty text if they are all right."""
    pin = _pin_of(name, folder)
    if pin is None:
        return f"there is no {name}.json beside it"
    for file, digest in pin.files.items():
        path = folder / name / file
        if not path.is_file():
            return f"{file} is absent"
        if sha256_of(path) != digest:
            return f"the sha256 of {file} differs"
    return ""


def _checked(model: SpeechModel, archive: Path, folder: Path) -> str:
    """Return an archive's hash; `ModelError` if it differs from the pin."""
    digest, pin = sha256_of(archive), _pin_of(model.name, folder)
    if pin and pin.sha256 != digest:
        message = (
            f"{model.address} is not what it was on {pin.at:%Y-%m-%d} (sha256 {digest}, then {pin.sha256}): nothing "
            f"was changed; if its authors have published another, remove {folder / model.name}.json and pull again"
        )
        raise ModelError(message)
    return digest


def _unpacked(archive: Path, into: Path) -> dict[str, str]:
    """Unpack the files of the archive's one folder; return the hash of each by its name."""
    try:
        with zipfile.ZipFile(archive) as opened:
            inside = {info: _safe(info) for info in opened.infolist() if not info.is_dir()}
            if len(inside) > MAX_ARCHIVE_FILES or sum(info.file_size for info in inside) > MAX_UNPACKED_BYTES:
                _refuse(archive, "it is too large")
            for info, name in inside.items():
                path = into / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(info) as packed, path.open("wb") as out:
                    shutil.copyfileobj(packed, out)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        _refuse(archive, str(error))
    if not any(name.name == KALDI_FILE for name in inside.values()):
        _refuse(archive, f"there is no {KALDI_FILE} in it")
    return {str(name): sha256_of(into / name) for name in inside.values()}


def _safe(info: zipfile.ZipInfo) -> PurePosixPath:
    """Return a file's path inside the archive's one folder; `ModelError` if the path leads out of it."""
    name = PurePosixPath(info.filename)
    is_odd = name.is_absolute() or ".." in name.parts or "\\" in info.filename or len(name.parts) < 2  # noqa: PLR2004
    if is_odd or stat.S_ISLNK(info.external_attr >> 16):
        message = f"the archive has a file {info.filename!r}, which does not belong to a model: nothing was changed"
        raise ModelError(message)
    return PurePosixPath(*name.parts[1:])


def _refuse(archive: Path, why: str) -> NoReturn:
    message = f"{archive.name} is not a speech model ({why}): nothing was changed"
    raise ModelError(message)


def _place(name: str, temporary: Path, folder: Path, pin: Pin) -> None:
    """Move a model and its pin into the model folder; an earlier model is deleted with the temporary folder."""
    if (folder / name).exists():
        (folder / name).rename(temporary / "before")
    (temporary / name).rename(folder / name)
    written = temporary / f"{name}.json"
    written.write_text(pin.model_dump_json(indent=1))
    written.replace(folder / written.name)
