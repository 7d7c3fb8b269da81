"""Find the model files of a pack.

A file is looked for in the folder `KINWATCH_MODELS` names, then in `<data_dir>/models`, and its sha256 is
compared before it is used. The first folder that holds a file of that name decides: a wrong file there is an
error even if a later folder has the right one, because somebody believes the wrong one to be in use. dlib's files
are found last where somebody has installed the package face_recognition_models.
"""

import importlib.metadata
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from brain.models.files import MODEL_FILES, ModelFile, Pack, SdistMember, matches, of_pack
from brain.models.pull import pull
from nerves.errors import ModelError

__all__ = [
    "BUILT_IN",
    "STANDARD",
    "Choice",
    "Listed",
    "Pack",
    "choose_pack",
    "find_model_file",
    "is_pack_complete",
    "list_model_files",
    "model_folders",
    "of_pack",
    "pull",
]

Choice = Literal["auto", "built-in", "standard"]
BUILT_IN: Final = "built-in"
STANDARD: Final = "standard"


class Listed(NamedTuple):
    """One line of `kinwatch models`."""

    name: str
    packs: tuple[Pack, ...]
    licence: str
    source: str
    state: str
    """Its path if it is there and right; else `absent`, or what is wrong with it."""


def model_folders(data_dir: Path) -> tuple[Path, ...]:
    """Return the folders to search, in order: the one `KINWATCH_MODELS` names, then `<data_dir>/models`."""
    named = os.environ.get("KINWATCH_MODELS", "")
    return (*([Path(named).expanduser()] if named else []), data_dir / "models")


def find_model_file(name: str, folders: Sequence[Path]) -> Path:
    """Return a model file whose sha256 is right; `ModelError` if it is absent or another file."""
    file = MODEL_FILES[name]
    path = _locate(file, folders)
    if path is None:
        raise ModelError(_absent(file, folders))
    return path


def is_pack_complete(pack: Pack, folders: Sequence[Path]) -> bool:
    """Return whether all files of a pack are there; `ModelError` if one of them is there and wrong."""
    return all(_locate(file, folders) is not None for file in of_pack(pack))


def choose_pack(choice: Choice, folders: Sequence[Path]) -> Pack:
    """Return the pack to use; `auto` is `standard` where it is complete, else `built-in`."""
    if choice == "auto":
        return STANDARD if is_pack_complete(STANDARD, folders) else BUILT_IN
    return choice


def list_model_files(folders: Sequence[Path]) -> list[Listed]:
    """Return every model file with its licence, its source and what is found of it."""
    return [
        Listed(file.name, file.packs, file.licence, str(file.source), _state(file, folders))
        for file in MODEL_FILES.values()
    ]


def _locate(file: ModelFile, folders: Sequence[Path]) -> Path | None:
    """Return the first path that exists; `ModelError` if its content is wrong."""
    path = next((path for path in _candidates(file, folders) if path.is_file()), None)
    if path is None:
        return None
    try:
        right = matches(path, file.versions)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise ModelError(message) from error
    if not right:
        raise ModelError(_wrong(path, file))
    return path


def _candidates(file: ModelFile, folders: Sequence[Path]) -> Iterator[Path]:
    yield from (folder / file.name for folder in folders)
    if isinstance(file.source, SdistMember):
        yield from _installed(file.source)


def _installed(source: SdistMember) -> Iterator[Path]:
    """Yield the file of an installed package; it is never imported: that fails on Python 3.12."""
    try:
        listed = importlib.metadata.files(source.sdist.distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return
    yield from (Path(str(path.locate())) for path in listed if path.as_posix().endswith(source.member))


def _state(file: ModelFile, folders: Sequence[Path]) -> str:
    try:
        path = _locate(file, folders)
    except ModelError as error:
        return str(error)
    return "absent" if path is None else str(path)


def _absent(file: ModelFile, folders: Sequence[Path]) -> str:
    searched = ", ".join(str(folder) for folder in folders) or "no folder"
    return f"{file.name} is not in {searched} (expected {_expected(file)}): {_remedy(file)}"


def _wrong(path: Path, file: ModelFile) -> str:
    size = path.stat().st_size
    wrong = "its sha256 differs" if any(size == version.bytes for version in file.versions) else f"it has {size} bytes"
    return f"{path} is not {file.name}: {wrong} (expected {_expected(file)}): remove it and {_remedy(file)}"


def _expected(file: ModelFile) -> str:
    return " or ".join(f"{version.bytes} bytes, sha256 {version.sha256[:8]}…" for version in file.versions)


def _remedy(file: ModelFile) -> str:
    return f"run `kinwatch models pull {file.packs[0]}`"
