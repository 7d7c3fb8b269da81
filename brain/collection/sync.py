"""Makes the collection equal to the gallery, step by step. An interrupted run can be continued."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from brain.cloud.errors import CloudPicture
from brain.cloud.ledger import CallLedger
from brain.collection.diff import CollectionChange
from brain.collection.sync_state import Remembered

if TYPE_CHECKING:
    from brain.cloud.client import Cloud

__all__ = ["ASSOCIATE", "INDEX", "PART", "SyncStep", "Way", "sync"]

INDEX, ASSOCIATE, PART = "IndexFaces", "AssociateFaces", "DisassociateFaces"


class SyncStep(NamedTuple):
    """A step that was done for a person."""

    what: Literal["added", "refused", "removed", "held", "joined", "unlike"]
    name: str
    number: int = 1
    file: str = ""
    why: str = ""


class Way(NamedTuple):
    """What every step needs."""

    cloud: "Cloud"
    ledger: CallLedger
    remembered: Remembered
    collection: str
    by_user: bool
    """Whether each person gets a user with all their faces."""


def sync(way: Way, changes: Iterable[CollectionChange]) -> Iterator[SyncStep]:
    """Yield each step after it is done. People to remove come first, because that costs nothing.

    After an error or a kill, the next run continues there: it lists the faces in the collection again.

    Raises:
        CloudError: A call failed, so the run ends.
    """
    for change in sorted(changes, key=lambda change: not change.gone):
        new = []
        for photo in change.add:
            try:
                new.append(way.cloud.index(photo.name, photo.sha256, photo.jpeg))
            except CloudPicture as error:
                way.remembered.refuse(way.collection, photo.sha256)
                yield SyncStep("refused", photo.name, file=photo.file, why=str(error))
            else:
                yield SyncStep("added", photo.name, file=photo.file)
        yield from _remove(way, change)
        if way.by_user and (new or change.join):
            yield from _join(way, change, [*change.join, *new])


def _remove(way: Way, change: CollectionChange) -> Iterator[SyncStep]:
    # AWS does not remove a face that belongs to a user.
    if change.has_user and (change.gone or (change.remove and not way.by_user)):
        way.cloud.delete_user(change.name)
    elif change.part:
        way.cloud.disassociate(change.name, change.part)
    if change.remove:
        stay = way.cloud.delete(change.remove)
        yield SyncStep("removed", change.name, len(change.remove) - len(stay))
        if stay:
            yield SyncStep("held", change.name, len(stay))


def _join(way: Way, change: CollectionChange, faces: Sequence[str]) -> Iterator[SyncStep]:
    if not change.has_user:
        way.cloud.create_user(change.name)
    refused = way.cloud.associate(change.name, faces)
    for face in refused:
        way.remembered.refuse(way.collection, face)
    yield SyncStep("joined", change.name, len(faces) - len(refused))
    if refused:
        yield SyncStep("unlike", change.name, len(refused))
