"""Pure: what the house remembers of a visit."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from brain.vision.appearance import Appearance
from nerves.messages import Verdict

__all__ = ["Sighting"]


@dataclass(frozen=True, slots=True)
class Sighting:
    """One visit at one place, as the context sees it."""

    visit: UUID
    place: str
    first: datetime
    last: datetime
    verdict: Verdict
    who: str | None = None
    """The name that a face or a human gave; None if there is none."""
    appearance: Appearance | None = None
    """Clothes and build; None if they were not seen."""
    looks: int = 1
    """How many looks the appearance is the mean of."""
    is_open: bool = True
    is_still: bool = False
    """Whether it ended because the camera sent nothing more while the person was there: nothing moved."""
    face_log_odds: float = 0.0
    """The log odds of the faces for the likeliest person; 0 if there was none."""
    faces: int = 0
    """The number of usable faces."""
    likely: str | None = None
    """That person."""
    is_calm: bool = False
    """Whether the context took it for somebody of the house."""
