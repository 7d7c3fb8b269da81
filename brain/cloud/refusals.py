"""Pure: what an answer of Rekognition that is none means, and what to do."""

from typing import Literal

__all__ = ["Answer", "advice", "meaning"]

Answer = Literal["away", "refused", "missing", "picture"]

# Botocore has tried these again already.
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
# `ValidationException` is what a picture of too many bytes gets.
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
    "same region, and the key allowed to read it (kinwatch docs iam/rekognition-compare.json)",
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
    "UnknownOperationException": "what answers is no Rekognition: check brain.rekognition.endpoint_url",
    "UnrecognizedClientException": UNKNOWN,
}
SERVER_FAILS, TOO_MANY, NOT_IN_TIME = 500, 429, 408


def meaning(code: str, status: int) -> Answer:
    """Return whether Rekognition is away or busy, refuses us, has no such collection, or dislikes this picture."""
    if code == "ResourceNotFoundException":
        return "missing"
    if code in PICTURE:
        return "picture"
    if status >= SERVER_FAILS or status in (TOO_MANY, NOT_IN_TIME) or code in TOO_BUSY:
        return "away"
    return "refused"


def advice(code: str) -> str:
    """Return what a person can do."""
    return ADVICE.get(code, "check region and endpoint_url (kinwatch docs rekognition)")
