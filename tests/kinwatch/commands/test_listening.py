"""`kinwatch listen --strict`: whoever writes a sense is told what is wrong with what it sends, and what to check."""

import base64
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kinwatch.commands.contract import find_doubts, find_fault
from kinwatch.commands.listening import describe
from nerves.exif import with_capture_time
from nerves.jpeg import size
from nerves.link import BusMessage
from nerves.messages import Heard, Status, now, stamp
from tests.bench import bench

AT = now()


def picture(width: int = 64, height: int = 48, kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.effect_noise((width, height), 40).save(file, kind)
    return file.getvalue()


JPEG = picture()
WORDS = b'{"words": "ding dong"}'


def heard(**more: object) -> bytes:
    return json.dumps({"words": "ding dong", **more}).encode()


def judged(topic: str, payload: bytes, *, qos: int = 1, retained: bool = False) -> str:
    """Return all that is said of a message."""
    letter = BusMessage(topic, payload, qos, retained)
    problem = find_fault(letter, AT)
    return f"WRONG {problem}" if problem else " ".join(find_doubts(letter, AT))


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("/kinwatch/door/frame", "begin it with kinwatch/"),
        ("Kinwatch/door/frame", "begin it with kinwatch/, in small letters"),
        ("kinwatch/door", "not a topic of the form kinwatch/<place>/<kind>, as kinwatch/hall/frame"),
        ("kinwatch/house/door/frame", "not a topic of the form"),
        ("kinwatch//frame", "not a topic of the form"),
        ("kinwatch/door/frames", "no message of ours is called frames: did you mean frame?"),
        ("kinwatch/door/image", "there are acknowledged,"),
        ("kinwatch/mode/frame", "'mode' is a topic of kinwatch itself: choose another name"),
        ("kinwatch/ door/frame", "cannot be a place: 1 to 64 characters"),
        (f"kinwatch/{'x' * 65}/frame", "cannot be a place"),
    ],
)
def test_a_wrong_topic_is_reported(topic: str, said: str) -> None:
    assert judged(topic, JPEG, qos=0).startswith(f"WRONG {topic}: ")
    assert said in judged(topic, JPEG, qos=0)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"", "an empty picture (0 bytes)"),
        (JPEG[:-100], "a truncated JPEG"),
        (base64.b64encode(JPEG), "base64: send the picture's own bytes"),
        (b"data:image/jpeg;base64," + base64.b64encode(JPEG), "a data URI"),
        (b'{"image": "..."}', "JSON: send the picture's own bytes and nothing else"),
        (picture(kind="PNG"), "a PNG: convert it to JPEG"),
        (picture(kind="WEBP"), "a WebP"),
        (b"picture.jpg", "a file's name: send what is in the file (mosquitto_pub -f, not -m)"),
        (b"<html>login</html>", "the address of a page"),
        (b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + JPEG, "send each JPEG alone"),
        (b"hello", "not a JPEG (5 bytes, beginning with b'hello')"),
        (b"\xff\xd8" + b"x" * 100 + b"\xff\xd9", "this one's head is damaged"),
        (picture(8, 8), "8 x 8 pixels: too small to show anybody"),
    ],
)
def test_a_payload_that_is_no_picture_is_reported(payload: bytes, said: str) -> None:
    assert said in judged("kinwatch/door/frame", payload, qos=0)
    assert judged("kinwatch/door/frame", payload, qos=0).startswith("WRONG kinwatch/door/frame: ")


def test_a_picture_that_is_too_large_is_reported() -> None:
    file = io.BytesIO()
    Image.new("L", (8000, 6000)).save(file, "JPEG")
    assert "8000 x 6000 pixels: more than 40 megapixels are refused" in judged(
        "kinwatch/door/frame", file.getvalue(), qos=0
    )
    padded = JPEG[:2] + b"\xff\xfe\xff\xff" + bytes(65533) + JPEG[2:]
    assert judged("kinwatch/door/frame", padded, qos=0) == ""
    fat = JPEG[:2] + (b"\xff\xfe\xff\xff" + bytes(65533)) * 40 + JPEG[2:]
    assert "2.6 MB: some brokers end the connection at 2 MB" in judged("kinwatch/door/frame", fat, qos=0)


