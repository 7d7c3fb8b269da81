"""The visits of the album as a person sees them, and which one a person means."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Self
from uuid import UUID

from brain.album.album import Album, PastVisit
from brain.album.strangers import number_of
from brain.people.gallery import Gallery
from brain.people.records import LabelRecord
from kinwatch.opening import brain_settings, open_gallery
from nerves.errors import GalleryError
from nerves.settings import HouseSettings

__all__ = ["EMPTY_ALBUM", "NOT_A_PERSON_NAME", "AlbumEntry", "OpenAlbum", "chosen", "forget_visits", "not_empty"]

NOT_A_PERSON_NAME = "not a person"
# A UUIDv7 begins with its time: all visits within a minute begin with the same digits if there are fewer than this.
MIN_ID_DIGITS = 8
EMPTY_ALBUM = "the album is empty: visits come into it while the brain runs (kinwatch up)"


@dataclass(frozen=True)
class AlbumEntry:
    """A visit as a person sees it."""

    past: PastVisit
    short: str
    """The shortest beginning of its id that no other visit has, at least `MIN_ID_DIGITS` long."""
    name: str
    """Who it was: by a person's label if there is one, else by the brain's verdict."""
    labelled: bool
    """Whether the name comes from a person's label."""

    @property
    def kind(self) -> str:
        """What decides its colour: the brain's verdict, or what a person's label has made of it."""
        if not self.labelled:
            return self.past.verdict
        return NOT_A_PERSON_NAME if self.name == NOT_A_PERSON_NAME else "family"

    @property
    def line(self) -> str:
        """The visit in one line: id, time, place, name."""
        at = f"{self.past.since.astimezone():%a %d %b %H:%M}"
        alert = "  ALERT" if self.past.alert else ""
        return f"{self.short}  {at}  {self.past.place}  {self.name}{' (you said)' if self.labelled else ''}{alert}"


class OpenAlbum:
    """The album and the gallery, open together. Use it with `with`."""

    def __init__(self, house: HouseSettings) -> None:
        self._stack = ExitStack()
        path = house.data_dir / "album.db"
        self.gallery: Gallery = self._stack.enter_context(open_gallery(house))
        self.album: Album = self._stack.enter_context(Album(path, brain_settings(house).album))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def entries(self) -> list[AlbumEntry]:
        """Return every visit, the oldest first."""
        visits, left = self.album.visits(), self.album.strangers.left()
        labels = {label.visit: label for label in self.gallery.labels()}
        shorts = _shortest([str(visit.visit) for visit in visits])
        return [
            AlbumEntry(visit, shorts[str(visit.visit)], *_named(visit, _label(visit, labels, left))) for visit in visits
        ]


def forget_visits(house: HouseSettings, gallery: Gallery, name: str) -> int:
    """Remove every visit of a person from the album, before the gallery forgets them; return how many."""
    if not (house.data_dir / "album.db").exists():
        return 0
    with Album(house.data_dir / "album.db", brain_settings(house).album) as album:
        labels, left = {label.visit: label for label in gallery.labels()}, album.strangers.left()
        visits = album.visits()
        theirs = [visit.visit for visit in visits if name in (visit.who, _named(visit, _label(visit, labels, left))[0])]
        return album.discard(theirs)


def chosen(entries: Sequence[AlbumEntry], names: Iterable[str]) -> list[AlbumEntry]:
    """Return the visits that a person names by the beginning of an id, or as `stranger-7`.

    Raises `GalleryError` for a name that is no visit's, or may be several visits'.
    """
    found: dict[UUID, AlbumEntry] = {}
    for name in names:
        for entry in _one(not_empty(entries), name.lower()):
            found[entry.past.visit] = entry
    return list(found.values())


def not_empty(entries: Sequence[AlbumEntry]) -> Sequence[AlbumEntry]:
    """Return the visits; `GalleryError` if there is none."""
    if not entries:
        raise GalleryError(EMPTY_ALBUM)
    return entries


def _one(entries: Sequence[AlbumEntry], name: str) -> list[AlbumEntry]:
    """Return the visit of this id, or all visits of this stranger."""
    if number_of(name) is not None:
        found = [entry for entry in entries if entry.past.stranger == name]
        if not found:
            message = f"{name} is not in the album: see kinwatch album list"
            raise GalleryError(message)
        return found
    found = [entry for entry in entries if str(entry.past.visit).startswith(name)]
    if len(found) != 1:
        many = ", ".join(entry.short for entry in found[:5])
        message = (
            f"{name} may be {len(found)} visits: {many}; write more of it"
            if found
            else f"no visit in the album begins with {name}: see kinwatch album list"
        )
        raise GalleryError(message)
    return found


def _shortest(ids: Sequence[str]) -> dict[str, str]:
    """Return for each id its beginning, as long as needed for all to differ."""
    ordered = sorted(ids)
    shared = max((_shared(one, other) for one, other in pairwise(ordered)), default=0)
    return {each: each[: max(MIN_ID_DIGITS, shared + 1)].rstrip("-") for each in ids}


def _shared(one: str, other: str) -> int:
    """Return how many letters two ids have in common at their beginning."""
    return next((number for number, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


def _label(visit: PastVisit, labels: Mapping[UUID, LabelRecord], left: Mapping[str, UUID]) -> LabelRecord | None:
    """Return the label of a visit, or else that of another visit of the same stranger."""
    if visit.visit in labels:
        return labels[visit.visit]
    by = left.get(visit.stranger) if visit.stranger else None
    return labels.get(by) if by else None


def _named(visit: PastVisit, label: LabelRecord | None) -> tuple[str, bool]:
    """Return who it was, and whether a person has said so."""
    if label:
        return label.who or NOT_A_PERSON_NAME, True
    return visit.who or visit.stranger or visit.verdict, False
