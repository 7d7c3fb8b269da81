"""Whether a camera still sees: pure, on small grey pictures and seconds of any clock."""

import hashlib
from typing import Literal, NamedTuple

from senses.camera.clarity import BLACK_LEVEL, FrameMeter, FrameStats
from senses.camera.focus import Focus
from senses.motion import Grey

__all__ = ["CameraState", "Health", "HealthReport"]

CameraState = Literal["blind", "frozen", "covered", "blurred", "dark", "offline", "recovered"]

# Measured on 74 scenes, 320 pixels wide: 0.075 to 0.89, darkened to 2 % with noise still 0.054; a lens behind black
# tape (noise of 4 to 8 levels) 0.017 (a first picture alone 0.046), paper, a hand with light at one side less.
COVERED_ROUGHNESS, UNCOVERED_ROUGHNESS = 0.04, 0.048
# Of 31 pictures with people, darkened to 1 to 20 % with a sensor's noise, a person was found in none of the 161 whose
# grey levels lay within 5, in 9 of the 61 within 5 to 7, in 28 of 29 from 15 to 20. None of the 161 was lighter than 6.
DARK_CONTRAST, LIT_CONTRAST = 5.0, 6.5
DUSK_LEVEL = 20.0  # grey levels: lighter than this, what has no contrast is no darkness
FROZEN_S = 20.0
# A still camera that renews its picture this seldom shows the same one meanwhile, and is well.
MAX_INTERVAL_S, FROZEN_INTERVALS, INTERVAL_DECAY = 120.0, 3.0, 0.99
# How long it has to last before it is said.
REPORT_AFTER_S: dict[str, float] = {"blind": 15.0, "covered": 15.0, "dark": 15.0, "frozen": 0.0, "recovered": 3.0}
DETAILS = {
    "blind": "nothing but black: is the lens covered, or is there no light?",
    "broken": "its pictures cannot be decoded: check the camera and its cable",
    "covered": "no shape in its pictures: is something over the lens, or is it fogged?",
    "blurred": "no sharp edge in its pictures: clean the lens, check its focus, and whether it is fogged",
    "dark": "so dark that nobody can be recognised: give it light, or a camera that sees in the dark",
    "frozen": "the same picture again and again: restart the camera",
    "recovered": "it sees again",
}


class HealthReport(NamedTuple):
    """A change of how a camera is, to be told."""

    what: CameraState
    detail: str


class Health:
    """Follows one camera, of which `said` was said last; each change is told once, after it has lasted."""

    def __init__(self, said: CameraState = "recovered") -> None:
        self._held = said
        self._pending: tuple[CameraState, float] | None = None
        self._gaze, self._focus = FrameMeter(), Focus()
        self._print = b""
        self._changed: float | None = None
        self._still_frozen = False
        self._usual_s = 0.0

    def check(self, grey: Grey | None, at: float) -> HealthReport | None:
        """Take a picture (None: it cannot be decoded) at `at` seconds; return what has changed, or None."""
        if grey is None:
            return self._held_on("blind", at, REPORT_AFTER_S["blind"], DETAILS["broken"])
        look, frozen = self._gaze.measure(grey), self._is_frozen(grey, at)
        blurred_s = self._focus.update(look.steepness, look.layout, at)
        found = self._found(look, frozen=frozen)
        return self._held_on(found, at, REPORT_AFTER_S.get(found, blurred_s), DETAILS[found])

    def camera_away(self, why: str) -> HealthReport | None:
        """Note that the camera cannot be reached; return it, the first time."""
        self._gaze.forget()
        self._changed = self._pending = None
        return None if self._held == "offline" else self._turn("offline", why)

    def reset(self) -> None:
        """Forget the pictures so far: the eye is closed meanwhile, and what it sees then is anew."""
        self._gaze.forget()
        self._changed = self._pending = None

    def _held_on(self, found: CameraState, at: float, hold_s: float, detail: str) -> HealthReport | None:
        """Return what was found once it has lasted long enough, if it is new."""
        if found == self._held:
            self._pending = None
            return None
        if self._pending is None or self._pending[0] != found:
            self._pending = (found, at)
        return self._turn(found, detail) if at - self._pending[1] >= hold_s else None

    def _turn(self, found: CameraState, detail: str) -> HealthReport:
        self._held, self._pending = found, None
        return HealthReport(found, detail)

    def _found(self, look: FrameStats, *, frozen: bool) -> CameraState:
        # First what hides the scene: black tape may well be the same picture again and again.
        if look.roughness < (UNCOVERED_ROUGHNESS if self._held in ("covered", "blind") else COVERED_ROUGHNESS):
            # What was dark already and gets darker still has not been covered.
            hidden: CameraState = "dark" if self._held == "dark" and look.brightness < DUSK_LEVEL else "covered"
            return "blind" if look.brightness < BLACK_LEVEL else hidden
        if look.brightness < DUSK_LEVEL and look.contrast < (
            LIT_CONTRAST if self._held in ("dark", "covered", "blind") else DARK_CONTRAST
        ):
            return "dark"
        if frozen:
            return "frozen"
        return "blurred" if self._focus.is_blurred else "recovered"

    def _is_frozen(self, grey: Grey, at: float) -> bool:
        """Whether the picture has been the very same for too long: even an empty room has a sensor's noise."""
        seen = hashlib.blake2b(grey.tobytes(), digest_size=16).digest()
        since_s = 0.0 if self._changed is None else at - self._changed
        if seen == self._print and self._changed is not None:
            return self._still_frozen or since_s >= max(FROZEN_S, FROZEN_INTERVALS * self._usual_s)
        # The first picture after a start or a rest: only another one than before shows that it is frozen no longer.
        is_first = self._changed is None
        self._still_frozen = is_first and self._held == "frozen" and self._print in (b"", seen)
        if since_s <= MAX_INTERVAL_S:
            self._usual_s = max(since_s, INTERVAL_DECAY * self._usual_s)
        self._print, self._changed = seen, at
        return self._still_frozen