def test_wrong_qos_and_retained_are_reported() -> None:
    assert "retained: whoever comes later takes it for news" in judged(
        "kinwatch/door/frame", JPEG, qos=0, retained=True
    )
    assert "mosquitto_pub -r -n -t kinwatch/door/frame" in judged("kinwatch/door/frame", JPEG, qos=0, retained=True)
    assert judged("kinwatch/door/heard", WORDS, retained=True).startswith("WRONG")
    assert "QoS 1: send frames as QoS 0" in judged("kinwatch/door/frame", JPEG)
    assert "send facts as QoS 1" in judged("kinwatch/door/heard", WORDS, qos=0)
    status = b'{"service": "door", "state": "online"}'
    assert not judged("kinwatch/status/door", status, retained=True)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"ding dong", "not JSON"),
        (b"{'words': 'ding dong'}", "JSON wants double quotes"),
        (base64.b64encode(WORDS), "this is base64: send the JSON itself"),
        (JPEG, "this is a JPEG: send it on kinwatch/<place>/frame"),
        (b'["ding dong"]', "a heard is a JSON object, this is list"),
        (b"{}", "words: Field required"),
        (heard(words=""), "words: String should have at least 1 character"),
        (heard(confidence=80), "confidence: Input should be less than or equal to 1"),
        (heard(at="yesterday"), "at: Input should be a valid datetime"),
        (heard(at="2026-11-21T20:00:00"), 'write it as "2026-11-21T20:00:00Z"'),
        (heard(id="7"), "id: Input should be a valid UUID"),
        (heard(at="1970-01-01T00:00:07Z"), "days old: check the sender's clock and its time zone, or leave `at` out"),
        # Every worker must collect the same names: these two have ids without the time of the run.
        pytest.param(
            heard(at=stamp(AT + timedelta(hours=2))), "is 2 hours in the future: check the sender's clock", id="future"
        ),
        pytest.param(heard(at=stamp(AT - timedelta(minutes=5))), "is 5 minutes old", id="old"),
    ],
)
def test_a_wrong_fact_is_reported(payload: bytes, said: str) -> None:
    assert said in judged("kinwatch/door/heard", payload)
    assert judged("kinwatch/door/heard", payload).startswith("WRONG kinwatch/door/heard: ")


def test_a_picture_inside_a_fact_must_be_one() -> None:
    seen = {"visit": "01939c3e-0000-7000-8000-000000000000", "seq": 1, "phase": "decided", "verdict": "stranger"}
    seen |= {"since": stamp(AT), "last": stamp(AT)}
    fine, odd = ({**seen, "picture": base64.b64encode(bytes_).decode()} for bytes_ in (JPEG, b"hello"))
    assert not judged("kinwatch/door/visit", json.dumps(fine).encode())
    assert "picture: not a JPEG" in judged("kinwatch/door/visit", json.dumps(odd).encode())
    assert "picture: " in judged("kinwatch/door/visit", json.dumps(seen | {"picture": "***"}).encode())


def test_an_unknown_key_is_reported() -> None:
    assert judged("kinwatch/door/heard", heard(confidense=0.5)) == (
        "kinwatch/door/heard: confidense: no key of a heard, so nobody reads it: did you mean confidence?"
    )


def test_a_wrong_camera_clock_is_reported() -> None:
    reset = AT.replace(year=1970, month=1, day=1, hour=0, minute=0, second=7)
    shown = judged("kinwatch/door/frame", with_capture_time(JPEG, reset), qos=0)
    assert "its EXIF says 1970-01-01 00:00:07 UTC" in shown
    assert not judged("kinwatch/door/frame", with_capture_time(JPEG, AT), qos=0)


def test_a_last_will_that_was_made_long_ago_is_well() -> None:
    will = Status(service="door", state="offline", at=AT - timedelta(hours=3))
    assert not judged(will.topic, will.payload())


