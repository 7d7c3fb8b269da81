"""What a person sets of mentions on X."""

from typing import Annotated

from pydantic import AfterValidator, Field

from nerves.services import SenseSettings

__all__ = ["MentionsSettings"]


def _bare(account: str) -> str:
    return account.removeprefix("@")


class MentionsSettings(SenseSettings):
    """Posts on X that mention an account; the bearer token comes from `KINWATCH_X_BEARER`."""

    account: Annotated[str, Field(pattern=r"^@?[A-Za-z0-9_]{1,15}$"), AfterValidator(_bare)]
    """The account whose mentions count, with or without the @."""
    every_s: float = Field(default=60, ge=5, le=86400)
    """X is asked this often."""
    reads_a_day: int = Field(default=500, ge=5)
    """At most this many posts (and names of authors) are read a UTC day: X bills each."""
    reads_a_month: int = Field(default=5000, ge=5)
    """At most this many are read a UTC month."""
    names: bool = True
    """Look up the name of an author who is new, which counts as a read; else the author is a number."""
    api: str | None = Field(default=None, pattern=r"^https?://[^/]+$")
    """Where X's API is, if not at https://api.twitter.com: a proxy."""
