"""Pure: what an error of Rekognition means, and what a person can do."""

from typing import Literal

__all__ = ["Answer", "advice", "meaning"]

Answer = Literal["away", "refused", "missing", "picture"]

# Botocore has already repeated these calls.
TOO_BUSY = frozenset(
    {
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
# A picture with too many bytes gets a `ValidationException`.
PICTURE = frozenset(
    {"ImageTooLargeException", "InvalidImageFormatException", "InvalidParameterException", "ValidationException"}
)
EXPIRED = "the credentials have expired: renew them"
WRONG = "the secret is wrong: check AWS_SECRET_ACCESS_KEY or ~/.aws/credentials; and this machine's clock"
UNKNOWN = "the access key is not known there: check AWS_ACCESS_KEY_ID or ~/.aws/credentials, and the region"
DENIED = "the key may not do that: give it the policy that `kinwatch docs rekognition` names"
ADVICE = {
    "AccessDenied": DENIED,
    "AccessDeniedException": DENIED,
    "ExpiredToken": EXPIRED,
    "ExpiredTokenException": EXPIRED,
    "IncompleteSignature": WRONG,
    "InvalidClientTokenId": UNKNOWN,
    "InvalidS3ObjectException": "a picture of brain.rekognition.pictures cannot be read: it must be in a bucket of the "
    "same region, and the key must be allowed to read it (kinwatch docs iam/rekognition-compare.json)",
    "InvalidSignatureException": WRONG,
    "MissingAuthenticationToken": "the request was not signed: check the credentials",
    "MissingAuthenticationTokenException": "the request was not signed: check the credentials",
    "NotAuthorized": DENIED,
    "OptInRequired": "the account does not have Rekognition: sign up for it",
    "RequestExpired": "this machine's clock is wrong: set it (timedatectl set-ntp true)",
    "ResourceNotFoundException": "there is no such collection: kinwatch rekognition sync",
    "ServiceQuotaExceededException": "the account's quota is used up: remove what is not needed, or ask for more",
    "SignatureDoesNotMatch": WRONG,
    "SubscriptionRequiredException": "the account does not have Rekognition: sign up for it",
    "UnknownOperationException": "the server is not Rekognition: check brain.rekognition.endpoint_url",
    "UnrecognizedClientException": UNKNOWN,
}
SERVER_FAILS, TOO_MANY, NOT_IN_TIME = 500, 429, 408


def meaning(code: str, status: int) -> Answer:
    """Return what an error means, from its code and its HTTP status.

    `away`: Rekognition is down or busy. `refused`: it refuses every call. `missing`: there is no such collection or
    user. `picture`: it cannot use this picture.
    """
    if code == "ResourceNotFoundException":
        return "missing"
    if code in PICTURE:
        return "picture"
    if status >= SERVER_FAILS or status in (TOO_MANY, NOT_IN_TIME) or code in TOO_BUSY:
        return "away"
    return "refused"


def advice(code: str) -> str:
    """Return what a person can do about an error."""
    return ADVICE.get(code, "check region and endpoint_url (kinwatch docs rekognition)")
