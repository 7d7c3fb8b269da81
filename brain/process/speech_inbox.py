"""`Heard` and `Mentioned` from the bus: kept on arrival, answered in the brain's own time, each once."""

import logging
from collections.abc import Callable

from brain.talk.conversation import Conversation, HouseView, ModeChange
from nerves import topics
from nerves.durable_queue import DurableQueue, Row
from nerves.errors import MessageError
from nerves.messages import Heard, Mentioned, Mode

__all__ = ["SpeechInbox"]

log = logging.getLogger(__name__)


class SpeechInbox:
    """Words that are to be answered.

    Args:
        inbox: Where they are kept until then.
        outbox: Where answers leave; in the same file, so that none is lost or said twice.
        answers: What answers.
    """

    def __init__(self, inbox: DurableQueue, outbox: DurableQueue, answers: Conversation) -> None:
        self._inbox, self._outbox, self._answers = inbox, outbox, answers

    def receive(self, topic: str, body: bytes) -> None:
        """Keep some words, in the network's thread, before they are acknowledged; what cannot be read is gone."""
        try:
            fact = _read(topic, body)
        except MessageError as error:
            log.warning("unreadable, left out: %s", error)
            return
        self._inbox.put(str(fact.id), topic, fact.payload())

    def attend(self, view: Callable[[], HouseView]) -> Mode | None:
        """Answer what has been said; return the mode that the house is to take, or None."""
        mode = None
        while row := self._inbox.due():
            mode = self._answer(row, view()) or mode
        return mode

    def _answer(self, row: Row, view: HouseView) -> Mode | None:
        fact, mode = _read(row.topic, row.body), None
        results = self._answers.hear(fact, view) if isinstance(fact, Heard) else self._answers.mention(fact)
        with self._inbox.transaction():
            for result in results:
                if isinstance(result, ModeChange):
                    mode = result.mode
                else:
                    self._outbox.put(str(result.id), result.topic, result.payload())
            self._inbox.done(row.key)
        return mode


def _read(topic: str, body: bytes) -> Heard | Mentioned:
    fact = Heard if topics.parse(topic).kind == Heard.kind else Mentioned
    return fact.read(topic, body)
