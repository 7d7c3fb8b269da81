"""What can go wrong, said so that a person knows what to check."""

__all__ = [
    "BadPicture",
    "BrokerUnavailable",
    "CameraLost",
    "GalleryError",
    "KinwatchError",
    "MessageError",
    "ModelError",
    "SettingsError",
    "StoreError",
]


class KinwatchError(Exception):
    """The root of every error of ours; its text is one line for a person."""

    exit_status = 1


class SettingsError(KinwatchError):
    """A setting, an option or an environment variable is wrong."""

    exit_status = 2


class BrokerUnavailable(KinwatchError):
    """No broker answers."""


class MessageError(KinwatchError):
    """What arrived on a topic does not fit its contract."""


class BadPicture(KinwatchError):
    """These bytes are not a picture that can be used."""


class CameraLost(KinwatchError):
    """A camera, clip or folder gives no pictures."""


class ModelError(KinwatchError):
    """A model file is absent, or is not the file it should be."""


class GalleryError(KinwatchError):
    """A photo cannot be learned, or a person is not known."""


class StoreError(KinwatchError):
    """Evidence could not be written."""
