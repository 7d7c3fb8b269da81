import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from uuid6 import uuid7

from actuators.push.incidents import StoredUpdate, due_texts, is_silent, merged, shown_visits, summary
from actuators.push.notifier import Notifier
from actuators.push.services import Notification, service_key, shows_silently, url_of
from actuators.push.tables import CREATE_ALERT_TABLES
from nerves.database import Database
from nerves.messages import Acknowledged, Incident, Label, Visit, now
from nerves.services import Context
from tests.actuators.test_push import (
    JPEG,
    Phone,
    Running,
    actor,
    at_rest,
    house,
    quiet_now,
    settings,
    steps,
    told,
    visit,
)
from tests.faults import Broker
from tests.waiting import soon

apprise = pytest.importorskip("apprise")


@pytest.fixture
def phone() -> Iterator[Phone]:
    with Phone() as phone:
        yield phone


@pytest.fixture
def second() -> Iterator[Phone]:
    with Phone() as phone:
        yield phone


@dataclass
class Story:
    """An incident as the brain tells it: each visit carries what was known of it at that time."""

    id: UUID = field(default_factory=uuid7)
    places: tuple[str, ...] = ()
    rings: int = 0

    def goes_on(
        self, place: str, *, rings: bool = False, people: int = 1, verdict: str = "stranger", **fields: object
    ) -> Visit:
        self.places = self.places if place in self.places else (*self.places, place)
        self.rings += rings
        incident = Incident(id=self.id, since=now(), places=self.places, people=people, rings=self.rings)
        return visit(1, verdict, place=place, alert=rings, incident=incident, **fields)


def arrived(phone: Phone, count: int, timeout_s: float = 8) -> bool:
    return soon(lambda: len(phone.got) == count, timeout_s)


def delivered(folder: Path) -> int:
    return sum(row["delivered"] for row in at_rest(folder)["deliveries"])


def recorded(folder: Path, count: int) -> bool:
    return soon(lambda: told(folder) == count)


def rings(phone: Phone) -> list[bool]:
    return [letter["ring"] == "yes" for letter in phone.got]


def test_a_way_through_three_places_is_one_ring_and_two_updates_of_the_same_notification(
    tmp_path: Path, phone: Phone
) -> None:
    story = Story()
    hall = story.goes_on("hall", rings=True)
    with Running(tmp_path, settings(urls=[phone.url])) as run:
        for count, seen in enumerate((hall, story.goes_on("kitchen"), story.goes_on("study")), 1):
            run.send(seen, seen, seen.model_copy(update={"seq": 2, "phase": "ended", "alert": False}))
            assert arrived(phone, count)
        time.sleep(0.3)
    assert rings(phone) == [True, False, False]
    assert {letter["tag"] for letter in phone.got} == {str(story.id)}
    assert phone.texts()[0] == f"A stranger at {hall.since.astimezone():%H:%M}."
    assert phone.texts()[1:] == [
        "A stranger: hall, then kitchen; 2 pictures.",
        "A stranger: hall, then kitchen, then study; 3 pictures.",
    ]
    assert [letter["attachments"][0]["filename"] for letter in phone.got] == ["hall.jpg", "kitchen.jpg", "study.jpg"]
    assert [len(letter["attachments"]) for letter in phone.got] == [1, 2, 3]
    assert {*phone.pictures()} == {JPEG}


def test_it_rings_once_more_when_it_gets_worse(tmp_path: Path, phone: Phone) -> None:
    story = Story()
    with Running(tmp_path, settings(urls=[phone.url])) as run:
        run.send(story.goes_on("hall", rings=True, verdict="unidentified"))
        assert arrived(phone, 1)
        run.send(story.goes_on("kitchen", verdict="unidentified"))
        assert arrived(phone, 2)
        run.send(story.goes_on("kitchen", rings=True))
        assert arrived(phone, 3)
        run.send(story.goes_on("study", people=2))
        assert arrived(phone, 4)
    assert rings(phone) == [True, False, True, False]
    assert len({letter["tag"] for letter in phone.got}) == 1
    assert phone.texts()[1] == "Somebody: hall, then kitchen; 2 pictures."
    assert phone.texts()[2].startswith("A stranger at ")
    assert phone.texts()[2].endswith(". A stranger: hall, then kitchen; 3 pictures.")
    assert phone.texts()[3] == "2 strangers: hall, then kitchen, then study; 4 pictures."


