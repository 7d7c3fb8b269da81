"""`kinwatch forget`: remove a person here, from the album and from AWS."""

from kinwatch.cloud.forgetting import forgetting
from kinwatch.console import print_line
from kinwatch.opening import open_gallery
from kinwatch.people.album_entries import forget_visits
from nerves.settings import HouseSettings

__all__ = ["run_forget"]


def run_forget(house: HouseSettings, name: str) -> None:
    """Do `kinwatch forget`."""
    with open_gallery(house) as gallery, forgetting(house, gallery, name):
        forget_visits(house, gallery, name)
        gallery.forget(name)
        # The cache of `kinwatch measure` has the embeddings of every picture it has seen, without names.
        for file in (house.data_dir / "cache").glob("embeddings.db*"):
            file.unlink(missing_ok=True)
        print_line(f"{name} is forgotten")
