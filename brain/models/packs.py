"""Find and fetch the model files of a pack.

A file is looked for in the folder that `KINWATCH_MODELS` names, then in `<data_dir>/models`. Its sha256 is compared
before the file is used. The first folder that holds a file of that name decides: a wrong file there is an error even if
a later folder has the right one, because somebody believes that the wrong one is in use.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from brain.models.files import MODEL_FILES, ModelFile, Pack, Url, of_pack
from nerves.download import download
from nerves.errors import ModelError
from nerves.model_store import fetch_archive, has_version, model_folders, staged

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
    "pull_pack",
]

Choice = Literal["auto", "built-in", "standard"]
BUILT_IN: Final = "built-in"
STANDARD: Final = "standard"

PackProgress = Callable[[str, int, int], None]
"""Called with a file's name, the bytes so far, and the bytes in all."""


class Listed(NamedTuple):
    """One line of `kinwatch models`."""

    name: str
    packs: tuple[Pack, ...]
    licence: str
    source: str
    state: str
    """The path of a right file; else `absent`, or what is wrong with the file."""


def find_model_file(name: str, folders: Sequence[Path]) -> Path:
    """Return the path of a model file whose sha256 is right.

    Raises:
        ModelError: The file is absent, or it has another content.
    """
    file = MODEL_FILES[name]
    path = _locate(file, folders)
    if path is None:
        raise ModelError(_absent(file, folders))
    return path


def is_pack_complete(pack: Pack, folders: Sequence[Path]) -> bool:
    """Return whether all files of a pack are there.

    Raises:
        ModelError: One of them is there and has another content.
    """
    return all(_locate(file, folders) is not None for file in of_pack(pack))


def choose_pack(choice: Choice, folders: Sequence[Path]) -> Pack:
    """Return the pack to use; `auto` is `standard` if that is complete, else `built-in`."""
    if choice == "auto":
        return STANDARD if is_pack_complete(STANDARD, folders) else BUILT_IN
    return choice


def list_model_files(folders: Sequence[Path]) -> list[Listed]:
    """Return every model file with its licence, its source and its state."""
    return [
        Listed(file.name, file.packs, file.licence, str(file.source), _state(file, folders))
        for file in MODEL_FILES.values()
    ]


def pull_pack(pack: Pack, folder: Path, progress: PackProgress = lambda _name, _done, _total: None) -> list[Path]:
    """Fetch the files that a pack lacks into a folder: all of them, or none.

    Args:
        pack: `built-in` or `standard`.
        folder: It is made if it is absent. Right files in it stay, wrong ones are replaced.
        progress: Called during each download.

    Returns:
        The files that were written.

    Raises:
        ModelError: A download failed, or a file is not the pinned one.
    """
    lacking = [file for file in of_pack(pack) if not _is_right(folder / file.name, file)]
    if not lacking:
        return []
    with staged(folder, "model files") as temporary:
        fetched = [_fetch(file, temporary, progress) for file in lacking]
        return [path.replace(folder / path.name) for path in fetched]


def _fetch(file: ModelFile, folder: Path, progress: PackProgress) -> Path:
    path, source = folder / file.name, file.source
    if isinstance(source, Url):
        most = max(version.bytes for version in file.versions)
        download(source.addresses, path, max_bytes=most, progress=lambda *how: progress(file.name, *how))
    else:
        archive = source.archive
        source.unpack(fetch_archive(archive, folder, lambda *how: progress(archive.name, *how)), path)
    if not _is_right(path, file):
        message = f"{file.name} from {source} is not the pinned file (its sha256 differs): nothing was changed"
        raise ModelError(message)
    return path


def _is_right(path: Path, file: ModelFile) -> bool:
    return path.is_file() and has_version(path, file.versions)


def _locate(file: ModelFile, folders: Sequence[Path]) -> Path | None:
    """Return the first path that exists; `ModelError` if its content is wrong."""
    path = next((folder / file.name for folder in folders if (folder / file.name).is_file()), None)
    if path is None:
        return None
    try:
        right = has_version(path, file.versions)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise ModelError(message) from error
    if not right:
        raise ModelError(_wrong(path, file))
    return path


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
