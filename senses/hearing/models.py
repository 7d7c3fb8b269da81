"""The speech models that can be fetched: what they are, where, and whether they are still what was fetched.

Their authors publish no hash. So the first one that is fetched is trusted, over HTTPS, and pinned: `<name>.json` beside
its folder keeps the sha256 of the archive and of every file; from then on nothing else is used, or fetched.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from nerves.errors import ModelError

__all__ = [
    "SPEECH_MODELS",
    "Pin",
    "SpeechModel",
    "find_speech_model",
    "folders",
    "is_intact",
    "pin_of",
    "sha256",
    "speech_model_state",
]

SITE = "https://alphacephei.com/vosk/models"


@dataclass(frozen=True)
class SpeechModel:
    """A model of one language."""

    name: str
    """Also that of its folder."""
    archive: str
    """The authors' own name of it."""
    licence: str = "Apache-2.0"
    site: str = SITE

    @property
    def address(self) -> str:
        """Where its archive is."""
        return f"{self.site}/{self.archive}.zip"


SPEECH_MODELS = {
    model.name: model
    for model in (
        SpeechModel("vosk-en", "vosk-model-small-en-us-0.15"),
        SpeechModel("vosk-fr", "vosk-model-small-fr-0.22"),
    )
}


class Pin(BaseModel):
    """What was fetched the first time."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    source: str
    sha256: str
    at: datetime
    files: dict[str, str]


def folders(data_dir: Path) -> tuple[Path, ...]:
    """Return the folders to search, in order: the one `KINWATCH_MODELS` names, then `<data_dir>/models`."""
    named = os.environ.get("KINWATCH_MODELS", "")
    return (*([Path(named).expanduser()] if named else []), data_dir / "models")


def find_speech_model(name: str, folders: Sequence[Path]) -> Path:
    """Return a model's folder, every file of which is as it was fetched; `ModelError` says what to do."""
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


def is_intact(name: str, folder: Path) -> bool:
    """Return whether a model is in a folder, and as it was fetched."""
    return (folder / name).is_dir() and not _wrong(name, folder)


def speech_model_state(name: str, folders: Sequence[Path]) -> str:
    """Return a model's path, and what it is pinned to, if it is there and right; else `absent`, or what is wrong."""
    try:
        found = find_speech_model(name, folders)
    except ModelError as error:
        return str(error) if any((each / name).is_dir() for each in folders) else "absent"
    pin = pin_of(name, found.parent)
    return f"{found} (pinned to sha256 {pin.sha256} on {pin.at:%Y-%m-%d})" if pin else str(found)


def pin_of(name: str, folder: Path) -> Pin | None:
    """Return what a model in a folder is pinned to; None if nothing was ever fetched."""
    path = folder / f"{name}.json"
    try:
        return Pin.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        message = f"{path} cannot be read: remove it and run `kinwatch models pull {name}`"
        raise ModelError(message) from error


def sha256(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _wrong(name: str, folder: Path) -> str:
    """Return what is wrong with a model's files; an empty text if nothing is."""
    pin = pin_of(name, folder)
    if pin is None:
        return f"there is no {name}.json beside it"
    for file, digest in pin.files.items():
        path = folder / name / file
        if not path.is_file():
            return f"{file} is absent"
        if sha256(path) != digest:
            return f"the sha256 of {file} differs"
    return ""
