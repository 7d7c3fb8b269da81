"""The pictures of the report; the only file that imports matplotlib."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from brain.people.enroll import to_upright_image
from brain.retrain.marks import Mistake
from brain.retrain.quiet import quiet
from brain.retrain.training_data import Fitted

__all__ = ["confusion", "curves", "mistakes"]

# To be readable on a phone: 900 pixels wide, letters at least 1/50 of that.
WIDTH_INCHES, DOTS_PER_INCH = 6.0, 150
BLUE, ORANGE = "#1f5fa8", "#d9730d"
SHEET_COLUMNS, THUMBNAIL_PX = 3, 280
MAX_LABEL_LETTERS = 18


def confusion(counts: npt.NDArray[np.int64], labels: Sequence[str], path: Path) -> None:
    """Draw the confusion matrix: what the pictures show, and which label they got."""
    size = max(WIDTH_INCHES, 0.62 * len(labels) + 2)
    figure = Figure(figsize=(size, size * 0.95), dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [_short(label) for label in labels]
    tilted = 45 if sum(map(len, names)) > 30 else 0  # noqa: PLR2004 - letters that fit side by side
    axes.set_xticks(range(len(names)), names, rotation=tilted, ha="right" if tilted else "center", parse_math=False)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.tick_params(labelsize=12, length=0)
    axes.set_xlabel("what it was called", fontsize=13)
    axes.set_ylabel("what the picture shows", fontsize=13)
    axes.set_title(f"{int(counts.sum())} test pictures: which were called what", fontsize=14, pad=12)
    for (row, column), count in np.ndenumerate(counts):
        _cell(axes, row, column, int(count), float(shares[row, column]))
    _save(figure, path)


def _cell(axes: Axes, row: int, column: int, count: int, share: float) -> None:
    text = f"{count}\n{share:.0%}" if count else "0"
    colour = "white" if share > 0.5 else ("black" if count else "0.6")  # noqa: PLR2004 - dark cells
    axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=13)


def curves(fitted: Fitted, path: Path) -> None:
    """Draw loss and accuracy over the steps of the training."""
    figure = Figure(figsize=(WIDTH_INCHES, 6.6), dpi=DOTS_PER_INCH, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    figure.suptitle("Training: right answers and loss after each step", fontsize=14)
    steps = [point.step for point in fitted.curve]
    checked = fitted.curve[0].validation_loss is not None
    _lines(above, steps, [100 * point.training_accuracy for point in fitted.curve], "training pictures", BLUE)
    _lines(below, steps, [point.training_loss for point in fitted.curve], "training pictures", BLUE)
    if checked:
        right = [100 * (point.validation_accuracy or 0) for point in fitted.curve]
        _lines(above, steps, right, "validation pictures", ORANGE)
        _lines(below, steps, [point.validation_loss or 0 for point in fitted.curve], "validation pictures", ORANGE)
    for axes, title in ((above, "right, in percent"), (below, "loss (cross-entropy)")):
        axes.axvline(fitted.best, color="0.4", linestyle="--", linewidth=1.2, label=f"kept: step {fitted.best}")
        axes.set_ylabel(title, fontsize=13)
        axes.tick_params(labelsize=12)
        axes.grid(visible=True, color="0.9")
        axes.set_ylim(bottom=0)
    above.set_ylim(0, 103)
    above.legend(fontsize=12, loc="lower right")
    below.set_xlabel("step", fontsize=13)
    _save(figure, path)


def _lines(axes: Axes, steps: Sequence[int], values: Sequence[float], name: str, colour: str) -> None:
    axes.plot(steps, values, color=colour, linewidth=2, label=name, marker="o" if len(steps) == 1 else "")


def mistakes(wrong: Sequence[Mistake], path: Path) -> None:
    """Draw the pictures that got a wrong label, the highest probability first."""
    rows = -(-len(wrong) // SHEET_COLUMNS)
    figure = Figure(figsize=(WIDTH_INCHES, 2.9 * rows + 0.7), dpi=DOTS_PER_INCH, layout="constrained")
    few = "The one mistake" if len(wrong) == 1 else f"The {len(wrong)} worst mistakes, the surest first"
    figure.suptitle(few, fontsize=14)
    for number, axes in enumerate(figure.subplots(rows, SHEET_COLUMNS, squeeze=False).flat):
        axes.set_axis_off()
        if number < len(wrong):
            one = wrong[number]
            axes.imshow(_thumbnail(one.path))
            text = f"{_short(one.shows)}\ncalled {_short(one.called, 14)}\n{one.chance:.0%} sure"
            axes.set_title(text, fontsize=11.5, parse_math=False)
            axes.text(0.5, -0.03, _short(one.path.name), transform=axes.transAxes, **SMALL)
    _save(figure, path)


SMALL = {"ha": "center", "va": "top", "fontsize": 9, "color": "0.4", "parse_math": False}


def _thumbnail(path: Path) -> Image.Image:
    """Return a picture in the middle of a grey square, so that all rows are equally high."""
    image = to_upright_image(path.read_bytes())
    image.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    square = Image.new("RGB", (THUMBNAIL_PX, THUMBNAIL_PX), (238, 238, 238))
    square.paste(image, ((THUMBNAIL_PX - image.width) // 2, (THUMBNAIL_PX - image.height) // 2))
    return square


def _short(text: str, most: int = MAX_LABEL_LETTERS) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _save(figure: Figure, path: Path) -> None:
    with quiet():  # matplotlib warns of each letter that its font lacks
        figure.savefig(path)
