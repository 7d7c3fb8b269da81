"""What can go wrong when the cloud is asked; in each case the house goes on locally."""

from nerves.errors import KinwatchError

__all__ = ["BudgetSpent", "CloudAway", "CloudError", "CloudMissing", "CloudOff", "CloudPicture", "CloudRefused"]


class CloudError(KinwatchError):
    """Rekognition has not answered what it was asked."""


class CloudOff(CloudError):
    """No call may leave the house: a person has switched the cloud off."""


class BudgetSpent(CloudError):
    """The calls or dollars of this day or month are spent."""


class CloudAway(CloudError):
    """Rekognition does not answer, or is busy or broken: it comes back by itself."""


class CloudRefused(CloudError):
    """Rekognition refuses us whatever we ask: a person has to do something, which the text says."""


class CloudMissing(CloudRefused):
    """There is no such collection, or nobody of that name in it."""


class CloudPicture(CloudError):
    """This one picture cannot be used: no face, too small, not a picture."""
