"""`kinwatch day`: what happened on one day: what rang, what did not ring, and why."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kinwatch.commands.timeline import draw_timeline
from kinwatch.console import STYLES, emit, err, print_line
from kinwatch.people.day_entries import ReadDay, read_day
from kinwatch.people.day_lines import (
    DayRow,
    day_facts,
    headline,
    hint_lines,
    incident_rows,
    silent_lines,
    silent_rows,
)
from kinwatch.people.times import parse_day
from nerves.settings import HouseSettings

__all__ = ["run_day"]

HEADINGS = ("time", "place", "who", "visit", "why")
# A file or a pipe has no width of its own: wide enough that most reasons stay on one line.
PIPE_WIDTH_COLUMNS = 200


def run_day(house: HouseSettings, day: str, *, picture: Path | None, json: bool) -> None:
    """Do `kinwatch day`."""
    read = read_day(house, parse_day(day))
    if json:
        emit(day_facts(read))
    else:
        _print_day(read)
    if picture:
        _draw(read, picture, json=json)


def _print_day(read: ReadDay) -> None:
    summary = read.summary
    if summary.visits:
        print_line(headline(read), "bold")
        _print_rows(incident_rows(summary.incidents))
        for line in silent_lines(summary):
            print_line(line)
        _print_rows(silent_rows(summary))
        for line in hint_lines(summary):
            print_line(line)
    if read.remark:
        print_line(read.remark, "dim" if summary.visits else None)


def _print_rows(rows: Sequence[DayRow]) -> None:
    if not rows:
        return
    table = Table(box=None, pad_edge=False)
    for heading in HEADINGS:
        table.add_column(heading, no_wrap=heading in ("time", "visit"), header_style="dim")
    for row in rows:
        style = "bold red" if row.kind == "ring" else STYLES.get(row.kind, "dim")
        *facts, why = (Text(cell) for cell in row.cells)
        for fact in facts:
            fact.stylize(style)
        table.add_row(*facts, why)
    Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH_COLUMNS).print(table)


def _draw(read: ReadDay, picture: Path, *, json: bool) -> None:
    if not read.summary.visits:
        err.print("no picture is drawn: there is no visit to draw", markup=False)
        return
    draw_timeline(picture, read.summary.visits, (read.begin, read.end), headline(read))
    if not json:
        print_line(f"the timeline is in {picture}")
