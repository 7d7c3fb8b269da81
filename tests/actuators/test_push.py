import base64
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Self, cast
from uuid import UUID

import pytest
from uuid6 import uuid7

from actuators.push import PushSettings, push
from actuators.push.services import resolve_secrets
from nerves.bus import open_link
from nerves.database import Database
from nerves.errors import SettingsError
from nerves.link import Link
from nerves.messages import Acknowledged, Fact, Label, Say, Visit, now
from nerves.plugins import read_actuator
from nerves.services import Context, Tick
from nerves.settings import load
from tests.faults import Broker, free_port
from tests.paths import ROOT
from tests.waiting import soon

pytest.importorskip("apprise")
# Nothing of these visits is a picture, and nothing looks into it: what matters is that each byte arrives.
JPEG = b"\xff\xd8" + bytes(range(256)) * 40 + b"\xff\xd9"


class Phone:
    """A push service at a real port: it may be slow, refuse, or be away."""

    def __init__(self) -> None:
        self.port = free_port()
        self.answers = 200
        self.delay_s = 0.0
        self.got: list[dict[str, Any]] = []
        self.refused = 0
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        phone = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(phone.delay_s)
                phone.take(body)
                self.send_response(phone.answers)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        self._server = None

    def take(self, body: bytes) -> None:
        if self.answers == 200:
            self.got.append(json.loads(body))
        else:
            self.refused += 1

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}"

    def texts(self) -> list[str]:
        return [letter["message"] for letter in self.got]

    def pictures(self) -> list[bytes]:
        return [base64.b64decode(each["base64"]) for letter in self.got for each in letter["attachments"]]


@pytest.fixture
def phone() -> Iterator[Phone]:
    with Phone() as phone:
        yield phone


@pytest.fixture
def second() -> Iterator[Phone]:
    with Phone() as phone:
        yield phone


def visit(seq: int = 1, verdict: str = "stranger", **fields: object) -> Visit:
    at = now()
    told: dict[str, Any] = {
        "visit": uuid7(),
        "place": "hall",
        "seq": seq,
        "phase": "decided" if seq < 3 else "corrected",
        "verdict": verdict,
        "alert": seq < 3 and verdict in ("stranger", "unidentified"),
        "since": at,
        "last": at,
        "picture": base64.b64encode(JPEG),
    }
    return Visit.model_validate(told | fields)


class Running:
    """The actuator at work on its own file: what it is given, and what it tells and notes."""

    def __init__(self, folder: Path, chosen: PushSettings) -> None:
        self._settings = chosen
        self._folder = folder
        self._messages: SimpleQueue[Fact | None] = SimpleQueue()
        self.told: list[Fact] = []
        self.notes: list[str] = [""]

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._messages.put(None)
        self._thread.join()

    def send(self, *facts: Fact) -> None:
        for fact in facts:
            self._messages.put(fact)

    def said(self) -> list[tuple[str, str]]:
        return [(fact.place, fact.words) for fact in self.told if isinstance(fact, Say)]

    def _run(self) -> None:
        with Database(self._folder / "phone.db") as database:
            desk = Context(database, lambda fact: self.told.append(cast("Fact", fact)), self.notes.append, "phone")
            push(self._settings, self._given(), desk)

    def _given(self) -> Iterator[Any]:
        while True:
            try:
                message = self._messages.get(timeout=0.02)
            except Empty:
                yield Tick()
                continue
            if message is None:
                return
            yield message


def settings(**table: object) -> PushSettings:
    return PushSettings.model_validate({"kind": "push"} | table)


def at_rest(folder: Path) -> dict[str, list[dict[str, Any]]]:
    with closing(sqlite3.connect(folder / "phone.db")) as file:
        file.row_factory = sqlite3.Row
        tables = ("alerts", "visits", "deliveries", "updates")
        return {table: [dict(row) for row in file.execute(f"SELECT * FROM {table}")] for table in tables}  # noqa: S608


def quiet_now(**more: object) -> dict[str, Any]:
    """Return quiet hours around this very minute."""
    local = datetime.now().astimezone()
    begin, end = local - timedelta(minutes=2), local + timedelta(minutes=30)
    return {"quiet": f"{begin:%H:%M}-{end:%H:%M}"} | more


def test_an_alert_arrives_once_with_each_byte_of_its_picture(tmp_path: Path, phone: Phone) -> None:
    alert = visit()
    with Running(tmp_path, settings(urls=[phone.url])) as run:
        run.send(alert, alert, alert.model_copy(update={"seq": 2, "phase": "ended", "alert": False}))
        assert soon(lambda: phone.got)
        time.sleep(0.3)
    (letter,) = phone.got
    assert letter["title"] == "Kinwatch: hall"
    assert letter["message"] == f"A stranger at {alert.since.astimezone():%H:%M}."
    assert phone.pictures() == [JPEG]
    assert letter["attachments"][0]["filename"] == "hall.jpg"


