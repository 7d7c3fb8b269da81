import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from nerves.bus import open_link
from nerves.errors import BrokerUnavailable, SettingsError
from nerves.link import BusMessage, Link
from nerves.loopback import Loopback, LoopbackLink
from nerves.mqtt import MqttLink
from nerves.topics import matches
from tests.faults import HOST, Broker, Cable, amqtt, free_port
from tests.paths import ROOT
from tests.waiting import scaled, soon

# paho leaves the socket of a failed handshake to the garbage collector.
unclosed = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

Open = Callable[..., Link]


@pytest.fixture(params=["loopback", pytest.param("mqtt", marks=pytest.mark.mosquitto)])
def connect(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Give a function that makes a link to one bus: `connect(name, durable=..., birth_message=...)`."""
    if request.param == "loopback":
        bus = Loopback()
        yield lambda name, **options: LoopbackLink(bus, name, **options)
    else:
        with Broker() as broker:
            yield lambda name, **options: MqttLink(broker.url, name, **{"durable": False} | options)


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker(persistence=True) as broker:
        yield broker


class Ear(list[tuple[str, bytes]]):
    """Keeps what it hears."""

    def __call__(self, topic: str, payload: bytes) -> None:
        self.append((topic, payload))

    @property
    def payloads(self) -> list[bytes]:
        return [payload for _, payload in self]

    def wait(self, count: int, timeout_s: float = 5) -> list[bytes]:
        soon(lambda: len(self) >= count, timeout_s)
        return self.payloads


def listening(link: Link, ear: Callable[[str, bytes], None], pattern: str = "kinwatch/+/visit") -> Link:
    link.listen(pattern, ear, qos=1)
    return link


def test_a_published_payload_arrives_unchanged(connect: Open) -> None:
    ear = Ear()
    with listening(connect("ear"), ear) as there, connect("mouth") as here:
        assert there.wait_connected(30)
        assert here.wait_connected(30)
        receipt = here.post("kinwatch/hall/visit", b"\x00\xff")
        assert receipt.wait(30)
        assert receipt.refused is None
        ear.wait(1)
    assert ear == [("kinwatch/hall/visit", b"\x00\xff")]


def test_published_messages_arrive_in_order(connect: Open) -> None:
    ear = Ear()
    sent = [b"%d" % number for number in range(100)]
    with listening(connect("ear"), ear) as there, connect("mouth") as here:
        assert there.wait_connected(30)
        assert here.wait_connected(30)
        receipts = [here.post("kinwatch/hall/visit", payload) for payload in sent]
        assert all(receipt.wait(30) for receipt in receipts)
        assert ear.wait(100) == sent


def test_only_subscribed_topics_are_received(connect: Open) -> None:
    ear = Ear()
    with listening(connect("ear"), ear) as there, connect("mouth") as here:
        assert there.wait_connected(30)
        assert here.wait_connected(30)
        here.post("kinwatch/hall/frame", b"other")
        here.post("kinwatch/hall/visit/more", b"deeper")
        here.post("kinwatch/hall/visit", b"mine")
        assert ear.wait(1) == [b"mine"]


def test_two_listeners_share_a_pattern(connect: Open) -> None:
    one, other = Ear(), Ear()
    link = listening(listening(connect("ear"), one), other)
    with link, connect("mouth") as here:
        assert link.wait_connected(30)
        assert here.wait_connected(30)
        here.post("kinwatch/hall/visit", b"x")
        assert one.wait(1) == other.wait(1) == [b"x"]


def test_a_monitor_sees_qos_and_retained_flag(connect: Open) -> None:
    with connect("early") as early:
        assert early.wait_connected(30)
        assert early.post("kinwatch/status/hall", b"kept", retain=True).wait(30)
    letters: list[BusMessage] = []
    link = connect("ear")
    link.monitor("kinwatch/#", letters.append)
    with link, connect("mouth") as here:
        assert link.wait_connected(30)
        assert here.wait_connected(30)
        soon(lambda: letters)
        here.offer("kinwatch/hall/frame", b"now")
        soon(lambda: len(letters) == 2)
        here.post("kinwatch/hall/visit", b"surely")
        here.post("kinwatch/status/hall", b"kept too", retain=True)
        soon(lambda: len(letters) == 4)
    assert [(letter.payload, letter.qos, letter.retained) for letter in letters] == [
        (b"kept", 1, True),
        (b"now", 0, False),
        (b"surely", 1, False),
        (b"kept too", 1, True),
    ]


def test_an_offer_arrives(connect: Open) -> None:
    ear = Ear()
    link = connect("ear")
    link.listen("kinwatch/+/frame", ear, qos=0)
    with link, connect("mouth") as here:
        assert link.wait_connected(30)
        assert here.wait_connected(30)
        assert here.offer("kinwatch/hall/frame", b"jpeg")
        assert ear.wait(1) == [b"jpeg"]


def test_the_last_offer_before_the_end_is_sent(connect: Open) -> None:
    ear = Ear()
    with listening(connect("ear"), ear, "kinwatch/+/frame") as there:
        assert there.wait_connected(30)
        with connect("mouth") as here:
            assert here.wait_connected(30)
            assert here.offer("kinwatch/hall/frame", bytes(300_000))
        assert len(ear.wait(1)[0]) == 300_000


def test_a_closed_link_takes_nothing(connect: Open) -> None:
    link = connect("mouth")
    for _ in range(2):
        assert not link.connected
        assert link.trouble
        assert not link.offer("kinwatch/hall/frame", b"")
        with pytest.raises(BrokerUnavailable):
            link.post("kinwatch/hall/visit", b"")
        if link.connections:
            return
        with link:
            assert link.wait_connected(30)
            assert not link.trouble
    pytest.fail("it never connected")


@pytest.mark.parametrize("topic", ["", "kinwatch/+/visit", "kinwatch/#", "a\0b"])
def test_nothing_can_be_published_on_a_pattern(connect: Open, topic: str) -> None:
    with connect("mouth") as link:
        assert link.wait_connected(30)
        with pytest.raises(ValueError, match="not a topic"):
            link.post(topic, b"")
        with pytest.raises(ValueError, match="not a topic"):
            link.offer(topic, b"")
        assert link.post("fine", b"").wait(30)


def test_a_latecomer_gets_what_was_retained(connect: Open) -> None:
    ear, late = Ear(), Ear()
    with connect("mouth") as here:
        assert here.wait_connected(30)
        assert here.post("kinwatch/hall/visit", b"kept", retain=True).wait(30)
        with listening(connect("ear"), ear):
            assert ear.wait(1) == [b"kept"]
        assert here.post("kinwatch/hall/visit", b"", retain=True).wait(30)
        with listening(connect("late"), late) as there:
            assert there.wait_connected(30)
            here.post("kinwatch/hall/visit", b"new")
            assert late.wait(1) == [b"new"]


def test_the_birth_message_is_retained(connect: Open) -> None:
    ear = Ear()
    with connect("mouth", birth_message=("kinwatch/status/hall", b"online")) as here:
        assert here.wait_connected(30)
        with listening(connect("ear"), ear, "kinwatch/status/+"):
            assert ear.wait(1) == [b"online"]


def test_a_message_that_a_durable_link_could_not_take_is_delivered_again(connect: Open) -> None:
    ear = Ear()
    failures = [OSError("the disk is full"), None, None]

    def receive(topic: str, payload: bytes) -> None:
        if error := failures.pop(0):
            raise error
        ear(topic, payload)

    with listening(connect("ear", durable=True), receive) as there, connect("mouth") as here:
        assert there.wait_connected(30)
        assert here.wait_connected(30)
        here.post("kinwatch/hall/visit", b"1")
        here.post("kinwatch/hall/visit", b"2")
        assert ear.wait(2) == [b"1", b"2"]


def test_a_link_survives_an_error_of_its_listener(connect: Open) -> None:
    ear = Ear()

    def receive(topic: str, payload: bytes) -> None:
        if payload == b"bad":
            raise RuntimeError
        ear(topic, payload)

    with listening(connect("ear"), receive) as there, connect("mouth") as here:
        assert there.wait_connected(30)
        assert here.wait_connected(30)
        for payload in (b"bad", b"good"):
            here.post("kinwatch/hall/visit", payload)
        assert ear.wait(1) == [b"good"]
        assert there.connections == 1


@pytest.mark.parametrize(("durable", "heard"), [(True, [b"away", b"now"]), (False, [b"now"])])
def test_only_a_durable_link_receives_messages_sent_while_it_was_away(
    connect: Open, *, durable: bool, heard: list[bytes]
) -> None:
    with listening(connect("ear", durable=durable), Ear()) as there:
        assert there.wait_connected(30)
    ear = Ear()
    with connect("mouth") as here:
        assert here.wait_connected(30)
        assert here.post("kinwatch/hall/visit", b"away").wait(30)
        with listening(connect("ear", durable=durable), ear) as there:
            assert there.wait_connected(30)
            here.post("kinwatch/hall/visit", b"now").wait(30)
            soon(lambda: b"now" in ear.payloads)
    assert ear.payloads == heard


def test_a_listener_may_answer(connect: Open) -> None:
    ear = Ear()
    voice = connect("voice")

    def repeat(_: str, words: bytes) -> None:
        voice.post("kinwatch/hall/say", words)

    voice.listen("kinwatch/+/heard", repeat, qos=1)
    with voice, listening(connect("ear"), ear, "kinwatch/+/say") as there, connect("mouth") as here:
        assert all(link.wait_connected(30) for link in (voice, there, here))
        here.post("kinwatch/hall/heard", b"hello")
        assert ear.wait(1) == [b"hello"]


# Levels that mean something to a broker, and some that do not.
LEVELS = st.lists(st.sampled_from(["a", "b", "", "$x", "+"]), min_size=1, max_size=4)


@given(LEVELS, st.booleans(), st.lists(st.sampled_from(["a", "b", "", "$x"]), min_size=1, max_size=4))
def test_both_links_match_alike(pattern: list[str], rest: bool, topic: list[str]) -> None:  # noqa: FBT001
    wanted = "/".join([*pattern, *["#"] * rest])
    if wanted:
        assert matches(wanted, "/".join(topic)) == topic_matches_sub(wanted, "/".join(topic))


def test_loopback_links_meet_by_name() -> None:
    ear = Ear()
    there = listening(open_link("loopback://meet", "ear", durable=False), ear)
    with there, open_link("loopback://meet", "mouth", durable=False) as here:
        here.post("kinwatch/hall/visit", b"x")
        assert ear.wait(1) == [b"x"]


@pytest.mark.parametrize(
    "url",
    [
        *["", "mqtt", "http://house", "mqtt://", "mqtt://house:port", "mqtt://house:0", "mqtt://house/topic"],
        *["mqtt://me:pa/ss@house", "mqtt://house?ca=x", "mqtts://house?key=x", "mqtts://house?what=x"],
        *["mqtt://:pass@house", "localhost:1883"],
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"mqtt\.url") as caught:
        open_link(url, "mouth", durable=False)
    assert "pass" not in str(caught.value).replace("password", "")
    assert "pa/ss" not in str(caught.value)


def test_a_certificate_that_is_not_there_is_named() -> None:
    link = open_link("mqtts://house?ca=/nowhere/ca.pem", "mouth", durable=False)
    with pytest.raises(SettingsError, match="ca="), link:
        pass


def test_a_missing_broker_is_reported_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    url = f"mqtt://me:secret@{HOST}:{free_port()}"
    with open_link(url, "mouth", durable=False) as link:
        soon(lambda: "is it running?" in link.trouble)
        soon(lambda: len(caplog.records) == 1)
        assert not link.wait_connected(1.2)  # it tries again, and says nothing new
    assert len(caplog.records) == 1
    assert f"me@{HOST}" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.mosquitto
class TestMosquitto:
    def test_a_wrong_password_says_what_to_check(self) -> None:
        with Broker(users={"me": "right"}) as broker:
            url = broker.url.replace("//", "//me:wrong-one@")
            with open_link(url, "mouth", durable=False) as link:
                soon(lambda: "refuses this user name or password" in link.trouble)
                assert "KINWATCH_MQTT_PASSWORD" in link.trouble
                assert "wrong-one" not in link.trouble
            with open_link(url, "mouth", durable=False, password="right") as link:
                assert link.wait_connected(30)

    def test_a_receipt_says_that_the_broker_refuses(self) -> None:
        with Broker(users={"me": "x"}, acl="user me\ntopic write kinwatch/hall/visit") as broker:
            url = broker.url.replace("//", "//me:x@")
            with open_link(url, "mouth", durable=False) as link:
                assert link.wait_connected(30)
                good, bad = (link.post(f"kinwatch/{place}/visit", b"") for place in ("hall", "porch"))
                assert good.wait(30)
                assert bad.wait(30)
                assert (good.refused, bad.refused) == (None, "Not authorized")

    def test_a_message_that_is_too_large_is_refused_without_a_disconnect(self) -> None:
        with (
            Broker(conf=("max_packet_size 1000",)) as broker,
            open_link(broker.url, "a", durable=False) as link,
        ):
            assert link.wait_connected(30)
            receipt = link.post("kinwatch/hall/visit", bytes(2000))
            assert receipt.wait(30)
            assert "larger than" in str(receipt.refused)
            assert link.offer("kinwatch/hall/frame", bytes(2000))
            soon(lambda: link.offer("kinwatch/hall/frame", bytes(2000)))
            assert link.post("kinwatch/hall/visit", b"small").wait(30)
            assert link.connections == 1

    def test_a_broker_that_was_killed_is_found_again(self, broker: Broker) -> None:
        ear = Ear()
        with (
            listening(open_link(broker.url, "ear", durable=True), ear) as there,
            open_link(broker.url, "mouth", durable=False, birth_message=("kinwatch/status/m", b"on")) as here,
        ):
            assert there.wait_connected(30)
            assert here.wait_connected(30)
            broker.kill()
            soon(lambda: not here.connected and not there.connected)
            assert "lost" in here.trouble or "running" in here.trouble
            with pytest.raises(BrokerUnavailable):
                here.post("kinwatch/hall/visit", b"")
            broker.start()
            assert there.wait_connected(30)
            assert here.wait_connected(30)
            assert here.post("kinwatch/hall/visit", b"again").wait(30)
            assert ear.wait(1) == [b"again"]
            assert here.connections == 2

    def test_a_message_in_flight_survives_a_cut(self, broker: Broker) -> None:
        ear = Ear()
        with (
            Cable(broker.port) as cable,
            listening(open_link(broker.url, "ear", durable=True), ear) as there,
            open_link(cable.url, "mouth", durable=False) as here,
        ):
            assert there.wait_connected(30)
            assert here.wait_connected(30)
            cable.freeze()
            receipt = here.post("kinwatch/hall/visit", b"in flight")
            assert not receipt.wait(0.2)
            cable.cut()
            cable.thaw()
            soon(lambda: not here.connected)
            cable.mend()
            assert receipt.wait(30)
            assert receipt.refused is None
            assert set(ear.wait(1)) == {b"in flight"}

    def test_an_offer_is_skipped_while_the_last_one_is_unsent(self, broker: Broker) -> None:
        with Cable(broker.port) as cable, open_link(cable.url, "mouth", durable=False) as link:
            assert link.wait_connected(30)
            cable.freeze()
            taken = 0
            for _ in range(50):
                taken += link.offer("kinwatch/hall/frame", bytes(1_000_000))
                time.sleep(0.01)
            assert taken < 15  # what the kernel's buffers hold, and one
            cable.thaw()
            soon(lambda: link.offer("kinwatch/hall/frame", b""))

    def test_a_message_that_a_killed_process_had_not_stored_is_delivered_again(self, broker: Broker) -> None:
        ear = Ear()
        with open_link(broker.url, "mouth", durable=False) as here:
            assert here.wait_connected(30)
            process = dying_ear(broker.url)
            here.post("kinwatch/hall/visit", b"unkept").wait(30)
            assert process.wait(30) == -9
            with listening(open_link(broker.url, "ear", durable=True), ear):
                assert ear.wait(1) == [b"unkept"]
                time.sleep(0.2)
        assert ear.payloads == [b"unkept"]

    def test_the_last_will_of_a_killed_process_is_retained(self, broker: Broker) -> None:
        ear = Ear()
        with open_link(broker.url, "mouth", durable=False) as here:
            assert here.wait_connected(30)
            process = dying_ear(broker.url)
            here.post("kinwatch/hall/visit", b"").wait(30)
            assert process.wait(30) == -9
            with listening(open_link(broker.url, "late", durable=False), ear, "kinwatch/status/ear"):
                soon(lambda: b"offline" in ear.payloads)

    def test_two_processes_with_one_name_are_reported(self, broker: Broker) -> None:
        with (
            open_link(broker.url, "same", durable=False) as one,
            open_link(broker.url, "same", durable=False) as other,
        ):
            soon(lambda: "use the id same" in one.trouble + other.trouble, 9)

    @unclosed
    def test_tls_trusts_only_the_configured_authority(self, tmp_path: Path) -> None:
        ca, key = certificate(tmp_path)
        conf = (f"cafile {ca}", f"certfile {ca}", f"keyfile {key}")
        with Broker(conf=conf) as broker:
            url = broker.url.replace("mqtt", "mqtts")
            with open_link(url, "mouth", durable=False) as link:
                soon(lambda: "is not trusted" in link.trouble)
                assert "?ca=" in link.trouble
            ear = Ear()
            with listening(open_link(f"{url}?ca={ca}", "ear", durable=True), ear, "kinwatch/+/frame") as link:
                assert link.wait_connected(30)
                assert link.offer("kinwatch/hall/frame", bytes(500_000))
                assert link.post("kinwatch/porch/frame", b"last").wait(30)
                assert ear.wait(2) == [bytes(500_000), b"last"]

    @unclosed
    def test_tls_on_a_plain_port_is_reported(self, broker: Broker) -> None:
        with open_link(broker.url.replace("mqtt", "mqtts"), "mouth", durable=False) as link:
            soon(lambda: "its port for mqtts?" in link.trouble)

    def test_a_frozen_broker_does_not_delay_the_end(self, broker: Broker) -> None:
        with open_link(broker.url, "mouth", durable=False) as link:
            assert link.wait_connected(30)
            broker.pause()
            start = time.monotonic()
        assert time.monotonic() - start < scaled(3)
        broker.resume()


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for this machine, and its key."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("the openssl program is not here")
    ca, key = folder / "ca.pem", folder / "key.pem"
    new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=house"
    files = ["-keyout", str(key), "-out", str(ca)]
    command = [openssl, *new.split(), "-addext", f"subjectAltName=IP:{HOST}", *files]
    subprocess.run(command, check=True, capture_output=True)
    return ca, key


def dying_ear(url: str) -> subprocess.Popen[bytes]:
    """Start a process that is killed while it receives its first message; it listens on return."""
    script = """if True:
        import os, signal, sys, time
        from nerves.bus import open_link
        will = ("kinwatch/status/ear", b"offline")
        link = open_link(sys.argv[1], "ear", durable=True, last_will=will)
        link.listen("kinwatch/+/visit", lambda *_: os.kill(os.getpid(), signal.SIGKILL), qos=1)
        with link:
            assert link.wait_connected(30)
            time.sleep(0.1)
            print(flush=True)
            time.sleep(20)
    """
    root = str(ROOT)
    process = subprocess.Popen(
        [sys.executable, "-c", script, url],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": root},
    )
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    return process


def test_a_server_that_is_no_broker_is_reported() -> None:
    with socket.create_server((HOST, 0)) as server:
        Thread(target=shut_the_door, args=[server], daemon=True).start()
        with open_link(f"mqtt://{HOST}:{server.getsockname()[1]}", "mouth", durable=False) as link:
            soon(lambda: "does not speak MQTT" in link.trouble)


def shut_the_door(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            visitor, _ = server.accept()
            visitor.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            visitor.close()


def test_an_old_broker_is_spoken_to_in_its_own_protocol(tmp_path: Path) -> None:
    pytest.importorskip("amqtt", reason="amqtt is not installed")
    ear = Ear()
    with (
        amqtt(tmp_path) as url,
        listening(open_link(url, "ear", durable=True), ear) as there,
        open_link(url, "mouth", durable=False) as here,
    ):
        assert there.wait_connected(30)
        assert here.wait_connected(30)
        assert here.post("kinwatch/hall/visit", b"hello").wait(30)
        assert ear.wait(1) == [b"hello"]
        assert (here.connections, here.trouble) == (1, "")
