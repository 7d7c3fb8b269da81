"""The album as the running brain uses it: if the disk fails, the brain still decides."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

from brain.album.album import Album, PastVisit
from brain.album.strangers import Stranger, Strangers
from brain.settings.brain import AlbumSettings
from brain.vision.backend import Vector
from brain.vision.crop import Crop
from brain.visits.visit import OpenVisit
from nerves.errors import KinwatchError
from nerves.log_once import LogOnce
from nerves.messages import now

__all__ = ["AlbumWriter"]

REOPEN_EVERY_S, PRUNE_EVERY_S = 30.0, 3600.0


class AlbumWriter:
    """Stores visits in the album and looks up strangers in it. A failure is logged once, and tried again later."""

    def __init__(self, path: Path, settings: AlbumSettings) -> None:
        self._path, self._settings = path, settings
        self._trouble = LogOnce("")
        self._album: Album | None = None
        self._tried = self._pruned = float("-inf")

    def close(self) -> None:
        """Close the album."""
        if self._album:
            self._album.close()

    def album(self) -> Album | None:
        """Return the album; None while it cannot be opened."""
        if self._album is None and time.monotonic() - self._tried >= REOPEN_EVERY_S:
            self._tried = time.monotonic()
            try:
                self._album = Album(self._path, self._settings)
            except KinwatchError as error:
                self._trouble.log(f"visits are decided, but not stored for you to label: {error}")
        return self._album

    def put(self, visits: Iterable[OpenVisit]) -> None:
        """Store visits as they are now."""
        for visit in visits:
            self._put(visit)

    def recognise_stranger(
        self, visit: UUID, vectors: Sequence[Vector], weights: Sequence[float], at: datetime
    ) -> Stranger | None:
        """Return which stranger it is, known or new; None with too few faces, or while the album cannot be used."""
        album = self.album()
        if album is None:
            return None
        try:
            return Strangers(album.strangers).recognise(visit, vectors, weights, at)
        except KinwatchError as error:
            self._trouble.log(f"strangers are not recognised: {error}")
            return None

    def prune(self) -> None:
        """Delete visits that are too old, once an hour."""
        if time.monotonic() - self._pruned < PRUNE_EVERY_S:
            return
        self._pruned = time.monotonic()
        album = self.album()
        try:
            if album:
                album.prune(now())
        except KinwatchError as error:
            self._trouble.log(f"old visits stay in the album: {error}")

    def _put(self, visit: OpenVisit) -> None:
        album = self.album()
        if album is None:
            return
        try:
            album.put(past_visit(visit), visit.crops or _snapshot(visit))
        except KinwatchError as error:
            self._trouble.log(f"visits are decided, but not stored for you to label: {error}")
        else:
            self._trouble.log("")


def past_visit(visit: OpenVisit) -> PastVisit:
    """Return a visit as the album stores it."""
    return PastVisit(
        visit=visit.id,
        place=visit.place,
        since=visit.first,
        last=visit.last,
        verdict=visit.verdict,
        who=visit.who,
        stranger=visit.met.name if visit.met and visit.verdict == "stranger" else None,
        alert=visit.alerted,
        box=visit.box,
        named=visit.label is not None,
        # The first stored time stays: a visit is stored as it alerts, and may be decided again later.
        alerted_at=(visit.decided_at or visit.last) if visit.alerted else None,
        incident=visit.incident.id if visit.incident else None,
        probably=visit.probably,
        odds=visit.odds,
        is_calm=visit.is_calm,
        is_not_a_person=visit.is_not_a_person,
        reasons=visit.reasons,
        context_reasons=visit.context_reasons,
    )


def _snapshot(visit: OpenVisit) -> tuple[Crop, ...]:
    """Return the best picture of a person whose face was not seen, or nothing."""
    return (Crop(visit.first, visit.picture, None, 0.0, 0.0),) if visit.picture else ()
