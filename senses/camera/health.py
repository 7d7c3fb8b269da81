"""Whether a camera still sees: pure, on small grey pictures and seconds of any clock."""

import hashlib
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from senses.motion import Grey

__all__ = ["Health", "Report", "roughness"]

What = Literal["blind", "frozen", "covered", "offline", "recovered"]
Cells = npt.NDArray[np.float32]

CELL = 16  # pixels: large enough that the noise of a dark picture is averaged away
SLOW = 0.3  # share of a new picture in the running average, for the same reason
# Measured on 67 scenes, 320 pixels wide: 0.067 to 0.92, darkened to 2 % with noise still 0.053; a lens behind
# black tape (noise of 4 to 8 levels), paper, a hand with light at one side, a cloth: 0.038 at most, one picture alone.
COVERED, CLEAR = 0.04, 0.048
BLACK = 4.0  # grey levels: below, no scene could be seen, covered or not
FROZEN_S = 20.0
# A still camera that renews its picture this seldom shows the same one meanwhile, and is well.
SELDOM_S, PATIENCE, FORGET = 120.0, 3.0, 0.99
# How long it has to last before it is said.
HOLD_S: dict[str, float] = {"blind": 15.0, "covered": 15.0, "frozen": 0.0, "recovered": 3.0}
DETAILS = {
    "blind": "nothing but black: is the lens covered, or is there no light?",
    "broken": "its pictures cannot be decoded: check the camera and its cable",
    "covered": "no shape in its pictures: is something over the lens, or is it fogged?",
    "frozen": "the same picture again and again: restart the camera",
    "recovered": "it sees again",
}


class Report(NamedTuple):
    """A change of how a camera is, to be told."""

    what: What
    detail: str


class Health:
    """Follows one camera; each change is told once, after it has lasted."""

    def __init__(self) -> None:
        self._held: What = "recovered"
        self._pending: tuple[What, float] | None = None
        self._cells: Cells | None = None
        self._print = b""
        self._changed: float | None = None
        self._usual_s = 0.0

    def see(self, grey: Grey | None, at: float) -> Report | None:
        """Take a picture (None: it cannot be decoded) at `at` seconds; return what has changed, or None."""
        frozen = grey is not None and self._is_frozen(grey, at)
        found, detail = self._found(grey, frozen=frozen)
        if found == self._held:
            self._pending = None
            return None
        if self._pending is None or self._pending[0] != found:
            self._pending = (found, at)
        if at - self._pending[1] < HOLD_S[found]:
            return None
        return self._turn(found, detail)

    def lost(self, why: str) -> Report | None:
        """Note that the camera cannot be reached; return it, the first time."""
        self._cells = self._changed = None
        return None if self._held == "offline" else self._turn("offline", why)

    def rest(self) -> None:
        """Forget the pictures so far: the eye is closed meanwhile, and what it sees then is anew."""
        self._cells = self._changed = self._pending = None

    def _turn(self, found: What, detail: str) -> Report:
        self._held, self._pending = found, None
        return Report(found, detail)

    def _found(self, grey: Grey | None, *, frozen: bool) -> tuple[What, str]:
        if grey is None:
            return "blind", DETAILS["broken"]
        cells = self._averaged(grey)
        least = CLEAR if self._held in ("covered", "blind") else COVERED
        if roughness(cells) < least:  # first: black tape may well be the same picture again and again
            what: What = "blind" if cells.mean() < BLACK else "covered"
        else:
            what = "frozen" if frozen else "recovered"
        return what, DETAILS[what]

    def _averaged(self, grey: Grey) -> Cells:
        new, last = _cells(grey), self._cells
        self._cells = new if last is None or last.shape != new.shape else last + np.float32(SLOW) * (new - last)
        return self._cells

    def _is_frozen(self, grey: Grey, at: float) -> bool:
        """Whether the picture has been the very same for too long: even an empty room has a sensor's noise."""
        seen = hashlib.blake2b(grey.tobytes(), digest_size=16).digest()
        since_s = 0.0 if self._changed is None else at - self._changed
        if seen == self._print and self._changed is not None:
            return since_s >= max(FROZEN_S, PATIENCE * self._usual_s)
        if since_s <= SELDOM_S:
            self._usual_s = max(since_s, FORGET * self._usual_s)
        self._print, self._changed = seen, at
        return False


def roughness(cells: Cells) -> float:
    """Return how much neighbouring cells differ otherwise than in a smooth slope, relative to their brightness."""
    if min(cells.shape) < 3:  # noqa: PLR2004
        return 1.0
    across = np.abs(cells[:, :-2] - 2 * cells[:, 1:-1] + cells[:, 2:]).mean()
    down = np.abs(cells[:-2] - 2 * cells[1:-1] + cells[2:]).mean()
    return float((across + down) / 2 / max(float(cells.mean()), BLACK))


def _cells(grey: Grey) -> Cells:
    rows, columns = (side // CELL for side in grey.shape)
    whole = grey[: rows * CELL, : columns * CELL].reshape(rows, CELL, columns, CELL)
    cells: Cells = whole.mean(axis=(1, 3), dtype=np.float32)
    return cells
