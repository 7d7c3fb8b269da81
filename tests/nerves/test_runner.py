import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

import pytest

from nerves.broker import private_broker
from nerves.bus import open_link
from nerves.errors import CameraLost, KinwatchError, OutOfReach, SettingsError, StoreError
from nerves.exif import capture_time, with_capture_time
from nerves.link import Link
from nerves.messages import Fact, Frame, Heard, Say, Status, now
from nerves.process import Subscription, running
from nerves.runner import run_actuator, run_sense
from nerves.services import Actuator, Context, RawMessage, Sense, SenseSettings, ServiceSettings, Tick
from nerves.settings import HouseSettings
from tests.paths import ROOT
from tests.waiting import interrupt_when, scaled, soon

JPEG = base64.b64decode("/9j/2Q==")
DOOR = SenseSettings(kind="test", place="door")
VOICE = ServiceSettings(kind="test")


class Ear:
    """Keeps what travels."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.heard: list[tuple[str, bytes]] = []

    def facts(self, topic: str) -> list[dict[str, object]]:
        return [json.loads(payload) for heard, payload in self.heard if heard == topic]

    def states(self, service: str) -> list[object]:
        return [fact["state"] for fact in self.facts(f"kinwatch/status/{service}")]

    def words(self) -> list[object]:
        return [fact["words"] for fact in self.facts("kinwatch/door/heard")]


@pytest.fixture
def url() -> str:
    return f"loopback://{uuid4()}"


@pytest.fixture
def house(tmp_path: Path) -> HouseSettings:
    return HouseSettings(data_dir=tmp_path)


@pytest.fixture
def ear(url: str) -> Iterator[Ear]:
    yield from listening(url)


def listening(url: str) -> Generator[Ear, None, None]:
    link = open_link(url, f"ear-{uuid4()}", durable=False)
    ear = Ear(link)
    link.listen("kinwatch/#", lambda topic, payload: ear.heard.append((topic, payload)), qos=1)
    with link:
        assert link.wait_connected(30)
        yield ear


def heard(words: str) -> Heard:
    return Heard(place="door", words=words)


def test_a_sense_publishes_until_its_source_ends(ear: Ear, url: str, house: HouseSettings) -> None:
    at = now()

    def watch(_: SenseSettings) -> Iterable[Frame | Fact]:
        yield Frame("door", JPEG, at)
        yield heard("ding")

    run_sense("door", Sense(SenseSettings, watch), DOOR, house, url)
    assert soon(lambda: ear.states("door")[-1:] == ["offline"])
    assert ear.states("door")[0] == "online"
    assert ear.words() == ["ding"]
    frames = [payload for topic, payload in ear.heard if topic == "kinwatch/door/frame"]
    assert len(frames) == 1
    assert frames[0] == with_capture_time(JPEG, at)
    assert capture_time(frames[0]) == at


def test_a_sense_that_fails_says_so_and_ends(ear: Ear, url: str, house: HouseSettings) -> None:
    def watch(_: SenseSettings) -> Iterator[Frame]:
        message = "no camera at 0: is it plugged in?"
        raise CameraLost(message)

    with pytest.raises(CameraLost):
        run_sense("door", Sense(SenseSettings, watch), DOOR, house, url)
    assert soon(lambda: ear.states("door")[-1:] == ["offline"])
    assert ear.facts("kinwatch/status/door")[-1]["detail"] == "no camera at 0: is it plugged in?"


def test_a_package_that_is_missing_is_named(url: str, house: HouseSettings) -> None:
    def watch(_: SenseSettings) -> Iterator[Frame]:
        raise ModuleNotFoundError(name="cv3.gapi")

    with pytest.raises(SettingsError, match="needs the package cv3: pip install"):
        run_sense("door", Sense(SenseSettings, watch), DOOR, house, url)


def test_a_blocked_source_does_not_delay_the_end(url: str, house: HouseSettings) -> None:
    blocked, never = Event(), Event()

    def watch(_: SenseSettings) -> Iterator[Frame]:
        yield Frame("door", JPEG, now())
        blocked.set()
        never.wait(30)

    interrupt_when(blocked.is_set)
    began = time.monotonic()
    run_sense("door", Sense(SenseSettings, watch), DOOR, house, url)
    assert time.monotonic() - began < scaled(3)
    never.set()


def test_a_sense_with_subscriptions_receives_the_messages_of_its_topics(
    ear: Ear, url: str, house: HouseSettings
) -> None:
    taken: list[Fact] = []

    def watch(settings: SenseSettings, desk: Context, facts: Iterator[Fact]) -> Iterator[Fact]:
        ear.link.post("kinwatch/door/say", b"not JSON")
        for topic in ("kinwatch/gate/say", "kinwatch/door/say"):
            ear.link.post(topic, Say(place="x", words=topic).payload())
        taken.append(next(facts))
        desk.report("one has come")
        yield heard(f"{settings.place} {desk.name} {desk.database.path.name}")

    sense = Sense(SenseSettings, watch, lambda settings: [f"kinwatch/{settings.place}/say"])
    run_sense("door", sense, DOOR, house, url)
    assert soon(lambda: ear.words() == ["door door door.db"])
    [fact] = taken
    assert isinstance(fact, Say)
    assert (fact.place, fact.words) == ("door", "kinwatch/door/say")


@pytest.mark.mosquitto
def test_a_sense_waits_for_a_broker_that_comes_later(tmp_path: Path, house: HouseSettings) -> None:
    with private_broker(tmp_path) as broker:
        url = broker.url
    ready, over = Event(), Event()

    def watch(_: SenseSettings) -> Iterator[Fact]:
        ready.wait(30)
        yield heard("ding")
        over.wait(30)

    def later() -> None:
        time.sleep(0.5)
        with private_broker(tmp_path) as broker:
            assert broker.url == url
            for ear in listening(url):
                time.sleep(0.2)  # its subscription is granted
                ready.set()
                soon(ear.words)
                found.extend(ear.words())
            over.set()

    found: list[object] = []
    thread = Thread(target=later)
    thread.start()
    run_sense("door", Sense(SenseSettings, watch), DOOR, house, url)
    thread.join()
    assert found == ["ding"]


def send(ear: Ear, *words: str) -> None:
    for word in words:
        fact = heard(word)
        ear.link.post(fact.topic, fact.payload()).wait(30)


def voice(said: list[str], trouble: Callable[[str], None] = lambda _: None) -> Actuator:
    def act(_: ServiceSettings, messages: Iterator[Heard]) -> Iterator[Say]:
        for message in messages:
            trouble(message.words)
            said.append(message.words)
            yield Say(place="door", words=f"I heard {message.words}")

    return Actuator(ServiceSettings, Heard, act)


def run(url: str, house: HouseSettings, actuator: Actuator, until: Callable[[], object]) -> None:
    interrupt_when(until)
    run_actuator("voice", actuator, VOICE, house, url)


def test_an_actuator_gets_each_message_once_and_answers(ear: Ear, url: str, house: HouseSettings) -> None:
    said: list[str] = []

    def talk() -> None:
        soon(lambda: ear.states("voice"))
        send(ear, "one", "two")
        ear.link.post(*again).wait(30)
        ear.link.post(*again).wait(30)

    fact = heard("three")
    again = (fact.topic, fact.payload())
    Thread(target=talk, daemon=True).start()
    run(url, house, voice(said), lambda: len(ear.facts("kinwatch/door/say")) == 3)
    assert said == ["one", "two", "three"]
    assert soon(lambda: ear.states("voice")[-1] == "offline")


def test_a_failed_message_is_tried_later_and_delays_no_other(ear: Ear, url: str, house: HouseSettings) -> None:
    said: list[str] = []
    tries: list[str] = []

    def trouble(words: str) -> None:
        tries.append(words)
        if words == "one" and tries.count("one") == 1:
            message = "the disk is full"
            raise StoreError(message)

    def talk() -> None:
        soon(lambda: ear.states("voice"))
        send(ear, "one", "two")

    Thread(target=talk, daemon=True).start()
    run(url, house, voice(said, trouble), lambda: len(said) == 2)
    assert said == ["two", "one"]


def test_an_unexpected_error_ends_the_process_and_loses_nothing(ear: Ear, url: str, house: HouseSettings) -> None:
    said: list[str] = []

    def trouble(_: str) -> None:
        message = "a bug"
        raise RuntimeError(message)

    def talk() -> None:
        soon(lambda: ear.states("voice"))
        send(ear, "one")

    Thread(target=talk, daemon=True).start()
    with pytest.raises(RuntimeError, match="a bug"):
        run_actuator("voice", voice(said, trouble), VOICE, house, url)
    assert ear.facts("kinwatch/status/voice")[-1]["detail"] == "broke: RuntimeError('a bug')"
    run(url, house, voice(said), lambda: said)
    assert said == ["one"]


UNREADABLE = (b"{", b"[]", b"\xff", b'{"words": ' + b"1" * 5000 + b"}", b"[" * 100_000)


def test_an_unreadable_message_is_counted_and_dropped(ear: Ear, url: str, house: HouseSettings) -> None:
    said: list[str] = []

    def talk() -> None:
        soon(lambda: ear.states("voice"))
        for payload in (*UNREADABLE, b'{"words": "hello"}'):
            ear.link.post("kinwatch/door/heard", payload).wait(30)

    def counted() -> bool:
        counts = [fact["counts"] for fact in ear.facts("kinwatch/status/voice")]
        return {"done": 1, "failed": 0, "unreadable": len(UNREADABLE)} in counts

    Thread(target=talk, daemon=True).start()
    run(url, house, voice(said), counted)
    assert said == ["hello"]
    assert counted()


def test_an_actuator_waits_until_an_early_trouble_is_over(url: str, house: HouseSettings) -> None:
    said: list[str] = []
    tries: list[int] = []

    def act(settings: ServiceSettings, messages: Iterator[Heard]) -> Iterable[Fact]:
        tries.append(1)
        if len(tries) == 1:
            message = "the loudspeaker is off"
            raise KinwatchError(message)
        return voice(said).act(settings, messages)

    run(url, house, Actuator(ServiceSettings, Heard, act), lambda: len(tries) == 2)
    assert len(tries) == 2


@pytest.mark.timeout(30)
def test_messages_wait_in_order_while_the_target_is_out_of_reach_and_none_is_parked(
    ear: Ear, url: str, house: HouseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nerves.runner.MAX_TRIES", 1)
    monkeypatch.setattr("nerves.runner.RUNNER_PAUSES_S", (0.1, 0.1))
    said: list[str] = []
    tries: list[str] = []

    def trouble(words: str) -> None:
        tries.append(words)
        if len(tries) <= 3:
            message = "the server is away: is the internet there?"
            raise OutOfReach(message, longest_s=0.2)

    def talk() -> None:
        soon(lambda: ear.states("voice"))
        send(ear, "one", "two")

    Thread(target=talk, daemon=True).start()
    run(url, house, voice(said, trouble), lambda: len(said) == 2)
    assert said == ["one", "two"]
    assert tries == ["one"] * 4 + ["two"]


def test_the_status_names_the_unreachable_target_and_counts_waiting_messages(
    ear: Ear, url: str, house: HouseSettings
) -> None:
    def act(*_: object) -> Iterable[Fact]:
        message = "no such bucket: create it"
        raise OutOfReach(message)

    def told() -> list[tuple[object, object]]:
        facts = ear.facts("kinwatch/status/voice")
        return [(fact["detail"], fact["counts"].get("waiting")) for fact in facts if "detail" in fact]  # type: ignore[attr-defined]

    def talk() -> None:
        soon(lambda: ear.states("voice"))
        send(ear, "one", "two")

    Thread(target=talk, daemon=True).start()
    said = ("tries again: no such bucket: create it", 2)
    run(url, house, Actuator(ServiceSettings, Heard, act), lambda: said in told())
    assert said in told()


def test_wrong_settings_end_the_service(url: str, house: HouseSettings) -> None:
    def act(*_: object) -> Iterable[Fact]:
        message = "no credentials: set AWS_ACCESS_KEY_ID"
        raise SettingsError(message)

    with pytest.raises(SettingsError, match="no credentials"):
        run_actuator("voice", Actuator(ServiceSettings, Heard, act), VOICE, house, url)


def test_without_room_the_lowest_priority_is_dropped_and_counted(ear: Ear, url: str, house: HouseSettings) -> None:
    said: list[str] = []
    is_full = Event()

    def trouble(_: str) -> None:
        if not is_full.is_set():
            message = "the server is away"
            raise OutOfReach(message, longest_s=0.1)

    def dropped() -> bool:
        counts = [fact["counts"] for fact in ear.facts("kinwatch/status/voice")]
        return any(isinstance(each, dict) and each.get("dropped") == 2 for each in counts)

    def talk() -> None:
        soon(lambda: ear.states("voice"))
        send(ear, *("x" * 300 for _ in range(3)), "alarm" + "!" * 300)
        soon(dropped)
        is_full.set()

    base = voice(said, trouble)
    keen = Actuator(
        ServiceSettings, Heard, base.act, priority=lambda heard: "alarm" in heard.words, queue_mb=lambda _: 0.0011
    )
    Thread(target=talk, daemon=True).start()
    run(url, house, keen, lambda: len(said) == 2)
    assert dropped()
    assert [words[:5] for words in said] == ["alarm", "xxxxx"]


def test_an_actuator_that_takes_no_message_is_an_error(url: str, house: HouseSettings) -> None:
    with pytest.raises(RuntimeError, match="without taking a message"):
        run_actuator("voice", Actuator(ServiceSettings, Heard, lambda *_: ()), VOICE, house, url)


def test_an_actuator_may_return_after_each_message(ear: Ear, url: str, house: HouseSettings) -> None:
    said: list[str] = []

    def act(_: ServiceSettings, messages: Iterator[Heard]) -> tuple[()]:
        said.extend(message.words for message in [next(messages, None)] if message)
        return ()

    def talk() -> None:
        soon(lambda: ear.states("voice"))
        send(ear, "one", "two")

    Thread(target=talk, daemon=True).start()
    run(url, house, Actuator(ServiceSettings, Heard, act), lambda: len(said) == 2)
    assert said == ["one", "two"]


def test_an_actuator_receives_several_kinds_and_ticks(ear: Ear, url: str, house: HouseSettings) -> None:
    heard_: list[object] = []

    def act(_: ServiceSettings, messages: Iterator[Heard | Say | Tick], desk: Context) -> Iterator[Fact]:
        desk.report("no loudspeaker")
        for message in messages:
            heard_.append(message)
            if isinstance(message, Tick):
                yield Say(place="attic", words="a tick")

    def talk() -> None:
        soon(lambda: ear.states("voice"))
        send(ear, "one")
        ear.link.post("kinwatch/door/say", b'{"words": "two"}').wait(30)

    def done() -> bool:
        return {Heard, Say, Tick} <= {type(each) for each in heard_} and bool(ear.facts("kinwatch/attic/say"))

    Thread(target=talk, daemon=True).start()
    run(url, house, Actuator(ServiceSettings, (Heard, Say), act, tick_s=0.3), done)
    assert done()
    assert [message.words for message in heard_ if isinstance(message, Heard)] == ["one"]
    assert ear.facts("kinwatch/status/voice")[-2]["detail"] == "no loudspeaker"


def test_ticks_come_at_their_interval_however_many_messages_arrive(ear: Ear, url: str, house: HouseSettings) -> None:
    ticks: list[float] = []

    def act(_: ServiceSettings, messages: Iterator[Heard | Tick], __: Context) -> tuple[()]:
        for message in messages:
            if isinstance(message, Tick):
                ticks.append(time.monotonic())
            time.sleep(0.01)
        return ()

    def talk() -> None:
        soon(lambda: ear.states("voice"))
        for _ in range(10):
            send(ear, *"abcdefghij")

    Thread(target=talk, daemon=True).start()
    run(url, house, Actuator(ServiceSettings, Heard, act, tick_s=0.2), lambda: len(ticks) == 5)
    assert 0.7 < ticks[4] - ticks[0] < 3


def test_context_publish_sends_at_once_while_the_message_is_being_handled(
    ear: Ear, url: str, house: HouseSettings
) -> None:
    """And what a transaction takes back is not."""
    seen: list[bool] = []

    def act(_: ServiceSettings, messages: Iterator[Heard | Tick], desk: Context) -> tuple[()]:
        for message in messages:
            if isinstance(message, Heard):
                with suppress(StoreError), desk.database.transaction():
                    desk.publish(Say(place="door", words="taken back"))
                    raise StoreError
                desk.publish(Say(place="door", words=message.words))
                seen.append(bool(soon(lambda: ear.facts("kinwatch/door/say"))))
        return ()

    def talk() -> None:
        soon(lambda: ear.states("voice"))
        send(ear, "now")

    Thread(target=talk, daemon=True).start()
    run(url, house, Actuator(ServiceSettings, Heard, act, tick_s=60), lambda: seen)
    assert seen == [True]
    assert [fact["words"] for fact in ear.facts("kinwatch/door/say")] == ["now"]


def test_a_service_exchanges_raw_messages_with_a_foreign_peer(ear: Ear, url: str, house: HouseSettings) -> None:
    taken: list[object] = []

    def act(_: ServiceSettings, messages: Iterator[Heard | Status | RawMessage | Tick], desk: Context) -> tuple[()]:
        for message in messages:
            if isinstance(message, RawMessage):
                desk.publish(RawMessage("peer/state/lamp", message.body))
            taken.append(message.body if isinstance(message, RawMessage) else getattr(message, "words", None))
        return ()

    def heeds(_: ServiceSettings) -> Callable[[object], bool]:
        return lambda message: not isinstance(message, Heard) or message.words != "noise"

    def talk() -> None:
        soon(lambda: ear.states("voice"))
        send(ear, "noise", "two")
        ear.link.post("peer/set/lamp", b"on").wait(30)

    peer = Actuator(
        ServiceSettings,
        (Heard, Status),
        act,
        tick_s=60,
        subscriptions=lambda _: ["peer/set/+"],
        accepts=heeds,
        retained_topics=("peer/state/#",),
    )
    Thread(target=talk, daemon=True).start()
    run(url, house, peer, lambda: b"on" in taken)
    assert [each for each in taken if each] == ["two", b"on"]
    assert None in taken, "no status was heard"
    kept: list[tuple[str, bytes]] = []
    late = open_link(url, "late", durable=False)
    late.listen("peer/#", lambda *message: kept.append(message), qos=1)
    with late:
        assert soon(lambda: kept == [("peer/state/lamp", b"on")])


def test_a_changed_status_is_published_and_retained(ear: Ear, url: str) -> None:
    with running("brain", url, subscriptions=[Subscription("kinwatch/+/heard", lambda *_: None)]) as life:
        life.set_mode("night")
        life.set_status("thinking", visits=3)
        assert soon(lambda: [fact["detail"] for fact in ear.facts("kinwatch/status/brain")][-1:] == ["thinking"])
        newcomer = next(late := listening(url))
        assert soon(lambda: newcomer.facts("kinwatch/status/brain"))
        assert newcomer.facts("kinwatch/status/brain")[-1]["counts"] == {"visits": 3}
        assert newcomer.facts("kinwatch/status/brain")[-1]["mode"] == "night"
        late.close()
    assert soon(lambda: ear.states("brain")[-1:] == ["offline"])
    assert "mode" not in ear.facts("kinwatch/status/brain")[-1]


SERVICES = """
import pathlib, sys, time
from nerves.runner import run_actuator, run_sense
from nerves.messages import Heard
from nerves.services import Actuator, ServiceSettings, Sense, SenseSettings
from nerves.settings import HouseSettings