def test_what_alerts_nobody_is_not_pushed(tmp_path: Path, phone: Phone) -> None:
    with Running(tmp_path, settings(urls=[phone.url], on=["stranger"])) as run:
        run.send(visit(verdict="family", who="Alice"), visit(alert=False), visit(verdict="unidentified"))
        time.sleep(0.4)
    assert phone.got == []


def test_a_late_picture_of_a_known_stranger_says_so(tmp_path: Path, phone: Phone) -> None:
    with Running(tmp_path, settings(urls=[phone.url], picture=False, language="fr")) as run:
        run.send(visit(stranger="stranger-7", times=3))
        assert soon(lambda: phone.got)
    assert ", ici pour la 3e fois." in phone.texts()[0]
    assert phone.pictures() == []


@pytest.mark.timeout(30)
def test_away_then_slow_then_broken_then_well_it_arrives_once_and_says_how_late(tmp_path: Path, phone: Phone) -> None:
    phone.stop()
    alert = visit(at=now() - timedelta(minutes=12))
    with Running(tmp_path, settings(urls=[f"{phone.url}?cto=1&rto=1"])) as run:
        run.send(alert)
        assert soon(lambda: "no answer" in run.notes[-1])
        phone.answers, phone.delay_s = 500, 1.5
        phone.start()
        assert soon(lambda: phone.refused == 1)
        phone.delay_s = 0.0
        assert soon(lambda: "answers 500" in run.notes[-1])
        phone.answers = 200
        assert soon(lambda: phone.got, 12)
        assert soon(lambda: run.notes[-1] == "")
        time.sleep(0.3)
    assert [text.partition("(")[2] for text in phone.texts()] == ["12 minutes ago)"]
    assert phone.pictures() == [JPEG]


def test_one_service_that_is_away_does_not_ring_the_other_twice(tmp_path: Path, phone: Phone, second: Phone) -> None:
    second.stop()
    with Running(tmp_path, settings(urls=[phone.url, second.url])) as run:
        run.send(visit())
        assert soon(lambda: phone.got and "no answer" in run.notes[-1])
        second.start()
        assert soon(lambda: second.got)
    assert (len(phone.got), len(second.got)) == (1, 1)


def test_a_slow_service_holds_nobody_up(tmp_path: Path, phone: Phone, second: Phone) -> None:
    phone.delay_s = 3.0
    with Running(tmp_path, settings(urls=[phone.url, second.url])) as run:
        run.send(visit(), visit())
        assert soon(lambda: len(second.got) == 2, 2)
        assert phone.got == []


def test_a_token_that_is_refused_is_said_and_tried_slowly(tmp_path: Path, phone: Phone) -> None:
    phone.answers = 401
    with Running(tmp_path, settings(urls=[f"{phone.url.replace('//', '//me:hush@')}"])) as run:
        run.send(visit())
        assert soon(lambda: run.notes[-1])
        time.sleep(1.5)
    assert phone.refused == 1
    assert run.notes[-1].endswith("answers 401: check its address and token; 1 waiting")
    assert "hush" not in str(run.notes)
    assert "hush" not in str(at_rest(tmp_path))


def test_a_service_that_refuses_the_picture_gets_the_text(tmp_path: Path, phone: Phone) -> None:
    phone.answers = 413
    with Running(tmp_path, settings(urls=[phone.url])) as run:
        run.send(visit())
        assert soon(lambda: phone.refused)
        phone.answers = 200
        assert soon(lambda: phone.got)
    assert phone.pictures() == []


def test_a_family_verdict_corrects_an_alert(tmp_path: Path, phone: Phone) -> None:
    alert = visit(verdict="unidentified")
    name = visit(3, "family", visit=alert.visit, who="Alice")
    with Running(tmp_path, settings(urls=[phone.url])) as run:
        run.send(alert)
        assert soon(lambda: phone.got)
        run.send(name, name.model_copy(update={"seq": 4, "phase": "ended"}))
        assert soon(lambda: len(phone.got) == 2)
        time.sleep(0.2)
    assert phone.texts()[1:] == ["That was Alice."]
    assert phone.pictures() == [JPEG]
    assert at_rest(tmp_path)["visits"][0]["picture"] == JPEG  # kept for a minute, until all is told
    with Running(tmp_path, settings(urls=[phone.url])):
        assert soon(lambda: at_rest(tmp_path)["visits"][0]["picture"] is None)


