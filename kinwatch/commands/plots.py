"""Plots as PNG files that only their owner can read; the only file of this package that uses matplotlib."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from brain.verdict.proportion import Proportion
from kinwatch.files import write_private
from nerves.errors import SettingsError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "Mark",
    "draw_detection_errors",
    "draw_distances",
    "draw_rates",
    "draw_roc",
    "draw_rules",
    "require_matplotlib",
]

Floats = npt.NDArray[np.float64]
Mark = tuple[str, float, float]
"""A threshold: its text, false accepts and true accepts at it (shares)."""

# People who see red and green alike can tell blue from orange.
GOOD_COLOUR, BAD_COLOUR, OTHER_COLOUR = "#0072b2", "#d55e00", "#777777"
INTERVAL_COLOURS = ("#3a3a3a", "#003a5c")
FIGURE_DPI = 120
BIN_WIDTH = 0.02
# A tick below this multiple of "none" would be written over it; thresholds nearer than the gap share one line.
MIN_TICK_RATIO, MIN_LINE_GAP = 2.0, 0.01
# The shares that are written at the axes of the detection-error trade-off.
TICK_SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)


def draw_roc(path: Path, roc: Floats, marks: Sequence[Mark], title: str) -> None:
    """Draw the receiver operating characteristic: rows of threshold, false accepts, true accepts.

    False accepts have a logarithmic axis, because the important part is at the left; its left end is "none seen".
    """
    figure, axes = _empty(title)
    none = _none(roc)
    axes.step(np.maximum(roc[:, 1], none), roc[:, 2], where="post", color=GOOD_COLOUR)
    _marked(axes, [(text, max(false, none), true) for text, false, true in marks], (8, -14))
    axes.set_xscale("log")
    axes.set(xlabel="two people taken for one", ylabel="one person recognised")
    ticks = [tick for tick in (*TICK_SHARES, 1.0) if tick > none * MIN_TICK_RATIO]
    axes.set_xticks([none, *ticks], ["none", *(f"{100 * tick:g} %" for tick in ticks)])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
    axes.set_xlim(none * 0.8, 1)
    axes.set_ylim(min(0.5, *(true - 0.1 for _, _, true in marks)), 1.005)
    _save(figure, path)


def draw_detection_errors(path: Path, roc: Floats, marks: Sequence[Mark], title: str) -> None:
    """Draw the detection-error trade-off: both errors on normal-deviate scales.

    If the distances of both groups are normally distributed, the curve is a straight line.
    """
    figure, axes = _empty(title, size=(5.4, 5.4))
    none = min(_none(roc), TICK_SHARES[2])
    axes.step(_deviate(roc[:, 1], none), _deviate(1 - roc[:, 2], none), where="post", color=GOOD_COLOUR)
    points = [(text, _deviate(np.array([false, 1 - true]), none)) for text, false, true in marks]
    _marked(axes, [(text, float(at[0]), float(at[1])) for text, at in points], (8, 7))
    ticks = [tick for tick in TICK_SHARES if tick > none * MIN_TICK_RATIO]
    for axis, name in ((axes.xaxis, "two people taken for one"), (axes.yaxis, "one person not recognised")):
        axis.set_ticks(
            [float(value) for value in _deviate(np.array([none, *ticks]), none)],
            ["none", *(f"{100 * tick:g} %" for tick in ticks)],
        )
        axis.set_label_text(name)
    low, high = _deviate(np.array([none * 0.8, 0.5]), 0)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")
    _save(figure, path)


def draw_distances(path: Path, groups: Mapping[str, Floats], thresholds: Mapping[str, float], title: str) -> None:
    """Draw a histogram of distances for each group (the first is one person's, the others two people's)."""
    figure, axes = _empty(title)
    finite = {name: values[np.isfinite(values)] for name, values in groups.items()}
    last = max((float(values.max(initial=0)) for values in finite.values()), default=1.0)
    bins = [float(edge) for edge in np.arange(0, max(1.0, last) + BIN_WIDTH, BIN_WIDTH)]
    for (name, values), colour in zip(finite.items(), (GOOD_COLOUR, BAD_COLOUR, OTHER_COLOUR), strict=False):
        weights = np.full(len(values), 1 / max(1, len(values)))
        axes.hist(values, bins=bins, weights=weights, alpha=0.6, color=colour, label=f"{name} ({len(values)})")
    axes.set_ylim(0, axes.get_ylim()[1] * 1.3)
    for value, name in _joined(thresholds).items():
        axes.axvline(value, color="black", linestyle="--", linewidth=1)
        axes.annotate(
            name,
            (value, axes.get_ylim()[1]),
            xytext=(-3, -4),
            textcoords="offset points",
            rotation=90,
            ha="right",
            va="top",
            fontsize=8,
        )
    axes.set(xlabel="distance between two faces (Euclid, 128 numbers)", ylabel="share of the pairs")
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
    axes.legend(loc="upper left", frameon=False, fontsize=9)
    _save(figure, path)


def _joined(thresholds: Mapping[str, float]) -> dict[float, str]:
    """Return thresholds with their texts; thresholds too close to be seen apart share one line."""
    found: dict[float, str] = {}
    for name, value in thresholds.items():
        near = next((other for other in found if abs(other - value) < MIN_LINE_GAP), value)
        found[near] = f"{found[near]}, {name}" if near in found else name
    return found


def draw_rates(path: Path, panels: Mapping[str, Mapping[str, Mapping[str, Proportion]]], title: str) -> None:
    """Draw rates with their intervals: a panel with an axis of its own for each kind, a bar for each row and group.

    Args:
        path: The file.
        panels: By the panel's heading, then by row, then by group.
        title: Written above all panels.
    """
    rows = [len(found) for found in panels.values()]
    figure = require_matplotlib()(figsize=(7.2, 1.3 + 0.8 * sum(rows)), dpi=FIGURE_DPI, layout="constrained")
    figure.suptitle(title, fontsize=11)
    stacked = figure.subplots(len(panels), 1, height_ratios=rows, squeeze=False)[:, 0]
    for (heading, found), axes in zip(panels.items(), stacked, strict=True):
        _panel(axes, heading, found)
    figure.legend(
        *stacked[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=9
    )
    _save(figure, path)


def _panel(axes: "Axes", heading: str, found: Mapping[str, Mapping[str, Proportion]]) -> None:
    bars = [
        (row, group, rate) for row, groups in enumerate(found.values()) for group, rate in groups.items() if rate.of
    ]
    names = list(dict.fromkeys(group for groups in found.values() for group in groups))
    for row, group, rate in bars:
        low, high = rate.interval
        y = row + 0.34 * (names.index(group) - (len(names) - 1) / 2)
        axes.barh(
            y, rate.count / rate.of, height=0.3, color=(OTHER_COLOUR, GOOD_COLOUR)[names.index(group) % 2], alpha=0.75
        )
        axes.plot([low, high], [y, y], color=INTERVAL_COLOURS[names.index(group) % 2], linewidth=1.6, marker="|")
        text = f"{rate.count} of {rate.of}"
        axes.annotate(text, (high, y), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8)
    for number, group in enumerate(names):
        axes.barh(0, 0, color=(OTHER_COLOUR, GOOD_COLOUR)[number % 2], alpha=0.75, label=group)
    most = max((rate.interval[1] for _, _, rate in bars), default=1.0)
    axes.set_xlim(0, min(most * 1.2, 1.15))
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_yticks(range(len(found)), list(found), fontsize=9)
    axes.set_title(heading, fontsize=9, loc="left")
    axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g} %" if share <= 1 else "")
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def draw_rules(path: Path, shapes: Mapping[str, Mapping[str, Mapping[str, Any]]], columns: Mapping[str, str]) -> None:
    """Draw the errors of several decision rules; the first rule is ours.

    Args:
        path: The file.
        shapes: By the shape of the visits, then by rule, then by error.
        columns: The errors and their labels: each is a row of panels, with a panel for each shape.
    """
    names = list(next(iter(shapes.values())))
    figure = require_matplotlib()(
        figsize=(3 + 2.1 * len(shapes), 1.6 + 0.56 * len(names)), dpi=FIGURE_DPI, layout="constrained"
    )
    panels = figure.subplots(len(columns), len(shapes), sharey=True, squeeze=False)
    for (column, label), row in zip(columns.items(), panels, strict=True):
        most = max(100 * found[name][column]["high"] for found in shapes.values() for name in names)
        for (shape, found), axes in zip(shapes.items(), row, strict=True):
            for number, name in enumerate(names):
                _bar(axes, number, found[name][column], ours=number == 0)
            axes.set_title(shape, fontsize=10)
            axes.set_xlim(0, min(most, 100) * 1.25)
            axes.set_yticks(range(len(names)), names, fontsize=8)
            axes.set_ylim(len(names) - 0.5, -0.5)
            axes.tick_params(axis="x", labelsize=8)
            axes.grid(axis="x", alpha=0.25)
            axes.spines[["top", "right"]].set_visible(False)
        row[len(row) // 2].set_xlabel(label)
    _save(figure, path)


def _bar(axes: "Axes", number: int, one: Mapping[str, Any], *, ours: bool) -> None:
    rate, low, high = (100 * one[key] for key in ("rate", "low", "high"))
    axes.barh(number, rate, height=0.62, color=BAD_COLOUR if ours else GOOD_COLOUR, alpha=0.75)
    axes.plot([low, high], [number, number], color="black", linewidth=1)
    weight = "bold" if ours else "normal"
    axes.annotate(
        f"{rate:.1f}", (high, number), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7, weight=weight
    )


def _none(roc: Floats) -> float:
    """Return where a share of no false accepts is drawn: at half the smallest share that occurs."""
    some = roc[:, 1][roc[:, 1] > 0]
    return float(some.min()) / 2 if some.size else TICK_SHARES[0]


def _deviate(shares: Floats, floor: float) -> Floats:
    inverse = NormalDist().inv_cdf
    return np.array([inverse(min(max(float(share), floor, 1e-6), 1 - 1e-6)) for share in shares])


def _marked(axes: "Axes", marks: Sequence[Mark], offset: tuple[float, float]) -> None:
    """Draw points with their texts; points at one place share a text."""
    texts: dict[tuple[float, float], list[str]] = {}
    for text, x, y in marks:
        texts.setdefault((x, y), []).append(text)
    for (x, y), found in texts.items():
        axes.plot([x], [y], marker="o", color=BAD_COLOUR, markersize=5)
        axes.annotate(", ".join(found), (x, y), xytext=offset, textcoords="offset points", fontsize=8)


def require_matplotlib() -> type["Figure"]:
    """Return matplotlib's `Figure`; `SettingsError` if matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - half a second, and optional
    except ImportError as error:
        message = "plots need the package matplotlib: pip install 'kinwatch[measure]'"
        raise SettingsError(message) from error
    return Figure


def _empty(title: str, size: tuple[float, float] = (6.4, 4.6)) -> tuple["Figure", "Axes"]:
    figure = require_matplotlib()(figsize=size, dpi=FIGURE_DPI, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=11)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: "Figure", path: Path) -> None:
    out = io.BytesIO()
    figure.savefig(out, format="png")
    write_private(path, out.getvalue())
