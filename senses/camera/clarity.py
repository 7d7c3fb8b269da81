"""Measure brightness, contrast and sharpness of a picture. Pure functions of small grey pictures."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from senses.motion import Grey

__all__ = ["BLACK_LEVEL", "Cells", "FrameMeter", "FrameStats", "layout_similarity", "roughness", "spread", "steepness"]

Cells = npt.NDArray[np.float32]

# Cameras write the time and their name at the top and bottom: sharp text even if the lens is not. This share of the
# height is left out at either end.
CAPTION_BAND_SHARE = 0.1
# A fine cell is 4 x 4 pixels, a coarse cell 4 x 4 fine cells: large enough to average out noise.
FINE_SIDE_PX, COARSE_SIDE_CELLS = 4, 4
AVERAGE_WEIGHT = 0.3  # of a new picture in the running average: that, too, averages out noise
BLACK_LEVEL = 4.0  # grey levels: below this no scene is visible, whether the lens is covered or not
# An edge is 25 grey levels or more within 8 pixels; with fewer than 75 edges, sharpness is not judged.
EDGE_REACH_PX, MIN_EDGE_HEIGHT, MIN_EDGES = 8, 25, 75
LINE_STRIDE = 2  # measure every second line: neighbouring lines are nearly the same
SHARPEST_QUANTILE = 0.95


class FrameStats(NamedTuple):
    """The measurements of one picture."""

    brightness: float
    """The mean, in grey levels, 0 to 255."""
    roughness: float
    """See `roughness`."""
    contrast: float
    """See `spread`."""
    steepness: float | None
    """See `steepness`."""
    layout: Cells
    """The coarse cells: their brightness in grey levels."""


class FrameMeter:
    """Measures one picture after another; all but the edges is measured on their running average."""

    def __init__(self) -> None:
        self._average: Cells | None = None

    def measure(self, grey: Grey) -> FrameStats:
        """Return the measurements of the next picture, given as height x width."""
        middle = _middle(grey)
        new, last = _means(middle, FINE_SIDE_PX), self._average
        self._average = (
            new if last is None or last.shape != new.shape else last + np.float32(AVERAGE_WEIGHT) * (new - last)
        )
        coarse = _means(self._average, COARSE_SIDE_CELLS)
        light = float(coarse.mean()) if coarse.size else float(grey.mean())
        return FrameStats(light, roughness(coarse), spread(self._average), steepness(middle), coarse)

    def forget(self) -> None:
        """Forget the earlier pictures: the next one begins a new average."""
        self._average = None


def roughness(cells: Cells) -> float:
    """Return how far neighbouring cells deviate from a smooth slope, relative to their brightness; 0 for none."""
    if min(cells.shape) < 3:  # noqa: PLR2004
        return 1.0
    across = np.abs(cells[:, :-2] - 2 * cells[:, 1:-1] + cells[:, 2:]).mean()
    down = np.abs(cells[:-2] - 2 * cells[1:-1] + cells[2:]).mean()
    return float((across + down) / 2 / max(float(cells.mean()), BLACK_LEVEL))


def spread(cells: Cells) -> float:
    """Return how many grey levels lie between dark and bright, without the darkest and the brightest 5 %."""
    if not cells.size:
        return 255.0
    low, high = np.quantile(cells, (0.05, 0.95))
    return float(high - low)


def steepness(grey: Grey) -> float | None:
    """Return the share of an edge's height that lies between two neighbouring pixels; None if edges are too few.

    It is 1 for a perfectly sharp edge, in any light, and falls with blur. Of all edges the 95 % quantile counts.
    """
    shares = np.concatenate([_shares(grey[::LINE_STRIDE]), _shares(grey[:, ::LINE_STRIDE].T)])
    return float(np.quantile(shares, SHARPEST_QUANTILE)) if shares.size >= MIN_EDGES else None


def layout_similarity(one: Cells, other: Cells) -> float:
    """Return the correlation of two layouts, which ignores the light: 1 if they are the same, 0 if unrelated."""
    if one.shape != other.shape or not one.size:
        return 0.0
    first, second = one - one.mean(), other - other.mean()
    size = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / size if size else 0.0


def _shares(grey: Grey) -> Cells:
    """Return, for each stretch of a line that holds an edge, the largest step as a share of the edge's height."""
    height, width = grey.shape
    count = max(width - 1, 0) // EDGE_REACH_PX
    lines = np.ascontiguousarray(grey[:, : count * EDGE_REACH_PX + 1], dtype=np.int16)
    inner = lines[:, : count * EDGE_REACH_PX].reshape(height, count, EDGE_REACH_PX)
    after = lines[:, EDGE_REACH_PX::EDGE_REACH_PX][:, :count] if count else inner[:, :, 0]
    steps = np.abs(np.diff(lines, axis=1)).reshape(height, count, EDGE_REACH_PX).max(axis=2)
    reach = np.maximum(inner.max(axis=2), after) - np.minimum(inner.min(axis=2), after)
    edges = reach >= MIN_EDGE_HEIGHT
    shares: Cells = steps[edges].astype(np.float32) / reach[edges]
    return shares


def _middle(grey: Grey) -> Grey:
    cut = round(CAPTION_BAND_SHARE * grey.shape[0])
    return grey[cut : grey.shape[0] - cut]


def _means(grey: npt.NDArray[np.uint8] | Cells, side: int) -> Cells:
    """Return the mean of each square of this side; incomplete squares at the right and lower edges are left out."""
    rows, columns = (length // side for length in grey.shape)
    whole = np.ascontiguousarray(grey[: rows * side, : columns * side], dtype=np.float32)
    down = whole.reshape(rows, side, columns * side).sum(axis=1)
    means: Cells = down.reshape(rows, columns, side).sum(axis=2) / np.float32(side * side)
    return means
