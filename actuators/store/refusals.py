"""Pure: what an S3 server's answer means, and what to do."""

from typing import Literal

__all__ = ["Answer", "advice", "meaning"]

Answer = Literal["away", "refused", "unfit"]

TOO_BUSY = frozenset(
    {"SlowDown", "RequestTimeout", "RequestThrottled", "Throttling", "ThrottlingException", "TooManyRequests"}
)
REGION = "the bucket is in another region: set `region`"
EXPIRED = "the credentials have expired: renew them"
ADVICE = {
    "NoSuchBucket": "there is no such bucket: create it, or correct `url`",
    "AccessDenied": "the key may not write there: give it the policy deploy/iam/store.json",
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
    "PermanentRedirect": REGION,
    "TemporaryRedirect": REGION,
    "AuthorizationHeaderMalformed": REGION,
    "IllegalLocationConstraintException": REGION,
    "InvalidRequest": "if it speaks of Object Lock: the bucket has none, create one that has, or leave out lock_days",
    "InvalidStorageClass": "the server does not have this storage_class: leave it out",
    "NotImplemented": "the server cannot do one of lock_days, storage_class, sse: leave it out",
}
SERVER_FAILS, TOO_MANY, NOT_IN_TIME = 500, 429, 408
DOORS = (301, 307, 401, 402, 403, 404)


def meaning(code: str, status: int) -> Answer:
    """Return whether the server is away or busy, refuses us whatever we bring, or only what it was given."""
    if code == "NotImplemented":
        return "refused"
    if status >= SERVER_FAILS or status in (TOO_MANY, NOT_IN_TIME) or code in TOO_BUSY:
        return "away"
    return "refused" if code in ADVICE or status in DOORS else "unfit"


def advice(code: str) -> str:
    """Return what a person can do."""
    return ADVICE.get(code, "docs/store.md says what it needs")
