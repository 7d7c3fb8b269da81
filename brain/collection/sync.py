"""The collection made equal to the gallery, one step after the other; what has been done stays done."""

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
    """Something that has been done for a person."""

    what: Literal["added", "refused", "removed", "held", "joined", "unlike"]
    name: str
    number: int = 1
    file: str = ""
    why: str = ""


class Way(NamedTuple):
    """What it takes."""

    cloud: "Cloud"
    ledger: CallLedger
    remembered: Remembered
    collection: str
    by_user: bool
    """Whether each person becomes a user of all their faces."""


def sync(way: Way, changes: Iterable[CollectionChange]) -> Iterator[SyncStep]:
    """Yield each step when it is done; whoever has gone goes first, for that costs nothing.

    Raises `CloudError` where it cannot go on. The same again goes on where it ended, also after a kill: what is there
    is told by what is listed.
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
    # AWS removes no face while it is part of a user.
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
