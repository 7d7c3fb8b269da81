"""The settings of mentions on X."""

from typing import Annotated

from pydantic import AfterValidator, Field

from nerves.services import SenseSettings

__all__ = ["MentionsSettings"]


def _bare(account: str) -> str:
    return account.removeprefix("@")


class MentionsSettings(SenseSettings):
    """Posts on X that mention an account; the bearer token comes from `KINWATCH_X_BEARER`."""

    account: Annotated[str, Field(pattern=r"^@?[A-Za-z0-9_]{1,15}$"), AfterValidator(_bare)]
    """The account whose mentions are read, with or without the @."""
    every_s: float = Field(default=60, ge=5, le=86400)
    """Seconds between two requests to X."""
    reads_a_day: int = Field(default=500, ge=5)
    """Read at most this many posts and names of authors in a UTC day. X bills each of them."""
    reads_a_month: int = Field(default=5000, ge=5)
    """Read at most this many posts and names of authors in a UTC month."""
    names: bool = True
    """Look up the name of each new author, which counts as a read. If off, an author is shown by number."""
    api: str | None = Field(default=None, pattern=r"^https?://[^/]+$")
    """The address of a proxy for X's API, instead of https://api.twitter.com."""
