"""Find what moved between two pictures. Pure functions of small grey arrays."""

import numpy as np
import numpy.typing as npt

__all__ = ["Grey", "Motion"]

Grey = npt.NDArray[np.uint8]
Cells = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

CELL_SIDE_PX = 4  # the mean of 4 x 4 pixels keeps motion and drops noise and the edges of JPEG blocks
# Darker or brighter cells may have been clipped when the brightness changed.
CLIPPED_DARK_LEVEL, CLIPPED_BRIGHT_LEVEL = 8, 247


class Motion:
    """Compares each picture with a short running average of earlier ones, so that it also finds slow walkers.

    `sensitivity`, 0 to 1, sets the smallest change that counts: its area (2 % of the picture at 0, 0.2 % at 0.5)
    and its strength (36 grey levels at 0, 15 at 0.5, 6 at 1). `memory` is the number of pictures in the average.
    """

    def __init__(self, *, sensitivity: float = 0.5, memory: float = 5) -> None:
        self.area = 0.02 * 0.01**sensitivity
        self.level = 36 * (1 / 6) ** sensitivity
        self._weight = 1 / max(memory, 1)
        self._background: Cells | None = None

    def share(self, grey: Grey) -> float:
        """Return the share of the picture, 0 to 1, that differs from the earlier pictures; 0 for the first one.

        `grey` is height x width, about 180 x 320. A picture of a new size resets the average and returns 1.
        """
        cells, background = _cells(grey), self._background
        if background is None or background.shape != cells.shape:
            self._background = cells
            return 0.0 if background is None else 1.0
        self._background = background + self._weight * (cells - background)
        return float(_solid(_changed(background, cells, self.level)).mean())

    def moved(self, grey: Grey) -> bool:
        """Return whether enough of the picture differs from the earlier pictures."""
        return bool(self.share(grey) >= self.area)


def _cells(grey: Grey) -> Cells:
    """Return the mean of each 4 x 4 pixels; incomplete cells at the right and lower edges are left out."""
    rows, columns = (max(side // CELL_SIDE_PX, 1) for side in grey.shape)
    whole = grey[: rows * CELL_SIDE_PX, : columns * CELL_SIDE_PX]
    if whole.shape != (rows * CELL_SIDE_PX, columns * CELL_SIDE_PX):  # smaller than one cell
        return np.full((1, 1), grey.mean() if grey.size else 0, np.float32)
    down = whole.reshape(rows, CELL_SIDE_PX, columns * CELL_SIDE_PX).sum(axis=1, dtype=np.uint16)
    across = down.reshape(rows, columns, CELL_SIDE_PX).sum(axis=2, dtype=np.uint16)
    cells: Cells = across.astype(np.float32) / np.float32(CELL_SIDE_PX * CELL_SIDE_PX)
    return cells


def _changed(before: Cells, after: Cells, level: float) -> Mask:
    """Return which cells changed differently from the picture as a whole."""
    change = after - before
    shift = float(np.median(change))
    clipped = (np.minimum(before, after) < CLIPPED_DARK_LEVEL) | (np.maximum(before, after) > CLIPPED_BRIGHT_LEVEL)
    expected = np.where(clipped, np.clip(change, min(shift, 0), max(shift, 0)), shift)
    odd = np.abs(change - expected)
    # Noise and changing light make every cell odd, but so does a person close to the lens: hence the upper bound.
    noise = min(4 * float(np.median(odd)), level)
    changed: Mask = odd > level + noise + abs(shift) / 2
    return changed


def _solid(mask: Mask) -> Mask:
    """Drop areas that are nowhere two cells wide and high: specks, and the digits of a clock in the picture."""
    solid = np.zeros_like(mask)
    core = mask[:-1, :-1] & mask[1:, :-1] & mask[:-1, 1:] & mask[1:, 1:]
    for down in (0, 1):
        for right in (0, 1):
            solid[down : down + core.shape[0], right : right + core.shape[1]] |= core
    return solid
