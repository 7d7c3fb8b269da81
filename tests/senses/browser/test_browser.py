"""The page's server with real clients: websockets, HTTPS, and some hostile ones."""

import base64
import io
import json
import re
import socket
import ssl
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from nerves import process
from nerves.errors import MessageError, SettingsError
from nerves.exif import with_capture_time
from nerves.messages import (
    Box,
    CameraEnabled,
    Detection,
    Detections,
    Heard,
    LookCloser,
    Mode,
    People,
    PersonEntry,
    Said,
    Say,
    Visit,
    now,
)
from senses import hearing
from senses.browser import BrowserSettings, app, certificate, connection_guard, hub, motion_filter, wire
from senses.browser.album import MAX_VISITS, RecentVisits
from senses.browser.devices import CODE_S, Devices
from senses.browser.limits import AddressLimits, TokenBucket
from senses.browser.motion_filter import MotionFilter
from senses.browser.settings import browser_topics
from tests.pages import RATE, Page, served, spoken
from tests.paths import ROOT
from tests.waiting import scaled, soon

# The shortest bytes that begin and end like a JPEG.
JPEG = base64.b64decode("/9j/2Q==")
CLASSIC = json.dumps({"dataURI": {"contentType": "image/jpeg", "content": base64.b64encode(JPEG).decode()}})


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STATUS_EVERY_S", 0.1)
    monkeypatch.setattr(app, "REVOCATION_CHECK_S", 0.2)
    monkeypatch.setattr(hub, "ENABLED_WAIT_S", 0)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with served(tmp_path, tls="off") as running:
        yield running


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Page]:
    with served(tmp_path) as running:
        yield running


def visit(seq: int = 1, of: UUID | None = None, **more: object) -> Visit:
    fields: dict[str, Any] = {"place": "hall", "phase": "decided", "verdict": "stranger", "since": now(), "last": now()}
    return Visit.model_validate(fields | {"visit": of or uuid4(), "seq": seq} | more)


def hello(client: ClientConnection) -> dict[str, Any]:
    return dict(json.loads(client.recv(5)))


