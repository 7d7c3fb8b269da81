"""Second opinions: choose a face of an undecided visit, ask a provider about it, and take the answer, however late."""

from collections.abc import Container, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from brain.vision.backend import CloudSimilarity, Face
from brain.vision.crop import portrait
from brain.visits.frame_analysis import FrameAnalysis
from brain.visits.visit import Candidate, OpenVisit

__all__ = ["FaceAnswer", "FaceQuestion", "SecondOpinionProvider", "SecondOpinions"]

# Ask this long before the verdict falls due, or halfway if the deadline is shorter than twice this: then the answer can
# still arrive in time.
ASK_BEFORE_VERDICT = timedelta(seconds=4)
# At most this many faces of one visit are asked about, each once. The second is asked only if the first did not decide
# the visit. They must be this far apart in time: faces of the same moment are nearly the same picture.
MAX_ASKED_FACES, MIN_TIME_APART = 2, timedelta(seconds=0.5)
# A narrower face cannot be recognised. Rekognition asks for 40 pixels in a picture 1920 pixels wide.
MIN_ASKED_FACE_PX = 20.0
# If the provider could not be asked, wait this long before asking again.
RETRY_AFTER = timedelta(seconds=10)
# A visit that has ended may be corrected for this long.
LATE_ANSWER_TIME = timedelta(minutes=5)


class FaceQuestion(NamedTuple):
    """One face to ask about."""

    visit: UUID
    place: str
    jpeg: bytes


class FaceAnswer(NamedTuple):
    """The answer about one face of a visit."""

    visit: UUID
    likeness: CloudSimilarity | None
    """How similar the face is to somebody the provider knows; None if the provider cannot tell."""
    sent: bool = True
    """False if the face was not compared because the provider could not be asked."""


class SecondOpinionProvider(Protocol):
    """Somebody who can be asked about a face. The brain never waits for the answer."""

    def ask(self, question: FaceQuestion) -> bool:
        """Take a question; return False if it cannot be asked now but may be asked later."""
        ...

    def answers(self) -> Sequence[FaceAnswer]:
        """Return the answers that have arrived since the last call."""
        ...


class SecondOpinions:
    """Keeps track of the questions, and of the ended visits that may still get an answer.

    Args:
        second: The provider that is asked; nobody is asked if it is None.
        deadline: How long after its start a visit's verdict falls due.
    """

    def __init__(self, second: SecondOpinionProvider | None, deadline: timedelta) -> None:
        self._second = second
        self._after = max(deadline - ASK_BEFORE_VERDICT, deadline / 2)
        self._over: dict[UUID, OpenVisit] = {}
        self._waiting: set[UUID] = set()
        self._failed: dict[UUID, datetime] = {}

    @property
    def over(self) -> list[OpenVisit]:
        """The visits that have ended but may still get an answer."""
        return list(self._over.values())

    def propose(self, visit: OpenVisit, analysis: FrameAnalysis, face: Face, counts: float, at: datetime) -> None:
        """Store a face to ask about if it is among the best of the visit so far.

        A face whose confidence is 0 is never asked about: it is surely a false detection.

        Args:
            visit: The visit that the face belongs to.
            analysis: The frame in which the face was found.
            face: The face.
            counts: The weight of the face as evidence, 0 to 1.
            at: The time of the frame.
        """
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
        """Whether to ask about a face of the visit now: near the deadline, or when the visit ends (`ending`)."""
        if self._second is None or not visit.asking or visit.asked >= MAX_ASKED_FACES or not visit.confirmed:
            return False
        if visit.verdict not in ("identifying", "unidentified"):
            return False
        failed = self._failed.get(visit.id)
        if visit.id in self._waiting or visit.label or visit.is_not_a_person or (failed and at - failed < RETRY_AFTER):
            return False
        return ending or at - visit.first >= self._after

    def ask(self, visit: OpenVisit) -> None:
        """Ask about the best stored face of the visit."""
        best, *rest = visit.asking
        if self._second and self._second.ask(FaceQuestion(visit.id, visit.place, best.jpeg)):
            visit.asked, visit.asked_at, visit.asking = visit.asked + 1, best.at, tuple(rest)
            self._waiting.add(visit.id)

    def bury(self, visit: OpenVisit, at: datetime) -> None:
        """Store a visit that has ended, for at most five minutes, so that a late answer can correct it."""
        if visit.asked:
            self._over[visit.id] = visit
        self._forget(at)

    def drop(self, labelled: Container[UUID]) -> None:
        """Stop waiting for answers on visits that a human has labelled."""
        self._over = {key: each for key, each in self._over.items() if key not in labelled}

    def answered(self, visits: Sequence[OpenVisit]) -> Iterator[tuple[OpenVisit, CloudSimilarity]]:
        """Yield each answer that has arrived, with its visit: one of `visits`, or one that has ended."""
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
        """Forget the visits that ended too long ago to be corrected."""
        self._over = {key: each for key, each in self._over.items() if at - each.last < LATE_ANSWER_TIME}
        self._failed = {key: since for key, since in self._failed.items() if at - since < LATE_ANSWER_TIME}