def test_who_was_not_alerted_yet_gets_no_correction(tmp_path: Path, phone: Phone) -> None:
    alert = visit(verdict="unidentified")
    with Running(tmp_path, settings(urls=[phone.url], **quiet_now())) as run:
        run.send(alert, visit(3, "family", visit=alert.visit, who="Alice"))
        time.sleep(0.3)
    assert phone.got == []
    with Running(tmp_path, settings(urls=[phone.url])) as run:
        time.sleep(0.3)
    assert phone.got == []


def test_somebody_who_turns_out_to_be_a_stranger_is_pushed_where_only_strangers_are(
    tmp_path: Path, phone: Phone
) -> None:
    alert = visit(verdict="unidentified")
    with Running(tmp_path, settings(urls=[phone.url], on=["stranger"])) as run:
        run.send(alert, visit(3, "stranger", visit=alert.visit))
        assert soon(lambda: phone.got)
    assert phone.texts()[0].startswith("A stranger")


def test_the_same_stranger_cools_down_and_a_new_one_breaks_through(tmp_path: Path, phone: Phone) -> None:
    def stranger(name: str | None, times: int | None = None, place: str = "hall") -> Visit:
        return visit(stranger=name, times=times, place=place)

    with Running(tmp_path, settings(urls=[phone.url])) as run:
        run.send(stranger("stranger-7"), stranger("stranger-7", times=2))
        run.send(stranger("stranger-7", place="porch"), stranger("stranger-8"), stranger(None), stranger(None))
        assert soon(lambda: len(phone.got) == 5)
        time.sleep(0.3)
    assert len(phone.got) == 5
    with Running(tmp_path, settings(urls=[phone.url], cooldown_s=0)) as run:
        run.send(stranger("stranger-7", times=4))
        assert soon(lambda: len(phone.got) == 6)


def test_quiet_hours_hold_what_is_not_excepted(tmp_path: Path, phone: Phone) -> None:
    unclear = visit(verdict="unidentified", place="porch")
    with Running(tmp_path, settings(urls=[phone.url], **quiet_now())) as run:
        run.send(unclear, visit())
        assert soon(lambda: phone.got)
        time.sleep(0.3)
        assert [letter["title"] for letter in phone.got] == ["Kinwatch: hall"]
        run.send(visit(3, "stranger", visit=unclear.visit, place="porch"))  # now it is
        assert soon(lambda: len(phone.got) == 2)
    assert all(row["starts"] <= time.time() for row in at_rest(tmp_path)["alerts"])


def test_what_quiet_hours_held_rings_when_they_end(tmp_path: Path, phone: Phone) -> None:
    with Running(tmp_path, settings(urls=[phone.url], **quiet_now())) as run:
        run.send(visit(verdict="unidentified"))
        time.sleep(0.3)
    (row,) = at_rest(tmp_path)["alerts"]
    assert 28 * 60 < row["starts"] - time.time() <= 30 * 60
    with closing(sqlite3.connect(tmp_path / "phone.db")) as file, file:
        file.execute("UPDATE alerts SET starts = ?", [time.time()])
    with Running(tmp_path, settings(urls=[phone.url])):
        assert soon(lambda: phone.got)


def steps(phone: Phone, second: Phone, **more: object) -> PushSettings:
    contacts = [{"urls": [second.url], "after_s": 0.5}, {"say": "hall", "after_s": 1}]
    return settings(urls=[phone.url], contacts=contacts, **more)


def test_an_alert_that_nobody_acknowledges_goes_on_to_the_voice(tmp_path: Path, phone: Phone, second: Phone) -> None:
    with Running(tmp_path, steps(phone, second)) as run:
        run.send(visit())
        assert soon(lambda: phone.got)
        assert second.got == []
        assert soon(lambda: second.got)
        assert run.told == []
        assert soon(lambda: run.told)
        time.sleep(0.3)
    assert (len(phone.got), len(second.got), len(run.told)) == (1, 1, 1)
    ((place, words),) = run.said()
    assert (place, words.partition(" at")[0]) == ("hall", "Attention, hall. A stranger")


def test_who_is_named_in_two_steps_rings_twice(tmp_path: Path, phone: Phone) -> None:
    contacts = [{"urls": [phone.url], "after_s": 0.5}]
    with Running(tmp_path, settings(urls=[phone.url], contacts=contacts)) as run:
        run.send(visit())
        assert soon(lambda: len(phone.got) == 2)
        time.sleep(0.3)
    assert phone.texts()[0] == phone.texts()[1]
    assert phone.pictures() == [JPEG, JPEG]