def test_another_incident_of_the_same_stranger_rings_within_the_cooldown(tmp_path: Path, phone: Phone) -> None:
    with Running(tmp_path, settings(urls=[phone.url], cooldown_s=300)) as run:
        run.send(*(Story().goes_on("hall", rings=True, stranger="stranger-7") for _ in range(2)))
        assert arrived(phone, 2)
    assert rings(phone) == [True, True]


def test_whoever_acknowledges_one_visit_stops_the_escalation_of_the_incident(
    tmp_path: Path, phone: Phone, second: Phone
) -> None:
    story = Story()
    with Running(tmp_path, steps(phone, second)) as run:
        run.send(story.goes_on("hall", rings=True))
        assert soon(lambda: phone.got)
        later = story.goes_on("kitchen")
        run.send(later)
        assert arrived(phone, 2)
        run.send(Acknowledged(place="kitchen", visit=later.visit, by="Bob"))
        run.send(story.goes_on("study"))
        assert soon(lambda: len(phone.got) >= 3 and "study" in phone.texts()[-1])
        time.sleep(1.2)  # longer than the last step waits
    assert (second.got, run.told) == ([], [])
    assert any(text.startswith("Bob has taken note.") for text in phone.texts())


def test_the_escalation_counts_from_the_first_ring_and_comes_once_an_incident(
    tmp_path: Path, phone: Phone, second: Phone
) -> None:
    story = Story()
    with Running(tmp_path, steps(phone, second)) as run:
        run.send(story.goes_on("hall", rings=True), story.goes_on("kitchen"))
        assert soon(lambda: run.told)
        run.send(story.goes_on("study", people=2), story.goes_on("attic"))
        time.sleep(1.2)
    assert sum(rings(second)) == 1
    assert len(run.told) == 1
    ((_, words),) = run.said()
    assert "A stranger: hall, then kitchen" in words


def test_what_gets_worse_after_somebody_has_taken_note_rings_again_and_escalates(
    tmp_path: Path, phone: Phone, second: Phone
) -> None:
    story = Story()
    first = story.goes_on("hall", rings=True, verdict="unidentified")
    with Running(tmp_path, steps(phone, second)) as run:
        run.send(first)
        assert soon(lambda: phone.got)
        run.send(Acknowledged(place="hall", visit=first.visit))
        assert arrived(phone, 2)
        run.send(story.goes_on("kitchen", rings=True))
        assert soon(lambda: run.told)
    assert rings(phone)[-1]
    assert rings(second) == [True]


def test_one_of_two_gets_a_name_and_the_other_stays_unknown(tmp_path: Path, phone: Phone) -> None:
    story = Story()
    hall = story.goes_on("hall", rings=True)
    kitchen = story.goes_on("kitchen", rings=True, people=2)
    with Running(tmp_path, settings(urls=[phone.url])) as run:
        run.send(hall)
        assert arrived(phone, 1)
        run.send(kitchen)
        assert arrived(phone, 2)
        for index, one in enumerate((hall, kitchen), 3):
            named = {"seq": 5, "phase": "corrected", "verdict": "family", "who": "Alice", "alert": False}
            run.send(one.model_copy(update=named))
            assert arrived(phone, index)
    assert phone.texts()[2] == "That was Alice. A stranger: kitchen; 2 pictures."
    assert phone.texts()[3] == "That was Alice."
    assert at_rest(tmp_path)["alerts"][0]["state"] == "welcome"


