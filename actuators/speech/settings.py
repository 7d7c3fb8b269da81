"""Settings of a voice."""

import shlex
import shutil
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from nerves.greeting import GreetingSettings
from nerves.hours import HoursText
from nerves.services import ServiceSettings
from nerves.texts import LANGUAGES

__all__ = ["ALL_PLACES", "PLAYERS", "SpeechSettings"]

ALL_PLACES = "all"
PLAYERS = ("pw-play", "paplay", "aplay")


class SpeechSettings(GreetingSettings, ServiceSettings):
    """Speaks aloud at a place, and greets whoever comes there."""

    place: str
    """The place of its loudspeaker; `all` speaks what is published for any place."""
    language: str = Field(default="en", pattern="^[a-z]{2,3}(-[A-Za-z0-9-]{1,20})?$")
    """The language of the voice, as the engine names it: `en`, `en-us`, `fr`."""
    quiet: HoursText | None = None
    """Local hours without speech, such as 22:00-07:00. What comes in these hours is not spoken later either."""
    quiet_says: bool = False
    """Speak `say` messages in quiet hours too; greetings are not spoken."""
    stale_s: float = Field(default=20, ge=1, le=3600)
    """A greeting that is older than this is not spoken."""
    stale_alert_s: float = Field(default=600, ge=1, le=86400)
    """The same limit for `say` messages and for alerts."""
    engine: Literal["espeak-ng", "piper", "print"] = "espeak-ng"
    """The program that speaks; `print` writes the words to the log instead."""
    voice: Path | None = None
    """For piper: the file of the voice (`.onnx`)."""
    player: str = "auto"
    """The command that plays a sound file; its path becomes the last word. `auto` finds one, `none` plays nothing."""
    keep: Path | None = None
    """A folder that keeps the sound files."""

    @property
    def command(self) -> tuple[str, ...]:
        """The words of the command that plays a file; empty if nothing is played."""
        if self.player == "none":
            return ()
        if self.player != "auto":
            return tuple(shlex.split(self.player))
        return tuple(filter(shutil.which, PLAYERS))[:1]

    @model_validator(mode="after")
    def _speaks_the_language(self) -> Self:
        missing = sorted(verdict for verdict in self.greets if getattr(self.texts, verdict) is None)
        if missing and self.language.partition("-")[0] not in LANGUAGES:
            why = (
                f"greetings are in {' and '.join(LANGUAGES)} alone: for {self.language} write texts: {missing[0]}: ..."
            )
            raise ValueError(why)
        return self

    @model_validator(mode="after")
    def _has_a_voice(self) -> Self:
        if self.engine == "print":
            return self
        if not shutil.which(self.engine):
            how = "apt install espeak-ng" if self.engine == "espeak-ng" else "pip install piper-tts"
            why = f"there is no program {self.engine}: {how}, or set engine: print"
            raise ValueError(why)
        if self.engine == "piper" and not (self.voice and self.voice.expanduser().is_file()):
            what = f"{self.voice} is not there" if self.voice else "voice: /path/to/voice.onnx"
            why = f"piper needs the file of a voice: {what}"
            raise ValueError(why)
        return self

    @model_validator(mode="after")
    def _has_a_loudspeaker(self) -> Self:
        if self.engine == "print" or self.player == "none":
            return self
        try:
            command = self.command
        except ValueError as error:  # a quote that is not closed
            why = f"player {self.player!r}: {error}"
            raise ValueError(why) from error
        if not command or not shutil.which(command[0]):
            what = self.player if self.player != "auto" else "player (pw-play, paplay or aplay)"
            why = f"there is no program {what}: apt install alsa-utils, or set player to a command that plays a file"
            raise ValueError(why)
        return self
