"""Decide whether a camera still sees. Pure functions of small grey pictures and seconds of any clock."""

import hashlib
from typing import Literal, NamedTuple

from senses.camera.clarity import BLACK_LEVEL, FrameMeter, FrameStats
from senses.camera.focus import Focus
from senses.motion import Grey

__all__ = ["CameraState", "Health", "HealthReport"]

CameraState = Literal["blind", "frozen", "covered", "blurred", "dark", "offline", "recovered"]

# Roughness, measured on 74 scenes, 320 pixels wide: 0.075 to 0.89; darkened to 2 %, with noise, still 0.054. A lens
# behind black tape (noise of 4 to 8 levels): 0.017, and 0.046 for the first picture alone. Paper, or a hand with light
# from one side: less.
COVERED_ROUGHNESS, UNCOVERED_ROUGHNESS = 0.04, 0.048
# 31 pictures with people were darkened to 1 to 20 %, with a sensor's noise. The detector found a person in none of the
# 161 darkened pictures whose contrast was below 5 grey levels, in 9 of the 61 with 5 to 7, and in 28 of the 29 with 15
# to 20. None of the 161 was brighter than 6.
DARK_CONTRAST, LIT_CONTRAST = 5.0, 6.5
DUSK_LEVEL = 20.0  # grey levels: a picture brighter than this is not dark, even without contrast
FROZEN_S = 20.0
# A still camera may renew its picture as seldom as this. Until then it repeats the last one, and that is no fault.
MAX_INTERVAL_S, FROZEN_INTERVALS, INTERVAL_DECAY = 120.0, 3.0, 0.99
# How many seconds a new state must last before it is reported. For `blurred`, see `Focus`.
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
    """A change of a camera's state that is to be published."""

    what: CameraState
    detail: str


class Health:
    """Follows one camera's state; reports each change once, after it has lasted.

    `last_reported` is the state that was published last.
    """

    def __init__(self, last_reported: CameraState = "recovered") -> None:
        self._reported = last_reported
        self._pending: tuple[CameraState, float] | None = None
        self._meter, self._focus = FrameMeter(), Focus()
        self._print = b""
        self._changed: float | None = None
        self._still_frozen = False
        self._usual_s = 0.0

    def check(self, grey: Grey | None, at: float) -> HealthReport | None:
        """Take a picture at `at` seconds (None: it cannot be decoded); return a change of state, or None."""
        if grey is None:
            return self._confirmed("blind", at, REPORT_AFTER_S["blind"], DETAILS["broken"])
        stats, frozen = self._meter.measure(grey), self._is_frozen(grey, at)
        blurred_s = self._focus.update(stats.steepness, stats.layout, at)
        found = self._found(stats, frozen=frozen)
        return self._confirmed(found, at, REPORT_AFTER_S.get(found, blurred_s), DETAILS[found])

    def camera_away(self, why: str) -> HealthReport | None:
        """Take it that the camera cannot be reached; return `offline` the first time, then None."""
        self._meter.forget()
        self._changed = self._pending = None
        return None if self._reported == "offline" else self._turn("offline", why)

    def reset(self) -> None:
        """Forget the pictures so far: the camera was off, and its next picture begins a new series."""
        self._meter.forget()
        self._changed = self._pending = None

    def _confirmed(self, found: CameraState, at: float, hold_s: float, detail: str) -> HealthReport | None:
        """Return a new state after it has lasted for `hold_s` seconds."""
        if found == self._reported:
            self._pending = None
            return None
        if self._pending is None or self._pending[0] != found:
            self._pending = (found, at)
        return self._turn(found, detail) if at - self._pending[1] >= hold_s else None

    def _turn(self, found: CameraState, detail: str) -> HealthReport:
        self._reported, self._pending = found, None
        return HealthReport(found, detail)

    def _found(self, stats: FrameStats, *, frozen: bool) -> CameraState:
        # A cover is checked first: a lens behind black tape may also send identical pictures.
        if stats.roughness < (UNCOVERED_ROUGHNESS if self._reported in ("covered", "blind") else COVERED_ROUGHNESS):
            # A scene that was dark before and gets even darker has not been covered.
            hidden: CameraState = "dark" if self._reported == "dark" and stats.brightness < DUSK_LEVEL else "covered"
            return "blind" if stats.brightness < BLACK_LEVEL else hidden
        if stats.brightness < DUSK_LEVEL and stats.contrast < (
            LIT_CONTRAST if self._reported in ("dark", "covered", "blind") else DARK_CONTRAST
        ):
            return "dark"
        if frozen:
            return "frozen"
        return "blurred" if self._focus.is_blurred else "recovered"

    def _is_frozen(self, grey: Grey, at: float) -> bool:
        """Return whether the picture has been identical for too long: a sensor's noise changes even an empty room."""
        seen = hashlib.blake2b(grey.tobytes(), digest_size=16).digest()
        since_s = 0.0 if self._changed is None else at - self._changed
        if seen == self._print and self._changed is not None:
            return self._still_frozen or since_s >= max(FROZEN_S, FROZEN_INTERVALS * self._usual_s)
        # After a start or a reset, a frozen camera counts as frozen until it sends a picture that differs.
        is_first = self._changed is None
        self._still_frozen = is_first and self._reported == "frozen" and self._print in (b"", seen)
        if since_s <= MAX_INTERVAL_S:
            self._usual_s = max(since_s, INTERVAL_DECAY * self._usual_s)
        self._print, self._changed = seen, at
        return self._still_frozen
