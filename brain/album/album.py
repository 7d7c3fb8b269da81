"""The album: pictures of past visits, waiting for a human's word."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self, get_args
from uuid import UUID

import numpy as np

from brain.album.stranger_store import CREATE_ALBUM_TABLES, FIND_VISITS_TABLE, StrangerStore
from brain.album.strangers import number_of
from brain.settings.brain import AlbumSettings
from brain.vision.crop import Crop, best_crops
from nerves.database import Database
from nerves.messages import Box, Verdict, stamp

__all__ = ["Album", "PastVisit"]

VISIT_COLUMNS = "id, place, since, last, verdict, who, stranger, alert, box, named"
INSERT_VISIT = f"""INSERT INTO visits ({VISIT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET last = excluded.last, verdict = excluded.verdict, who = excluded.who, stranger = excluded.stranger,
    alert = max(alert, excluded.alert), box = excluded.box"""  # noqa: S608 - our own columns
# Family, recognised: their visits are worth less than a stranger's.
DELETE_EXPIRED_VISITS = "DELETE FROM visits WHERE last < CASE WHEN verdict IN ('family', 'guest') THEN ? ELSE ? END"
# Whom a human has named is in the gallery already: what is still to be asked stays longer.
SELECT_OLDEST_VISIT = "SELECT id FROM visits ORDER BY named DESC, last, id LIMIT 1"
BYTES_PER_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class PastVisit:
    """One visit in the album."""

    visit: UUID
    place: str
    since: datetime
    last: datetime
    verdict: Verdict
    """What the brain held of it last."""
    who: str | None = None
    stranger: str | None = None
    """`stranger-7`, where it was one whom the brain knows again."""
    alert: bool = False
    box: Box | None = None
    named: bool = False
    """Whether a human has said who it was."""


class Album:
    """The album on disk; the commands use it while the brain does. `KinwatchError` if the file cannot be used.

    Visits go when they are older than the settings say or the file is larger, the oldest first. Those that a human
    has named go before all others when room is needed: their pictures have done their work.
    """

    def __init__(self, path: Path, settings: AlbumSettings | None = None) -> None:
        self._settings = settings or AlbumSettings()
        self._database = Database(path)
        with self._database.open() as connection:
            connection.execute("PRAGMA secure_delete = ON")  # a deleted face is overwritten
            connection.execute("PRAGMA foreign_keys = ON")
            if not connection.execute(FIND_VISITS_TABLE).fetchone():  # else the file would never shrink
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute("VACUUM")
        with self._database.transaction() as connection:
            for statement in CREATE_ALBUM_TABLES:
                connection.execute(statement)
        self.strangers = StrangerStore(self._database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def put(self, entry: PastVisit, crops: Iterable[Crop]) -> None:
        """Keep a visit, or what is new of it: the best of its pictures so far, and what is held of it now."""
        for crop in self.crops(entry.visit):
            crops = best_crops(tuple(crops), crop)
        with self._database.transaction() as connection:
            connection.execute(INSERT_VISIT, _row(entry))
            connection.execute("DELETE FROM crops WHERE visit = ?", (str(entry.visit),))
            connection.executemany(
                "INSERT INTO crops VALUES (?, ?, ?, ?, ?, ?)", [_crop_row(entry.visit, crop) for crop in crops]
            )
        self.prune(entry.last)

    def visits(self) -> list[PastVisit]:
        """Return every visit, the oldest first."""
        with self._database.open() as connection:
            rows = connection.execute(f"SELECT {VISIT_COLUMNS} FROM visits ORDER BY since, id").fetchall()  # noqa: S608
        return [_past(row) for row in rows]

    def visit(self, visit: UUID) -> PastVisit | None:
        """Return a visit; None if it is not here, or no more."""
        return next((entry for entry in self.visits() if entry.visit == visit), None)

    def crops(self, visit: UUID) -> list[Crop]:
        """Return a visit's pictures in the order of time."""
        with self._database.open() as connection:
            rows = connection.execute(
                "SELECT at, jpeg, vector, weight, width FROM crops WHERE visit = ? ORDER BY at", (str(visit),)
            ).fetchall()
        return [
            Crop(datetime.fromisoformat(at), jpeg, np.frombuffer(vector, "<f4") if vector else None, weight, width)
            for at, jpeg, vector, weight, width in rows
        ]

    def mark(self, visits: Iterable[UUID], *, named: bool) -> None:
        """Note that a human has said who was there, or has taken it back; the stranger it was is one no more."""
        with self._database.transaction() as connection:
            for visit in map(str, visits):
                connection.execute("UPDATE visits SET named = ? WHERE id = ?", (named, visit))
                self.strangers.leave(visit, left=named)

    def discard(self, visits: Iterable[UUID]) -> int:
        """Remove visits and all that is kept of them from every file; return how many were here."""
        with self._database.transaction() as connection:
            gone = 0
            for visit in map(str, visits):
                gone += connection.execute("DELETE FROM visits WHERE id = ?", (visit,)).rowcount
                connection.execute("DELETE FROM encounters WHERE visit = ?", (visit,))
        self._shrink()
        return gone

    def prune(self, at: datetime) -> int:
        """Remove what is too old, then what is too much; return how many visits."""
        recent = at - timedelta(days=self._settings.days)
        with self._database.transaction() as connection:
            family = stamp(at - timedelta(days=self._settings.family_days))
            gone = connection.execute(DELETE_EXPIRED_VISITS, (family, stamp(recent))).rowcount
            self.strangers.forget_before(recent)
            while self._used() > self._settings.max_mb * BYTES_PER_MB:
                found = connection.execute(SELECT_OLDEST_VISIT).fetchone()
                if found is None:
                    break
                gone += connection.execute("DELETE FROM visits WHERE id = ?", found).rowcount
        if gone:
            self._shrink()
        return gone

    def _used(self) -> int:
        """Return the bytes that are in use, without the pages that deletion has freed."""
        with self._database.open() as connection:
            pages, free, size = (
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)

    def _shrink(self) -> None:
        """Give the freed pages back to the disk, and leave nothing deleted in the log."""
        with self._database.open() as connection:
            connection.executescript("PRAGMA incremental_vacuum")  # execute() would free a single page
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _row(entry: PastVisit) -> tuple[object, ...]:
    box = ",".join(f"{edge:.4f}" for edge in entry.box) if entry.box else None
    when = stamp(entry.since), stamp(entry.last)
    held = entry.verdict, entry.who, number_of(entry.stranger) if entry.stranger else None
    return (str(entry.visit), entry.place, *when, *held, entry.alert, box, entry.named)


def _past(row: Sequence[object]) -> PastVisit:
    visit, place, since, last, verdict, who, number, alert, box, named = row
    return PastVisit(
        visit=UUID(str(visit)),
        place=str(place),
        since=datetime.fromisoformat(str(since)),
        last=datetime.fromisoformat(str(last)),
        verdict=next(known for known in get_args(Verdict) if known == verdict),
        who=str(who) if who is not None else None,
        stranger=f"stranger-{number}" if number is not None else None,
        alert=bool(alert),
        box=Box(*map(float, str(box).split(","))) if box else None,
        named=bool(named),
    )


def _crop_row(visit: UUID, crop: Crop) -> tuple[object, ...]:
    vector = None if crop.vector is None else crop.vector.astype("<f4").tobytes()
    return (str(visit), stamp(crop.at), crop.jpeg, vector, crop.weight, crop.width)
