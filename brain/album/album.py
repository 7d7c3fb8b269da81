"""The album: pictures of past visits, stored until a human labels them or they are too old."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self, get_args
from uuid import UUID

import numpy as np

from brain.album.stranger_store import ADD_WHY_COLUMNS, CREATE_ALBUM_TABLES, FIND_VISITS_TABLE, StrangerStore
from brain.album.strangers import number_of
from brain.settings.brain import AlbumSettings
from brain.vision.crop import Crop, best_crops
from nerves.database import Database
from nerves.messages import Box, Verdict, stamp

__all__ = ["Album", "PastVisit"]

VISIT_COLUMNS = """id, place, since, last, verdict, who, stranger, alert, box, named,
    alerted_at, incident, probably, odds, is_calm, is_not_a_person, reasons, context_reasons"""
INSERT_VISIT = f"""INSERT INTO visits ({VISIT_COLUMNS}) VALUES ({", ".join("?" * 18)})
    ON CONFLICT (id) DO UPDATE SET
    last = excluded.last, verdict = excluded.verdict, who = excluded.who, stranger = excluded.stranger,
    alert = max(alert, excluded.alert), box = excluded.box, alerted_at = coalesce(alerted_at, excluded.alerted_at),
    incident = coalesce(excluded.incident, incident), probably = excluded.probably, odds = excluded.odds,
    is_calm = excluded.is_calm, is_not_a_person = excluded.is_not_a_person, reasons = excluded.reasons,
    context_reasons = excluded.context_reasons"""  # noqa: S608 - our own columns
# Visits of people with a name have a time limit of their own: those of strangers matter longer.
DELETE_EXPIRED_VISITS = """DELETE FROM visits
    WHERE last < CASE WHEN verdict IN ('family', 'guest', 'known') THEN ? ELSE ? END"""
# Labelled visits go first, because their faces are in the gallery already.
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
    """The last verdict of the brain."""
    who: str | None = None
    stranger: str | None = None
    """`stranger-7`, if the brain recognised or numbered this stranger."""
    alert: bool = False
    box: Box | None = None
    named: bool = False
    """Whether a human has labelled the visit."""
    alerted_at: datetime | None = None
    """When it alerted; None if it did not, or if an older kinwatch stored it."""
    incident: UUID | None = None
    """The incident that it belongs to; None if it belongs to none."""
    probably: str | None = None
    """Whom the context takes an unidentified visit for: a name, or `family`."""
    odds: int | None = None
    """The odds for it: 40 means 40:1."""
    is_calm: bool = False
    """Whether the context keeps it from alerting."""
    is_not_a_person: bool = False
    """Whether the brain takes it for something that a human has labelled as not a person."""
    reasons: tuple[str, ...] = ()
    """Why this verdict."""
    context_reasons: tuple[str, ...] = ()
    """What the context says of it."""


class Album:
    """The album on disk. Commands and the brain can use it at the same time.

    Visits are removed, the oldest first, if they are older or the file is larger than the settings allow. If the file
    is too large, labelled visits go before all others.

    Raises:
        KinwatchError: The file cannot be used.
    """

    def __init__(self, path: Path, settings: AlbumSettings | None = None) -> None:
        self._settings = settings or AlbumSettings()
        self._database = Database(path)
        with self._database.open() as connection:
            connection.execute("PRAGMA secure_delete = ON")  # a deleted face is overwritten
            connection.execute("PRAGMA foreign_keys = ON")
            if not connection.execute(FIND_VISITS_TABLE).fetchone():  # without this the file would never shrink
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute("VACUUM")
        self._database.migrate("album", [CREATE_ALBUM_TABLES, ADD_WHY_COLUMNS])
        self.strangers = StrangerStore(self._database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def put(self, entry: PastVisit, crops: Iterable[Crop]) -> None:
        """Store a visit, or update it: its best pictures so far and its current verdict."""
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
        """Return a visit; None if it is not in the album."""
        return next((entry for entry in self.visits() if entry.visit == visit), None)

    def crops(self, visit: UUID) -> list[Crop]:
        """Return the pictures of a visit, ordered by time."""
        with self._database.open() as connection:
            rows = connection.execute(
                "SELECT at, jpeg, vector, weight, width FROM crops WHERE visit = ? ORDER BY at", (str(visit),)
            ).fetchall()
        return [
            Crop(datetime.fromisoformat(at), jpeg, np.frombuffer(vector, "<f4") if vector else None, weight, width)
            for at, jpeg, vector, weight, width in rows
        ]

    def mark(self, visits: Iterable[UUID], *, named: bool) -> None:
        """Mark visits as labelled, or as not labelled any more; a labelled stranger is not a stranger any more."""
        with self._database.transaction() as connection:
            for visit in map(str, visits):
                connection.execute("UPDATE visits SET named = ? WHERE id = ?", (named, visit))
                self.strangers.leave(visit, left=named)

    def discard(self, visits: Iterable[UUID]) -> int:
        """Remove visits and everything stored about them; return how many were in the album."""
        with self._database.transaction() as connection:
            gone = 0
            for visit in map(str, visits):
                gone += connection.execute("DELETE FROM visits WHERE id = ?", (visit,)).rowcount
                connection.execute("DELETE FROM encounters WHERE visit = ?", (visit,))
        self._shrink()
        return gone

    def prune(self, at: datetime) -> int:
        """Remove visits that are too old, then visits above the size limit; return how many."""
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
        """Return the bytes in use, without the pages that deletion has freed."""
        with self._database.open() as connection:
            pages, free, size = (
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)

    def _shrink(self) -> None:
        """Give the freed pages back to the disk, and remove deleted content from the write-ahead log."""
        with self._database.open() as connection:
            connection.executescript("PRAGMA incremental_vacuum")  # execute() would free a single page
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _row(entry: PastVisit) -> tuple[object, ...]:
    box = ",".join(f"{edge:.4f}" for edge in entry.box) if entry.box else None
    when = stamp(entry.since), stamp(entry.last)
    verdict = entry.verdict, entry.who, number_of(entry.stranger) if entry.stranger else None
    alerted_at = stamp(entry.alerted_at) if entry.alerted_at else None
    incident = str(entry.incident) if entry.incident else None
    context = entry.probably, entry.odds, entry.is_calm, entry.is_not_a_person
    why = json.dumps(entry.reasons, ensure_ascii=False), json.dumps(entry.context_reasons, ensure_ascii=False)
    where = str(entry.visit), entry.place
    return (*where, *when, *verdict, entry.alert, box, entry.named, alerted_at, incident, *context, *why)


def _past(row: Sequence[object]) -> PastVisit:
    visit, place, since, last, verdict, who, number, alert, box, named, *why = row
    alerted_at, incident, probably, odds, is_calm, is_not_a_person, reasons, context_reasons = why
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
        alerted_at=datetime.fromisoformat(str(alerted_at)) if alerted_at else None,
        incident=UUID(str(incident)) if incident else None,
        probably=str(probably) if probably is not None else None,
        odds=int(str(odds)) if odds is not None else None,
        is_calm=bool(is_calm),
        is_not_a_person=bool(is_not_a_person),
        reasons=tuple(json.loads(str(reasons))),
        context_reasons=tuple(json.loads(str(context_reasons))),
    )


def _crop_row(visit: UUID, crop: Crop) -> tuple[object, ...]:
    vector = None if crop.vector is None else crop.vector.astype("<f4").tobytes()
    return (str(visit), stamp(crop.at), crop.jpeg, vector, crop.weight, crop.width)