def test_an_incident_that_is_held_in_quiet_hours_rings_as_soon_as_a_stranger_belongs_to_it(
    tmp_path: Path, phone: Phone
) -> None:
    story = Story()
    with Running(tmp_path, settings(urls=[phone.url], **quiet_now())) as run:
        run.send(
            story.goes_on("hall", rings=True, verdict="unidentified"), story.goes_on("kitchen", verdict="unidentified")
        )
        time.sleep(0.3)
        assert phone.got == []
        run.send(story.goes_on("study", rings=True))
        assert soon(lambda: phone.got)
    assert rings(phone) == [True]
    assert phone.texts()[0].endswith("A stranger: hall, then kitchen, then study; 3 pictures.")
    assert len(phone.pictures()) == 3


def test_a_further_person_does_not_ring_in_quiet_hours_but_is_shown(tmp_path: Path, phone: Phone) -> None:
    story = Story()
    with Running(tmp_path, settings(urls=[phone.url], **quiet_now())) as run:
        run.send(story.goes_on("hall", rings=True))
        assert soon(lambda: phone.got)
        run.send(story.goes_on("porch", rings=True, people=2, verdict="unidentified"))
        assert arrived(phone, 2)
    assert rings(phone) == [True, False]


def test_a_visit_that_is_acknowledged_before_it_comes_stops_the_incident(tmp_path: Path, phone: Phone) -> None:
    story = Story()
    first, early = story.goes_on("hall", rings=True), uuid7()
    with Running(tmp_path, settings(urls=[phone.url])) as run:
        run.send(first)
        assert soon(lambda: phone.got)
        run.send(Label(place="kitchen", visit=early), story.goes_on("kitchen", rings=True, visit=early))
        assert arrived(phone, 2)
    assert rings(phone) == [True, False]
    assert at_rest(tmp_path)["alerts"][0]["state"] == "acknowledged"


def test_a_service_that_cannot_replace_gets_one_silent_message_in_fifteen_seconds(
    tmp_path: Path, phone: Phone, second: Phone
) -> None:
    """The clock is the test's: each second passes when it says so."""
    clock = Clock()
    mail, quiet = f"json://127.0.0.1:{phone.port}", f"gotify://127.0.0.1:{second.port}/A0b1C2d3E4f5G6h"
    chosen = settings(urls=[mail, quiet], picture=False)
    story = Story()
    with Database(tmp_path / "phone.db") as database:
        notifier = Notifier(chosen, Context(database, print, lambda _: None, "phone"), clock)

        def tell(*visits: Visit) -> None:
            for each in visits:
                notifier.record(each)
            notifier.process_due()

        def settle(wanted: Callable[[], int], count: int) -> None:
            assert soon(lambda: wanted() == count)
            assert soon(lambda: not notifier._dispatcher._under_way)  # noqa: SLF001 - what has arrived is recorded too
            notifier.process_due()

        tell(story.goes_on("hall", rings=True))
        settle(lambda: len(second.got), 1)
        clock.at += 3
        tell(story.goes_on("kitchen"))
        settle(lambda: len(phone.got), 2)
        clock.at += 3
        tell(story.goes_on("study"))
        settle(lambda: len(phone.got), 3)
        assert len(second.got) == 1
        clock.at += 9
        notifier.process_due()
        settle(lambda: len(second.got), 2)
        tell(story.goes_on("attic"))
        settle(lambda: len(phone.got), 4)
        assert len(second.got) == 2
        tell(story.goes_on("attic", rings=True, people=2))  # it does not wait
        settle(lambda: len(second.got), 3)
    assert [each["priority"] for each in second.got] == [5, 3, 5]
    assert second.texts()[1] == "A stranger: hall, then kitchen, then study."
    assert second.texts()[2].endswith("2 strangers: hall, then kitchen, then study, then attic.")


def test_what_gets_worse_after_it_was_answered_before_it_rang_rings(tmp_path: Path, phone: Phone) -> None:
    story = Story()
    held = story.goes_on("hall", rings=True, verdict="unidentified")
    with Running(tmp_path, settings(urls=[phone.url], **quiet_now())) as run:
        run.send(held, Acknowledged(place="hall", visit=held.visit), story.goes_on("kitchen", verdict="unidentified"))
        time.sleep(0.3)
        assert phone.got == []
        run.send(story.goes_on("study", rings=True))
        assert arrived(phone, 1)
    assert rings(phone) == [True]