def watch(settings):
    time.sleep(60)
    yield

def act(settings, messages):
    for message in messages:
        with open(house.data_dir / "said", "a") as said:
            said.write(message.words + "\\n")
        if message.words == "slow":
            time.sleep(60)
    return ()

house = HouseSettings(data_dir=pathlib.Path(sys.argv[2]))
if sys.argv[1] == "sense":
    run_sense("door", Sense(SenseSettings, watch), SenseSettings(kind="t", place="door"), house, sys.argv[3])
else:
    run_actuator("voice", Actuator(ServiceSettings, Heard, act), ServiceSettings(kind="t"), house, sys.argv[3])
"""


def service(kind: str, folder: Path, url: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", SERVICES, kind, str(folder), url], cwd=ROOT)


@pytest.fixture
def real(tmp_path: Path) -> Iterator[tuple[str, Ear]]:
    with private_broker(tmp_path) as broker:
        for ear in listening(broker.url):
            yield broker.url, ear


@pytest.mark.timeout(60)
@pytest.mark.mosquitto
def test_sigterm_ends_a_blocked_sense_in_order(real: tuple[str, Ear], tmp_path: Path) -> None:
    url, ear = real
    with service("sense", tmp_path, url) as process:
        assert soon(lambda: ear.facts("kinwatch/status/door")[-1:] and "watching" in str(ear.heard[-1]))
        began = time.monotonic()
        process.terminate()
        assert process.wait(30) == 0
        assert time.monotonic() - began < scaled(3)
    assert soon(lambda: ear.states("door")[-1] == "offline")
    assert "detail" not in ear.facts("kinwatch/status/door")[-1] or not ear.facts("kinwatch/status/door")[-1]["detail"]


@pytest.mark.timeout(60)
@pytest.mark.mosquitto
def test_a_killed_service_leaves_its_last_will(real: tuple[str, Ear], tmp_path: Path) -> None:
    url, ear = real
    with service("sense", tmp_path, url) as process:
        assert soon(lambda: "online" in ear.states("door"))
        process.kill()
    assert soon(lambda: ear.states("door")[-1] == "offline")
    assert ear.facts("kinwatch/status/door")[-1]["detail"] == "ended without a word"


@pytest.mark.timeout(60)
@pytest.mark.mosquitto
def test_a_killed_actuator_goes_on_where_it_was(real: tuple[str, Ear], tmp_path: Path) -> None:
    url, ear = real
    said = tmp_path / "said"

    def lines() -> list[str]:
        return said.read_text().split() if said.exists() else []

    with service("act", tmp_path, url) as process:
        assert soon(lambda: "online" in ear.states("voice"))
        send(ear, "first", "slow", "waiting")
        assert soon(lambda: lines() == ["first", "slow"])
        process.kill()
    send(ear, "missed")
    said.write_text("")
    with service("act", tmp_path, url) as process:
        assert soon(lambda: lines() == ["slow"])  # it was not done
        process.kill()
    with service("act", tmp_path, url) as process:
        assert soon(lambda: lines() == ["slow", "slow"])
        process.terminate()
        assert process.wait(30) == 0
