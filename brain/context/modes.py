"""Pure: which mode applies to whom, if it has just changed."""

from dataclasses import dataclass
from datetime import datetime

from brain.verdict.policy import ActiveMode

__all__ = ["ModeHistory"]


@dataclass
class ModeHistory:
    """The mode in force, and the one before it."""

    current: ActiveMode | None = None
    before: ActiveMode | None = None
    since: datetime | None = None

    def follow(self, mode: ActiveMode, at: datetime) -> None:
        """Take the mode in force at a time. To be called with each frame, before it is looked at."""
        if mode != self.current:
            self.before, self.current, self.since = self.current, mode, at

    def of(self, first: datetime, mode: ActiveMode) -> ActiveMode:
        """Return the mode that applies to whoever was first seen at a time.

        It is the one before if that held then: the last of the family to leave is still at the door when the house is
        empty, and who makes tea at eleven is not judged as at night.

        Args:
            first: When they were first seen.
            mode: The mode in force now.
        """
        if self.current is None:
            return mode
        if mode != self.current:
            return self.current  # it has changed since the newest frame
        return self.before if self.before and self.since and first < self.since else mode