@pytest.mark.parametrize("retained", [True, False])
def test_taking_back_what_was_retained_is_well(retained: bool) -> None:  # noqa: FBT001
    for topic in ("kinwatch/status/door", "kinwatch/door/enabled", "kinwatch/brain/people"):
        assert not judged(topic, b"", retained=retained)
    assert bool(judged("kinwatch/door/heard", b"", retained=retained)) is not retained
    assert bool(judged("kinwatch/door/frame", b"", retained=retained)) is not retained
    assert describe("kinwatch/status/door", b"") == ("status: door taken back", "dim")


def test_correct_messages_pass() -> None:
    assert not judged("kinwatch/door/frame", JPEG, qos=0)
    assert not judged("kinwatch/door/heard", WORDS)
    assert not judged("kinwatch/door/heard", Heard(place="door", at=AT, words="ding dong").payload())
    assert not judged("kinwatch/mode/set", b"away")


@given(st.text(max_size=40), st.binary(max_size=200), st.integers(0, 1), st.booleans())
def test_no_message_ends_listen(topic: str, payload: bytes, qos: int, retained: bool) -> None:  # noqa: FBT001
    for head in (b"", b"\xff\xd8", b"{"):
        judged(f"kinwatch/{topic}", head + payload, qos=qos, retained=retained)
        judged("kinwatch/door/frame", head + payload + b"\xff\xd9", qos=qos)
        judged("kinwatch/door/heard", head + payload, qos=qos)


@pytest.mark.parametrize("mode", ["progressive", "baseline"])
@pytest.mark.parametrize(("width", "height"), [(64, 48), (1, 1), (800, 600)])
def test_the_size_in_a_head_is_the_picture_s(width: int, height: int, mode: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "JPEG", progressive=mode == "progressive", dpi=(300, 300))
    assert size(with_capture_time(file.getvalue(), AT)) == (width, height)


@pytest.mark.mosquitto
@pytest.mark.programs("mosquitto_pub")
@pytest.mark.timeout(120)
def test_a_script_gets_status_0_if_all_messages_fit(tmp_path: Path) -> None:
    with bench(tmp_path, "--messages", "2") as bench_:
        bench_.publish("-t", "kinwatch/door/frame", payload=JPEG)
        bench_.publish("-q", "1", "-t", "kinwatch/door/heard", payload=WORDS)
        status, lines, told = bench_.end()
    assert (status, lines) == (0, [])
    assert f"well: kinwatch/door/frame ({len(JPEG)} bytes)" in told
    assert "2 messages, all well" in told


@pytest.mark.mosquitto
@pytest.mark.programs("mosquitto_pub")
@pytest.mark.timeout(120)
def test_a_script_gets_status_1_and_the_faults(tmp_path: Path) -> None:
    with bench(tmp_path, "--messages", "5") as bench_:
        bench_.publish("-r", "-t", "kinwatch/door/frame", payload=JPEG)
        bench_.publish("-t", "/kinwatch/door/frame", payload=JPEG)
        bench_.publish("-q", "1", "-t", "kinwatch/door/heard", payload=b"ding")
        bench_.publish("-q", "1", "-t", "kinwatch/door/frame", payload=JPEG)
        bench_.publish("-V", "mqttv311", "-t", "kinwatch/door/heard", payload=WORDS)
        status, lines, told = bench_.end()
    assert status == 1
    assert [line.split(": ")[0] for line in lines] == [
        "WRONG kinwatch/door/frame",
        "WRONG /kinwatch/door/frame",
        "WRONG kinwatch/door/heard",
        "CHECK kinwatch/door/frame",
        "CHECK kinwatch/door/heard",
    ]
    assert "retained" in lines[0]
    assert "3 of 5 messages do not fit" in told


@pytest.mark.mosquitto
@pytest.mark.timeout(120)
def test_a_script_gets_status_1_if_nothing_arrives(tmp_path: Path) -> None:
    with bench(tmp_path, "--seconds", "1", "--json") as bench_:
        status, lines, told = bench_.end()
    assert (status, lines) == (1, [])
    assert "nothing arrived: does the sender use this broker" in told