def told(client: ClientConnection, kind: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return the next message of this kind."""
    while True:
        message = json.loads(client.recv(5))
        if kind in message:
            return message[kind]


def told_off(client: ClientConnection, *messages: str | bytes) -> None:
    """Send messages and wait for the answer, until the connection ends."""
    for message in messages:
        client.send(message)
    client.recv(5)


# Pairing


def test_a_device_is_paired_once_by_the_code_in_the_log(secure: Page) -> None:
    code = secure.codes()[0]
    assert secure.ask("GET", "/me")[1] == {"place": "hall", "paired": False, "authority": True}
    status, answer, headers = secure.ask("POST", "/pair", {"code": code.lower(), "name": "tablet"})
    assert status == 200
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
    assert "SameSite=strict" in cookie
    assert secure.ask("GET", "/me", Cookie=cookie.partition(";")[0])[1]["paired"]
    assert secure.ask("POST", "/pair", {"code": code, "name": "again"})[0] == 403
    file = secure.folder / "hall.devices.json"
    assert answer["token"] not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_senses_at_one_address_do_not_unpair_each_other(page: Page) -> None:
    asked = {"code": page.codes()[0], "name": "tablet"}
    _, answer, headers = page.ask("POST", "/pair", asked)
    cookie = headers["set-cookie"].partition(";")[0]
    assert cookie == f"kinwatch-hall={answer['token']}"
    assert page.ask("GET", "/me", Cookie=f"{cookie}; kinwatch-porch=another")[1]["paired"]
    stale = {"Cookie": "kinwatch-hall=stale", "Authorization": f"Bearer {answer['token']}"}
    assert page.ask("GET", "/me", **stale)[1]["paired"]


def test_any_name_of_a_sense_can_name_a_cookie() -> None:
    names = [app.cookie_of(name) for name in ("hall", "front door; Path=/x", "front door", "entrée")]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[\w.%~-]+", name, re.ASCII) for name in names)


def test_a_page_gets_its_token_only_as_a_cookie(page: Page) -> None:
    answer = page.ask("POST", "/pair", {"code": page.codes()[0], "name": "x"}, Origin=page.url)
    assert answer[:2] == (200, {"paired": True})


def test_wrong_codes_are_limited_and_counted(page: Page) -> None:
    statuses = [page.ask("POST", "/pair", {"code": f"AAAA-{number:04}"})[0] for number in range(12)]
    assert statuses[:5] == [403] * 5
    assert set(statuses[6:]) == {429}
    assert soon(lambda: "wrong code" in page.status() and "too many codes" in page.status())
    # After that, even the right code is refused.
    assert page.ask("POST", "/pair", {"code": page.codes()[0]})[0] == 429
    assert page.ask("GET", "/me")[0] == 200


def test_a_new_code_can_be_requested_in_the_log(page: Page) -> None:
    assert page.ask("POST", "/call")[0] == 200
    assert len(page.codes()) == 2
    page.pair()
    assert [page.ask("POST", "/call")[0] for _ in range(3)] == [200, 200, 429]


def test_a_paired_device_invites_another_and_revokes_it(page: Page) -> None:
    token = page.pair("one")
    mine = {"Authorization": f"Bearer {token}"}
    status, invited, _ = page.ask("POST", "/invite", **mine)
    assert status == 200
    assert invited["svg"].startswith("<?xml")
    other = str(page.ask("POST", "/pair", {"code": invited["code"], "name": "two"})[1]["token"])
    devices = page.ask("GET", "/devices", **mine)[1]["devices"]
    assert [(each["name"], each["me"]) for each in devices] == [("one", True), ("two", False)]
    with page.connect(other) as client:
        assert page.ask("DELETE", f"/devices/{devices[1]['id']}", **mine)[0] == 200
        with pytest.raises(ConnectionClosed):
            client.recv(5)
    with pytest.raises(InvalidStatus):
        page.connect(other)


def test_a_device_deleted_in_the_file_is_disconnected_within_seconds(page: Page) -> None:
    token = page.pair()
    with page.connect(token) as client:
        (page.folder / "hall.devices.json").write_text("[]\n")
        with pytest.raises(ConnectionClosed):
            client.recv(6)
    assert page.ask("GET", "/devices", Authorization=f"Bearer {token}")[0] == 401


def test_no_device_may_connect_while_the_devices_file_cannot_be_read(page: Page) -> None:
    token = page.pair()
    mine = {"Authorization": f"Bearer {token}"}
    file = page.folder / "hall.devices.json"
    good = file.read_text()
    with page.connect(token) as client:
        file.write_text(good.replace("}\n", "},\n"))
        with pytest.raises(ConnectionClosed):
            client.recv(30)
    code = page.ask("POST", "/call")[0] and page.codes()[-1]
    for method, path, body in (("GET", "/devices", None), ("GET", "/me", None), ("POST", "/pair", {"code": code})):
        assert page.ask(method, path, body, **mine)[:2] == (503, {"error": "devices unreadable"})
    with pytest.raises(InvalidStatus, match="403"):
        page.connect(token)
    assert soon(lambda: "4 devices unreadable" in page.status(), 30)
    assert page.log.getvalue().count("no device may connect") == 1
    file.write_text(good)
    assert page.ask("GET", "/me", **mine)[1]["paired"]
    assert page.ask("POST", "/pair", {"code": code})[0] == 200
    with page.connect(token) as client:
        file.write_text("[]\n")
        with pytest.raises(ConnectionClosed):
            client.recv(30)


def test_a_device_name_with_invalid_characters_locks_nobody_out(page: Page) -> None:
    token = page.pair("\ud800 tab\nlet")
    answer = page.ask("GET", "/devices", Authorization=f"Bearer {token}")
    assert [each["name"] for each in answer[1]["devices"]] == ["tab let"]


@pytest.mark.parametrize("path", ["/devices", "/visits/x.jpg"])
def test_only_paired_devices_get_an_answer(page: Page, path: str) -> None:
    assert page.ask("GET", path)[0] == 401
    assert page.ask("GET", path, Authorization="Bearer nonsense", Cookie="kinwatch-hall=nonsense")[0] == 401
    with pytest.raises(InvalidStatus, match="403"):
        page.connect("nonsense")
    assert soon(lambda: "not paired" in page.status())


# Messages from clients


def test_a_picture_becomes_a_frame(page: Page) -> None:
    with page.connect(page.pair()) as client:
        client.send(JPEG)
        assert soon(page.frames)
    assert page.frames()[0].endswith(JPEG[2:])


def test_the_older_protocol_is_accepted(page: Page) -> None:
    with page.connect(page.pair()) as client:
        client.send(CLASSIC)
        client.send("who do you see")
        assert soon(lambda: page.frames() and page.facts("heard"))
        assert page.facts("heard")[0].words == "who do you see"
        page.publish(Say(place="hall", words="I see Alice"))
        assert client.recv(5) == "I see Alice"


def test_the_client_in_the_docs_gets_an_answer(page: Page, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "browser.md").read_text(encoding="utf-8")
    script = text.partition("```python\n")[2].partition("```")[0]
    (tmp_path / "door.jpg").write_bytes(JPEG)
    arguments = ["-c", script, page.url, page.codes()[0], str(tmp_path / "door.jpg")]
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True) as client:
        assert soon(lambda: page.facts("heard") and page.frames())
        page.publish(Say(place="hall", words="I see Alice"))
        assert client.communicate(timeout=8)[0] == "I see Alice\n"


def test_a_wrong_origin_is_refused(page: Page) -> None:
    token = page.pair()
    for origin in ("https://evil.example", f"{page.url}.evil.example", "null"):
        with pytest.raises(InvalidStatus, match="403"):
            page.connect(token, headers={"Origin": origin})
        assert page.ask("POST", "/invite", Authorization=f"Bearer {token}", Origin=origin)[0] == 403
    with page.connect(token, headers={"Origin": page.url}) as client:
        client.send("hello")
        assert soon(lambda: page.facts("heard"))
    assert soon(lambda: "6 wrong origin" in page.status())


def test_a_message_of_ten_megabytes_ends_only_its_own_connection(page: Page) -> None:
    token = page.pair()
    with page.connect(token) as good:
        with page.connect(token) as client, pytest.raises(ConnectionClosed):
            told_off(client, JPEG[:2] + bytes(10_000_000) + JPEG[2:])
        good.send(JPEG)
        assert soon(page.frames)
    assert len(page.frames()) == 1
    assert soon(lambda: "1 too large" in page.status())


@pytest.mark.timeout(60)
def test_two_hundred_connections_do_not_disturb_earlier_ones(page: Page) -> None:
    token = page.pair()
    with page.connect(token) as good:
        silent = [socket.create_connection(("127.0.0.1", page.port)) for _ in range(100)]
        welcome, refused = [], 0
        for _ in range(100):
            try:
                welcome.append(page.connect(token))
            except InvalidStatus:
                refused += 1
        assert (len(welcome), refused) == (15, 85)
        good.send(JPEG)
        assert soon(page.frames)
        assert page.ask("GET", "/me")[0] == 200
        for each in (*silent, *welcome):
            each.close()
    assert soon(lambda: "85 too many connections" in page.status())
    assert soon(lambda: page.status().startswith("0 connected"))
    page.connect(token).close()


def test_a_connection_without_a_request_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_guard, "FIRST_REQUEST_S", 0.3)
    monkeypatch.setattr(connection_guard, "MAX_OPEN_CONNECTIONS", 20)
    with served(tmp_path, tls="off") as page:
        silent = [socket.create_connection(("127.0.0.1", page.port)) for _ in range(30)]
        for each in silent:
            with each:
                each.settimeout(5)
                assert each.recv(1) == b""
        with page.connect(page.pair()) as client:
            time.sleep(0.5)
            client.send(JPEG)
            assert soon(page.frames)
        assert soon(lambda: "10 crowd" in page.status() and "20 idle" in page.status())


def test_pictures_that_come_too_fast_are_dropped(page: Page) -> None:
    with page.connect(page.pair()) as client:
        for _ in range(60):
            client.send(JPEG)
        client.send("done")
        assert soon(lambda: page.facts("heard"))
    assert 1 <= len(page.frames()) <= 8
    assert soon(lambda: "too fast" in page.status())


def test_a_client_that_sends_only_invalid_messages_is_disconnected(page: Page) -> None:
    token = page.pair()
    with page.connect(token) as bad, page.connect(token) as good:
        with pytest.raises(ConnectionClosed):
            told_off(bad, *400 * ["{"])
        good.send("still here")
        assert soon(lambda: page.facts("heard"))


@pytest.mark.timeout(60)
def test_random_messages_break_nothing(page: Page) -> None:
    token = page.pair()
    tables = st.dictionaries(
        st.sampled_from(["do", "dataURI", "on", "id", "visit", "who", "words", "group"]),
        st.recursive(
            st.none()
            | st.booleans()
            | st.floats()
            | st.text()
            | st.sampled_from(["camera", "spoke", "name", "heard", str(uuid4())]),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
            max_leaves=5,
        ),
    )
    messages = st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200),
        tables.map(json.dumps),
        st.just("[" * 50_000),
        st.just('{"a":' * 50_000),
    )
    held: list[ClientConnection] = []

    @settings(max_examples=150, deadline=None)
    @given(messages)
    def fuzz(message: str | bytes) -> None:
        if not held:
            held.append(page.connect(token))
        try:
            held[0].send(message)
        except ConnectionClosed:
            held.clear()

    fuzz()
    before = len(page.facts("heard"))
    with page.connect(token) as client:
        client.send("still here")
        assert soon(lambda: len(page.facts("heard")) > before and page.facts("heard")[-1].words == "still here")
    for each in held:
        each.close()
    assert soon(lambda: "unreadable" in page.status())


@settings(max_examples=200)
@given(st.text() | st.binary())
def test_any_message_is_read_or_refused(message: str | bytes) -> None:
    try:
        read = wire.read_bytes(message) if isinstance(message, bytes) else wire.read_text(message)
    except MessageError:
        return
    assert isinstance(read, wire.PageSpeech | wire.PagePicture | wire.Sound)


@pytest.mark.parametrize("body", [b"x" * 5000, b"[" * 4000, b"[]", b"\xff", b'{"code": 1, "name": {}}'])
def test_an_invalid_pairing_request_is_refused(page: Page, body: bytes) -> None:
    with socket.create_connection(("127.0.0.1", page.port)) as raw:
        raw.sendall(b"POST /pair HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert raw.recv(100).split()[1] in (b"400", b"403")


# Messages to pages


def test_a_page_gets_detections_and_draws_them(page: Page) -> None:
    with page.connect(page.pair(), is_page=True) as client:
        assert hello(client)["hello"]["place"] == "hall"
        sighting = Detection(label="person", box=Box(0.1, 0.2, 0.3, 0.4), score=0.9, verdict="family", who="Alice")
        page.publish(Detections(place="hall", detections=(sighting,)))
        [seen] = told(client, "detections")
        assert (seen["box"], seen["who"], seen["verdict"]) == ([0.1, 0.2, 0.3, 0.4], "Alice", "family")


def test_said_is_published_when_the_page_begins_to_speak(page: Page) -> None:
    with page.connect(page.pair(), is_page=True) as client:
        hello(client)
        page.publish(Say(place="all", words="Dinner is ready", language="en"))
        say = told(client, "say")
        assert (say["words"], say["language"]) == ("Dinner is ready", "en")
        client.send(json.dumps({"do": "spoke", "id": str(uuid4())}))
        client.send(json.dumps({"do": "spoke", "id": say["id"]}))
        assert soon(lambda: page.facts("said"))
    [said] = page.facts("said")
    assert said.words == "Dinner is ready"
    assert timedelta() < said.until - said.at < timedelta(seconds=5)
    assert soon(lambda: "1 unasked" in page.status())


def test_one_tap_labels_a_visit(page: Page) -> None:
    token = page.pair()
    with page.connect(token, is_page=True) as client:
        page.publish(People(place="brain", people=(PersonEntry(name="Alice", group="family"),)))
        assert told(client, "people") == [{"name": "Alice", "group": "family"}]
        page.publish(visit(picture=base64.b64encode(with_capture_time(JPEG, now()))))
        line = told(client, "visit")
        assert page.ask("GET", f"/visits/{line['visit']}.jpg", Authorization=f"Bearer {token}")[0] == 200
        client.send(json.dumps({"do": "name", "visit": line["visit"], "who": "Alice"}))
        assert told(client, "visit")["label"] == "Alice"
        client.send(json.dumps({"do": "name", "visit": str(uuid4()), "who": "Mallory"}))
        assert soon(lambda: "1 unasked" in page.status())
    [word] = page.facts("label")
    assert (word.who, word.group, str(word.visit)) == ("Alice", "family", line["visit"])


def test_a_visit_is_labelled_as_somebody_known(page: Page) -> None:
    token = page.pair()
    with page.connect(token, is_page=True) as client:
        page.publish(People(place="brain", people=(PersonEntry(name="Maria", group="known"),)))
        assert told(client, "people") == [{"name": "Maria", "group": "known"}]
        page.publish(visit())
        line = told(client, "visit")
        client.send(json.dumps({"do": "name", "visit": line["visit"], "who": "Maria", "group": "known"}))
        assert told(client, "visit")["label"] == "Maria"
        assert soon(lambda: page.facts("label"))
    [word] = page.facts("label")
    assert (word.who, word.group) == ("Maria", "known")


def test_a_place_has_one_camera(page: Page) -> None:
    token = page.pair()
    with page.connect(token, is_page=True) as first, page.connect(token, is_page=True) as second:
        assert hello(first)["camera"] is None
        first.send(json.dumps({"do": "camera", "on": True}))
        assert told(first, "camera") == "tablet"
        second.send(json.dumps({"do": "camera", "on": True}))
        assert told(first, "camera_taken") == "tablet"
        first.send(JPEG)
        assert soon(lambda: "1 second camera" in page.status())
        assert not page.frames()
        second.send(JPEG)
        assert soon(page.frames)


def test_the_page_shows_the_mode_in_force(page: Page) -> None:
    with page.connect(page.pair(), is_page=True) as client:
        assert hello(client)["hello"]["mode"] is None
        modes: tuple[Mode, ...] = ("home", "away")
        for mode in modes:
            page.publish(process.service_status("brain", "online", "busy", {"frames": 3}, mode))
            assert told(client, "mode") == mode
        page.publish(process.service_status("brain", "offline"))
        assert told(client, "mode") is None


def test_no_picture_is_taken_while_the_camera_is_switched_off(page: Page) -> None:
    with page.connect(page.pair(), is_page=True) as client:
        assert hello(client)["hello"]["disabled_by"] is None
        page.publish(CameraEnabled(place="hall", enabled=False, by="Alice"))
        assert told(client, "disabled_by") == "Alice"
        client.send(JPEG)
        assert soon(lambda: "1 camera switched off" in page.status())
        page.publish(CameraEnabled(place="hall", enabled=True))
        assert told(client, "disabled_by") is None
        assert not page.frames()
        client.send(JPEG)
        assert soon(page.frames)


def test_the_camera_stays_switched_off_when_the_sense_restarts(tmp_path: Path) -> None:
    with served(tmp_path, tls="off") as page:
        token = page.pair()
        with page.connect(token, is_page=True) as client:
            page.publish(CameraEnabled(place="hall", enabled=False, by="Alice"))
            assert told(client, "disabled_by") == "Alice"
    with served(tmp_path, tls="off") as page, page.connect(token, is_page=True) as client:
        assert hello(client)["hello"]["disabled_by"] == "Alice"
        client.send(JPEG)
        assert soon(lambda: "1 camera switched off" in page.status())
        assert not page.frames()


def test_no_picture_is_taken_before_the_broker_can_have_sent_the_camera_switch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "ENABLED_WAIT_S", 3600)
    with served(tmp_path, tls="off") as page, page.connect(page.pair()) as client:
        client.send(JPEG)
        assert soon(lambda: "1 too early" in page.status())
        assert not page.frames()
        page.publish(CameraEnabled(place="hall", enabled=True))
        page.publish(Say(place="hall", words="They are open"))
        assert client.recv(5) == "They are open"
        client.send(JPEG)
        assert soon(page.frames)


# Which pictures pass


def scene(step: int = 0) -> bytes:
    """Draw a room in which a block stands at `step`, as a JPEG."""
    picture, file = Image.new("L", (640, 360), 90), io.BytesIO()
    picture.paste(240, (100 * step, 60, 100 * step + 120, 300))
    picture.save(file, "JPEG")
    return file.getvalue()


def passed(pictures: dict[float, bytes], **table: object) -> list[float]:
    own = MotionFilter(BrowserSettings.model_validate({"kind": "browser", "place": "hall", **table}))
    return [at for at, jpeg in pictures.items() if own.passes(jpeg, at)]


def test_pictures_of_a_sending_device_pass_during_motion_and_once_a_sweep() -> None:
    still, moved = scene(), scene(1)
    seconds = {int(at) for at in passed({at / 5: still if at < 100 else moved for at in range(170)})}
    assert {*range(20)} & seconds == {0, 1, 2, 3, 13}
    assert {20, 21, 22, 23} <= seconds
    assert not {28, 29, 30} & seconds


def test_every_picture_of_a_device_that_sends_seldom_passes() -> None:
    assert passed({at: scene() for at in (0.0, 3.0, 6.0, 30.0)}, linger_s=0) == [0, 3, 6, 30]


def test_a_picture_that_cannot_be_decoded_passes() -> None:
    vast = scene().replace(b"\x01\x68\x02\x80", b"\xf0\x00\xf0\x00", 1)  # says that it has 61440 x 61440 pixels
    for jpeg in (JPEG, vast, scene()[:500]):
        assert passed(dict.fromkeys((0.0, 0.5, 1.0), jpeg), linger_s=0) == [0, 0.5, 1]


def test_without_motion_only_the_first_picture_of_each_connection_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(motion_filter, "SELDOM_INTERVAL_S", 3600)
    with served(tmp_path, tls="off", fps=30, linger_s=0, sweep_s=3600) as page:
        token = page.pair()
        with page.connect(token) as client:
            client.send(scene())
            assert soon(page.frames)
            for _ in range(5):
                client.send(scene())
            client.send("nothing moved")
            assert soon(lambda: page.facts("heard"))
            assert len(page.frames()) == 1
            client.send(scene(1))
            assert soon(lambda: len(page.frames()) == 2)
        assert soon(lambda: "no camera" in page.status())
        with page.connect(token) as client:
            client.send(scene())
            assert soon(lambda: len(page.frames()) == 3)
    assert "refused" not in page.status()


def test_for_a_closer_look_every_picture_passes_and_more_of_them(tmp_path: Path) -> None:
    with served(tmp_path, tls="off", fps=2, closer_fps=30, linger_s=0, sweep_s=3600) as page:
        token = page.pair()
        with page.connect(token, is_page=True) as client:
            assert hello(client)["hello"]["closer_fps"] == 30
            page.publish(LookCloser(place="hall", seconds=60))
            assert told(client, "look_closer") == 60
            for _ in range(20):
                before = len(page.frames())
                client.send(scene())  # nothing moves
                assert soon(lambda before=before: len(page.frames()) > before)  # type: ignore[misc]
    assert "too fast" not in page.status()


# Speech recognition


def sound(folder: Path) -> list[bytes]:
    """Return a sentence as a page sends it: messages of a tenth of a second, each with a byte that marks sound."""
    with wave.open(str(spoken(folder, "who is there"))) as file:
        pieces = [file.readframes(RATE // 10) for _ in range(file.getnframes() * 10 // RATE)]
    return [b"\x01" + piece for piece in pieces]


@pytest.mark.espeak
@pytest.mark.timeout(60)
def test_speech_becomes_words_but_not_the_speech_of_the_house(page: Page, tmp_path: Path) -> None:
    pieces = sound(tmp_path)
    with page.connect(page.pair()) as client:

        def say() -> None:
            for piece in pieces:
                client.send(piece)
                time.sleep(0.08)

        page.publish(Said(place="hall", words="who is there", until=now() + timedelta(seconds=0.1 * len(pieces))))
        say()
        assert soon(lambda: "microphone: tablet" in page.status())
        time.sleep(1)
        say()
        assert soon(lambda: page.facts("heard"), 30)
    [heard] = page.facts("heard")
    assert (heard.words, heard.place) == ("who is there", "hall")
    assert soon(lambda: "microphone:" not in page.status())


@pytest.mark.pocketsphinx
def test_too_much_sound_and_a_second_microphone_are_refused(page: Page) -> None:
    token, second = page.pair(), b"\x01" + bytes(2 * RATE)
    with page.connect(token, is_page=True) as first, page.connect(token, is_page=True) as other:
        for _ in range(6):
            first.send(second)
        assert soon(lambda: "3 too fast" in page.status())
        other.send(second)
        assert soon(lambda: "1 second microphone" in page.status())
        other.send(json.dumps({"do": "microphone", "on": True}))
        assert told(first, "microphone_taken") == "tablet"
        for damaged in (b"\x01", b"\x01\x00", b"\x01" + bytes(2 * RATE + 2)):
            first.send(damaged)
        assert soon(lambda: "3 unreadable" in page.status())


@pytest.mark.pocketsphinx
def test_the_page_shows_why_speech_cannot_be_recognised(tmp_path: Path) -> None:
    with (
        served(tmp_path, tls="off", ear={"names": ["Xyzzy"]}) as page,
        page.connect(page.pair(), is_page=True) as client,
    ):
        assert hello(client)["hello"]["missing"] == ""
        while "no speech recognition" not in page.status():
            client.send(b"\x01\x00\x00")
            time.sleep(0.1)
        assert "'xyzzy' is not in the recogniser's dictionary" in told(client, "missing")


def test_the_page_shows_what_to_install_for_speech_recognition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "NEEDED", ("no_such_package",))
    with served(tmp_path, tls="off") as page, page.connect(page.pair(), is_page=True) as client:
        assert hello(client)["hello"]["missing"] == "pip install 'kinwatch[microphone]'"
        client.send(b"\x01\x00\x00")
        assert soon(lambda: "1 no speech recognition" in page.status())


# Greetings


def test_each_visit_is_greeted_once(tmp_path: Path) -> None:
    with (
        served(tmp_path, tls="off", greets=["family"], language="fr", album="off") as page,
        page.connect(page.pair(), is_page=True) as client,
    ):
        hello(client)
        alice: dict[str, Any] = {"verdict": "family", "who": "Alice"}
        decided = visit(**alice)
        for each in (
            visit(verdict="stranger"),
            visit(**alice, at=now() - timedelta(minutes=1)),
            visit(**alice, place="porch"),
            decided,
            decided,
            visit(2, decided.visit, **alice, phase="ended"),
        ):
            page.publish(each)
        page.publish(Say(place="hall", words="the last"))
        assert told(client, "say") == {"id": str(decided.id), "words": "Bonjour Alice.", "language": "fr"}
        assert told(client, "say")["words"] == "the last"


def test_quiet_hours_stop_greetings_but_no_other_sentences(tmp_path: Path) -> None:
    local = now().astimezone()
    quiet = f"{local - timedelta(hours=1):%H:%M}-{local + timedelta(hours=1):%H:%M}"
    with (
        served(tmp_path, tls="off", greets=["family"], quiet=quiet) as page,
        page.connect(page.pair(), is_page=True) as client,
    ):
        page.publish(visit(verdict="family", who="Alice"))
        page.publish(Say(place="hall", words="Dinner is ready"))
        assert told(client, "say")["words"] == "Dinner is ready"


# Certificate


def test_only_clients_that_trust_the_household_trust_the_certificate(secure: Page) -> None:
    assert secure.ask("GET", "/")[2]["content-security-policy"].startswith("default-src 'self'")
    with pytest.raises(ssl.SSLCertVerificationError), socket.create_connection(("127.0.0.1", secure.port)) as raw:
        ssl.create_default_context().wrap_socket(raw, server_hostname="127.0.0.1")
    for name in ("server.key", "authority.key"):
        assert (secure.folder / "https" / name).stat().st_mode & 0o777 == 0o600


def test_a_certificate_is_reused_until_a_name_is_added(tmp_path: Path) -> None:
    first = certificate.certified(tmp_path, ("milan", "127.0.0.1"))
    served = first.certificate.read_bytes()
    assert certificate.certified(tmp_path, ("milan",)) == first
    assert first.certificate.read_bytes() == served
    assert certificate.certified(tmp_path, ("milan", "pi.local", "192.168.1.9")).fingerprint == first.fingerprint
    assert first.certificate.read_bytes() != served
    # The authority cannot sign this name, so a new authority is made.
    assert certificate.certified(tmp_path, ("milan", "home.example.org")).fingerprint != first.fingerprint


def test_the_authority_signs_only_names_of_home_networks(tmp_path: Path) -> None:
    papers = certificate.certified(tmp_path, ("pi", "203.0.113.7"))
    limits = x509.load_pem_x509_certificate(papers.authority.read_bytes()).extensions.get_extension_for_class(
        x509.NameConstraints
    )
    assert limits.critical
    names = [str(each.value) for each in limits.value.permitted_subtrees or []]
    assert "203.0.113.7/32" in names
    assert "192.168.0.0/16" in names
    assert not {"com", "", "0.0.0.0/0"} & {*names}


# Pure parts


def test_a_code_expires() -> None:
    clock = [0.0]
    devices = Devices(Path("/nowhere/devices.json"), clock=lambda: clock[0])
    code = devices.code()
    clock[0] = CODE_S + 1
    assert devices.pair(code, "late") is None


def test_the_error_for_a_broken_devices_file_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "devices.json"
    file.write_text("{")
    with pytest.raises(SettingsError, match="delete it and pair again"):
        Devices(file)


def test_a_token_bucket_passes_a_burst_and_then_its_rate() -> None:
    clock = [0.0]
    pace = TokenBucket(2, burst=3, clock=lambda: clock[0])
    assert [pace.allows() for _ in range(5)] == [True] * 3 + [False] * 2
    clock[0] = 1.0
    assert [pace.allows() for _ in range(3)] == [True, True, False]
    guard = AddressLimits(1, burst=2, clock=lambda: clock[0])
    assert [guard.allows("a") for _ in range(3)] == [True, True, False]
    assert guard.allows("b")


def test_the_page_keeps_the_last_visits_and_their_pictures() -> None:
    album, first = RecentVisits(), uuid4()
    picture = base64.b64encode(JPEG)
    assert album.put(visit(1, first, picture=picture))
    assert album.put(visit(2, first, verdict="family", who="Alice"))
    assert album.put(visit(1, first)) is None
    assert album.picture(str(first)) == JPEG
    for _ in range(MAX_VISITS):
        album.put(visit())
    assert album.picture(str(first)) is None
    assert len(album.lines()) == MAX_VISITS


def test_a_bare_off_in_yaml_means_off() -> None:
    table: dict[str, Any] = {"kind": "browser", "place": "hall", "tls": False, "album": "off"}
    read = BrowserSettings.model_validate(table)
    assert (read.tls, read.address) == ("off", "127.0.0.1")
    assert browser_topics(read) == (
        *(f"kinwatch/hall/{kind}" for kind in ("detections", "say", "said", "enabled", "look_closer")),
        "kinwatch/all/say",
    )


def test_the_error_names_a_port_that_is_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(SettingsError, match="check listen and port"),
            served(tmp_path, port=port, listen="127.0.0.1"),
        ):
            pass


def test_spoken_words_are_published_at_once(page: Page) -> None:
    with page.connect(page.pair()) as client:
        began = time.monotonic()
        client.send("ding")
        assert soon(lambda: page.facts("heard"))
        assert time.monotonic() - began < scaled(2)
    assert isinstance(page.facts("heard")[0], Heard)
