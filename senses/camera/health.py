"""Whether a camera still sees: pure, on small grey pictures and seconds of any clock."""

import hashlib
from typing import Literal, NamedTuple

from senses.camera.clarity import BLACK, FrameStats, Gaze
from senses.camera.focus import Focus
from senses.motion import Grey

__all__ = ["Health", "Report", "What"]

What = Literal["blind", "frozen", "covered", "blurred", "dark", "offline", "recovered"]

# Measured on 74 scenes, 320 pixels wide: 0.075 to 0.89, darkened to 2 % with noise still 0.054; a lens behind black
# tape (noise of 4 to 8 levels) 0.017 (a first picture alone 0.046), paper, a hand with light at one side less.
COVERED, CLEAR = 0.04, 0.048
# Of 31 pictures with people, darkened to 1 to 20 % with a sensor's noise, a person was found in none of the 161 whose
# grey levels lay within 5, in 9 of the 61 within 5 to 7, in 28 of 29 from 15 to 20. None of the 161 was lighter than 6.
DARK, LIT = 5.0, 6.5
DUSK = 20.0  # grey levels: lighter than this, what has no contrast is no darkness
FROZEN_S = 20.0
# A still camera that renews its picture this seldom shows the same one meanwhile, and is well.
SELDOM_S, PATIENCE, FORGET = 120.0, 3.0, 0.99
# How long it has to last before it is said.
HOLD_S: dict[str, float] = {"blind": 15.0, "covered": 15.0, "dark": 15.0, "frozen": 0.0, "recovered": 3.0}
DETAILS = {
    "blind": "nothing but black: is the lens covered, or is there no light?",
    "broken": "its pictures cannot be decoded: check the camera and its cable",
    "covered": "no shape in its pictures: is something over the lens, or is it fogged?",
    "blurred": "no sharp edge in its pictures: clean the lens, check its focus, and whether it is fogged",
    "dark": "so dark that nobody can be recognised: give it light, or a camera that sees in the dark",
    "frozen": "the same picture again and again: restart the camera",
    "recovered": "it sees again",
}


class Report(NamedTuple):
    """A change of how a camera is, to be told."""

    what: What
    detail: str


class Health:
    """Follows one camera, of which `said` was said last; each change is told once, after it has lasted."""

    def __init__(self, said: What = "recovered") -> None:
        self._held = said
        self._pending: tuple[What, float] | None = None
        self._gaze, self._focus = Gaze(), Focus()
        self._print = b""
        self._changed: float | None = None
        self._still_frozen = False
        self._usual_s = 0.0

    def see(self, grey: Grey | None, at: float) -> Report | None:
        """Take a picture (None: it cannot be decoded) at `at` seconds; return what has changed, or None."""
        if grey is None:
            return self._held_on("blind", at, HOLD_S["blind"], DETAILS["broken"])
        look, frozen = self._gaze.look(grey), self._is_frozen(grey, at)
        blurred_s = self._focus.see(look.edges, look.layout, at)
        found = self._found(look, frozen=frozen)
        return self._held_on(found, at, HOLD_S.get(found, blurred_s), DETAILS[found])

    def lost(self, why: str) -> Report | None:
        """Note that the camera cannot be reached; return it, the first time."""
        self._gaze.forget()
        self._changed = self._pending = None
        return None if self._held == "offline" else self._turn("offline", why)

    def rest(self) -> None:
        """Forget the pictures so far: the eye is closed meanwhile, and what it sees then is anew."""
        self._gaze.forget()
        self._changed = self._pending = None

    def _held_on(self, found: What, at: float, hold_s: float, detail: str) -> Report | None:
        """Return what was found once it has lasted long enough, if it is new."""
        if found == self._held:
            self._pending = None
            return None
        if self._pending is None or self._pending[0] != found:
            self._pending = (found, at)
        return self._turn(found, detail) if at - self._pending[1] >= hold_s else None

    def _turn(self, found: What, detail: str) -> Report:
        self._held, self._pending = found, None
        return Report(found, detail)

    def _found(self, look: FrameStats, *, frozen: bool) -> What:
        # First what hides the scene: black tape may well be the same picture again and again.
        if look.shape < (CLEAR if self._held in ("covered", "blind") else COVERED):
            # What was dark already and gets darker still has not been covered.
            hidden: What = "dark" if self._held == "dark" and look.light < DUSK else "covered"
            return "blind" if look.light < BLACK else hidden
        if look.light < DUSK and look.contrast < (LIT if self._held in ("dark", "covered", "blind") else DARK):
            return "dark"
        if frozen:
            return "frozen"
        return "blurred" if self._focus.soft else "recovered"

    def _is_frozen(self, grey: Grey, at: float) -> bool:
        """Whether the picture has been the very same for too long: even an empty room has a sensor's noise."""
        seen = hashlib.blake2b(grey.tobytes(), digest_size=16).digest()
        since_s = 0.0 if self._changed is None else at - self._changed
        if seen == self._print and self._changed is not None:
            return self._still_frozen or since_s >= max(FROZEN_S, PATIENCE * self._usual_s)
        # The first picture after a start or a rest: only another one than before shows that it is frozen no longer.
        is_first = self._changed is None
        self._still_frozen = is_first and self._held == "frozen" and self._print in (b"", seen)
        if since_s <= SELDOM_S:
            self._usual_s = max(since_s, FORGET * self._usual_s)
        self._print, self._changed = seen, at
        return self._still_frozen
