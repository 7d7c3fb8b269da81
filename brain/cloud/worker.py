"""Faces on their way to the cloud and back: in a thread of its own, so that the house waits for nothing."""

import logging
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, Full, Queue
from threading import Thread

from brain.cloud.errors import BudgetSpent, CloudOff, CloudPicture, CloudRefused
from brain.cloud.ledger import About
from brain.vision.backend import CloudSimilarity
from brain.visits.second_opinion import FaceAnswer, FaceQuestion
from nerves.errors import KinwatchError

__all__ = ["RekognitionWorker"]

log = logging.getLogger(__name__)

# What waits longer than these few is answered too late to be of use.
MAX_WAITING_QUESTIONS = 8
WORKER_CLOSE_S = 2.0

Who = Callable[[bytes, About], Mapping[str, float]]


class RekognitionWorker:
    """Asks about one face after the other.

    Args:
        who: What asks the cloud: for each name the similarity, 0 to 100.
        compared: Whom a face is compared with.
        patient: Ask at once and wait for the answer: a recording's time stands still meanwhile.
    """

    def __init__(self, who: Who, compared: Callable[[], frozenset[str]], *, patient: bool = False) -> None:
        self._who, self._compared, self._patient = who, compared, patient
        self._questions: Queue[FaceQuestion | None] = Queue(MAX_WAITING_QUESTIONS)
        self._answers: Queue[FaceAnswer] = Queue()
        self._error: KinwatchError | None = None
        if not patient:
            self._thread = Thread(target=self._work, name="cloud", daemon=True)
            self._thread.start()

    @property
    def trouble(self) -> str:
        """What keeps us from asking until a person does something, or a new day begins; empty if nothing does."""
        return str(self._error) if isinstance(self._error, (BudgetSpent, CloudOff, CloudRefused)) else ""

    def ask(self, question: FaceQuestion) -> bool:
        """Take a question; False while too many wait."""
        if self._patient:
            self._answer(question)
            return True
        try:
            self._questions.put_nowait(question)
        except Full:
            return False
        return True

    def answers(self) -> Sequence[FaceAnswer]:
        """Return what has come back since."""
        found = []
        while True:
            try:
                found.append(self._answers.get_nowait())
            except Empty:
                return found

    def close(self) -> None:
        """Stop after the question that is being asked."""
        if self._patient:
            return
        while self._questions.qsize():
            self._questions.get_nowait()
        self._questions.put(None)
        self._thread.join(WORKER_CLOSE_S)

    def _work(self) -> None:
        while question := self._questions.get():
            try:
                self._answer(question)
            except Exception:
                log.exception("%s: a face could not be asked about; the next one is", question.place)
                self._answers.put(FaceAnswer(question.visit, None))

    def _answer(self, question: FaceQuestion) -> None:
        about = About(question.place, question.visit, len(question.jpeg), "a face")
        try:
            likeness = CloudSimilarity(self._who(question.jpeg, about), compared_with=self._compared())
        except CloudPicture as error:
            log.info("%s: the cloud found nothing to say: %s", question.place, error)
            self._answers.put(FaceAnswer(question.visit, None))
        except KinwatchError as error:
            self._record_result(error)
            self._answers.put(FaceAnswer(question.visit, None, sent=False))
        else:
            self._record_result(None)
            self._answers.put(FaceAnswer(question.visit, likeness))

    def _record_result(self, error: KinwatchError | None) -> None:
        """Say what has changed, once: a text may name seconds that run."""
        if type(error) is not type(self._error):
            log.warning("%s; the house goes on without the cloud", error) if error else log.info(
                "the cloud answers again"
            )
        self._error = error
