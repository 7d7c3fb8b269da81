"""The second opinion: which face of an undecided visit is shown to somebody else, and what comes back, ever so late."""

from collections.abc import Container, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from brain.vision.backend import CloudSimilarity, Face
from brain.vision.crop import portrait
from brain.visits.frame_analysis import FrameAnalysis
from brain.visits.visit import Candidate, OpenVisit

__all__ = ["FaceAnswer", "FaceQuestion", "SecondOpinionProvider", "SecondOpinions"]

# Asked so long before the verdict falls due, or at half of that time, that an answer can be there by then.
ASK_BEFORE_VERDICT = timedelta(seconds=4)
# So many faces of one visit are shown at most, each once, the second only if the first has decided nothing, and each
# of its own moment: those of one moment are the same picture.
MAX_ASKED_FACES, MIN_TIME_APART = 2, timedelta(seconds=0.5)
# Nobody can recognise a narrower face. Rekognition asks for 40 pixels in a picture 1920 wide.
MIN_ASKED_FACE_PX = 20.0
# Where nobody could be asked, another face may be asked about so long after.
RETRY_AFTER = timedelta(seconds=10)
# Whoever has gone may be corrected so long.
LATE_ANSWER_TIME = timedelta(minutes=5)


class FaceQuestion(NamedTuple):
    """One face to ask about."""

    visit: UUID
    place: str
    jpeg: bytes


class FaceAnswer(NamedTuple):
    """What is said of a face of a visit."""

    visit: UUID
    likeness: CloudSimilarity | None
    """None: nothing can be said of it."""
    sent: bool = True
    """False if it was not compared because nobody could be asked."""


class SecondOpinionProvider(Protocol):
    """Somebody who is asked, and never waited for."""

    def ask(self, question: FaceQuestion) -> bool:
        """Take a question; False if it cannot be asked now, and may be later."""
        ...

    def answers(self) -> Sequence[FaceAnswer]:
        """Return what has come back since."""
        ...


class SecondOpinions:
    """What has been asked, and the visits that are over but may still be answered for.

    Args:
        second: Who is asked; nobody if None.
        deadline: When a visit's verdict falls due.
    """

    def __init__(self, second: SecondOpinionProvider | None, deadline: timedelta) -> None:
        self._second = second
        self._after = max(deadline - ASK_BEFORE_VERDICT, deadline / 2)
        self._over: dict[UUID, OpenVisit] = {}
        self._waiting: set[UUID] = set()
        self._failed: dict[UUID, datetime] = {}

    @property
    def over(self) -> list[OpenVisit]:
        """The visits that have ended and wait for an answer."""
        return list(self._over.values())

    def propose(self, visit: OpenVisit, analysis: FrameAnalysis, face: Face, counts: float, at: datetime) -> None:
        """Store a face to ask about if it is among the best so far. What is surely no face is never asked about."""
        if self._second is None:
            return
        embedding = analysis.embedding(face)
        if (
            visit.asked >= MAX_ASKED_FACES
            or face.width < MIN_ASKED_FACE_PX
            or (embedding is not None and embedding.face_confidence <= 0)
        ):
            return
        merit = face.width * (0.2 + (counts * embedding.face_confidence if embedding else 0.0))
        same = [one for one in visit.asking if abs(at - one.at) < MIN_TIME_APART]
        others = [one for one in visit.asking if one not in same]
        rivals = same or (others if len(others) >= MAX_ASKED_FACES else [])
        if (visit.asked_at and abs(at - visit.asked_at) < MIN_TIME_APART) or any(
            one.merit >= merit for one in rivals[-1:]
        ):
            return
        new = Candidate(at, merit, portrait(analysis.picture, face))
        visit.asking = tuple(sorted([*others, new], key=lambda one: -one.merit)[:MAX_ASKED_FACES])

    def is_due(self, visit: OpenVisit, at: datetime, *, ending: bool = False) -> bool:
        """Whether a face may be asked about now: near the deadline, or as the visit ends."""
        if self._second is None or not visit.asking or visit.asked >= MAX_ASKED_FACES or not visit.confirmed:
            return False
        if visit.verdict not in ("identifying", "unidentified"):
            return False
        failed = self._failed.get(visit.id)
        if visit.id in self._waiting or visit.label or visit.is_not_a_person or (failed and at - failed < RETRY_AFTER):
            return False
        return ending or at - visit.first >= self._after

    def ask(self, visit: OpenVisit) -> None:
        """Ask about the visit's best face."""
        best, *rest = visit.asking
        if self._second and self._second.ask(FaceQuestion(visit.id, visit.place, best.jpeg)):
            visit.asked, visit.asked_at, visit.asking = visit.asked + 1, best.at, tuple(rest)
            self._waiting.add(visit.id)

    def bury(self, visit: OpenVisit, at: datetime) -> None:
        """Hold a visit that has ended until its answer comes, for at most five minutes."""
        if visit.asked:
            self._over[visit.id] = visit
        self._forget(at)

    def drop(self, labelled: Container[UUID]) -> None:
        """Stop waiting for answers on visits that a human has labelled."""
        self._over = {key: each for key, each in self._over.items() if key not in labelled}

    def answered(self, visits: Sequence[OpenVisit]) -> Iterator[tuple[OpenVisit, CloudSimilarity]]:
        """Yield the answers that have come, each with its visit, be it over or not."""
        if self._second is None:
            return
        for answer in self._second.answers():
            self._waiting.discard(answer.visit)
            visit = self._over.get(answer.visit) or next((one for one in visits if one.id == answer.visit), None)
            if visit and answer.likeness:
                yield visit, answer.likeness
            elif visit and not answer.sent:
                visit.asked -= 1
                self._failed[visit.id] = visit.last

    def _forget(self, at: datetime) -> None:
        """Forget what is too long over to be corrected."""
        self._over = {key: each for key, each in self._over.items() if at - each.last < LATE_ANSWER_TIME}
        self._failed = {key: since for key, since in self._failed.items() if at - since < LATE_ANSWER_TIME}
