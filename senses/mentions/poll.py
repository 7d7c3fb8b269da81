"""The loop of the mentions sense: read from X, publish what is new, wait."""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from nerves.messages import Mentioned
from nerves.services import Context
from senses.mentions.ledger import MentionLedger
from senses.mentions.settings import MentionsSettings
from senses.mentions.x import BEARER, Post, Refused, X, bearer

__all__ = ["MentionPoller", "poll"]

MIN_PAGE_POSTS, MAX_PAGE_POSTS = 5, 100  # X's limits for one page
MAX_PAUSE_S = 900.0
MINUTE_S = 60
# Older posts are not published: nobody wants to hear them read out hours later.
MAX_POST_AGE = timedelta(minutes=10)

log = logging.getLogger(__name__)


def poll(
    settings: MentionsSettings,
    context: Context,
    *,
    pause: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> Iterator[Mentioned]:
    """Publish new mentions for ever. Nothing is yielded: a post is published and stored as such in one transaction."""
    poller = MentionPoller(settings, context, clock)
    failures = 0
    while True:
        try:
            poller.poll_once()
            failures, trouble, wait_s = 0, "", settings.every_s
        except Refused as refused:
            failures += 1
            trouble, wait_s = str(refused), _wait_s(refused, failures, settings.every_s, clock())
            log.warning("%s: %s; trying again in %.0f s", settings.place, trouble, wait_s)
        context.report(trouble)
        pause(wait_s)
        yield from ()


def _wait_s(refused: Refused, failures: int, every_s: float, now: float) -> float:
    if refused.until is not None:
        return min(max(refused.until - now + 1, 1.0), MAX_PAUSE_S + MINUTE_S)
    if refused.wait_s is not None:
        return refused.wait_s
    return float(min(every_s * 2 ** min(failures - 1, 10), max(MAX_PAUSE_S, every_s)))


class MentionPoller:
    """Reads new mentions from X; what was read is stored, so that no post is paid for twice."""

    def __init__(self, settings: MentionsSettings, context: Context, clock: Callable[[], float]) -> None:
        self._settings, self._context, self._clock = settings, context, clock
        self._ledger = MentionLedger(context.database, settings.account)
        self._budget = (settings.reads_a_day, settings.reads_a_month)
        self._posts: dict[int, Post] = {}
        self._page: str | None = None
        self._open: tuple[str, X] | None = None

    def poll_once(self) -> None:
        """Read new posts, page by page, and publish them.

        Raises:
            Refused: X did not answer, or the budget is used up.
        """
        if self._ledger.stored("start") is None:
            self._ledger.store("start", self._now().isoformat(timespec="seconds"))
        x = self._x()
        account = self._account(x)
        lacking = None
        try:
            while self._read(x, account):
                pass
        except _SpentOut as spent:
            lacking = spent
        self._publish_posts(x)
        if lacking:
            raise lacking

    def _x(self) -> X:
        token = bearer()
        if token is None:
            message = f"no credentials: put the app's bearer token from developer.x.com into {BEARER}"
            raise Refused(message, wait_s=MINUTE_S, free=True)
        if self._open is None or self._open[0] != token:
            self._open = (token, X(token, self._settings.api))
        return self._open[1]

    def _account(self, x: X) -> int:
        kept = self._ledger.stored("account")
        if kept is None:
            kept = str(self._paid(1, lambda: (x.account(self._settings.account), 1)))
            self._ledger.store("account", kept)
        return int(kept)

    def _read(self, x: X, account: int) -> bool:
        """Read one page; return whether there is another."""
        most = min(self._left(MIN_PAGE_POSTS), MAX_PAGE_POSTS)
        since = self._since()

        def page() -> tuple[bool, int]:
            start = datetime.fromisoformat(self._ledger.stored("start") or "")
            start = max(start, self._now() - MAX_POST_AGE)
            posts, more = x.mentions(account, most=most, since=since, start=start, token=self._page)
            self._posts |= {post.id: post for post in posts if post.id > (since or 0)}
            self._page = more
            return more is not None, len(posts)

        try:
            return bool(self._paid(most, page))
        except Refused as refused:
            if refused.wait_s:  # the connection is fine; perhaps the page's token has expired
                self._page = None
            raise

    def _paid(self, most: int, ask: Callable[[], tuple[int, int]]) -> int:
        """Call `ask`, which makes at most `most` reads. They are counted before; those not made are given back."""
        at, unread = self._now(), 0
        self._left(most)
        self._ledger.spend(at, most)
        try:
            answer, read = ask()
            unread = most - read
        except Refused as refused:
            unread = most if refused.free else 0
            raise
        finally:
            self._ledger.spend(at, -max(unread, 0))
        return answer

    def _left(self, least: int) -> int:
        left = self._ledger.left(self._now(), self._budget)
        if left < least:
            day, month = self._budget
            message = f"the budget is used up: {day} reads a day, {month} a month; see reads_a_day, reads_a_month"
            raise _SpentOut(message, wait_s=MINUTE_S * 10, free=True)
        return left

    def _publish_posts(self, x: X) -> None:
        """Publish the posts that were read, oldest first, and store that in the same transaction."""
        posts = [self._posts[number] for number in sorted(self._posts)]
        self._page = None
        if posts:
            young = [post for post in posts if post.words and self._now() - post.at <= MAX_POST_AGE]
            names = self._names(x, {post.author for post in young})
            with self._ledger.database.transaction():
                for post in young:
                    self._context.publish(self._mentioned(post, names))
                self._ledger.store("since", str(posts[-1].id))
            self._posts.clear()

    def _names(self, x: X, authors: set[int]) -> dict[int, str]:
        """Return the authors' names; authors without a name, or without budget for it, are left out."""
        names = self._ledger.names(authors)
        new = sorted(authors - names.keys() - {0})[:MAX_PAGE_POSTS]
        if new and self._settings.names:
            try:
                found: dict[int, str] = {}

                def look() -> tuple[int, int]:
                    found.update(x.names(new))
                    return 0, len(found)

                self._paid(len(new), look)
                self._ledger.store_names(found)
                names |= found
            except Refused as refused:
                log.warning("%s: authors are shown by number: %s", self._settings.place, refused)
        return names

    def _mentioned(self, post: Post, names: dict[int, str]) -> Mentioned:
        author = names.get(post.author, str(post.author))
        return Mentioned(place=self._settings.place, at=post.at, author=author, words=post.words, post=str(post.id))

    def _since(self) -> int | None:
        kept = self._ledger.stored("since")
        return int(kept) if kept else None

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


class _SpentOut(Refused):
    """The budget is used up."""
