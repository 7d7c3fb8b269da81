"""`kinwatch rekognition sync`: make the collection at AWS equal to the gallery."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import typer

from brain.cloud.errors import BudgetSpent, CloudError
from brain.cloud.ledger import CallLedger
from brain.cloud.prices import price
from brain.collection.diff import CollectionChange, CollectionPhoto, Difference, LeftOut, differ, wanted
from brain.collection.sync import ASSOCIATE, INDEX, PART, Way, sync
from brain.collection.sync_state import Remembered
from brain.people.gallery import Gallery
from brain.settings.brain import BrainSettings
from kinwatch.cloud.tally import Tally, faces_text, photos_text
from kinwatch.console import emit, err, print_line, progress
from kinwatch.opening import OpenCloud, brain_settings, open_cloud, open_gallery
from nerves.errors import KinwatchError, SettingsError
from nerves.settings import HouseSettings

__all__ = ["SyncOptions", "asked", "ledger_file", "run_sync"]


@dataclass(frozen=True)
class SyncOptions:
    """The options of `kinwatch rekognition sync`."""

    yes: bool = False
    dry_run: bool = False
    again: bool = False
    """Whether to send photos again that Rekognition refused before."""
    json: bool = False


class SyncPlan(NamedTuple):
    """What is to be changed, and what it costs."""

    collection: str
    is_new: bool
    difference: Difference
    left_out: list[LeftOut]
    wanted: list[CollectionPhoto]
    """All photos that belong in the collection."""
    refused: int
    """How many photos were refused before and are not sent again."""
    calls: int
    usd: float

    @property
    def is_work(self) -> bool:
        """Whether there is anything to do."""
        return self.is_new or bool(self.difference.changes)

    @property
    def photos(self) -> int:
        """How many photos leave the house."""
        return sum(len(change.add) for change in self.difference.changes)

    @property
    def size(self) -> int:
        """How many bytes of photos leave the house."""
        return sum(len(photo.jpeg) for change in self.difference.changes for photo in change.add)


def run_sync(house: HouseSettings, options: SyncOptions) -> None:
    """Do `kinwatch rekognition sync`."""
    settings = brain_settings(house)
    if settings.rekognition.by == "compare":
        message = "brain.rekognition.by is compare: the pictures in the settings are compared, there is no collection"
        raise SettingsError(message)
    with (
        open_gallery(house) as gallery,
        asked(house, settings) as clouds,
        Remembered(ledger_file(house)) as remembered,
    ):
        _run(_way(settings, clouds, remembered), settings, gallery, options)


def ledger_file(house: HouseSettings) -> Path:
    """Return the file in which every call is counted."""
    return house.data_dir / "cloud.db"


@contextmanager
def asked(house: HouseSettings, settings: BrainSettings) -> Iterator[OpenCloud]:
    """Open the way to AWS for a command, whether or not the brain uses it. Raises as `open_cloud` does."""
    with open_cloud(house, settings.model_copy(update={"vision": "cascade"})) as clouds:
        if clouds is None:
            message = "no call may leave the house: brain.rekognition.enabled is false"
            raise SettingsError(message)
        yield clouds


def _way(settings: BrainSettings, clouds: OpenCloud, remembered: Remembered) -> Way:
    rekognition = settings.rekognition
    return Way(clouds.cloud, clouds.ledger, remembered, rekognition.collection, rekognition.by == "users")


def _run(way: Way, settings: BrainSettings, gallery: Gallery, options: SyncOptions) -> None:
    plan = _plan(way, settings.rekognition.region, gallery, again=options.again)
    _show(plan, json=options.json)
    tally = Tally()
    if not plan.is_work:
        _finish(plan, tally, None, options)
    elif options.dry_run:
        _finish(plan, None, None, options)
    else:
        _confirm(plan, way.ledger, settings, options)
        if options.again:
            way.remembered.pardon(way.collection, set())
        tally, stopped = _carry_out(plan, way)
        _finish(plan, tally, stopped, options)
    if not options.dry_run:
        _remember(plan, way, tally)


def _remember(plan: SyncPlan, way: Way, tally: Tally) -> None:
    """Store who is in the collection now, and drop the pending deletions if no face of theirs has stayed."""
    refused = way.remembered.refused(way.collection)
    way.ledger.hold(way.collection, {photo.name for photo in plan.wanted if photo.sha256 not in refused})
    for owed in way.ledger.owed() if not tally.held else ():
        way.ledger.paid(owed)


def _plan(way: Way, region: str | None, gallery: Gallery, *, again: bool) -> SyncPlan:
    there = way.cloud.describe()
    listed = list(way.cloud.list_faces()) if there else []
    users = set(way.cloud.list_users()) if there and there.users else set()
    references = gallery.references()
    photos, left_out = wanted(gallery.people(), references, datetime.now(UTC), users=way.by_user)
    known = {one.sha256 for one in references} | {face.face_id for face in listed}
    way.remembered.pardon(way.collection, known)
    refused = set() if again else way.remembered.refused(way.collection)
    difference = differ(photos, listed, users, refused, by_user=way.by_user)
    known_bad = sum(photo.sha256 in refused for photo in photos)
    calls = {INDEX: 0, ASSOCIATE: 0, PART: 0}
    for change in difference.changes:
        calls[INDEX] += len(change.add)
        calls[ASSOCIATE] += way.by_user and bool(change.add or change.join)
        calls[PART] += way.by_user and bool(change.part) and not change.gone
    month = way.ledger.spent(datetime.now(UTC)).month_calls
    usd = sum(count * price(operation, region, month) for operation, count in calls.items())
    return SyncPlan(way.collection, there is None, difference, left_out, photos, known_bad, sum(calls.values()), usd)


def _show(plan: SyncPlan, *, json: bool) -> None:
    for out in plan.left_out:
        err.print(f"stays at home: {out.file} of {out.name}: {out.why}", markup=False, style="yellow", soft_wrap=True)
    if plan.refused:
        err.print(
            f"not sent again, for Rekognition has not taken them: {photos_text(plan.refused)} (--again)", style="yellow"
        )
    if plan.difference.foreign:
        err.print(f"{faces_text(plan.difference.foreign)} there from another program: left alone", style="yellow")
    if plan.is_new:
        err.print(f"there is no collection {plan.collection} yet", style="yellow")
    for change in plan.difference.changes:
        if json:
            emit({"name": change.name, "add": len(change.add), "remove": len(change.remove), "join": len(change.join)})
        else:
            print_line(f"{change.name}: {_change_text(change)}")


def _change_text(change: CollectionChange) -> str:
    """Return a change in words."""
    parts = [f"+ {photos_text(len(change.add))}"] if change.add else []
    if change.remove:
        why = " (forgotten, or a guest no more)" if change.gone else " (excluded, dropped, or there twice)"
        parts.append(f"- {photos_text(len(change.remove))}{why}")
    if change.join:
        parts.append(f"{faces_text(len(change.join))} to be made part of the user")
    return ", ".join(parts) or "- the user"


def _confirm(plan: SyncPlan, ledger: CallLedger, settings: BrainSettings, options: SyncOptions) -> None:
    """Print what leaves the house and what it costs, and ask; `KinwatchError` if the answer is no."""
    now = datetime.now(UTC)
    spent, limits = ledger.spent(now), settings.rekognition
    takes = f"{photos_text(plan.photos)} of faces, {plan.size / 1000:.0f} KB, would go to AWS with the names"
    so_far = f"{spent.day_calls} of {limits.daily_calls} calls, ${spent.day_usd:.3f} of ${limits.daily_usd:.2f}"
    costs = f"{plan.calls} calls, ${plan.usd:.3f}; today so far {so_far}" if plan.calls else "it costs nothing"
    err.print(f"{takes if plan.photos else 'no picture would leave the house'}: {costs}", soft_wrap=True)
    try:
        ledger.check(INDEX, now, times=plan.calls)
    except BudgetSpent:
        err.print("the budget does not reach for all of it: the rest waits for the next run", style="yellow")
    if options.yes:
        return
    try:
        wanted = typer.confirm(f"Make the collection {plan.collection} equal to the gallery?", err=True)
    except typer.Abort as error:
        message = "nothing was changed: answer y, or add --yes"
        raise SettingsError(message) from error
    if not wanted:
        message = "nothing was changed"
        raise KinwatchError(message)


def _carry_out(plan: SyncPlan, way: Way) -> tuple[Tally, CloudError | None]:
    """Carry out the plan; return what was changed, and what stopped it."""
    tally = Tally()
    try:
        # Before the first photo: a person who is forgotten from now on may be there.
        way.remembered.fill(way.collection)
        if plan.is_new:
            way.cloud.create()
        with progress("sending photos") as show:
            for step in sync(way, plan.difference.changes):
                tally.count(step)
                show(tally.added + len(tally.refused), plan.photos)
    except CloudError as error:
        return tally, error
    return tally, None


def _finish(plan: SyncPlan, tally: Tally | None, stopped: CloudError | None, options: SyncOptions) -> None:
    """Print what was done, or nothing without a tally; `KinwatchError` if the work was stopped."""
    for line in tally.lines() if tally else ():
        err.print(line, markup=False, style="yellow", soft_wrap=True)
    if options.json:
        emit({"summary": _facts(plan, tally) | {"done": bool(tally) and not stopped, "stopped": _why(stopped)}})
    elif not stopped:
        print_line(_outcome(plan, tally))
    if stopped:
        done = f"{tally.added if tally else 0} of {photos_text(plan.photos)} added"
        message = f"{stopped}; {done}: `kinwatch rekognition sync` then goes on with the rest"
        raise KinwatchError(message) from stopped


def _outcome(plan: SyncPlan, tally: Tally | None) -> str:
    if not plan.is_work:
        return f"the collection {plan.collection} is equal to the gallery: {photos_text(plan.difference.equal)}"
    if tally is None:
        return f"nothing was changed: {plan.calls} calls, ${plan.usd:.3f}, would make {plan.collection} equal"
    return f"{photos_text(tally.added)} added, {tally.removed} removed: {plan.collection} is equal to the gallery"


def _facts(plan: SyncPlan, tally: Tally | None) -> dict[str, Any]:
    done = tally or Tally()
    return {
        "collection": plan.collection,
        "new": plan.is_new,
        "equal": plan.difference.equal,
        "foreign": plan.difference.foreign,
        "photos": plan.photos,
        "bytes": plan.size,
        "calls": plan.calls,
        "usd": round(plan.usd, 6),
        "added": done.added,
        "removed": done.removed,
        "refused": done.refused,
        "notes": done.notes,
        "left_out": [{"name": one.name, "file": one.file, "why": one.why} for one in plan.left_out],
    }


def _why(stopped: CloudError | None) -> str | None:
    return str(stopped) if stopped else None