@pytest.mark.parametrize("how", ["acknowledged", "told", "family"])
def test_it_stops_everywhere_as_soon_as_somebody_knows(tmp_path: Path, phone: Phone, second: Phone, how: str) -> None:
    alert = visit()
    word = {
        "acknowledged": Acknowledged(place="hall", visit=alert.visit, by="Bob"),
        "told": Label(place="hall", visit=alert.visit, who="Carol", group="guest"),
        "family": visit(3, "family", visit=alert.visit, who="Alice"),
    }[how]
    text = {"acknowledged": "Bob has taken note.", "told": "That was Carol.", "family": "That was Alice."}[how]
    with Running(tmp_path, steps(phone, second)) as run:
        run.send(alert)
        assert soon(lambda: phone.got)
        run.send(word, word)
        assert soon(lambda: len(phone.got) == 2)
        run.send(visit(5, "guest", visit=alert.visit, who="Carol"))
        time.sleep(1.2)
    assert phone.texts()[1] == text
    assert len(phone.got) == (2 if how == "told" else 3)
    assert (second.got, run.told) == ([], [])


def test_every_alerted_contact_learns_who_acknowledged(tmp_path: Path, phone: Phone, second: Phone) -> None:
    alert = visit()
    with Running(tmp_path, steps(phone, second)) as run:
        run.send(alert)
        assert soon(lambda: second.got)
        run.send(Acknowledged(place="hall", visit=alert.visit))
        assert soon(lambda: len(phone.got) == len(second.got) == 2)
        time.sleep(0.6)
    assert phone.texts()[1] == second.texts()[1] == "Somebody has taken note."
    assert run.told == []


def test_a_label_that_arrives_before_the_alert_stops_it(tmp_path: Path, phone: Phone) -> None:
    alert = visit()
    with Running(tmp_path, settings(urls=[phone.url])) as run:
        run.send(Acknowledged(place="hall", visit=alert.visit), alert)
        time.sleep(0.4)
    assert phone.got == []


def test_an_alert_that_waits_is_dropped_once_somebody_has_taken_note(tmp_path: Path, phone: Phone) -> None:
    phone.stop()
    alert = visit()
    with Running(tmp_path, settings(urls=[phone.url])) as run:
        run.send(alert)
        assert soon(lambda: run.notes[-1])
        run.send(Acknowledged(place="hall", visit=alert.visit))
        phone.start()
        assert soon(lambda: run.notes[-1] == "")
        time.sleep(1.2)
    assert phone.got == []


def test_state_is_for_its_owner_alone_and_old_state_goes(tmp_path: Path, phone: Phone) -> None:
    sending = tmp_path / "phone.sending"
    sending.mkdir()
    (sending / "left.jpg").write_bytes(JPEG)
    with Running(tmp_path, settings(urls=[phone.url])) as run:
        run.send(visit())
        assert soon(lambda: phone.got)
        time.sleep(0.1)
    assert [*sending.iterdir()] == []
    assert (tmp_path / "phone.db").stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(tmp_path / "phone.db")) as file, file:
        file.execute("UPDATE alerts SET at = at - 8 * 86400")
    with Running(tmp_path, settings(urls=[phone.url])):
        assert soon(lambda: not any(at_rest(tmp_path).values()))


@pytest.mark.timeout(60)
@pytest.mark.mosquitto
def test_killed_between_two_steps_the_next_one_still_comes_once(tmp_path: Path, phone: Phone, second: Phone) -> None:
    (tmp_path / "kinwatch.yaml").write_text(
        f"""
actuators:
  phone:
    kind: push
    urls: ["{phone.url}"]
    contacts: [{{urls: ["{second.url}"], after_s: 4}}, {{say: hall, after_s: 6}}]
"""
    )
    alert = visit()
    with Broker(persistence=True) as broker, house(tmp_path, broker.url) as heard:
        with actor(tmp_path, broker.url) as process:
            assert soon(lambda: "kinwatch/status/phone" in heard.topics())
            heard.send(alert)
            assert soon(lambda: phone.got)
            assert soon(lambda: told(tmp_path) == 1)  # killed between the two, it would ring twice
            process.send_signal(signal.SIGKILL)
        assert second.got == []
        for wanted in (lambda: told(tmp_path) == 2, heard.said):
            with actor(tmp_path, broker.url) as process:
                assert soon(wanted, 12)
                process.send_signal(signal.SIGKILL)
        before = heard.statuses()
        with actor(tmp_path, broker.url) as process:
            assert soon(lambda: heard.statuses() > before, 12)
            time.sleep(1)  # long enough for a step that is done twice to ring
            process.terminate()
            assert process.wait(30) == 0
        assert (len(phone.got), len(second.got), len(heard.said())) == (1, 1, 1)