def test_somebody_unknown_after_everybody_had_a_name_keeps_the_escalation_going(
    tmp_path: Path, phone: Phone, second: Phone
) -> None:
    story = Story()
    first = story.goes_on("hall", rings=True)
    named = first.model_copy(
        update={"seq": 2, "phase": "corrected", "verdict": "family", "who": "Alice", "alert": False}
    )
    with Running(tmp_path, steps(phone, second)) as run:
        run.send(first)
        assert arrived(phone, 1)
        run.send(named)
        assert arrived(phone, 2)
        run.send(story.goes_on("kitchen"))
        assert soon(lambda: second.got)
    assert rings(phone)[2:] == [False]


class Clock:
    def __init__(self) -> None:
        self.at = time.time()

    def __call__(self) -> float:
        return self.at


@pytest.mark.parametrize(
    ("url", "silent"),
    [
        ("ntfy://us", "ntfy://us?cto=5&rto=15&priority=low"),
        ("ntfys://h/us?priority=max&tags=bell", "ntfys://h/us?tags=bell&cto=5&rto=15&priority=low"),
        ("pover://u@t?cto=1", "pover://u@t?cto=1&priority=-1"),
        ("tgram://1:a/2", "tgram://1:a/2?cto=5&rto=15&silent=yes"),
        ("json://h", "json://h?cto=5&rto=15&:tag=7&:ring=no"),
    ],
)
def test_a_silent_message_says_so_in_the_words_of_its_service(url: str, silent: str) -> None:
    assert url_of(url, Notification("", "", tag="7", is_silent=True)) == silent
    assert shows_silently(url)
    assert not shows_silently("mailto://us@example.org")


@pytest.mark.parametrize(
    ("url", "attribute", "value"),
    [
        ("ntfy://us?priority=max", "priority", "low"),
        (f"pover://{'u' * 30}@{'t' * 30}?priority=high", "priority", -1),
        (f"tgram://123456789:{'a' * 35}/12345", "silent", True),
        ("gotify://host/A0b1C2d3E4f5G6h", "priority", 3),
        ("matrix://me:secret@host/#room", "msgtype", "notice"),
        ("discord://123456789012345678/abcdefghijklmnopqrstuvwxyz?flags=1", "flags", 4096),
    ],
)
def test_apprise_understands_that_a_message_is_silent(url: str, attribute: str, value: object) -> None:
    service = apprise.Apprise.instantiate(url_of(url, Notification("", "", is_silent=True)))
    assert getattr(service, attribute) == value


def test_a_service_that_can_only_ring_gets_no_update(tmp_path: Path, phone: Phone) -> None:
    story = Story()
    url = f"signal://127.0.0.1:{phone.port}/15551234567/15557654321"
    with Running(tmp_path, settings(urls=[url], picture=False)) as run:
        run.send(story.goes_on("hall", rings=True))
        assert soon(lambda: phone.got and delivered(tmp_path) == 1)
        run.send(story.goes_on("kitchen"))
        assert soon(lambda: delivered(tmp_path) == 2)
        assert len(phone.got) == 1
        run.send(story.goes_on("kitchen", rings=True, people=2))
        assert arrived(phone, 2)


@pytest.mark.timeout(60)
@pytest.mark.mosquitto
def test_killed_between_two_visits_nothing_of_an_incident_comes_twice(tmp_path: Path, phone: Phone) -> None:
    (tmp_path / "kinwatch.yaml").write_text(f'actuators:\n  phone: {{kind: push, urls: ["{phone.url}"]}}\n')
    story = Story()
    with Broker(persistence=True) as broker, house(tmp_path, broker.url) as heard:
        for count, place in enumerate(("hall", "kitchen", "study"), 1):
            with actor(tmp_path, broker.url) as process:
                assert soon(lambda: "kinwatch/status/phone" in heard.topics(), 12)
                heard.send(story.goes_on(place, rings=count == 1))
                assert arrived(phone, count, 12)
                assert recorded(tmp_path, count)
                process.send_signal(signal.SIGKILL)
        before = heard.statuses()
        with actor(tmp_path, broker.url) as process:
            assert soon(lambda: heard.statuses() > before, 12)
            heard.send(story.goes_on("attic"))
            assert soon(lambda: told(tmp_path) == 4, 12)
            process.terminate()
            assert process.wait(30) == 0
    assert rings(phone) == [True, False, False, False]
    assert phone.texts()[-1] == "A stranger: hall, then kitchen, then study, then attic; 4 pictures."


