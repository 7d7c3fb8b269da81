"""`kinwatch models`: where the model files are, and fetching them."""

from typing import Literal

from brain.sights import packs
from brain.sights.pull import pull
from kinwatch.console import emit, progress, say
from nerves.errors import ModelError
from nerves.settings import House

__all__ = ["run"]


def run(house: House, action: Literal["list", "pull"], pack: packs.Pack, *, json: bool) -> None:
    """Do `kinwatch models` or `kinwatch models pull`; it fails if a file is there and wrong."""
    folders = packs.folders(house.data_dir)
    if action == "pull":
        with progress(f"fetching {pack}") as show:
            pull(pack, house.data_dir / "models", progress=lambda _, done, total: show(done, total))
    listed = packs.listing(folders)
    for file in listed:
        if json:
            emit({"name": file.name, "packs": [*file.packs], "licence": file.licence} | {"state": file.state})
        else:
            say(f"{file.name}  ({', '.join(file.packs)}; {file.licence})\n    {file.state}")
    if not json:
        say(f"in use with `pack: auto`: {packs.choose('auto', folders)}")
    wrong = [file.state for file in listed if " is not " in file.state]
    if wrong:
        raise ModelError(wrong[0])
