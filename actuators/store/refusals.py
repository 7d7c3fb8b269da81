"""Pure: what an error of an S3 server means, and what a person can do."""

from typing import Literal

__all__ = ["Answer", "s3_advice", "s3_meaning"]

Answer = Literal["away", "refused", "unfit"]

BUSY_CODES = frozenset(
    {"SlowDown", "RequestTimeout", "RequestThrottled", "Throttling", "ThrottlingException", "TooManyRequests"}
)
WRONG_REGION = "the bucket is in another region: set `region`"
EXPIRED = "the credentials have expired: renew them"
S3_ADVICE = {
    "NoSuchBucket": "there is no such bucket: create it, or correct `url`",
    "AccessDenied": "the key may not write there: give it the policy of `kinwatch docs iam/store.json`",
    "AccessForbidden": "the key may not write there",
    "AllAccessDisabled": "the bucket is closed: ask its provider",
    "AccountProblem": "the account is closed or unpaid: ask its provider",
    "NotSignedUp": "the account does not have S3: sign up for it",
    "QuotaExceeded": "the bucket is full: make room, or raise its quota",
    "XMinioStorageFull": "the server's disk is full: make room",
    "InvalidAccessKeyId": "the access key is not known: check AWS_ACCESS_KEY_ID or ~/.aws/credentials",
    "SignatureDoesNotMatch": "the secret is wrong: check AWS_SECRET_ACCESS_KEY or ~/.aws/credentials",
    "ExpiredToken": EXPIRED,
    "InvalidToken": EXPIRED,
    "TokenRefreshRequired": EXPIRED,
    "RequestTimeTooSkewed": "this machine's clock is wrong: set it (timedatectl set-ntp true)",
    "PermanentRedirect": WRONG_REGION,
    "TemporaryRedirect": WRONG_REGION,
    "AuthorizationHeaderMalformed": WRONG_REGION,
    "IllegalLocationConstraintException": WRONG_REGION,
    "InvalidRequest": "if it speaks of Object Lock: the bucket has none, create one that has, or leave out lock_days",
    "InvalidStorageClass": "the server does not have this storage_class: leave it out",
    "NotImplemented": "the server cannot do one of lock_days, storage_class, sse: leave it out",
}
SERVER_FAILS, TOO_MANY, NOT_IN_TIME = 500, 429, 408
REFUSED_STATUSES = (301, 307, 401, 402, 403, 404)


def s3_meaning(code: str, status: int) -> Answer:
    """Return what an error means, from its S3 code and its HTTP status.

    `away`: the server is down or busy. `refused`: it refuses every object. `unfit`: it refuses this object only.
    """
    if code == "NotImplemented":
        return "refused"
    if status >= SERVER_FAILS or status in (TOO_MANY, NOT_IN_TIME) or code in BUSY_CODES:
        return "away"
    return "refused" if code in S3_ADVICE or status in REFUSED_STATUSES else "unfit"


def s3_advice(code: str) -> str:
    """Return what a person can do about an error."""
    return S3_ADVICE.get(code, "`kinwatch docs store` says what it needs")
