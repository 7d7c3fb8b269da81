"""What a household sets about a voice."""

import shlex
import shutil
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from nerves.greeting import GreetingSettings
from nerves.hours import HoursText
from nerves.services import ServiceSettings
from nerves.texts import LANGUAGES

__all__ = ["ALL", "PLAYERS", "SpeechSettings"]

ALL = "all"
PLAYERS = ("pw-play", "paplay", "aplay")


class SpeechSettings(GreetingSettings, ServiceSettings):
    """Says aloud what the house has to say at a place, and greets whoever comes there."""

    place: str
    """Where its loudspeaker is; `all` speaks what is said anywhere."""
    language: str = Field(default="en", pattern="^[a-z]{2,3}(-[A-Za-z0-9-]{1,20})?$")
    """The voice's language, as the engine names it: `en`, `en-us`, `fr`."""
    quiet: HoursText | None = None
    """Local hours in which nothing is said, as 22:00-07:00; it is not said later either."""
    quiet_says: bool = False
    """Say in quiet hours too what somebody or something asked to have said; greetings stay unsaid."""
    stale_s: float = Field(default=20, ge=1, le=3600)
    """A greeting that would come later than this is not said."""
    stale_alert_s: float = Field(default=600, ge=1, le=86400)
    """The same for whatever was asked to be said, and for alerts."""
    engine: Literal["espeak-ng", "piper", "print"] = "espeak-ng"
    """The program that speaks; `print` writes the words to its log instead."""
    voice: Path | None = None
    """For piper: the file of its voice (`.onnx`)."""
    player: str = "auto"
    """The command that plays a sound file, which is named last; `auto` finds one, `none` plays nothing."""
    keep: Path | None = None
    """A folder in which to keep what was said, as sound files."""

    @property
    def command(self) -> tuple[str, ...]:
        """The words of the command that plays; empty where nothing is played."""
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
