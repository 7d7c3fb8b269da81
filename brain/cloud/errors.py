"""The errors of a call to the cloud. After each of them kinwatch continues locally."""

from nerves.errors import KinwatchError

__all__ = ["BudgetSpent", "CloudAway", "CloudError", "CloudMissing", "CloudOff", "CloudPicture", "CloudRefused"]


class CloudError(KinwatchError):
    """Rekognition gave no usable answer, or was not asked."""


class CloudOff(CloudError):
    """No call may be made: a person or the settings switched the cloud off."""


class BudgetSpent(CloudError):
    """The calls or dollars of this day or month are spent."""


class CloudAway(CloudError):
    """Rekognition does not answer, or is busy or broken. Waiting helps."""


class CloudRefused(CloudError):
    """Rekognition refuses every call. The message says what a person can do."""


class CloudMissing(CloudRefused):
    """There is no such collection, or no user of that name in it."""


class CloudPicture(CloudError):
    """Rekognition cannot use this one picture: it has no face, has a wrong size, or is not a picture."""
