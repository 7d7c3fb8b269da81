"""The actuator: visits in, receipts out; the address chooses where they are kept."""

from collections.abc import Iterable, Iterator
from operator import attrgetter

from actuators.store import files, offsite
from actuators.store.settings import StoreSettings, folder
from actuators.store.spool import worth
from actuators.store.stored_facts import StoredFacts
from nerves.errors import SettingsError
from nerves.messages import Stored, Visit
from nerves.services import Actuator, Context, Tick

__all__ = ["actuator", "store"]

TICK_S = 60.0


def store(settings: StoreSettings, messages: Iterable[Visit | Tick], desk: Context) -> Iterator[Stored]:
    """Store each message whole or not at all; the receipt comes when it is on the disk, or the server has it."""
    visits = (message for message in messages if isinstance(message, Visit))
    if not settings.is_remote:
        yield from files.keep(folder(settings.url), visits)
        return
    yield from offsite.keep(_opened(settings), StoredFacts(desk.database), visits)


def _opened(settings: StoreSettings) -> offsite.Put:
    try:
        from actuators.store.s3 import opened  # noqa: PLC0415 - a folder needs no boto3
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("boto3", "botocore"):
            raise
        message = f"{settings.url} needs the package boto3: pip install 'kinwatch[s3]'"
        raise SettingsError(message) from error
    return opened(settings)


actuator = Actuator(StoreSettings, Visit, store, tick_s=TICK_S, priority=worth, queue_mb=attrgetter("spool_mb"))
