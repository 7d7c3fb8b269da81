"""A day of the album: what belongs together, and who a ring was after all."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from brain.album.album import Album, PastVisit
from brain.album.day import DayVisit, VisitKind, calmed_groups, count_by_name, summarize_day
from brain.people.gallery import Gallery
from brain.people.records import Photo
from brain.process.album_writer import AlbumWriter
from brain.settings.brain import AlbumSettings, BrainSettings
from brain.visits.brain import Brain
from nerves.messages import Frame, Verdict, Visit
from tests.brain.album.test_learn import START, STRANGER, Room, jpeg
from tests.people import face as a_face

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
FAMILY = frozenset({"Alice", "Bob"})


def visit(  # noqa: PLR0913 - what a visit is
    minute: int = 0,
    kind: VisitKind = "unidentified",
    name: str = "",
    *,
    alert: bool = False,
    incident: UUID | None = None,
    probably: str | None = None,
    is_calm: bool = False,
    reasons: tuple[str, ...] = (),
) -> DayVisit:
    at = AT + timedelta(minutes=minute)
    verdict: Verdict = "unidentified" if kind == "not a person" else kind
    past = PastVisit(
        uuid4(),
        "hall",
        at,
        at,
        verdict,
        alert=alert,
        alerted_at=at + timedelta(seconds=10) if alert else None,
        incident=incident,
        probably=probably,
        is_calm=is_calm,
        context_reasons=reasons,
    )
    return DayVisit(past, "", name or kind, kind)


kinds: st.SearchStrategy[VisitKind] = st.sampled_from(
    ["family", "guest", "known", "stranger", "unidentified", "not a person"]
)
incidents = st.sampled_from([None, UUID(int=1), UUID(int=2)])
visits = st.lists(
    st.builds(visit, st.integers(0, 99), kinds, alert=st.booleans(), incident=incidents, is_calm=st.booleans()),
    max_size=20,
)


@given(visits)
def test_every_visit_is_in_exactly_one_group(day: list[DayVisit]) -> None:
    found = summarize_day(day, FAMILY)
    assert sorted(one.past.visit for one in found.visits) == sorted(one.past.visit for one in day)
    assert found.rings == sum(one.past.alert for one in day)
    assert [one.past.since for one in found.visits] == sorted(one.past.since for one in day)


def test_visits_of_one_incident_stand_together_and_a_ring_without_one_alone() -> None:
    first, other = uuid4(), uuid4()
    day = [
        visit(9, alert=True),
        visit(5, alert=True, incident=other),
        visit(1, "stranger", alert=True, incident=first),
        visit(6, incident=first),
        visit(7, "family", "Alice"),
    ]
    found = summarize_day(day, FAMILY)
    assert [(one.id, len(one.visits), len(one.rings)) for one in found.incidents] == [
        (first, 2, 1),
        (other, 1, 1),
        (None, 1, 1),
    ]
    assert found.incidents[0].rings == [AT + timedelta(minutes=1, seconds=10)]
    assert found.recognised == (day[4],)


def test_a_ring_was_family_by_its_name_or_by_the_context() -> None:
    day = [
        visit(0, "family", "Alice", alert=True),
        visit(1, probably="Bob", alert=True),
        visit(2, probably="family", alert=True),
        visit(3, probably="Gina", alert=True),
        visit(4, "stranger", alert=True),
        visit(5, "guest", "Gina", alert=True),
        visit(6, "not a person", probably="Bob", alert=True),
        visit(7, "family", "Alice"),
        visit(8, probably="Bob", is_calm=True),
    ]
    assert [name for _, name in summarize_day(day, FAMILY).were_family] == ["Alice", "Bob", "family"]


def test_calmed_visits_are_grouped_with_the_reason_that_most_of_them_share() -> None:
    day = [
        visit(0, probably="Alice", reasons=("Alice was at hall 3 s before", "the same clothes")),
        visit(1, probably="Alice", reasons=("Alice was at hall 5 s before", "the same clothes")),
        visit(2, reasons=()),
    ]
    groups = calmed_groups(day)
    assert [(one.name, len(one.visits), one.reason) for one in groups] == [
        ("Alice", 2, "the same clothes"),
        ("family", 1, ""),
    ]


def test_names_are_counted_the_most_first() -> None:
    day = [visit(0, "family", name) for name in ("Bob", "Alice", "Cara", "Cara")]
    assert count_by_name(day) == [("Cara", 2), ("Alice", 1), ("Bob", 1)]


def test_the_album_has_the_time_the_incident_and_the_reasons_that_the_brain_published(tmp_path: Path) -> None:
    messages: dict[UUID, list[Visit]] = {}
    with Gallery(tmp_path / "gallery.db") as gallery:
        gallery.learn("Bob", [Photo(a_face(5, number), str(number), "b") for number in range(5)])
        brain = Brain(Room(lambda number: STRANGER if number < 30 else None), gallery, BrainSettings())
        writer = AlbumWriter(tmp_path / "album.db", AlbumSettings())
        for number in (*range(20), *range(60, 120)):
            before = [*brain.visits, *brain.waiting_visits]
            facts = list(brain.see(Frame("hall", jpeg(number), START + timedelta(seconds=number / 2), number)))
            found = [fact for fact in facts if isinstance(fact, Visit) and fact.phase != "started"]
            for fact in found:
                messages.setdefault(fact.visit, []).append(fact)
            changed = {fact.visit for fact in found}
            writer.put(one for one in [*before, *brain.visits] if one.id in changed)
        writer.close()
    with Album(tmp_path / "album.db") as album:
        stored = album.visits()
    assert {one.visit for one in stored} == set(messages)
    assert any(one.alert for one in stored)
    for one in stored:
        rang = [fact for fact in messages[one.visit] if fact.alert]
        last = messages[one.visit][-1]
        assert one.alerted_at == (rang[0].at if rang else None)
        assert one.incident == (last.incident.id if last.incident else None)
        assert (one.probably, one.odds) == (last.probably, last.odds)
        assert set(one.reasons) | set(one.context_reasons) <= set(last.reasons)
    summary = summarize_day([DayVisit(one, "", one.verdict, "stranger") for one in stored], frozenset())
    assert summary.rings == sum(fact.alert for facts in messages.values() for fact in facts)
