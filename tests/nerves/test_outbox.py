import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nerves.bus import open_link
from nerves.database import Database
from nerves.durable_queue import DurableQueue
from nerves.loopback import Loopback, LoopbackLink
from nerves.outbox import Outbox
from tests.faults import Broker
from tests.waiting import soon

TOPIC = "kinwatch/hall/visit"


class Ear(list[bytes]):
    def __call__(self, _topic: str, payload: bytes) -> None:
        self.append(payload)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[DurableQueue]:
    with Database(tmp_path / "brain.db") as database:
        yield DurableQueue(database, "outbox", base_s=0.2)


@pytest.fixture
def bus() -> Loopback:
    return Loopback()


@pytest.fixture
def ear(bus: Loopback) -> Iterator[Ear]:
    ear = Ear()
    link = LoopbackLink(bus, "ear")
    link.listen("kinwatch/+/visit", ear, qos=1)
    with link:
        yield ear


@pytest.fixture
def mouth(bus: Loopback) -> Iterator[LoopbackLink]:
    with LoopbackLink(bus, "mouth") as link:
        yield link


def test_queued_messages_arrive_in_order(box: DurableQueue, mouth: LoopbackLink, ear: Ear) -> None:
    sent = [b"%d" % number for number in range(30)]
    with Outbox(box, mouth) as outbox:
        for payload in sent:
            box.put(payload.decode(), TOPIC, payload)
        assert outbox.flush(5)
    soon(lambda: len(ear) == 30)
    assert ear == sent
    assert box.counts() == {"waiting": 0, "dead": 0, "done": 30}


def test_messages_queued_while_the_broker_is_away_arrive_later(
    box: DurableQueue, bus: Loopback, mouth: LoopbackLink, ear: Ear
) -> None:
    bus.cut()
    with Outbox(box, mouth) as outbox:
        box.put("a", TOPIC, b"a")
        assert not outbox.flush(0.1)
        bus.mend()
        assert outbox.flush(5)
    soon(lambda: ear == [b"a"])


def test_messages_left_by_an_earlier_process_are_sent(box: DurableQueue, mouth: LoopbackLink, ear: Ear) -> None:
    box.put("a", TOPIC, b"a")
    with Outbox(box, mouth) as outbox:
        assert outbox.flush(5)
    soon(lambda: ear == [b"a"])


def test_a_refused_message_delays_no_other_and_is_tried_again(
    box: DurableQueue, bus: Loopback, mouth: LoopbackLink, ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    bus.refuse = lambda topic: "Not authorized" if "porch" in topic else None
    with Outbox(box, mouth) as outbox:
        box.put("porch-1", "kinwatch/porch/visit", b"porch")
        box.put("hall-1", TOPIC, b"hall")
        soon(lambda: ear == [b"hall"])
        assert not outbox.flush(0.3)
        bus.refuse = lambda _: None
        assert outbox.flush(5)
    soon(lambda: ear == [b"hall", b"porch"])
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "porch-1" in line
    assert "Not authorized" in line


def test_a_message_that_a_dying_broker_confirmed_is_sent_again(
    box: DurableQueue, bus: Loopback, mouth: LoopbackLink, ear: Ear
) -> None:
    with Outbox(box, mouth) as outbox:
        box.put("a", TOPIC, b"a")
        assert outbox.flush(5)
        bus.cut()
        bus.mend()
        soon(lambda: ear == [b"a", b"a"])
        assert outbox.flush(5)
        time.sleep(0.6)
    assert ear == [b"a", b"a"]


def test_a_message_confirmed_long_ago_is_not_sent_again(
    tmp_path: Path, bus: Loopback, mouth: LoopbackLink, ear: Ear
) -> None:
    now = [1000.0]
    with Database(tmp_path / "old.db") as database:
        box = DurableQueue(database, "outbox", clock=lambda: now[0])
        with Outbox(box, mouth) as outbox:
            box.put("old", TOPIC, b"old")
            assert outbox.flush(5)
            now[0] += 40
            box.put("new", TOPIC, b"new")
            assert outbox.flush(5)
            bus.cut()
            bus.mend()
            soon(lambda: len(ear) == 3)
            assert outbox.flush(5)
    assert ear == [b"old", b"new", b"new"]


@pytest.mark.mosquitto
def test_nothing_is_lost_when_the_broker_is_killed_again_and_again(box: DurableQueue) -> None:
    ear = Ear()
    sent = [b"%d" % number for number in range(60)]
    with Broker(persistence=True) as broker:
        there, here = (open_link(broker.url, name, durable=True) for name in ("ear", "mouth"))
        there.listen("kinwatch/+/visit", ear, qos=1)
        with there, here, Outbox(box, here) as outbox:
            assert there.wait_connected(30)
            broker.save()  # it knows now who listens; what comes next it may forget
            for number, payload in enumerate(sent):
                box.put(payload.decode(), TOPIC, payload)
                if number in (20, 40):
                    broker.kill()
                    broker.start()
                    assert there.wait_connected(30)
            assert outbox.flush(8)
            soon(lambda: set(ear) == set(sent))
