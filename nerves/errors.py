"""The errors of kinwatch: each text is one line that says what to check."""

__all__ = [
    "BadPicture",
    "BrokerUnavailable",
    "CameraLost",
    "GalleryError",
    "KinwatchError",
    "MessageError",
    "ModelError",
    "OutOfReach",
    "SettingsError",
    "StoreError",
]


class KinwatchError(Exception):
    """The base of all errors of kinwatch; its text is one line for a person."""

    exit_status = 1


class SettingsError(KinwatchError):
    """A setting, an option or an environment variable is wrong."""

    exit_status = 2


class BrokerUnavailable(KinwatchError):
    """No broker answers."""


class MessageError(KinwatchError):
    """A message does not fit the contract of its topic."""


class BadPicture(KinwatchError):
    """These bytes are not a picture that can be used."""


class CameraLost(KinwatchError):
    """A camera, clip or folder gives no pictures."""


class ModelError(KinwatchError):
    """A model file is absent, or is not the file it should be."""


class GalleryError(KinwatchError):
    """A photo cannot be learned, or a person is not known."""


class OutOfReach(KinwatchError):
    """A remote service is away, or refuses every request. No message is at fault: all wait, and none is given up."""

    def __init__(self, message: str, *, longest_s: float = 60.0) -> None:
        super().__init__(message)
        self.longest_s = longest_s
        """The longest pause between two tries; longer if a person has to repair something."""


class StoreError(KinwatchError):
    """Evidence could not be written."""
