"""X's API v2 through tweepy. Only this file imports tweepy; every failure becomes `Refused`."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import requests
import tweepy
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from nerves.errors import KinwatchError

__all__ = ["BEARER", "MentionPage", "Post", "Refused", "X", "bearer"]

BEARER = "KINWATCH_X_BEARER"
HOST = "https://api.twitter.com"
X_TIMEOUT_S = (5, 30)
TWEET_FIELDS = ["author_id", "created_at"]
MINUTE_S, HOUR_S = 60, 3600
# A fault that a person must mend is retried only once an hour: X may log each try as an attack.
REFUSAL_REASONS = {
    400: "X does not understand the question: check `account`, and look for a newer kinwatch",
    401: f"X refuses the token: check {BEARER} against the app's bearer token at developer.x.com",
    402: "X says that the credits are used up: buy some at developer.x.com",
    403: "X does not allow this app to read mentions: check its access level at developer.x.com",
    404: "X does not know the account: check `account`",
}

Answer = TypeVar("Answer")


class Refused(KinwatchError):
    """X did not give a usable answer."""

    def __init__(self, message: str, *, wait_s: float | None = None, until: float | None = None, free: bool) -> None:
        super().__init__(message)
        self.wait_s, self.until = wait_s, until
        """How many seconds to wait, or until when (seconds since 1970). If both are None, wait longer each time."""
        self.free = free
        """Whether certainly nothing was read, so that X bills nothing."""


class Post(NamedTuple):
    """A post that mentions the account."""

    id: int
    author: int
    words: str
    at: datetime


class MentionPage(NamedTuple):
    """Some mentions, newest first, and the token of the next page, which is older; None if this is the last."""

    posts: list[Post]
    more: str | None


class X:
    """The requests that we make to X. Each raises `Refused` if it fails."""

    def __init__(self, token: str, api: str | None) -> None:
        self._client = tweepy.Client(token)
        self._client.session.mount(HOST, _Timely(api))

    def account(self, name: str) -> int:
        """Return the number of an account."""
        user = _asked(lambda: self._client.get_user(username=name)).data
        if user is None:
            why = f"X knows no account @{name}: check `account`"
            raise Refused(why, wait_s=HOUR_S, free=True)
        return int(user.id)

    def mentions(
        self, account: int, *, most: int, since: int | None, start: datetime, token: str | None
    ) -> MentionPage:
        """Return a page of at most `most` (5 to 100) posts newer than `since`, or than `start` if that is None."""
        after: dict[str, Any] = {"since_id": since} if since else {"start_time": start}
        answer = _asked(
            lambda: self._client.get_users_mentions(
                account, max_results=most, pagination_token=token, tweet_fields=TWEET_FIELDS, **after
            )
        )
        posts = [_post(each) for each in answer.data or ()]
        return MentionPage(posts, (answer.meta or {}).get("next_token"))

    def names(self, ids: list[int]) -> dict[int, str]:
        """Return the names of at most 100 accounts; accounts that no longer exist are left out."""
        users = _asked(lambda: self._client.get_users(ids=ids)).data or ()
        return {int(user.id): str(user.username) for user in users}


class _Timely(HTTPAdapter):
    """Gives tweepy the timeout that it lacks, and sends its requests to the proxy, if one is set."""

    def __init__(self, api: str | None) -> None:
        super().__init__(max_retries=0)
        self._api = api

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:  # noqa: ANN401
        if self._api:
            request.url = self._api + request.path_url
        return super().send(request, **{**options, "timeout": X_TIMEOUT_S})


def bearer(environ: dict[str, str] | None = None) -> str | None:
    """Return the bearer token from the environment or the secrets directory; None if there is none."""
    environ = dict(os.environ) if environ is None else environ
    if token := environ.get(BEARER):
        return token
    folder = environ.get("KINWATCH_SECRETS_DIR")
    file = Path(folder) / BEARER if folder else None
    try:
        return (file.read_text(encoding="utf-8").strip() or None) if file and file.is_file() else None
    except OSError as error:
        why = f"{file}: {error.strerror}: check who may read it"
        raise Refused(why, wait_s=MINUTE_S, free=True) from error


def _asked(ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except tweepy.TooManyRequests as error:
        reset = error.response.headers.get("x-rate-limit-reset", "")
        until = float(reset) if reset.isdecimal() else None
        why = "X reports too many requests, and asks to wait"
        raise Refused(why, until=until, free=True) from error
    except tweepy.HTTPException as error:
        status = error.response.status_code
        why = REFUSAL_REASONS.get(status, f"X answers {status}: nothing to do but wait")
        raise Refused(why, wait_s=HOUR_S if status in REFUSAL_REASONS else None, free=True) from error
    except requests.RequestException as error:
        why = "X cannot be reached: check the internet connection" if _never_left(error) else "X's answer was cut off"
        raise Refused(why, free=_never_left(error)) from error
    except (tweepy.TweepyException, AttributeError, KeyError, TypeError, ValueError) as error:
        why = f"X's answer cannot be read: {error!r}"
        raise Refused(why, free=False) from error


def _never_left(error: requests.RequestException) -> bool:
    """Return whether the request certainly did not reach X."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _post(tweet: tweepy.Tweet) -> Post:
    return Post(int(tweet.id), int(tweet.author_id or 0), tweet.text, tweet.created_at or datetime.now(UTC))
