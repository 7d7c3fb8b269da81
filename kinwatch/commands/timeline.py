"""The picture of a day: places as rows, the time across, a bar for each visit, a bell where it rang."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from brain.album.day import DayVisit, VisitKind
from kinwatch.commands.plots import require_matplotlib
from kinwatch.files import write_private
from nerves.messages import Group

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Bar", "bars_by_place", "draw_timeline"]

# 1400 x 600 pixels: half a screen, and a message on a phone shows it whole.
TIMELINE_SIZE_IN, TIMELINE_DPI = (14.0, 6.0), 100
KIND_COLOURS: dict[VisitKind, str] = {"stranger": "#c62828", "unidentified": "#8a8a8a", "not a person": "#dddddd"}
# Okabe and Ito's colours, which colour-blind people can tell apart, without the one that is like a stranger's red.
PEOPLE_COLOURS = ("#0072b2", "#009e73", "#e69f00", "#56b4e9", "#cc79a7", "#5b3a8c", "#b5a400", "#7f5f2b")
# A visit of some seconds would be thinner than a pixel: a bar has at least this share of the time shown.
MIN_BAR_SHARE = 1 / 220
# The picture shows whole hours, and never fewer than this.
MIN_HOURS = 3
# More visits at once in one place than this are drawn over each other.
MAX_LANES = 6
# Rings that are nearer than this share of the time shown have one bell: their times would be written over each other.
MIN_TEXT_GAP_SHARE = 0.05
# With this many columns the names of eight people fit into the width.
LEGEND_COLUMNS = 7
# With fewer places than this the rows are no higher; with more places than this the bells are smaller.
MIN_ROWS, MAX_ROWS_WITH_LARGE_BELLS = 3, 6
LARGE_BELL_PT, MIN_BELL_PT = 17, 10
# Hours up to this many are each written at the axis, else every second one.
MAX_TICKS = 19
# A bell, as the corners of a marker.
BELL_CORNERS = (
    (-1.0, -0.6),
    (-0.25, -0.6),
    (-0.18, -0.95),
    (0.18, -0.95),
    (0.25, -0.6),
    (1.0, -0.6),
    (0.68, -0.2),
    (0.6, 0.35),
    (0.35, 0.8),
    (0.1, 0.9),
    (0.0, 1.1),
    (-0.1, 0.9),
    (-0.35, 0.8),
    (-0.6, 0.35),
    (-0.68, -0.2),
)
CALM_LOOK = {"facecolor": "#f4f4f4", "hatch": "//////"}
ANY_OF_FAMILY = "one of the family"
BELL_LOOK: dict[str, Any] = {"marker": BELL_CORNERS, "color": "#111111", "markeredgewidth": 0}


@dataclass(frozen=True, slots=True)
class Bar:
    """A visit as it is drawn."""

    visit: DayVisit
    begin_h: float
    """Hours since midnight."""
    length_h: float
    lane: int
    """Visits at one place that overlap have different lanes, from 0."""


def draw_timeline(path: Path, visits: Sequence[DayVisit], span: tuple[datetime, datetime], title: str) -> None:
    """Draw the visits of a day as a PNG that only its owner can read.

    Args:
        path: The file.
        visits: The visits; not empty.
        span: The first moment of the day and the first of the next.
        title: Written above.
    """
    figure = require_matplotlib()(figsize=TIMELINE_SIZE_IN, dpi=TIMELINE_DPI, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=15, loc="left", pad=14)
    hours = _hours(visits, span)
    colours = _colours(visits)
    places = bars_by_place(visits, span, min_length_h=(hours[1] - hours[0]) * MIN_BAR_SHARE)
    _draw_axes(axes, list(places), span[0], hours)
    for row, bars in enumerate(places.values()):
        for bar in bars:
            _draw_bar(axes, bar, row, _lanes(bars), colours)
        _draw_bells(axes, bars, row, len(places), span[0])
    handles = _legend(axes, visits, colours)
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(handles), LEGEND_COLUMNS), frameon=False, fontsize=12
    )
    out = io.BytesIO()
    figure.savefig(out, format="png")
    write_private(path, out.getvalue())


def bars_by_place(
    visits: Iterable[DayVisit], span: tuple[datetime, datetime], *, min_length_h: float
) -> dict[str, list[Bar]]:
    """Return the bars of each place, ordered by place and time; bars that overlap have different lanes."""
    found: dict[str, list[Bar]] = {place: [] for place in sorted({visit.past.place for visit in visits})}
    for visit in sorted(visits, key=lambda one: one.past.since):
        bars, begin_h = found[visit.past.place], _hours_since(span[0], visit.past.since)
        end_h = _hours_since(span[0], min(visit.past.last, span[1]))
        ends = [
            max((bar.begin_h + bar.length_h for bar in bars if bar.lane == lane), default=0.0)
            for lane in range(MAX_LANES)
        ]
        lane = next((lane for lane, end in enumerate(ends) if end <= begin_h), ends.index(min(ends)))
        bars.append(Bar(visit, begin_h, max(end_h - begin_h, min_length_h), lane))
    return found


def _hours(visits: Sequence[DayVisit], span: tuple[datetime, datetime]) -> tuple[float, float]:
    """Return the hours that are shown, from and to."""
    whole = round(_hours_since(*span))
    first = int(_hours_since(span[0], min(visit.past.since for visit in visits)))
    last = min(int(_hours_since(span[0], max(visit.past.last for visit in visits))) + 1, whole)
    first = max(0, min(first, last - MIN_HOURS))
    return float(first), float(min(whole, max(last, first + MIN_HOURS)))


def _hours_since(begin: datetime, at: datetime) -> float:
    return (at - begin) / timedelta(hours=1)


def _lanes(bars: Sequence[Bar]) -> int:
    return 1 + max(bar.lane for bar in bars)


def _top(row: int, lane: int, lanes: int) -> tuple[float, float]:
    """Return the upper edge of a lane and its height; the rows are 1 high, and bells have the upper part of it."""
    height = 0.56 / lanes
    return row - 0.14 + lane * height, height * 0.9


def _draw_bar(axes: "Axes", bar: Bar, row: int, lanes: int, colours: Mapping[str, str]) -> None:
    top, height = _top(row, bar.lane, lanes)
    axes.barh(top, bar.length_h, left=bar.begin_h, height=height, align="edge", **_look(bar.visit, colours))


def _draw_bells(axes: "Axes", bars: Sequence[Bar], row: int, rows: int, begin: datetime) -> None:
    size_pt = max(MIN_BELL_PT, LARGE_BELL_PT * min(1.0, MAX_ROWS_WITH_LARGE_BELLS / rows))
    low, high = axes.get_xlim()
    rings = sorted(bar.visit.rang_at for bar in bars if bar.visit.rang_at)
    for at, count in _near_rings(rings, timedelta(hours=(high - low) * MIN_TEXT_GAP_SHARE)):
        where = _hours_since(begin, at), row - 0.29
        axes.plot(*([each] for each in where), markersize=size_pt, **BELL_LOOK)
        text = f"{at.astimezone():%H:%M}{f' ({count} times)' if count > 1 else ''}"
        look: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": max(9, size_pt * 0.65)}
        axes.annotate(text, where, xytext=(size_pt * 0.65, 0), **look)


def _near_rings(rings: Sequence[datetime], gap: timedelta) -> list[tuple[datetime, int]]:
    """Return rings with their count; those within a gap after another are counted with it."""
    found: list[tuple[datetime, int]] = []
    for at in rings:
        if found and at - found[-1][0] < gap:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((at, 1))
    return found


def _draw_axes(axes: "Axes", places: Sequence[str], begin: datetime, hours: tuple[float, float]) -> None:
    step = 1 if hours[1] - hours[0] < MAX_TICKS else 2
    ticks = range(int(hours[0]), int(hours[1]) + 1, step)
    # Through UTC, because on the day that the clocks change midnight has another offset than noon.
    texts = [f"{(begin.astimezone(UTC) + timedelta(hours=tick)).astimezone():%H:%M}" for tick in ticks]
    axes.set_xticks(list(ticks), texts, fontsize=12)
    axes.set_yticks(range(len(places)), places, fontsize=14)
    margin_h = (hours[1] - hours[0]) * 0.01
    axes.set_xlim(hours[0] - margin_h, hours[1] + margin_h)
    spare = max(0, MIN_ROWS - len(places)) / 2
    axes.set_ylim(len(places) - 0.5 + spare, -0.5 - spare)
    for row in range(1, len(places)):
        axes.axhline(row - 0.5, color="#cccccc", linewidth=0.8)
    axes.grid(axis="x", alpha=0.35)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _colours(visits: Sequence[DayVisit]) -> dict[str, str]:
    """Return a colour for each person whom a visit is, or probably is."""
    names = {visit.name for visit in visits if visit.kind in get_args(Group)}
    names |= {visit.probably or "family" for visit in visits if _is_calm(visit)}
    return {name: PEOPLE_COLOURS[number % len(PEOPLE_COLOURS)] for number, name in enumerate(sorted(names))}


def _look(visit: DayVisit, colours: Mapping[str, str]) -> dict[str, Any]:
    """Return how the bar of a visit is drawn, as matplotlib calls it."""
    if _is_calm(visit):
        return CALM_LOOK | {"edgecolor": colours[visit.probably or "family"]}
    return {"facecolor": KIND_COLOURS.get(visit.kind) or colours[visit.name], "linewidth": 0}


def _is_calm(visit: DayVisit) -> bool:
    return visit.kind == "unidentified" and visit.past.is_calm and not visit.past.alert


def _legend(axes: "Axes", visits: Sequence[DayVisit], colours: Mapping[str, str]) -> list[Any]:
    """Return an entry for each colour that occurs, people first, and for hatched bars and bells if there are any."""
    looks: dict[str, dict[str, Any]] = {
        ANY_OF_FAMILY if name == "family" else name: {"facecolor": colour} for name, colour in colours.items()
    }
    kinds = {visit.kind for visit in visits if not _is_calm(visit)}
    looks |= {kind: {"facecolor": colour} for kind, colour in KIND_COLOURS.items() if kind in kinds}
    if any(_is_calm(visit) for visit in visits):
        looks["calmed: probably the person of this colour"] = CALM_LOOK | {"edgecolor": "#444444"}
    handles: list[Any] = [axes.bar(0, 0, label=text, **look) for text, look in looks.items()]
    if any(visit.past.alert for visit in visits):
        handles += axes.plot([], [], label="rang", linestyle="none", markersize=15, **BELL_LOOK)
    return handles
