"""What can be measured of a picture's clarity: pure, on small grey pictures."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from senses.motion import Grey

__all__ = ["BLACK_LEVEL", "Cells", "FrameMeter", "FrameStats", "layout_similarity", "roughness", "spread", "steepness"]

Cells = npt.NDArray[np.float32]

CAPTION_BAND_SHARE = (
    0.1  # of the height, above and below: there cameras write the time and their name, sharp whatever the lens sees
)
FINE_SIDE_PX, COARSE_SIDE_CELLS = (
    4,
    4,
)  # a fine cell is 4 x 4 pixels, a coarse one 4 x 4 fine ones: large enough to average noise away
AVERAGE_WEIGHT = 0.3  # share of a new picture in the running average, for the same reason
BLACK_LEVEL = 4.0  # grey levels: below, no scene could be seen, covered or not
EDGE_REACH_PX, MIN_EDGE_HEIGHT, MIN_EDGES = (
    8,
    25,
    75,
)  # an edge: 25 grey levels or more within 8 pixels; so many make a judgement
LINE_STRIDE = 2  # neighbouring lines say the same
SHARPEST_QUANTILE = 0.95


class FrameStats(NamedTuple):
    """One picture, measured."""

    brightness: float
    """The mean, in grey levels."""
    roughness: float
    """See `roughness`."""
    contrast: float
    """See `spread`."""
    steepness: float | None
    """See `steepness`."""
    layout: Cells
    """The coarse cells."""


class FrameMeter:
    """Measures one picture after another, what is faint on their running average."""

    def __init__(self) -> None:
        self._average: Cells | None = None

    def measure(self, grey: Grey) -> FrameStats:
        """Return what is measured of the next picture."""
        middle = _middle(grey)
        new, last = _means(middle, FINE_SIDE_PX), self._average
        self._average = (
            new if last is None or last.shape != new.shape else last + np.float32(AVERAGE_WEIGHT) * (new - last)
        )
        coarse = _means(self._average, COARSE_SIDE_CELLS)
        light = float(coarse.mean()) if coarse.size else float(grey.mean())
        return FrameStats(light, roughness(coarse), spread(self._average), steepness(middle), coarse)

    def forget(self) -> None:
        """Begin anew: the next picture is not compared with the ones before."""
        self._average = None


def roughness(cells: Cells) -> float:
    """Return how much neighbouring cells differ otherwise than in a smooth slope, relative to their brightness."""
    if min(cells.shape) < 3:  # noqa: PLR2004
        return 1.0
    across = np.abs(cells[:, :-2] - 2 * cells[:, 1:-1] + cells[:, 2:]).mean()
    down = np.abs(cells[:-2] - 2 * cells[1:-1] + cells[2:]).mean()
    return float((across + down) / 2 / max(float(cells.mean()), BLACK_LEVEL))


def spread(cells: Cells) -> float:
    """Return how many grey levels lie between the dark and the bright of a picture, but for 5 % at either end."""
    if not cells.size:
        return 255.0
    low, high = np.quantile(cells, (0.05, 0.95))
    return float(high - low)


def steepness(grey: Grey) -> float | None:
    """Return which share of a sharp edge's height lies between two neighbouring pixels; None with too few edges.

    1 for the sharpest edge there can be, whatever the light; less, the more the picture is blurred.
    """
    shares = np.concatenate([_shares(grey[::LINE_STRIDE]), _shares(grey[:, ::LINE_STRIDE].T)])
    return float(np.quantile(shares, SHARPEST_QUANTILE)) if shares.size >= MIN_EDGES else None


def layout_similarity(one: Cells, other: Cells) -> float:
    """Return how alike two layouts are whatever the light: 1 if they are the same, 0 if they have nothing in common."""
    if one.shape != other.shape or not one.size:
        return 0.0
    first, second = one - one.mean(), other - other.mean()
    size = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / size if size else 0.0


def _shares(grey: Grey) -> Cells:
    """Return, for every stretch along a line that holds an edge, the largest step's share of all there is."""
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
    """Return the mean of every square of this side; a rest at the right and lower edges is left out."""
    rows, columns = (length // side for length in grey.shape)
    whole = np.ascontiguousarray(grey[: rows * side, : columns * side], dtype=np.float32)
    down = whole.reshape(rows, side, columns * side).sum(axis=1)
    means: Cells = down.reshape(rows, columns, side).sum(axis=2) / np.float32(side * side)
    return means
