"""Words to sound, and sound to a loudspeaker; each by a program of its own."""

import subprocess
import wave
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from actuators.speech.settings import SpeechSettings
from nerves.errors import KinwatchError

__all__ = ["length", "play", "synthesise"]

SYNTHESIS_S = 30.0
SPARE_S = 10.0


def synthesise(settings: SpeechSettings, words: str, language: str, file: Path) -> None:
    """Write what a voice says as a sound file."""
    if settings.engine == "piper":
        _run(
            ["piper", "--model", str(settings.voice and settings.voice.expanduser()), "--output_file", str(file)], words
        )
        return
    # Its own language where it has none of that name: said with an accent is better than not said.
    known = language if _speaks(language) else settings.language
    # To a file, not to the card: without a card espeak-ng complains and yet ends with 0.
    _run(["espeak-ng", "-v", known, "-w", str(file), "--stdin"], words)


def length(file: Path) -> timedelta:
    """Return how long a sound file is."""
    try:
        with wave.open(str(file)) as sound:
            return timedelta(seconds=sound.getnframes() / sound.getframerate())
    except (OSError, EOFError, wave.Error, ZeroDivisionError) as error:
        message = f"the voice wrote no sound: {error}: try `espeak-ng hello` by hand"
        raise KinwatchError(message) from error


def play(command: Sequence[str], file: Path) -> None:
    """Have a sound file played to its end."""
    _run([*command, str(file)], "", length(file).total_seconds() + SPARE_S)


def _speaks(language: str) -> bool:
    tried = ["espeak-ng", "-q", "-v", language, "-w", "/dev/null", "x"]
    return subprocess.run(tried, capture_output=True, check=False, timeout=SYNTHESIS_S).returncode == 0


def _run(command: Sequence[str], words: str, timeout_s: float = SYNTHESIS_S) -> None:
    try:
        done = subprocess.run(command, input=words.encode(), capture_output=True, check=False, timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        message = f"{command[0]} did not end within {timeout_s:.0f} s: is the sound card free?"
        raise KinwatchError(message) from error
    except OSError as error:
        message = f"{command[0]}: {error.strerror}: is it installed?"
        raise KinwatchError(message) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        message = f"{command[0]}: {said[-1] if said else f'ended with {done.returncode}'}: try it by hand"
        raise KinwatchError(message)
