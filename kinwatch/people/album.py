"""`album`: who was that? The visits that wait for your word, and your word on them."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from brain.album.album import Album, PastVisit
from brain.album.learn import LearnResult, learn
from brain.album.strangers import number_of
from brain.people.gallery import Gallery
from brain.people.records import LabelRecord
from kinwatch.console import STYLES, emit, err, say
from kinwatch.files import write_private
from kinwatch.opening import brain_settings, open_gallery
from kinwatch.people.contact_sheet import Cell, contact_sheet
from kinwatch.people.enroll import check_name, when
from nerves.errors import GalleryError, SettingsError
from nerves.messages import Group, now, stamp
from nerves.settings import HouseSettings

__all__ = ["Pages", "chosen", "forget_visits", "run_discard", "run_list", "run_name", "run_show", "run_undo", "since"]

NOT_A_PERSON = "not a person"
# A UUIDv7 begins with its time: fewer digits than this are the same for a minute.
SHORTEST = 8
# So many visits fit on one sheet, one picture each.
MOST = 60
COLOURS = {
    "stranger": "#c62828",
    "unidentified": "#9a5b00",
    "family": "#2e7d32",
    "guest": "#00707d",
    NOT_A_PERSON: "#5a5a5a",
}


@dataclass(frozen=True)
class AlbumEntry:
    """A visit as a person sees it."""

    past: PastVisit
    short: str
    """The beginning of its id that no other visit has."""
    name: str
    """Who it was, by a human's word where there is one, else by the brain's."""
    told: bool

    @property
    def kind(self) -> str:
        """What colours it: the verdict, or what a human has made of it."""
        if not self.told:
            return self.past.verdict
        return NOT_A_PERSON if self.name == NOT_A_PERSON else "family"

    @property
    def line(self) -> str:
        """When, where, who."""
        when = f"{self.past.since.astimezone():%a %d %b %H:%M}"
        alert = "  ALERT" if self.past.alert else ""
        return f"{self.short}  {when}  {self.past.place}  {self.name}{' (you said)' if self.told else ''}{alert}"


class Pages:
    """The album and the gallery, open together."""

    def __init__(self, house: HouseSettings) -> None:
        self._stack = ExitStack()
        path = house.data_dir / "album.db"
        self.gallery: Gallery = self._stack.enter_context(open_gallery(house))
        self.album: Album = self._stack.enter_context(Album(path, brain_settings(house).album))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def all(self) -> list[AlbumEntry]:
        """Return every visit, the oldest first."""
        visits, left = self.album.visits(), self.album.strangers.left()
        words = {word.visit: word for word in self.gallery.words()}
        shorts = _shortest([str(visit.visit) for visit in visits])
        return [
            AlbumEntry(visit, shorts[str(visit.visit)], *_named(visit, _word(visit, words, left))) for visit in visits
        ]


def run_list(house: HouseSettings, *, ago: str | None, verdict: str | None, json: bool) -> None:
    """Do `kinwatch album list`."""
    begin = since(ago) if ago else None
    with Pages(house) as pages:
        every = pages.all()
        wanted = [page for page in every if (begin is None or page.past.last >= begin)]
        wanted = [page for page in wanted if verdict in (None, page.past.verdict)]
        for page in wanted:
            crops = pages.album.crops(page.past.visit)
            faces = sum(crop.vector is not None for crop in crops)
            if json:
                emit(_facts(page, faces))
            else:
                seen = f"{faces} face{'s' * (faces != 1)}" if faces else "no face"
                say(f"{page.line}  {seen}", STYLES.get(page.kind, "dim"))
    if not wanted and not json:
        say("no such visit" if every else EMPTY)


EMPTY = "the album is empty: visits come into it while the brain runs (kinwatch up)"


def run_show(house: HouseSettings, names: Sequence[str], *, out: Path) -> None:
    """Do `kinwatch album show`."""
    with Pages(house) as pages:
        every = pages.all()
        wanted = chosen(every, names) if names else _some(every)[-MOST:]
        cells = [cell for page in wanted for cell in _cells(page, pages.album, best_only=not names)]
    people = {page.name for page in wanted}
    heading = f"{next(iter(people))}: {_visits(len(wanted))}" if len(people) == 1 else _visits(len(wanted))
    write_private(out, contact_sheet(cells, heading=heading))
    say(f"{_visits(len(wanted))}: see {out.resolve()}")


def run_name(house: HouseSettings, which: str, name: str | None, *, group: Group | None, until: str | None) -> None:
    """Do `kinwatch album name`; without a name it is not a person."""
    end = when(until) if until else None
    if end and group != "guest":
        message = "--until is for guests: add --group guest"
        raise SettingsError(message)
    if name is not None:
        check_name(name)
    with Pages(house) as pages:
        wanted = chosen(pages.all(), [which])
        known = next((person for person in pages.gallery.people() if person.name == name), None)
        if known and group is None:
            group, end = known.group, known.until
        at = now()
        learned = [
            learn(
                LabelRecord(page.past.visit, page.past.place, name, group or "family", end, at, None),
                pages.album,
                pages.gallery,
            )
            for page in wanted
        ]
    _tell(name, learned)


def run_discard(house: HouseSettings, names: Sequence[str]) -> None:
    """Do `kinwatch album discard`."""
    with Pages(house) as pages:
        gone = pages.album.discard([page.past.visit for page in chosen(pages.all(), names)])
    say(f"{_visits(gone)} discarded")


def run_undo(house: HouseSettings) -> None:
    """Do `kinwatch album undo`: all that was said in the last step is taken back."""
    with Pages(house) as pages:
        first = word = pages.gallery.undo()
        if first is None or word is None:
            say("nothing has been said that could be taken back")
            return
        undone = [word]
        while (words := pages.gallery.words()) and (words[0].at, words[0].who) == (first.at, first.who):
            word = pages.gallery.undo()
            undone += [word] if word else []
        pages.album.mark([word.visit for word in undone], named=False)
    say(f"taken back: {_visits(len(undone))} called {first.who or NOT_A_PERSON}")


def forget_visits(house: HouseSettings, gallery: Gallery, name: str) -> int:
    """Remove every visit of a person from the album, before the gallery forgets them; return how many."""
    if not (house.data_dir / "album.db").exists():
        return 0
    with Album(house.data_dir / "album.db", brain_settings(house).album) as album:
        words, left = {word.visit: word for word in gallery.words()}, album.strangers.left()
        visits = album.visits()
        theirs = [visit.visit for visit in visits if name in (visit.who, _named(visit, _word(visit, words, left))[0])]
        return album.discard(theirs)


def chosen(pages: Sequence[AlbumEntry], names: Iterable[str]) -> list[AlbumEntry]:
    """Return the visits that are named by the beginning of an id, or as `stranger-7`.

    Raises `GalleryError` for one that is nobody, or more than one visit.
    """
    found: dict[UUID, AlbumEntry] = {}
    for name in names:
        for page in _one(_some(pages), name.lower()):
            found[page.past.visit] = page
    return list(found.values())


def since(text: str) -> datetime:
    """Read how far to look back: `2d`, `12h`, `30m`, or a date."""
    units = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
    try:
        if text[-1:] in units and text[:-1].isdecimal():
            return datetime.now(UTC) - int(text[:-1]) * units[text[-1]]
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = f"--since {text}: not a time; write 2d, 12h, 30m or 2026-12-24"
        raise SettingsError(message) from error


def _some(pages: Sequence[AlbumEntry]) -> Sequence[AlbumEntry]:
    if not pages:
        raise GalleryError(EMPTY)
    return pages


def _one(pages: Sequence[AlbumEntry], name: str) -> list[AlbumEntry]:
    if number_of(name) is not None:
        found = [page for page in pages if page.past.stranger == name]
        if not found:
            message = f"{name} is not in the album: see kinwatch album list"
            raise GalleryError(message)
        return found
    found = [page for page in pages if str(page.past.visit).startswith(name)]
    if len(found) != 1:
        many = ", ".join(page.short for page in found[:5])
        message = (
            f"{name} may be {len(found)} visits: {many}; write more of it"
            if found
            else f"no visit in the album begins with {name}: see kinwatch album list"
        )
        raise GalleryError(message)
    return found


def _shortest(names: Sequence[str]) -> dict[str, str]:
    """Return for each name its beginning, as long as it takes for all to differ."""
    ordered = sorted(names)
    shared = max((_shared(one, other) for one, other in pairwise(ordered)), default=0)
    return {name: name[: max(SHORTEST, shared + 1)].rstrip("-") for name in names}


def _shared(one: str, other: str) -> int:
    return next((number for number, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


def _word(visit: PastVisit, words: Mapping[UUID, LabelRecord], left: Mapping[str, UUID]) -> LabelRecord | None:
    """Return what was said of a visit, or else of another one of the same stranger."""
    if visit.visit in words:
        return words[visit.visit]
    by = left.get(visit.stranger) if visit.stranger else None
    return words.get(by) if by else None


def _named(visit: PastVisit, word: LabelRecord | None) -> tuple[str, bool]:
    if word:
        return word.who or NOT_A_PERSON, True
    return visit.who or visit.stranger or visit.verdict, False


def _cells(page: AlbumEntry, album: Album, *, best_only: bool) -> list[Cell]:
    crops = album.crops(page.past.visit)
    if best_only:
        crops = sorted(crops, key=lambda crop: crop.merit)[-1:]
    colour = COLOURS.get(page.kind)
    note = f"{page.past.place}{', ALERT' if page.past.alert else ''}{', you said' if page.told else ''}"
    pictures: list[tuple[bytes | None, datetime]] = [(crop.jpeg, crop.at) for crop in crops]
    return [
        Cell(jpeg, f"{page.name}", f"{at.astimezone():%a %d %b %H:%M:%S}, {note}; {page.short}", colour)
        for jpeg, at in pictures or [(None, page.past.since)]
    ]


def _facts(page: AlbumEntry, faces: int) -> dict[str, Any]:
    past = page.past
    return {
        "visit": str(past.visit),
        "short": page.short,
        "place": past.place,
        "since": stamp(past.since),
        "last": stamp(past.last),
        "verdict": past.verdict,
        "who": past.who,
        "stranger": past.stranger,
        "alert": past.alert,
        "name": page.name,
        "told": page.told,
        "faces": faces,
    }


def _tell(name: str | None, learned: Sequence[LearnResult]) -> None:
    for one in learned:
        if one.why:
            err.print(f"noted, but {one.why}", markup=False, style="yellow")
    photos, left_out = sum(one.photos for one in learned), sum(one.left_out for one in learned)
    out = f", {left_out} left out (poor, or somebody else)" if left_out else ""
    called = f"{_visits(len(learned))} called {name or NOT_A_PERSON}"
    say(f"{called}: learned {photos} picture{'s' * (photos != 1)}{out}; kinwatch album undo takes it back")


def _visits(count: int) -> str:
    return f"{count} visit{'s' * (count != 1)}"
