from uuid import UUID

from brain.context.corrections import Corrections
from brain.context.house_log import PhoneReport
from brain.people.records import LabelRecord
from nerves.messages import Group
from tests.brain.context.sightings import NOON, log_of, sighting


def labels(*said: tuple[UUID, str | None], group: Group = "family") -> dict[UUID, LabelRecord]:
    return {visit: LabelRecord(visit, "hall", who, group, None, NOON, None) for visit, who in said}


def test_a_label_names_a_visit_that_has_ended_and_the_last_one_holds() -> None:
    body, corrections = sighting("hall", 0, verdict="stranger"), Corrections({"ann"})
    log = log_of(body)
    for who in ("ann", "ben"):
        [named] = corrections.apply(log, {"ann"}, labels((body.visit, who), group="guest"))
        assert (named.who, named.verdict) == (who, "guest")
        assert corrections.apply(log, {"ann"}, labels((body.visit, who))) == []
    assert corrections.apply(log, {"ann"}, {}) == []
    assert log.sightings[body.visit] == body


def test_visits_that_go_on_and_visits_that_are_not_in_the_log_are_left_alone() -> None:
    stays = sighting("hall", 0, is_open=True)
    log = log_of(stays)
    said = labels((stays.visit, "ann"), (sighting("hall", 0).visit, "ann"))
    assert Corrections(set()).apply(log, set(), said) == []
    assert log.sightings == {stays.visit: stays}


def test_what_was_no_person_is_dropped() -> None:
    ann, body = sighting("hall", 0, who="ann"), sighting("hall", 100)
    log = log_of(ann, body)
    assert Corrections(set()).apply(log, set(), labels((ann.visit, None), (body.visit, None))) == []
    assert log.sightings == {}


def test_only_who_was_in_the_gallery_and_is_not_any_more_is_forgotten() -> None:
    ann, ben, zoe = (sighting("hall", 100 * number, who=who) for number, who in enumerate(("ann", "ben", "zoe")))
    log = log_of(ann, ben, zoe)
    for who in ("ann", "ben"):
        log.report_phone(who, PhoneReport(NOON, is_home=True))
    Corrections({"ann", "ben"}).apply(log, {"ben"}, {})
    assert (list(log.sightings), list(log.phones)) == ([ben.visit, zoe.visit], ["ben"])


def test_a_label_that_is_taken_back_when_the_visit_is_not_in_the_log_any_more_changes_nothing() -> None:
    body, corrections = sighting("hall", 0), Corrections(set())
    log = log_of(body)
    corrections.apply(log, set(), labels((body.visit, "ann")))
    log.drop(body.visit)
    assert corrections.apply(log, set(), {}) == []
