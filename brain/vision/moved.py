"""Pure: what moved between two pictures of a place, in coarse cells."""

import math

import cv2
import numpy as np
import numpy.typing as npt

from brain.vision.picture import Pixels
from nerves.messages import Box

__all__ = ["Brightness", "Moved", "brightness", "moved_cells", "share_moved", "without"]

Brightness = npt.NDArray[np.float32]
"""36 x 64 grey levels, 0 to 255."""
Moved = npt.NDArray[np.bool_]
"""36 x 64 cells: whether it moved there."""

CELL_ROWS, CELL_COLUMNS = 36, 64
# A cell moved if it changed by more than this against the whole picture: the noise of JPEG and sensor averages out in a
# cell. It is the level at which a camera's own motion detection begins (sensitivity 0.5).
MOVED_GREY_LEVELS = 15


def brightness(pixels: Pixels) -> Brightness:
    """Return the mean brightness of each cell of BGR pixels of any size."""
    cells = cv2.resize(pixels, (CELL_COLUMNS, CELL_ROWS), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(cells, cv2.COLOR_BGR2GRAY).astype(np.float32)


def moved_cells(before: Brightness, after: Brightness) -> Moved:
    """Return which cells changed differently from the picture as a whole."""
    change = after - before
    cells: Moved = np.abs(change - np.median(change)) > MOVED_GREY_LEVELS
    return cells


def share_moved(cells: Moved, box: Box) -> float:
    """Return the share of a box that moved, 0 to 1."""
    part = cells[_cells_of(box)]
    return float(part.mean()) if part.size else 0.0


def without(cells: Moved, boxes: list[Box]) -> Moved:
    """Return the cells that moved outside all boxes."""
    left = cells.copy()
    for box in boxes:
        left[_cells_of(box)] = False
    return left


def _cells_of(box: Box) -> tuple[slice, slice]:
    """Return the rows and columns of all cells that a box touches."""
    rows = slice(math.floor(box.y * CELL_ROWS), math.ceil((box.y + box.h) * CELL_ROWS))
    columns = slice(math.floor(box.x * CELL_COLUMNS), math.ceil((box.x + box.w) * CELL_COLUMNS))
    return rows, columns
