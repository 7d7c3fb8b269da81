"""The store actuator: visits in, receipts out. The url chooses between a folder and a bucket."""

from collections.abc import Iterable, Iterator
from operator import attrgetter

from actuators.store import files, offsite
from actuators.store.settings import StoreSettings, folder
from actuators.store.spool import spool_priority
from actuators.store.stored_facts import StoredFacts
from nerves.errors import SettingsError
from nerves.messages import Stored, Visit
from nerves.services import Actuator, Context, Tick

__all__ = ["actuator", "store"]

STORE_TICK_S = 60.0


def store(settings: StoreSettings, messages: Iterable[Visit | Tick], context: Context) -> Iterator[Stored]:
    """Store each message completely or not at all; yield its receipt once the disk or the server has it."""
    visits = (message for message in messages if isinstance(message, Visit))
    if not settings.is_remote:
        yield from files.store_in_folder(folder(settings.url), visits)
        return
    yield from offsite.store_in_bucket(_open_bucket(settings), StoredFacts(context.database), visits)


def _open_bucket(settings: StoreSettings) -> offsite.PutObject:
    try:
        from actuators.store.s3 import open_bucket  # noqa: PLC0415 - a folder needs no boto3
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("boto3", "botocore"):
            raise
        message = f"{settings.url} needs the package boto3: pip install 'kinwatch[s3]'"
        raise SettingsError(message) from error
    return open_bucket(settings)


actuator = Actuator(
    StoreSettings, Visit, store, tick_s=STORE_TICK_S, priority=spool_priority, queue_mb=attrgetter("spool_mb")
)
