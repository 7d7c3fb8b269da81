import json
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nerves import errors, topics
from nerves.errors import KinwatchError, MessageError
from nerves.messages import FACTS, Detection, Fact, Heard, Incident, Said, Status, read_fact, stamp
from nerves.messages import Box as Rectangle

PLACES = st.from_regex(topics.PLACE, fullmatch=True).filter(lambda place: place not in topics.RESERVED)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
FRACTIONS = st.floats(0, 1)

RECTANGLES = st.builds(Rectangle, FRACTIONS, FRACTIONS, FRACTIONS, FRACTIONS)


def messages(fact: type[Fact]) -> st.SearchStrategy[Fact]:
    """Make any message of a kind."""
    options: dict[str, st.SearchStrategy[Any]] = {
        "place": st.just("status") if fact is Status else PLACES,
        "id": st.uuids(),
        "at": TIMES,
    }
    options |= {
        name: TEXTS for name in ("words", "author", "post", "url", "detail", "person") if name in fact.model_fields
    }
    special = {
        "service": PLACES,
        "picture": st.none() | st.binary(max_size=30),
        "box": st.none() | RECTANGLES,
        "seq": st.integers(1, 2**31),
        "confidence": st.none() | FRACTIONS,
        "seconds": st.floats(0, 60, exclude_min=True),
        "counts": st.dictionaries(TEXTS, st.integers(-(2**53), 2**53), max_size=3),
        "detections": st.lists(
            st.builds(Detection, label=TEXTS, box=RECTANGLES, score=FRACTIONS, visit=st.none() | st.uuids()),
            max_size=2,
        ).map(tuple),
        **dict.fromkeys(("since", "last"), TIMES),
        **dict.fromkeys(("who", "by"), st.none() | TEXTS),
        **dict.fromkeys(("start", "end", "first_met"), st.none() | TIMES),
        "incident": st.none()
        | st.builds(Incident, id=st.uuids(), since=TIMES, places=st.lists(PLACES, max_size=3).map(tuple)),
        "until": TIMES if fact is Said else st.none() | TIMES,
    }
    options |= {name: values for name, values in special.items() if name in fact.model_fields}
    return st.builds(encoded(fact), **options, **rest(fact, options))


def encoded(fact: type[Fact]) -> Callable[..., Fact]:
    """Give pictures as base64, which is what the field takes."""

    def build(picture: bytes | None = None, **fields: Any) -> Fact:  # noqa: ANN401
        return fact(**fields, **({"picture": b64encode(picture)} if picture is not None else {}))

    return build


def rest(fact: type[Fact], known: dict[str, Any]) -> dict[str, st.SearchStrategy[Any]]:
    """Give the fields without special needs what their types say."""
    return {
        name: st.from_type(field.annotation)  # type: ignore[arg-type]
        for name, field in fact.model_fields.items()
        if name not in known
    }


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
@given(data=st.data())
def test_a_message_survives_the_wire(fact: type[Fact], data: st.DataObject) -> None:
    message = data.draw(messages(fact))
    assert read_fact(message.topic, message.payload()) == message


@given(PLACES, st.sampled_from([kind for kind in FACTS if kind != "status"]))
def test_a_topic_parses_back(place: str, kind: str) -> None:
    assert topics.split(topics.to(place, kind)) == (place, kind)
    assert topics.check_place(place) == place


@given(PLACES)
def test_a_status_topic_parses_back(service: str) -> None:
    assert topics.split(topics.status(service)) == ("status", service)


@pytest.mark.parametrize("topic", ["", "kinwatch", "kinwatch/hall", "kinwatch//visit", "a/hall/visit"])
def test_a_topic_of_another_form_is_an_error(topic: str) -> None:
    with pytest.raises(MessageError, match="not a topic"):
        topics.split(topic)


@pytest.mark.parametrize("place", ["", "a/b", "+", "#", "$SYS", "status", "mode", "cloud", "dead", "a" * 65, "a\n"])
def test_an_invalid_place_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match="place"):
        topics.check_place(place)


@given(st.dictionaries(TEXTS, TEXTS).filter(lambda fields: not set(fields) & set(Heard.model_fields) - {"words"}))
def test_unknown_keys_are_ignored(fields: dict[str, str]) -> None:
    message = Heard.read("kinwatch/hall/heard", json.dumps(fields | {"words": "ding"}).encode())
    assert message.words == "ding"


def test_the_place_is_the_topic_s() -> None:
    assert read_fact("kinwatch/hall/heard", b'{"words": "ding", "place": "porch"}').place == "hall"


@given(st.binary(max_size=50))
def test_no_payload_breaks_a_reader(payload: bytes) -> None:
    for kind in FACTS:
        with suppress(MessageError):
            read_fact(f"kinwatch/hall/{kind}", payload)


@pytest.mark.parametrize(
    "payload",
    [
        *(b"[]", b"null", b"{", b"\xff", b"{}", b'{"words": ""}', b'{"words": 1}', b'{"words": "\\ud800"}'),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"words": "ding", "x": %s}' % (b"1" * 5000), id="long number"),
        pytest.param(b'{"words": "ding", "at": "9999-12-31T23:59:59-23:00"}', id="far time"),
        pytest.param(b'{"words": "ding", "at": "0001-01-01T00:00:00+23:00"}', id="old time"),
    ],
)
def test_an_invalid_message_is_reported_with_its_topic(payload: bytes) -> None:
    with pytest.raises(MessageError, match=r"^kinwatch/hall/heard: "):
        read_fact("kinwatch/hall/heard", payload)


def test_an_unknown_kind_is_reported() -> None:
    with pytest.raises(MessageError, match="no message of ours is called smelled"):
        read_fact("kinwatch/hall/smelled", b"{}")


@given(TIMES)
def test_times_are_utc_in_milliseconds(at: datetime) -> None:
    assert stamp(at).endswith("Z")
    assert abs(datetime.fromisoformat(stamp(at)) - at).total_seconds() < 0.001


def test_every_error_class_derives_from_the_root() -> None:
    ours = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(error, KinwatchError) for error in ours)
    here = {
        name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, BaseException)
    }
    assert here == set(errors.__all__)