def told(folder: Path) -> int:
    """Return how many have been told, and it is on the disk."""
    return sum(delivery["delivered"] for delivery in at_rest(folder / "data")["deliveries"])


class Heard:
    """A link that keeps what travels."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.all: dict[UUID, tuple[str, bytes]] = {}

    def receive(self, topic: str, body: bytes) -> None:
        self.all[UUID(json.loads(body)["id"])] = (topic, body)

    def topics(self) -> set[str]:
        return {topic for topic, _ in self.all.values()}

    def statuses(self) -> int:
        """Return how many processes have said that they are online: such a process can be told to stop.

        The last will of a killed process comes late: it must not count.
        """
        bodies = [body for topic, body in self.all.values() if topic == "kinwatch/status/phone"]
        return sum(b'"state":"online"' in body for body in bodies)

    def send(self, fact: Fact) -> None:
        assert self.link.post(fact.topic, fact.payload()).wait(30)

    def said(self) -> list[str]:
        return [Say.read(topic, body).words for topic, body in self.all.values() if topic == "kinwatch/hall/say"]


@contextmanager
def house(_: Path, url: str) -> Iterator[Heard]:
    link = open_link(url, "ear", durable=False)
    heard = Heard(link)
    link.listen("kinwatch/#", heard.receive, qos=1)
    with link:
        assert link.wait_connected(30)
        yield heard


@contextmanager
def actor(folder: Path, url: str) -> Iterator["subprocess.Popen[bytes]"]:
    env = os.environ | {"KINWATCH_MQTT_URL": url, "KINWATCH_DATA_DIR": str(folder / "data")}
    command = [sys.executable, "-m", "kinwatch", "act", "phone", "--config", str(folder / "kinwatch.yaml")]
    with subprocess.Popen(command, env=env, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def read(folder: Path, table: str, **environ: str) -> PushSettings:
    (folder / "kinwatch.yaml").write_text(f"actuators:\n  phone: {{kind: push, {table}}}\n")
    loaded = load(folder / "kinwatch.yaml", environ={"KINWATCH_DATA_DIR": str(folder / "data")} | environ)
    found = read_actuator(loaded, "phone")[1]
    assert isinstance(found, PushSettings)
    return found


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("urls: []", "nobody would be notified"),
        ('urls: ["nfty://us"]', r"no service is called nfty://: did you mean ntfy://\?"),
        ('urls: ["us"]', "service://"),
        ('urls: ["tgram://x"]', "tgram://... is not complete"),
        ('urls: ["ntfy://me:hush@host/us"]', "is no place for one: write"),
        ('urls: ["ntfy://${NO_SUCH}@host/us"]', "NO_SUCH.* is not set"),
        ('urls: ["ntfy://us"], quiet: "25:00-07:00"', "actuators.phone.quiet: .*no hours: write them as 22:00-07:00"),
        ('urls: ["ntfy://us"], texts: {stranger: "{nam} is there"}', r"\{nam\} is not a field: did you mean name\?"),
        ('urls: ["ntfy://us"], texts: {stranger: "{name"}', "written twice"),
        ('urls: ["ntfy://us"], cooldown: 3', "did you mean cooldown_s"),
        ('contacts: [{urls: ["ntfy://us"], after_s: 60}, {say: hall}]', "order of after_s"),
        ("contacts: [{after_s: 60}]", "notifies nobody"),
    ],
)
def test_wrong_settings_are_refused_with_what_to_do(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as error:
        read(tmp_path, table)
    assert "hush" not in str(error.value)
    assert "\n" not in str(error.value)


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(SettingsError, match=r"needs the package apprise: pip install 'kinwatch\[push\]'"):
        read(tmp_path, 'urls: ["ntfy://us"]')


def test_a_secret_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTFY_LOGIN", "me:hush")
    assert "hush" not in repr(read(tmp_path, 'urls: ["ntfy://${NTFY_LOGIN}@host/us"]'))
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "OTHER").write_text("me:hush\n")
    monkeypatch.setenv("KINWATCH_SECRETS_DIR", str(tmp_path / "secrets"))
    assert resolve_secrets("ntfy://${OTHER}@host/us") == "ntfy://me:hush@host/us"
    whole = '["ntfy://me:hush@host/us"]'
    assert read(tmp_path, "on: [stranger]", KINWATCH_ACTUATORS__PHONE__URLS=whole).urls == ("ntfy://me:hush@host/us",)