def test_the_ledger_of_an_older_version_is_read(tmp_path: Path, phone: Phone) -> None:
    alert = visit()
    facts = alert.model_copy(update={"picture": None}).model_dump_json(exclude_none=True)
    with Database(tmp_path / "phone.db") as database:
        database.migrate("alerts", [CREATE_ALERT_TABLES])
        with database.transaction() as connection:
            key, at = str(alert.visit), time.time()
            row = (key, "hall", "", 1, facts, JPEG, at, at, 1, "open")
            connection.execute("INSERT INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            connection.execute("INSERT INTO updates VALUES (?, 1, 'A stranger.', ?)", (key, at))
            values = (key, service_key(phone.url), at, at)
            connection.execute("INSERT INTO deliveries VALUES (?, ?, 1, ?, ?, 0, '')", values)
    with Running(tmp_path, settings(urls=[phone.url])) as run:
        run.send(Acknowledged(place="hall", visit=alert.visit, by="Bob"))
        assert soon(lambda: phone.got)
    assert phone.texts() == ["Bob has taken note."]
    with closing(sqlite3.connect(tmp_path / "phone.db")) as file:
        assert file.execute("SELECT version FROM versions WHERE component = 'alerts'").fetchone() == (2,)


def stored(text: str, **fields: object) -> StoredUpdate:
    known = StoredUpdate(text, now(), "a", is_summary=False, has_new_picture=False)
    return StoredUpdate._make({**known._asdict(), **fields}.values())


def test_only_the_newest_summary_goes_into_a_notification() -> None:
    updates = [
        stored("A stranger.", has_new_picture=True),
        stored("hall, kitchen", is_summary=True, visit="b", has_new_picture=True),
        stored("That was Alice."),
        stored("kitchen", is_summary=True),
    ]
    assert [each.text for each in due_texts(updates, 0)] == ["That was Alice.", "kitchen"]
    assert [each.text for each in due_texts(updates, 1)] == ["That was Alice.", "kitchen"]
    assert [each.text for each in due_texts(updates, 3)] == ["kitchen"]
    assert (is_silent(updates, 0), is_silent(updates, 2), is_silent(updates, 3)) == (False, False, True)
    assert shown_visits(updates, 0) == ["b", "a"]
    assert shown_visits(updates, 2) == []


def test_an_older_summary_makes_a_new_sentence_no_older() -> None:
    begin = now()
    later = begin.replace(year=begin.year + 1)
    updates = [stored("A", at=begin), stored("B", at=begin, is_summary=True), stored("C", at=later)]
    assert {each.at for each in due_texts(updates, 2)} == {later}


def test_what_two_visits_carry_of_an_incident_is_the_newest_of_both() -> None:
    id_, since = uuid7(), now()
    old = Incident(id=id_, since=since, places=("hall",), rings=1)
    new = Incident(id=id_, since=since, places=("hall", "porch"), people=2, rings=2)
    assert merged(old, new) == merged(new, old) == new
    assert merged(None, old) == merged(old, None) == old


def test_a_summary_is_in_the_language_and_in_the_households_own_words() -> None:
    story = Story()
    seen = [story.goes_on("hall", rings=True), story.goes_on("kitchen", people=2)]
    french = summary(settings(urls=["ntfy://us"], language="fr"), seen[1].incident, seen, 4)
    assert french == "2 personnes inconnues : hall, puis kitchen ; 4 photos."
    own = settings(urls=["ntfy://us"], texts={"incident": "{people} at {places}"})
    assert summary(own, seen[1].incident, seen, 4) == "2 at hall, then kitchen"
    assert summary(own, seen[0].incident, seen[:1], 1) == ""
