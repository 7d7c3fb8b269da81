"""Decide whether a lens is as sharp as usual. Pure functions of measurements and seconds of any clock."""

from senses.camera.clarity import Cells, layout_similarity

__all__ = ["Focus"]

# Measured on 74 scenes, 320 pixels wide, by day, at 15 % of the light, with noise, and as JPEG of quality 20. Sharp:
# steepness 0.56 or more, and never less than 0.65 of the same scene by day. Blurred by 2 pixels: 0.38 to 0.52; by 3:
# 0.27 to 0.42. Blurred by 1.5 pixels: 0.44 to 0.63 of the sharp scene. By 1 pixel: 0.54 to 0.76, which is not reported.
MIN_STEEPNESS, MIN_SHARE_OF_USUAL, CLEAR_AGAIN_FACTOR = 0.46, 0.58, 1.1
# The usual sharpness follows the pictures: upwards fast, downwards slowly, and by one picture never more than 25 %,
# even after a long pause.
USUAL_RISE_S, USUAL_FALL_S, MAX_UPDATE_SHARE = 30.0, 600.0, 0.25
# A blurred scene keeps its layout. A person who stands close to the lens changes it, and usually leaves soon.
SAME_LAYOUT_SIMILARITY = 0.8
SAME_LAYOUT_HOLD_S, CHANGED_LAYOUT_HOLD_S = 15.0, 120.0


class Focus:
    """Compares one camera's sharpness with what is usual for it."""

    def __init__(self) -> None:
        self.is_blurred = False
        """Whether the camera's pictures are blurred."""
        self._usual: float | None = None
        self._layout: Cells | None = None
        self._at = 0.0

    def update(self, edges: float | None, layout: Cells, at: float) -> float:
        """Take the measurements of a picture at `at` seconds; return for how many seconds a blur must last to count."""
        if edges is not None:  # None: too dark or too empty to judge
            least = MIN_STEEPNESS if self._usual is None else max(MIN_STEEPNESS, MIN_SHARE_OF_USUAL * self._usual)
            self.is_blurred = edges < least * (CLEAR_AGAIN_FACTOR if self.is_blurred else 1)
            if not self.is_blurred:
                self._learn(edges, layout, at)
        self._at = at
        known = self._layout
        return (
            SAME_LAYOUT_HOLD_S
            if known is None or layout_similarity(known, layout) >= SAME_LAYOUT_SIMILARITY
            else CHANGED_LAYOUT_HOLD_S
        )

    def _learn(self, edges: float, layout: Cells, at: float) -> None:
        self._layout = layout
        if self._usual is None:
            self._usual = edges
            return
        pace_s = USUAL_RISE_S if edges > self._usual else USUAL_FALL_S
        self._usual += min((at - self._at) / pace_s, MAX_UPDATE_SHARE) * (edges - self._usual)
