"""Mentions, with a real HTTP server that speaks X's API v2: pages, refusals, broken connections, and a budget."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from nerves.bus import open_link
from nerves.database import Database
from nerves.messages import Fact, Mentioned
from nerves.runner import run_sense
from nerves.services import Context, RawMessage
from nerves.settings import HouseSettings
from senses.mentions import MentionsSettings, sense
from senses.mentions.poll import poll
from senses.mentions.x import bearer
from tests.waiting import interrupt_when

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
Answer = tuple[int, dict[str, Any], dict[str, str]] | str


class Stand:
    """The v2 endpoints; `script` holds answers that replace the regular ones, in order."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.script: list[Answer] = []
        self.asked: list[dict[str, str]] = []
        self.read = 0
        self.repeats = 0
        stand = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stand.answer(self)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def post(self, number: int, *, author: int = 7, at: datetime = NOW) -> None:
        made = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        post = {"id": str(number), "author_id": str(author), "text": f"@us number {number}", "created_at": made}
        self.posts.insert(0, post | {"edit_history_tweet_ids": [str(number)]})

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        url = urlsplit(request.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        self.asked.append({"path": url.path, "token": request.headers.get("Authorization", ""), **query})
        answer = self._truth(url.path, query)
        if self.script and (url.path.endswith("/mentions") or isinstance(self.script[0], tuple)):
            scripted = self.script.pop(0)
            answer = answer if scripted == "truth" else scripted
        if answer == "cut":
            request.send_response(200)
            request.send_header("Content-Length", "1000")
            request.end_headers()
            request.wfile.write(b'{"data": [')
            request.close_connection = True
            return
        assert not isinstance(answer, str)
        status, body, headers = answer
        self.read += len(body.get("data", ())) if isinstance(body.get("data"), list) else int("data" in body)
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(json.dumps(body).encode())

    def _truth(self, path: str, query: dict[str, str]) -> Answer:
        if path == "/2/users/by/username/us":
            return 200, {"data": {"id": "42", "username": "us", "name": "Us"}}, {}
        if path == "/2/users":
            ids = query["ids"].split(",")
            return 200, {"data": [{"id": each, "username": f"author{each}", "name": "A"} for each in ids]}, {}
        assert path == "/2/users/42/mentions"
        since, first = int(query.get("since_id", 0)), int(query.get("pagination_token", 0))
        most = int(query["max_results"])
        assert 5 <= most <= 100
        new = [
            post
            for post in self.posts
            if int(post["id"]) > since and post["created_at"][:19] >= query.get("start_time", "")[:19]
        ]
        page = new[max(first - self.repeats, 0) :][:most]
        end = max(first - self.repeats, 0) + len(page)
        meta: dict[str, Any] = {"result_count": len(page)} | ({"next_token": str(end)} if end < len(new) else {})
        return 200, {"meta": meta} | ({"data": page} if page else {}), {}


@pytest.fixture
def stand() -> Iterator[Stand]:
    stand = Stand()
    thread = Thread(target=stand.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield stand
    stand.server.shutdown()
    stand.server.server_close()


class Sensed:
    """A mentions sense that does not wait in its pauses; each `run` stands for a new process."""

    def __init__(self, folder: Path, stand: Stand) -> None:
        self.folder, self.stand = folder, stand
        self.told: list[Mentioned] = []
        self.notes: list[str] = []
        self.pauses: list[float] = []
        self.now = NOW
        self.between: Callable[[], None] = lambda: None

    def run(self, polls: int, **table: object) -> None:
        settings = MentionsSettings(kind="mentions", place="x", account="@us", **{"api": self.stand.url} | table)

        def pause(seconds: float) -> None:
            self.pauses.append(seconds)
            self.now += timedelta(seconds=seconds)
            self.between()
            if len(self.pauses) >= until:
                raise StopAsyncIteration

        until = len(self.pauses) + polls
        with closing(Database(self.folder / "x.db")) as database, suppress(StopAsyncIteration):
            context = Context(database, self.tell, self.notes.append)
            list(poll(settings, context, pause=pause, clock=self.clock))

    def clock(self) -> float:
        return self.now.timestamp()

    def tell(self, fact: Fact | RawMessage) -> None:
        assert isinstance(fact, Mentioned)
        self.told.append(fact)

    @property
    def posts(self) -> list[int]:
        return [int(fact.post) for fact in self.told]


@pytest.fixture
def sensed(tmp_path: Path, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Sensed:
    monkeypatch.setenv("KINWATCH_X_BEARER", "secret-token")
    return Sensed(tmp_path, stand)


def test_each_mention_is_published_once_oldest_first_with_its_author(sensed: Sensed, stand: Stand) -> None:
    for number in (101, 102, 103):
        stand.post(number)
    sensed.run(3)
    assert sensed.posts == [101, 102, 103]
    assert (sensed.told[0].author, sensed.told[0].words, sensed.told[0].place) == ("author7", "@us number 101", "x")
    assert sensed.told[0].at == NOW
    assert sensed.notes == ["", "", ""]
    assert sensed.pauses == [60, 60, 60]
    mentions = [asked for asked in stand.asked if asked["path"].endswith("mentions")]
    assert all(asked["token"] == "Bearer secret-token" for asked in mentions)
    assert mentions[0]["tweet.fields"] == "author_id,created_at"
    assert "since_id" not in mentions[0]
    assert [asked["since_id"] for asked in mentions[1:]] == ["103", "103"]
    assert [asked["path"] for asked in stand.asked].count("/2/users/by/username/us") == 1


def test_posts_of_many_pages_are_published_once_despite_duplicates(sensed: Sensed, stand: Stand) -> None:
    for number in range(1, 251):
        stand.post(number)
    stand.repeats = 3  # as if new posts arrived between two pages
    sensed.run(2)
    assert sensed.posts == list(range(1, 251))


def test_a_restart_loses_no_mention_and_repeats_none(sensed: Sensed, stand: Stand) -> None:
    stand.post(1)
    sensed.run(1)
    stand.post(2)
    sensed.run(1)
    stand.post(3)
    sensed.run(2)
    assert sensed.posts == [1, 2, 3]


def test_a_process_that_dies_while_publishing_publishes_all_again(sensed: Sensed, stand: Stand) -> None:
    told = []

    def die(fact: Fact | RawMessage) -> None:
        told.append(fact)
        if len(told) == 2:
            raise KeyboardInterrupt

    for number in (1, 2, 3):
        stand.post(number)
    settings = MentionsSettings(kind="mentions", place="x", account="us", api=stand.url)
    with closing(Database(sensed.folder / "x.db")) as database, pytest.raises(KeyboardInterrupt):
        list(poll(settings, Context(database, die, sensed.notes.append), clock=NOW.timestamp))
    sensed.run(1)  # what the failed transaction had published was rolled back
    assert sensed.posts == [1, 2, 3]


def test_old_posts_are_not_published(sensed: Sensed, stand: Stand) -> None:
    stand.post(1, at=NOW - timedelta(hours=3))
    stand.post(2, at=NOW - timedelta(minutes=2))
    sensed.run(1)
    assert sensed.posts == []  # posted before the first start
    stand.post(3, at=NOW + timedelta(minutes=1))
    sensed.run(1)
    assert sensed.posts == [3]
    stand.post(4, at=NOW + timedelta(minutes=2))
    stand.post(5, at=NOW + timedelta(hours=5))
    sensed.now = NOW + timedelta(hours=5)
    sensed.run(2)
    assert sensed.posts == [3, 5]


REFUSALS = {
    401: ("KINWATCH_X_BEARER", 3600),
    402: ("credits", 3600),
    403: ("access level", 3600),
    400: ("does not understand", 3600),
}


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_is_reported_and_retried_hourly_and_no_mention_is_lost(
    sensed: Sensed, stand: Stand, status: int
) -> None:
    stand.script = [(status, {"title": "No", "detail": "no"}, {})]
    sensed.between = lambda: stand.post(9, at=sensed.now) if len(sensed.pauses) == 1 else None
    sensed.run(2)
    words, wait_s = REFUSALS[status]
    assert words in sensed.notes[0]
    assert sensed.notes[1] == ""
    assert sensed.pauses == [wait_s, 60]
    assert sensed.posts == [9]


def test_the_sense_waits_for_the_reset_of_a_rate_limit(sensed: Sensed, stand: Stand) -> None:
    sensed.run(1)
    reset = sensed.now.timestamp() + 432
    stand.script = [(429, {"title": "Too Many Requests"}, {"x-rate-limit-reset": str(int(reset))})]
    sensed.run(1)
    assert sensed.pauses[-1] == pytest.approx(433)
    assert "wait" in sensed.notes[-1]


def test_pauses_grow_while_the_server_fails_or_the_connection_breaks(sensed: Sensed, stand: Stand) -> None:
    sensed.run(1)
    stand.post(1, at=sensed.now)
    stand.script = [(503, {}, {}), (500, {}, {}), "cut", "truth"]
    sensed.run(4)
    assert sensed.posts == [1]
    assert sensed.pauses[1:] == [60, 120, 240, 60]
    assert [bool(note) for note in sensed.notes[1:]] == [True, True, True, False]


def test_a_page_is_paid_for_only_once(sensed: Sensed, stand: Stand) -> None:
    sensed.run(1)
    for number in range(1, 151):
        stand.post(number, at=sensed.now)
    before = stand.read
    stand.script = ["truth", (503, {}, {})]
    sensed.run(2, names=False)
    assert sensed.posts == list(range(1, 151))
    assert stand.read - before == 150


def test_a_request_without_answer_costs_nothing(sensed: Sensed, stand: Stand) -> None:
    sensed.run(20, api="http://127.0.0.1:9", reads_a_day=10)
    assert "cannot be reached" in sensed.notes[-1]
    assert sensed.pauses[-1] == 900
    stand.post(1, at=sensed.now)
    sensed.run(1, reads_a_day=10)
    assert sensed.posts == [1]


def test_the_budget_of_a_day_is_never_exceeded_even_after_restarts(sensed: Sensed, stand: Stand) -> None:
    for day in range(2):
        sensed.now = NOW + timedelta(days=day)
        before = stand.read
        for number in range(40):
            sensed.between()
            stand.post(1000 * day + number + 1, at=sensed.now)
            sensed.run(1, reads_a_day=30, names=False)
            sensed.now = NOW + timedelta(days=day, minutes=number)
        assert 20 <= stand.read - before <= 30
        assert "budget" in sensed.notes[-1]
    assert len(set(sensed.posts)) == len(sensed.posts)


def test_the_budget_of_a_month_is_never_exceeded(sensed: Sensed, stand: Stand) -> None:
    for day in range(9):
        sensed.now = NOW + timedelta(days=day)
        for number in range(10):
            stand.post(100 * day + number + 1, at=sensed.now)
        sensed.run(1, reads_a_month=40, names=False)
    assert 30 <= stand.read <= 40


def test_more_mentions_than_the_budget_publish_the_newest(sensed: Sensed, stand: Stand) -> None:
    for number in range(1, 301):
        stand.post(number)
    sensed.run(2, reads_a_day=150, names=False)
    assert stand.read <= 150
    assert sensed.posts == sorted(sensed.posts)
    assert sensed.posts[-1] == 300
    assert "budget" in sensed.notes[0]


def test_an_author_is_a_number_without_budget_or_answer(sensed: Sensed, stand: Stand) -> None:
    stand.post(1, author=77)
    stand.script = ["truth", (503, {}, {})]
    sensed.run(1)
    assert [fact.author for fact in sensed.told] == ["77"]


def test_without_a_token_the_status_says_what_to_do(
    sensed: Sensed, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KINWATCH_X_BEARER")
    stand.post(1)
    sensed.run(2)
    assert "KINWATCH_X_BEARER" in sensed.notes[0]
    assert stand.asked == []
    monkeypatch.setenv("KINWATCH_X_BEARER", "secret-token")
    sensed.run(1)
    assert sensed.posts == [1]


def test_the_token_may_be_in_a_secrets_file(tmp_path: Path) -> None:
    (tmp_path / "KINWATCH_X_BEARER").write_text("from-a-file\n")
    assert bearer({"KINWATCH_SECRETS_DIR": str(tmp_path)}) == "from-a-file"
    assert bearer({}) is None


def test_an_unknown_account_is_reported(sensed: Sensed, stand: Stand) -> None:
    stand.script = [(200, {"errors": [{"title": "Not Found Error", "detail": "no user"}]}, {})]
    sensed.run(1)
    assert "knows no account @us" in sensed.notes[0]
    assert sensed.pauses == [3600]


def test_an_answer_that_is_not_json_is_reported_and_crashes_nothing(sensed: Sensed, stand: Stand) -> None:
    sensed.run(1)
    stand.script = [(200, {"data": [{"id": "x"}]}, {})]
    sensed.run(1)
    assert "cannot be read" in sensed.notes[-1]


@pytest.mark.parametrize("token", ["secret-token", ""])
def test_the_running_sense_publishes_mentions_and_its_status(
    tmp_path: Path, stand: Stand, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("KINWATCH_X_BEARER", token)
    stand.post(5, at=datetime.now(UTC) + timedelta(seconds=5))
    url, heard = f"loopback://{uuid4()}", list[tuple[str, dict[str, Any]]]()
    link = open_link(url, "listener", durable=False)
    link.listen("kinwatch/#", lambda topic, body: heard.append((topic, json.loads(body))), qos=1)

    def is_told() -> bool:
        wanted = "kinwatch/x/mentioned" if token else "no credentials"
        return any(wanted in (topic, str(body.get("detail"))[:14]) for topic, body in heard)

    settings = MentionsSettings(kind="mentions", place="x", account="us", api=stand.url)
    with link:
        assert link.wait_connected(30)
        interrupt_when(is_told)
        run_sense("x", sense, settings, HouseSettings(data_dir=tmp_path), url)
    assert is_told()
    assert [body["post"] for topic, body in heard if topic == "kinwatch/x/mentioned"] == (["5"] if token else [])
