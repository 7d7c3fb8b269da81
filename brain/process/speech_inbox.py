"""`Heard` and `Mentioned` messages: stored on arrival, answered in the brain's own thread, each once."""

from collections.abc import Callable

from brain.talk.conversation import Conversation, HouseView, ModeChange
from nerves import topics
from nerves.durable_queue import DurableQueue, Row
from nerves.messages import Heard, Mentioned, Mode

__all__ = ["SpeechInbox"]


class SpeechInbox:
    """Words that wait to be answered.

    Args:
        inbox: The durable queue that stores them.
        outbox: The durable queue for the answers, in the same file, so no answer is lost or given twice.
        conversation: Makes the answers.
    """

    def __init__(self, inbox: DurableQueue, outbox: DurableQueue, conversation: Conversation) -> None:
        self._inbox, self._outbox, self._conversation = inbox, outbox, conversation

    def receive(self, topic: str, body: bytes) -> None:
        """Store some words, in the network thread, before they are acknowledged. Raises `MessageError`."""
        self._inbox.put_message(_read(topic, body))

    def answer_waiting(self, house_view: Callable[[], HouseView]) -> Mode | None:
        """Answer the words that wait; return the mode that somebody asked for, or None."""
        mode = None
        while row := self._inbox.due():
            mode = self._answer(row, house_view()) or mode
        return mode

    def _answer(self, row: Row, view: HouseView) -> Mode | None:
        fact, mode, answers = _read(row.topic, row.body), None, self._conversation
        results = answers.answer(fact, view) if isinstance(fact, Heard) else answers.mention(fact)
        with self._inbox.transaction():
            for result in results:
                if isinstance(result, ModeChange):
                    mode = result.mode
                else:
                    self._outbox.put_message(result)
            self._inbox.mark_done(row.key)
        return mode


def _read(topic: str, body: bytes) -> Heard | Mentioned:
    fact = Heard if topics.split(topic).kind == Heard.kind else Mentioned
    return fact.read(topic, body)
