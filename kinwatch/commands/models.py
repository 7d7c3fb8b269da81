"""`kinwatch models`: list the model files, and fetch them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from brain.models import packs
from kinwatch.console import emit, err, print_line, progress
from nerves.errors import ModelError
from nerves.settings import HouseSettings
from senses.hearing import models as speech

__all__ = ["Wanted", "run_models"]

Wanted = Literal["built-in", "standard", "vosk-en", "vosk-fr"]


def run_models(house: HouseSettings, action: Literal["list", "pull"], wanted: Wanted, *, json: bool) -> None:
    """Do `kinwatch models` or `kinwatch models pull`; `ModelError` if a file is not the one it should be."""
    if action == "pull":
        _pull(wanted, house.data_dir / "models")
    folders = packs.model_folders(house.data_dir)
    listed = [*packs.list_model_files(folders), *_speech(folders)]
    for file in listed:
        if json:
            emit({"name": file.name, "packs": [*file.packs], "licence": file.licence} | {"state": file.state})
        else:
            about = "; ".join((", ".join(file.packs) or "speech", file.licence))
            print_line(f"{file.name}  ({about})\n    {file.state}")
    if not json:
        print_line(f"in use with `pack: auto`: {packs.choose_pack('auto', folders)}")
    wrong = [file.state for file in listed if " is not " in file.state]
    if wrong:
        raise ModelError(wrong[0])


def _pull(wanted: Wanted, folder: Path) -> None:
    with progress(f"fetching {wanted}") as show:
        if wanted in ("built-in", "standard"):
            packs.pull_pack(wanted, folder, progress=lambda _, done, total: show(done, total))
            return
        pin = speech.pull_speech_model(speech.SPEECH_MODELS[wanted], folder, progress=show)
    if pin:
        err.print(
            f"{wanted} is pinned from now on to sha256 {pin.sha256}, of {pin.source}", markup=False, soft_wrap=True
        )


def _speech(folders: tuple[Path, ...]) -> Iterator[packs.Listed]:
    for model in speech.SPEECH_MODELS.values():
        state = speech.speech_model_state(model.name, folders)
        yield packs.Listed(model.name, (), model.licence, model.address, state)
