"""`kinwatch album`: the past visits, and who they were."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from brain.album.album import Album
from brain.album.learn import LearnResult, learn
from brain.people.records import LabelRecord
from kinwatch.console import STYLES, emit, err, print_line
from kinwatch.files import write_private
from kinwatch.people.album_entries import EMPTY_ALBUM, NOT_A_PERSON_NAME, AlbumEntry, OpenAlbum, chosen, not_empty
from kinwatch.people.contact_sheet import Cell, contact_sheet
from kinwatch.people.enroll import check_name
from kinwatch.people.terms import Terms
from kinwatch.people.times import parse_since
from nerves.messages import Group, now, stamp
from nerves.settings import HouseSettings

__all__ = ["run_discard", "run_list", "run_name", "run_show", "run_undo"]

# One sheet has room for this many visits, with one picture each.
MAX_VISITS_ON_SHEET = 60
VERDICT_COLOURS = {
    "stranger": "#c62828",
    "unidentified": "#9a5b00",
    "family": "#2e7d32",
    "guest": "#00707d",
    "known": "#00707d",
    NOT_A_PERSON_NAME: "#5a5a5a",
}


def run_list(house: HouseSettings, *, ago: str | None, verdict: str | None, json: bool) -> None:
    """Do `kinwatch album list`."""
    begin = parse_since(ago) if ago else None
    with OpenAlbum(house) as opened:
        every = opened.entries()
        wanted = [entry for entry in every if (begin is None or entry.past.last >= begin)]
        wanted = [entry for entry in wanted if verdict in (None, entry.past.verdict)]
        for entry in wanted:
            crops = opened.album.crops(entry.past.visit)
            faces = sum(crop.vector is not None for crop in crops)
            if json:
                emit(_facts(entry, faces))
            else:
                seen = f"{faces} face{'s' * (faces != 1)}" if faces else "no face"
                print_line(f"{entry.line}  {seen}", STYLES.get(entry.kind, "dim"))
    if not wanted and not json:
        print_line("no such visit" if every else EMPTY_ALBUM)


def run_show(house: HouseSettings, names: Sequence[str], *, out: Path) -> None:
    """Do `kinwatch album show`."""
    with OpenAlbum(house) as opened:
        every = opened.entries()
        wanted = chosen(every, names) if names else not_empty(every)[-MAX_VISITS_ON_SHEET:]
        cells = [cell for entry in wanted for cell in _cells(entry, opened.album, best_only=not names)]
    people = {entry.name for entry in wanted}
    heading = f"{next(iter(people))}: {_visits(len(wanted))}" if len(people) == 1 else _visits(len(wanted))
    write_private(out, contact_sheet(cells, heading=heading))
    print_line(f"{_visits(len(wanted))}: see {out.resolve()}")


def run_name(house: HouseSettings, which: str, name: str | None, *, group: Group | None, terms: Terms) -> None:
    """Do `kinwatch album name`; without a name the visit was not a person."""
    if name is not None:
        check_name(name)
    with OpenAlbum(house) as opened:
        wanted = chosen(opened.entries(), [which])
        known = next((person for person in opened.gallery.people() if person.name == name), None)
        if known and group is None:
            group, terms = known.group, Terms(known.until, known.hours)
        at = now()
        learned = [
            learn(
                LabelRecord(past.visit, past.place, name, group or "family", terms.until, at, None, terms.hours),
                opened.album,
                opened.gallery,
            )
            for past in (entry.past for entry in wanted)
        ]
    _print_learned(name, learned)


def run_discard(house: HouseSettings, names: Sequence[str]) -> None:
    """Do `kinwatch album discard`."""
    with OpenAlbum(house) as opened:
        gone = opened.album.discard([entry.past.visit for entry in chosen(opened.entries(), names)])
    print_line(f"{_visits(gone)} discarded")


def run_undo(house: HouseSettings) -> None:
    """Do `kinwatch album undo`: take back all labels of the last `kinwatch album name`."""
    with OpenAlbum(house) as opened:
        first = label = opened.gallery.undo()
        if first is None or label is None:
            print_line("nothing has been said that could be taken back")
            return
        undone = [label]
        while (labels := opened.gallery.labels()) and (labels[0].at, labels[0].who) == (first.at, first.who):
            label = opened.gallery.undo()
            undone += [label] if label else []
        opened.album.mark([label.visit for label in undone], named=False)
    print_line(f"taken back: {_visits(len(undone))} called {first.who or NOT_A_PERSON_NAME}")


def _cells(entry: AlbumEntry, album: Album, *, best_only: bool) -> list[Cell]:
    crops = album.crops(entry.past.visit)
    if best_only:
        crops = sorted(crops, key=lambda crop: crop.merit)[-1:]
    colour = VERDICT_COLOURS.get(entry.kind)
    note = f"{entry.past.place}{', ALERT' if entry.past.alert else ''}{', you said' if entry.labelled else ''}"
    pictures: list[tuple[bytes | None, datetime]] = [(crop.jpeg, crop.at) for crop in crops]
    return [
        Cell(jpeg, f"{entry.name}", f"{at.astimezone():%a %d %b %H:%M:%S}, {note}; {entry.short}", colour)
        for jpeg, at in pictures or [(None, entry.past.since)]
    ]


def _facts(entry: AlbumEntry, faces: int) -> dict[str, Any]:
    past = entry.past
    return {
        "visit": str(past.visit),
        "short": entry.short,
        "place": past.place,
        "since": stamp(past.since),
        "last": stamp(past.last),
        "verdict": past.verdict,
        "who": past.who,
        "stranger": past.stranger,
        "alert": past.alert,
        "name": entry.name,
        "labelled": entry.labelled,
        "faces": faces,
    }


def _print_learned(name: str | None, learned: Sequence[LearnResult]) -> None:
    for one in learned:
        if one.why:
            err.print(f"noted, but {one.why}", markup=False, style="yellow")
    photos, left_out = sum(one.photos for one in learned), sum(one.left_out for one in learned)
    out = f", {left_out} left out (poor, or somebody else)" if left_out else ""
    called = f"{_visits(len(learned))} called {name or NOT_A_PERSON_NAME}"
    print_line(f"{called}: learned {photos} picture{'s' * (photos != 1)}{out}; kinwatch album undo takes it back")


def _visits(count: int) -> str:
    return f"{count} visit{'s' * (count != 1)}"
