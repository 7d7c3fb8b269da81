"""From words to a sound file, and from there to a loudspeaker, each by its own program."""

import subprocess
import wave
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from actuators.speech.settings import SpeechSettings
from nerves.errors import KinwatchError

__all__ = ["play_sound", "sound_duration", "synthesise"]

SYNTHESIS_TIMEOUT_S = 30.0
PLAYBACK_GRACE_S = 10.0


def synthesise(settings: SpeechSettings, words: str, language: str, file: Path) -> None:
    """Write a sound file in which the voice says these words.

    Raises:
        KinwatchError: The program fails, or takes more than `SYNTHESIS_TIMEOUT_S`.
    """
    if settings.engine == "piper":
        _run(
            ["piper", "--model", str(settings.voice and settings.voice.expanduser()), "--output_file", str(file)], words
        )
        return
    # If the engine does not have the language, the voice's own is used: an accent is better than silence.
    known = language if _speaks(language) else settings.language
    # To a file, not to the sound card: without a card espeak-ng prints an error but ends with 0.
    _run(["espeak-ng", "-v", known, "-w", str(file), "--stdin"], words)


def sound_duration(file: Path) -> timedelta:
    """Return the duration of a sound file.

    Raises:
        KinwatchError: It is no sound file.
    """
    try:
        with wave.open(str(file)) as sound:
            return timedelta(seconds=sound.getnframes() / sound.getframerate())
    except (OSError, EOFError, wave.Error, ZeroDivisionError) as error:
        message = f"the voice wrote no sound: {error}: try `espeak-ng hello` by hand"
        raise KinwatchError(message) from error


def play_sound(command: Sequence[str], file: Path) -> None:
    """Play a sound file to its end."""
    _run([*command, str(file)], "", sound_duration(file).total_seconds() + PLAYBACK_GRACE_S)


def _speaks(language: str) -> bool:
    tried = ["espeak-ng", "-q", "-v", language, "-w", "/dev/null", "x"]
    return subprocess.run(tried, capture_output=True, check=False, timeout=SYNTHESIS_TIMEOUT_S).returncode == 0


def _run(command: Sequence[str], words: str, timeout_s: float = SYNTHESIS_TIMEOUT_S) -> None:
    try:
        done = subprocess.run(command, input=words.encode(), capture_output=True, check=False, timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        message = f"{command[0]} did not end within {timeout_s:.0f} s: is the sound card free?"
        raise KinwatchError(message) from error
    except OSError as error:
        message = f"{command[0]}: {error.strerror}: is it installed?"
        raise KinwatchError(message) from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        message = f"{command[0]}: {lines[-1] if lines else f'ended with {done.returncode}'}: try it by hand"
        raise KinwatchError(message)
