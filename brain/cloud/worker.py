"""Asks the cloud about faces in a thread of its own, so that the brain does not wait for the answers."""

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

# A question behind this many others would be answered too late.
MAX_WAITING_QUESTIONS = 8
WORKER_CLOSE_S = 2.0

Who = Callable[[bytes, About], Mapping[str, float]]


class RekognitionWorker:
    """Asks about one face after another.

    Args:
        who: Asks the cloud. Takes a JPEG, and returns for each name the similarity, 0 to 100.
        compared: Returns the names a face is compared with.
        patient: Ask within `ask` and wait for the answer. For recordings, whose time stands still meanwhile.
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
        """Why nothing can be asked until a person acts or a new day or month begins; empty if asking is possible."""
        return str(self._error) if isinstance(self._error, (BudgetSpent, CloudOff, CloudRefused)) else ""

    def ask(self, question: FaceQuestion) -> bool:
        """Take a question; return False if too many are waiting."""
        if self._patient:
            self._answer(question)
            return True
        try:
            self._questions.put_nowait(question)
        except Full:
            return False
        return True

    def answers(self) -> Sequence[FaceAnswer]:
        """Return the answers since the last call, the oldest first."""
        found = []
        while True:
            try:
                found.append(self._answers.get_nowait())
            except Empty:
                return found

    def close(self) -> None:
        """Drop the waiting questions and stop after the current one, or after 2 s."""
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
                log.exception("%s: asking the cloud about a face failed; continuing with the next face", question.place)
                self._answers.put(FaceAnswer(question.visit, None))

    def _answer(self, question: FaceQuestion) -> None:
        about = About(question.place, question.visit, len(question.jpeg), "a face")
        try:
            likeness = CloudSimilarity(self._who(question.jpeg, about), compared_with=self._compared())
        except CloudPicture as error:
            log.info("%s: the cloud cannot use a face: %s", question.place, error)
            self._answers.put(FaceAnswer(question.visit, None))
        except KinwatchError as error:
            self._record_result(error)
            self._answers.put(FaceAnswer(question.visit, None, sent=False))
        else:
            self._record_result(None)
            self._answers.put(FaceAnswer(question.visit, likeness))

    def _record_result(self, error: KinwatchError | None) -> None:
        """Log each change of the kind of error once. Texts are not compared: they may contain changing seconds."""
        if type(error) is not type(self._error):
            log.warning("%s; continuing without the cloud", error) if error else log.info("the cloud answers again")
        self._error = error
