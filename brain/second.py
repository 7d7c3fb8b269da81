"""The second opinion: which face of an undecided visit is shown to somebody else, and what comes back, ever so late."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from brain.crop import portrait
from brain.picture import Picture
from brain.sights.sight import Face, Likeness, Look
from brain.visit import OpenVisit

__all__ = ["Answer", "Doubts", "Question", "Second", "propose"]

# Asked so long before the verdict falls due, or at half of that time, that an answer can be there by then.
LEAD = timedelta(seconds=4)
# So many faces of one visit are shown at most, each once, and the second only if it is this much better.
MOST, BETTER = 2, 1.3
# Narrower faces, in pixels, nobody can tell: Rekognition asks for 40 in a picture 1920 wide.
NARROWEST = 20.0
# Whoever has gone may be corrected so long.
PATIENCE = timedelta(minutes=5)


class Question(NamedTuple):
    """One face to be looked at."""

    visit: UUID
    place: str
    jpeg: bytes


class Answer(NamedTuple):
    """What is said of a face of a visit."""

    visit: UUID
    likeness: Likeness


class Second(Protocol):
    """Somebody who is asked, and never waited for."""

    def ask(self, question: Question) -> bool:
        """Take a question; False if it cannot be asked now, and may be later."""
        ...

    def answers(self) -> Sequence[Answer]:
        """Return what has come back since."""
        ...


def propose(visit: OpenVisit, picture: Picture, face: Face, look: Look | None, counts: float) -> None:
    """Keep a face as the one to ask with, if it is the best so far; what surely is no face is not asked about."""
    worth = counts * look.sure if look else 0.0
    merit = face.width * (0.2 + worth)
    if face.width < NARROWEST or (look is not None and look.sure <= 0) or visit.asked >= MOST:
        return
    if merit > visit.asking_merit * (BETTER if visit.asking is None and visit.asked else 1.0):
        visit.asking, visit.asking_merit = portrait(picture, face), merit


class Doubts:
    """What has been asked, and the visits that are over but may still be answered for.

    Args:
        second: Who is asked; nobody if None.
        deadline: When a visit's verdict falls due.
    """

    def __init__(self, second: Second | None, deadline: timedelta) -> None:
        self._second = second
        self._after = max(deadline - LEAD, deadline / 2)
        self._over: dict[UUID, OpenVisit] = {}

    @property
    def over(self) -> list[OpenVisit]:
        """The visits that have ended and wait for an answer."""
        return list(self._over.values())

    def raise_(self, visit: OpenVisit, at: datetime, *, ending: bool = False) -> None:
        """Ask about a visit if it is time to: near its deadline, or as it ends, and nothing is known of it still."""
        unknown = visit.verdict in ("identifying", "unidentified") and not (visit.told or visit.is_thing)
        if self._second is None or visit.asking is None or not unknown or not visit.confirmed:
            return
        if (ending or at - visit.first >= self._after) and self._second.ask(
            Question(visit.id, visit.place, visit.asking)
        ):
            visit.asked, visit.asking = visit.asked + 1, None

    def bury(self, visit: OpenVisit, at: datetime) -> None:
        """Keep a visit that has ended until its answer comes, and no longer than five minutes."""
        if visit.asked:
            self._over[visit.id] = visit
        self._over = {key: each for key, each in self._over.items() if at - each.last < PATIENCE}

    def answered(self, visits: Sequence[OpenVisit]) -> Iterator[tuple[OpenVisit, Likeness]]:
        """Yield the answers that have come, each with its visit, be it over or not."""
        if self._second is None:
            return
        for answer in self._second.answers():
            visit = self._over.get(answer.visit) or next((one for one in visits if one.id == answer.visit), None)
            if visit:
                yield visit, answer.likeness
