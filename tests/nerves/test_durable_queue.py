import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread, Timer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nerves.database import Database
from nerves.durable_queue import SELECT_DUE, SELECT_WAITING, SELECT_WAITING_BYTES, DurableQueue
from nerves.errors import KinwatchError
from tests.paths import ROOT

DAY_S = 86400


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.time = 1_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "house" / "box.db") as database:
        yield database


@pytest.fixture
def box(database: Database, clock: Clock) -> DurableQueue:
    return DurableQueue(database, "inbox", clock=clock)


def filled(box: DurableQueue, *keys: str) -> DurableQueue:
    for key in keys:
        box.put(key, f"kinwatch/{key}/visit", key.encode())
    return box


def due(box: DurableQueue) -> str | None:
    row = box.due()
    return row.key if row else None


def test_the_oldest_comes_first(box: DurableQueue) -> None:
    row = filled(box, "b", "a").due()
    assert row == ("b", "kinwatch/b/visit", b"b", 0)


def test_a_handled_message_is_not_handled_twice(box: DurableQueue) -> None:
    assert box.put("a", "t", b"")
    assert not box.put("a", "t", b"")
    box.mark_done("a")
    assert box.due() is None
    assert not box.put("a", "t", b"")
    assert box.counts() == {"waiting": 0, "dead": 0, "done": 1}


def test_a_failed_message_lets_others_pass_and_comes_again(box: DurableQueue, clock: Clock) -> None:
    filled(box, "a", "b").retry_later("a", "no network")
    assert due(box) == "b"
    clock.time += 1.0
    assert due(box) == "a"


