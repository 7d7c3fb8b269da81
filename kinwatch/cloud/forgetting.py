"""`kinwatch forget` at AWS: a person is removed from the collection too, now or as soon as AWS can be asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brain.cloud.ledger import CallLedger
from brain.collection.pending_deletions import debt, pay
from brain.collection.sync_state import Remembered
from brain.people.gallery import Gallery
from brain.settings.brain import BrainSettings
from kinwatch.cloud.sync import asked, ledger_file
from kinwatch.cloud.tally import faces_text
from kinwatch.console import err, print_line
from kinwatch.opening import brain_settings
from nerves.errors import KinwatchError
from nerves.settings import HouseSettings

__all__ = ["forgetting"]


@contextmanager
def forgetting(house: HouseSettings, gallery: Gallery, name: str) -> Iterator[None]:
    """Remove a person from the collection at AWS, after the block has removed them here.

    Raises `KinwatchError` at the end if AWS could not be asked. The ledger then has a pending deletion, without the
    person's name.
    """
    settings = brain_settings(house)
    with _concerned(house, settings) as ledger:
        if ledger:
            ledger.owe(debt(name))
            ledger.let_go(name)
        try:
            yield
        finally:
            trouble = _paid(house, settings, gallery, ledger) if ledger else None
    if trouble:
        message = (
            f"what was forgotten is still in the collection {settings.rekognition.collection} at AWS: {trouble}; "
            "`kinwatch rekognition sync` removes it"
        )
        raise KinwatchError(message)
    if name in settings.rekognition.pictures:
        err.print(
            f"brain.rekognition.pictures still has pictures of {name}: take them out", markup=False, style="yellow"
        )


@contextmanager
def _concerned(house: HouseSettings, settings: BrainSettings) -> Iterator[CallLedger | None]:
    """Open the ledger if the house has, or may have, faces at AWS; None if not."""
    file = ledger_file(house)
    is_used = settings.cloud and settings.rekognition.by != "compare"
    if not is_used and not (file.exists() and _is_filled(file)):
        yield None
        return
    with CallLedger(file, settings.rekognition) as ledger:
        yield ledger


def _is_filled(file: Path) -> bool:
    with Remembered(file) as remembered:
        return remembered.is_filled()


def _paid(house: HouseSettings, settings: BrainSettings, gallery: Gallery, ledger: CallLedger) -> str | None:
    """Carry out the pending deletions in the collection; return why that failed, or None."""
    present = {(one.name, one.sha256) for one in gallery.references()}
    try:
        with asked(house, settings) as clouds:
            gone = pay(clouds.cloud, ledger, present)
    except KinwatchError as error:
        return str(error)
    if gone:
        print_line(f"{faces_text(gone)} removed from the collection {settings.rekognition.collection} at AWS")
    return None
