import time
from threading import Timer

from hypothesis import given
from hypothesis import strategies as st

from nerves.slots import NewestByPlace


def emptied(slots: NewestByPlace[int]) -> list[int]:
    return list(iter(lambda: slots.take(0), None))


def test_the_newest_item_replaces_the_one_before() -> None:
    slots = NewestByPlace[int]()
    for item in (1, 2, 3):
        slots.put("hall", item)
    assert emptied(slots) == [3]
    assert slots.dropped == 2


def test_places_take_turns_however_fast_one_of_them_is() -> None:
    slots = NewestByPlace[str]()
    taken = []
    for _ in range(3):
        slots.put("fast", "fast")
        slots.put("slow", "slow")
        slots.put("fast", "fast")
        taken.append(slots.take(0))
    assert taken == ["fast", "slow", "fast"]


def test_empty_slots_give_no_item() -> None:
    start = time.monotonic()
    assert NewestByPlace[int]().take(0.05) is None
    assert time.monotonic() - start >= 0.05


def test_whoever_waits_is_woken() -> None:
    slots = NewestByPlace[int]()
    later = Timer(0.05, slots.put, ["hall", 1])
    later.start()
    assert slots.take(5) == 1
    later.join()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers())))
def test_every_item_is_taken_or_counted_as_dropped(puts: list[tuple[str, int]]) -> None:
    slots = NewestByPlace[int]()
    for place, item in puts:
        slots.put(place, item)
    taken = emptied(slots)
    assert sorted(taken) == sorted(dict(puts).values())
    assert slots.dropped == len(puts) - len(taken)
