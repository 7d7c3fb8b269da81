"""Which places the brain wants to see more closely. Pure: whoever asks says what time it is."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from brain.settings.policy import PolicySettings
from brain.verdict.policy import ActiveMode, why_quiet
from brain.visits.visit import OpenVisit
from nerves.messages import LookCloser

__all__ = ["Wishes", "needs_closer_look"]

# A wish is renewed well before it ends, so that one lost message (QoS 0) makes no gap.
RENEW_WISH_AFTER, WISH_S = timedelta(seconds=2), 5.0
# About an unidentified visit the brain asks for the first minute, and later only while a face was in view just now.
# Otherwise a coat, or somebody who sits with the back to the camera, would cost a full stream for hours.
NEW_VISIT_TIME, FACE_IN_VIEW_TIME = timedelta(seconds=60), timedelta(seconds=3)


def needs_closer_look(visit: OpenVisit, policy: PolicySettings, mode: ActiveMode, at: datetime) -> bool:
    """Return whether more and larger pictures of a confirmed visit may change its verdict, and somebody would care.

    That is so until there is a verdict. It is so too while an unidentified visit alerts or may alert, because a face
    would make it family or a stranger: in its first minute, and later while a face is in view. It is not so in mode
    `off`, and not for a visit that is labelled or is not a person.
    """
    if mode == "off" or visit.quiet or visit.label:
        return False
    if not visit.decided:
        return True
    may_alert = why_quiet(policy, visit.verdict, at, mode=mode) is None
    if visit.verdict != "unidentified" or visit.is_calm or not may_alert:
        return False
    has_face = visit.compared_at is not None and visit.last - visit.compared_at <= FACE_IN_VIEW_TIME
    return has_face or visit.last - visit.first <= NEW_VISIT_TIME


class Wishes:
    """Remembers which places were asked for a closer look, and when."""

    def __init__(self, policy: PolicySettings) -> None:
        self._policy = policy
        self._asked: dict[str, datetime] = {}

    def due(self, visits: Iterable[OpenVisit], mode: ActiveMode, at: datetime) -> list[LookCloser]:
        """Return the wishes to publish now: at most one every 2 s for a place.

        Args:
            visits: The confirmed visits that have not ended.
            mode: The mode in force.
            at: The current time, by the brain's own clock.
        """
        places = {visit.place for visit in visits if needs_closer_look(visit, self._policy, mode, at)}
        new = [place for place in sorted(places) if not self._is_fresh(place, at)]
        self._asked |= dict.fromkeys(new, at)
        return [LookCloser(place=place, at=at, seconds=WISH_S) for place in new]

    def _is_fresh(self, place: str, at: datetime) -> bool:
        # A negative age means that the clock was set back.
        return place in self._asked and timedelta() <= at - self._asked[place] < RENEW_WISH_AFTER
