"""Connect a microphone with speech recognition."""

from collections.abc import Iterator
from threading import Thread

from nerves.messages import Fact, Heard, Said
from nerves.services import Context
from senses.hearing import ear
from senses.hearing.echoes import Echoes
from senses.microphone.settings import MicrophoneSettings
from senses.microphone.sound import chunks, is_recording

__all__ = ["microphone_sentences"]


def microphone_sentences(settings: MicrophoneSettings, context: Context, heard: Iterator[Fact]) -> Iterator[Heard]:
    """Yield the sentences that people say, for ever or until a recording ends."""
    recogniser, echoes = ear.recogniser_of(settings, context.database.path.parent), Echoes()
    Thread(target=_collect_echoes, args=(echoes, heard), name="echoes", daemon=True).start()
    is_live = not is_recording(settings.source)
    context.report("")
    sound = chunks(settings.device, settings.source)
    yield from ear.heard_sentences(settings.place, recogniser, sound, lambda *when: is_live and echoes.cover(*when))


def _collect_echoes(echoes: Echoes, heard: Iterator[Fact]) -> None:
    for fact in heard:
        if isinstance(fact, Said):
            echoes.add(fact)