def test_pauses_double_up_to_a_minute(box: DurableQueue, clock: Clock) -> None:
    filled(box, "a")
    pauses = []
    for _ in range(20):
        box.retry_later("a", "no network")
        start = clock.time
        while box.due() is None:
            clock.time += 1
        pauses.append(clock.time - start)
    assert pauses[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert set(pauses[8:]) == {60}


def test_a_message_that_always_fails_is_parked(database: Database, clock: Clock) -> None:
    box = filled(DurableQueue(database, "inbox", max_tries=3, clock=clock), "a")
    for _ in range(3):
        clock.time += 100
        assert due(box) == "a"
        box.retry_later("a", "broken")
    clock.time += 100
    assert box.due() is None
    assert box.counts() == {"waiting": 0, "dead": 1, "done": 0}
    assert not box.put("a", "t", b"")


def test_the_ids_of_handled_messages_are_stored_for_a_week(database: Database, clock: Clock) -> None:
    filled(DurableQueue(database, "inbox", clock=clock), "a").mark_done("a")
    clock.time += 6 * DAY_S
    assert not DurableQueue(database, "inbox", clock=clock).put("a", "t", b"")
    clock.time += 2 * DAY_S
    assert DurableQueue(database, "inbox", clock=clock).put("a", "t", b"")


def test_a_clock_that_is_set_back_delays_nothing_for_long(box: DurableQueue, clock: Clock) -> None:
    filled(box, "a")
    clock.time -= 30 * DAY_S
    assert due(box) == "a"


def test_a_message_handled_just_now_can_be_queued_again(box: DurableQueue, clock: Clock) -> None:
    filled(box, "old", "new").mark_done("old")
    clock.time += 60
    box.mark_done("new")
    assert box.requeue_done(clock.time - 30) == 1
    assert due(box) == "new"
    assert box.due() is not None


def test_pictures_of_handled_messages_are_not_stored(box: DurableQueue, clock: Clock, database: Database) -> None:
    filled(box, "a", "b").mark_done("a")
    clock.time += 1000
    box.mark_done("b")
    with database.transaction() as connection:
        bodies = connection.execute("SELECT body FROM inbox ORDER BY number").fetchall()
    assert bodies == [(None,), (b"b",)]
    assert box.requeue_done(0) == 1


def test_queues_and_tables_change_together_or_not_at_all(database: Database) -> None:
    inbox, outbox = filled(DurableQueue(database, "inbox"), "a"), DurableQueue(database, "outbox")

    def work(*, fail: bool) -> None:
        with inbox.transaction() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS visits (name)")
            outbox.put("b", "t", b"")
            inbox.mark_done("a")
            if fail:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        work(fail=True)
    assert (due(inbox), due(outbox)) == ("a", None)
    work(fail=False)
    assert (due(inbox), due(outbox)) == (None, "b")


def test_the_highest_priority_comes_first_then_the_oldest(box: DurableQueue) -> None:
    for key, priority in (("a", 0), ("b", 2), ("c", 1), ("d", 2)):
        box.put(key, "t", b"", priority=priority)
    found = []
    while key := due(box):
        found.append(key)
        box.mark_done(key)
    assert found == ["b", "d", "c", "a"]


def test_without_room_the_oldest_of_the_lowest_priority_is_dropped(box: DurableQueue) -> None:
    for key, priority in (("a", 1), ("b", 0), ("c", 0), ("d", 2)):
        box.put(key, "t", bytes(100), priority=priority)
    assert box.drop(400) == 0
    assert box.drop(399) == 1
    assert not box.put("b", "t", bytes(100)), "it is not new when it comes again"
    assert box.drop(150) == 2
    assert due(box) == "d"
    assert box.counts() == {"waiting": 1, "dead": 0, "done": 3}


def test_a_full_queue_is_searched_without_reading_its_pictures(box: DurableQueue, database: Database) -> None:
    with database.transaction() as connection:
        plans = [
            row[-1]
            for query, values in ((SELECT_DUE, (0, 0)), (SELECT_WAITING_BYTES, ()), (SELECT_WAITING, ()))
            for row in connection.execute(f"EXPLAIN QUERY PLAN {query.replace('QUEUE', 'inbox')}", values)
        ]
    assert "TEMP B-TREE" not in " ".join(plans[:2])
    assert sum("COVERING INDEX inbox_priority" in plan for plan in plans) == 3
    assert due(box) is None


def test_missing_migration_steps_are_run_and_a_newer_version_is_refused(database: Database) -> None:
    first, second = (
        ["CREATE TABLE words (word)"],
        ["ALTER TABLE words ADD COLUMN at", "INSERT INTO words VALUES ('a', 1)"],
    )
    assert database.migrate("words", [first])
    assert database.migrate("words", [first, second])
    assert not database.migrate("words", [first, second])
    with database.open() as connection:
        assert connection.execute("SELECT * FROM words").fetchall() == [("a", 1)]
    with pytest.raises(KinwatchError, match=r"box\.db: a newer kinwatch wrote its words \(version 2\): update "):
        database.migrate("words", [first])


def test_a_step_that_fails_changes_nothing(database: Database) -> None:
    with pytest.raises(KinwatchError, match="syntax error"):
        database.migrate("words", [["CREATE TABLE words (word)", "CREATE nonsense"]])
    assert database.migrate("words", [["CREATE TABLE words (word)"]])


def test_whoever_waits_is_woken(box: DurableQueue) -> None:
    assert not box.wait(0.01)
    later = Timer(0.05, filled, [box, "a"])
    later.start()
    assert box.wait(30)
    later.join()
    assert not box.wait(0.01)


def test_threads_share_a_queue(box: DurableQueue) -> None:
    threads = [Thread(target=filled, args=[box, *(f"{n}-{i}" for i in range(20))]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert box.counts()["waiting"] == 80


def test_the_file_is_for_its_owner_only(box: DurableQueue, database: Database) -> None:
    filled(box, "a")
    for path in database.path.parent.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(KinwatchError, match=r"inbox\.db cannot be used: .*move the file away"):
        DurableQueue(path, "inbox")


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KinwatchError, match="cannot be used"):
        DurableQueue(tmp_path, "inbox")


def test_a_full_disk_is_reported_and_no_message_is_lost(box: DurableQueue, database: Database) -> None:
    filled(box, "a")
    with database.transaction() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    with database.transaction() as connection:
        connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(KinwatchError, match="full"):
        box.put("b", "t", bytes(1_000_000))
    with database.transaction() as connection:
        connection.execute("PRAGMA max_page_count=100000")
    assert box.put("b", "t", bytes(1_000_000))
    assert box.counts()["waiting"] == 2


def test_queued_messages_survive_a_kill(tmp_path: Path) -> None:
    script = """if True:
        import os, signal, sys
        from pathlib import Path
        from nerves.durable_queue import SELECT_DUE, SELECT_WAITING, SELECT_WAITING_BYTES, DurableQueue
        box = DurableQueue(Path(sys.argv[1]), "inbox")
        box.put("kept", "t", b"body")
        with box.transaction():
            box.put("unfinished", "t", b"")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    path = tmp_path / "inbox.db"
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script, str(path)], env=environ, check=False)
    assert done.returncode == -9
    box = DurableQueue(path, "inbox")
    assert due(box) == "kept"
    assert box.counts()["waiting"] == 1
    box.close()


def test_a_table_needs_a_name(database: Database) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a table"):
        DurableQueue(database, "in; DROP TABLE inbox")


def test_a_closed_file_is_an_error_of_ours(box: DurableQueue) -> None:
    box.close()
    with pytest.raises(KinwatchError):
        box.put("a", "t", b"")


def test_an_error_in_an_own_table_is_a_kinwatch_error(database: Database) -> None:
    with pytest.raises(KinwatchError) as caught, database.transaction() as connection:
        connection.execute("SELECT * FROM nothing")
    assert isinstance(caught.value.__cause__, sqlite3.Error)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["put", "done", "later", "again", "tick"]), st.sampled_from("abc"))))
def test_no_message_is_ever_lost(steps: list[tuple[str, str]]) -> None:
    clock, known, done = Clock(), set(), set()
    with TemporaryDirectory() as folder, Database(Path(folder) / "box.db") as database:
        box = DurableQueue(database, "inbox", clock=clock)
        for step, key in steps:
            if step == "put":
                assert box.put(key, "t", b"") == (key not in known)
                known.add(key)
            elif step == "done":
                box.mark_done(key)
                done |= {key} & known
            elif step == "later":
                box.retry_later(key, "why")
            elif step == "again":
                done = set() if box.requeue_done(0) == len(done) else done
            clock.time += 61 if step == "tick" else 0
            counts = box.counts()
            assert counts["done"] + counts["waiting"] == len(known)
            assert counts["dead"] == 0
        clock.time += 61
        assert (box.due() is not None) == (box.counts()["waiting"] > 0)
