"""What the context says of somebody without a face who came to an entrance."""

import math

import pytest

from brain.context.house_log import HouseLog, PhoneReport
from brain.context.sighting import Sighting
from brain.context.terms import ContextOdds, Household
from brain.context.weigh import weigh
from brain.settings.context import ContextSettings
from tests.brain.context.sightings import OTHER, RED, after_noon, household, log_of, sighting

ANN = household("ann")
DAY_S = 86400.0
HOME, PHONE = "ann comes home", "the phone of ann has come home"


def weighed(visit: Sighting, log: HouseLog, house: Household = ANN, at_s: float = 10) -> ContextOdds:
    return weigh(visit, log, house, (), after_noon(at_s))


def without(*names: str) -> ContextSettings:
    return ContextSettings.model_validate(dict.fromkeys(names, False))


def with_phone(log: HouseLog, at_s: float, person: str = "ann") -> HouseLog:
    log.report_phone(person, PhoneReport(after_noon(at_s), is_home=True))
    return log


def test_whoever_is_out_may_come_home() -> None:
    left, body = sighting("door", -900, -800, "ann"), sighting("door", 0)
    context = weighed(body, log_of(left, body))
    assert context.log_odds == pytest.approx(math.log(3.5))
    assert (context.who, context.reasons) == ("ann", (HOME,))


def test_everybody_who_is_out_may_come_and_guests_come_less() -> None:
    body = sighting("door", 0)
    context = weighed(body, log_of(body), household("ann", "ben", "gus", guests=frozenset({"gus"})))
    assert context.log_odds == pytest.approx(math.log(3.5 + 3.5 + 0.7))
    assert (context.who, context.reasons) == (None, ("somebody of the house comes or goes",))
    guest = household("gus", guests=frozenset({"gus"}))
    assert weighed(body, log_of(body), guest).log_odds == pytest.approx(math.log(0.7))


def test_all_who_are_in_together_go_out_twice_as_often_as_strangers_come() -> None:
    ann, ben = sighting("hall", -900, -800, "ann"), sighting("hall", -900, -800, "ben")
    body = sighting("door", 0, is_open=True)
    assert weighed(body, log_of(ann, body)).log_odds == pytest.approx(math.log(2))
    assert weighed(body, log_of(ann, ben, body), household("ann", "ben")).log_odds == pytest.approx(math.log(2))


def test_nobody_comes_to_a_house_that_knows_nobody() -> None:
    body = sighting("door", 0)
    context = weighed(body, log_of(body), household())
    assert (context.log_odds, context.reasons) == (-math.inf, ("nobody is known",))


@pytest.mark.parametrize(("after_s", "odds"), [(19.9, 2.0), (20.0, 30.0)])
def test_who_has_left_again_goes_out_rather_than_comes_in(after_s: float, odds: float) -> None:
    ann, body = sighting("hall", -900, -800, "ann"), sighting("door", -2, 0)
    assert weighed(body, log_of(ann, body), at_s=after_s).log_odds == pytest.approx(math.log(odds))


def test_who_is_still_at_the_door_has_not_left_and_who_went_on_seldom_does() -> None:
    ann, stays = sighting("hall", -900, -800, "ann"), sighting("door", -2, 0, is_open=True)
    assert weighed(stays, log_of(ann, stays), at_s=60).log_odds == pytest.approx(math.log(2))
    comes, goes_on = sighting("door", -2, 0, clothes=RED), sighting("kitchen", 8, clothes=RED)
    assert weighed(comes, log_of(ann, comes, goes_on), at_s=60).log_odds == pytest.approx(math.log(2 * 0.2))
    goes_on_too = weighed(goes_on, log_of(ann, comes, goes_on), at_s=60)
    assert goes_on_too.log_odds == pytest.approx(math.log(2 * 0.2))


@pytest.mark.parametrize(("ago_s", "odds"), [(100, 6.0), (121, 2.0)])
def test_people_leave_together(ago_s: float, odds: float) -> None:
    ann, body = sighting("hall", -900, -800, "ann"), sighting("door", 0, is_open=True)
    ben_comes, ben_leaves = sighting("hall", -900, who="ben"), sighting("door", -ago_s - 2, -ago_s, "ben")
    log = log_of(ann, ben_comes, ben_leaves, body)
    assert weighed(body, log, household("ann")).log_odds == pytest.approx(math.log(2))
    both = weighed(body, log, household("ann", "ben")).log_odds
    assert both == pytest.approx(math.log(odds + 3.5))
    ben_stays = log_of(ann, ben_leaves, sighting("hall", -95, who="ben"), body)
    assert weighed(body, ben_stays, household("ann", "ben")).log_odds == pytest.approx(math.log(2))


def test_who_leaves_is_told_by_the_clothes() -> None:
    ann = sighting("hall", -900, -800, "ann", clothes=RED)
    body = sighting("door", 0, clothes=RED)
    context = weighed(body, log_of(ann, body), at_s=60)
    assert (context.who, context.reasons) == ("ann", ("ann goes out, by the clothes",))
    assert context.log_odds > math.log(20) + 1.5
    other = sighting("door", 0, clothes=OTHER)
    assert weighed(other, log_of(ann, other), at_s=60).log_odds < math.log(20)


def test_clothes_count_little_for_somebody_who_comes_home() -> None:
    left, body = sighting("door", -300, -290, "ann", clothes=RED), sighting("door", 0, clothes=RED)
    assert weighed(body, log_of(left, body)).log_odds == pytest.approx(math.log(3.5) + 1.8)
    other = sighting("door", 0, clothes=OTHER)
    assert weighed(other, log_of(left, other)).log_odds < math.log(3.5) - 0.8
    house = household("ann", settings=without("appearance"))
    assert weighed(other, log_of(left, other), house).log_odds == pytest.approx(math.log(3.5))


@pytest.mark.parametrize(
    ("phone_s", "helps"), [(-150.1, False), (-150.0, True), (0.0, True), (10.0, True), (10.1, False)]
)
def test_a_phone_helps_that_comes_home_about_now(phone_s: float, *, helps: bool) -> None:
    left, body = sighting("door", -900, -800, "ann"), sighting("door", 0, 2, is_open=True)
    context = weighed(body, with_phone(log_of(left, body), phone_s))
    assert (PHONE in context.reasons) is helps


def test_a_phone_counts_fifty_eight_to_one() -> None:
    left, body = sighting("door", -900, -800, "ann"), sighting("door", 0)
    context = weighed(body, with_phone(log_of(left, body), 5))
    assert context.log_odds == pytest.approx(math.log(3.5 * 58))
    assert (context.who, context.reasons) == ("ann", (PHONE, HOME))


def test_somebody_whose_phone_tells_when_they_come_home_comes_seldom_without_it() -> None:
    left, body = sighting("door", -900, -800, "ann"), sighting("door", 0)
    log = log_of(left, body)
    log.report_phone("ann", PhoneReport(after_noon(-700), is_home=False))
    for after_s, share in ((0, 0.6), (45, 0.375), (90, 0.15), (300, 0.08), (3600, 0.04)):
        assert weighed(body, log, at_s=after_s).log_odds == pytest.approx(math.log(3.5 * share))
    unasked = household("ann", settings=without("presence"))
    assert weighed(body, log, unasked).log_odds == pytest.approx(math.log(3.5))


def test_whoever_usually_comes_home_at_this_time_comes_rather_than_a_stranger() -> None:
    left, body = sighting("door", -900, -800, "ann"), sighting("door", 0)
    log = log_of(left, body)
    for days in range(1, 15):
        log.hours.learn("ann", after_noon(-7 * days * DAY_S))
    assert weighed(body, log).log_odds == pytest.approx(math.log(3.5 * 8))
    unasked = household("ann", settings=without("hours"))
    assert weighed(body, log, unasked).log_odds == pytest.approx(math.log(3.5))


def test_the_usual_hour_explains_one_arrival() -> None:
    left, other, body = sighting("door", -9000, who="ann"), sighting("door", 0), sighting("door", 200)
    log = log_of(left, other, body, by_continuity=False)
    for days in range(1, 15):
        log.hours.learn("ann", after_noon(-7 * days * DAY_S))
    assert weighed(other, log).log_odds == pytest.approx(math.log(3.5 * 8))
    assert weighed(body, log, at_s=260).log_odds == pytest.approx(math.log(3.5))


@pytest.mark.parametrize(("away_s", "calms"), [(1199, False), (1200, True)])
def test_a_phone_that_was_away_for_long_explains_an_arrival_though_its_owner_was_not_seen_to_leave(
    away_s: float, *, calms: bool
) -> None:
    ann, body = sighting("hall", -5000, -4000, "ann"), sighting("door", 0)
    log = log_of(ann, body)
    for at_s, is_home in ((-6000, True), (5 - away_s, False), (5, True)):
        log.report_phone("ann", PhoneReport(after_noon(at_s), is_home))
    assert (PHONE in weighed(body, log).reasons) is calms
    seen_since = sighting("hall", 4 - away_s, who="ann")
    log.update(seen_since)
    assert PHONE not in weighed(body, log).reasons


def test_a_phone_explains_an_arrival_also_if_its_owner_is_named_in_the_next_room() -> None:
    left, body = sighting("door", -900, -800, "ann"), sighting("door", 0)
    named = sighting("kitchen", 8, who="ann")
    log = with_phone(log_of(left, body, named, by_continuity=False), -10)
    assert PHONE in weighed(body, log).reasons
    elsewhere = with_phone(log_of(left, body, sighting("door", 6, who="ann"), named, by_continuity=False), -10)
    assert PHONE not in weighed(body, elsewhere).reasons


def test_who_went_further_in_and_came_back_has_not_just_gone_out() -> None:
    ann = sighting("hall", -900, -800, "ann")
    comes, goes_in, comes_back = (
        sighting(place, begin_s, clothes=RED) for place, begin_s in (("door", 0), ("hall", 5), ("door", 12))
    )
    log = log_of(ann, comes, goes_in, comes_back)
    assert len(log.body(comes.visit)) == 3
    assert weighed(comes_back, log, at_s=60).log_odds == pytest.approx(math.log(2 * 0.2))


def test_other_clothes_say_more_where_nobody_wears_a_coat() -> None:
    left = sighting("door", -300, -290, "ann", clothes=RED)
    comes, goes_on = sighting("door", 0, clothes=OTHER), sighting("hall", 3, clothes=OTHER)
    log = log_of(left, comes, goes_on)
    assert weighed(goes_on, log).log_odds < weighed(comes, log).log_odds - 0.5


def test_whoever_was_out_and_is_named_inside_was_the_arrival() -> None:
    left, comes = sighting("door", -900, -800, "ann"), sighting("door", 0)
    named = sighting("hall", 30, who="ann")
    context = weighed(comes, log_of(left, comes, named, by_continuity=False), at_s=60)
    assert context.log_odds == pytest.approx(math.log(3.5 * 50))
    assert (context.who, context.reasons[0]) == ("ann", "ann was out before, and was named inside since")
    late = sighting("hall", 181, who="ann")
    assert weighed(comes, log_of(left, comes, late, by_continuity=False), at_s=300).log_odds < math.log(20)


def test_whoever_was_named_as_they_came_in_explains_no_other_arrival() -> None:
    left, comes = sighting("door", -900, -800, "ann"), sighting("door", 0)
    ann = sighting("door", 10, who="ann")
    context = weighed(comes, log_of(left, comes, ann, by_continuity=False), at_s=60)
    assert not any("named inside" in reason for reason in context.reasons)


def test_a_name_inside_explains_one_arrival_and_that_is_the_first() -> None:
    left, first, second = sighting("door", -900, -800, "ann"), sighting("door", 0), sighting("door", 10)
    log = log_of(left, first, second, sighting("hall", 30, who="ann"), by_continuity=False)
    assert any("named inside" in reason for reason in weighed(first, log, at_s=60).reasons)
    assert not any("named inside" in reason for reason in weighed(second, log, at_s=60).reasons)


def test_phones_do_not_help_where_they_are_not_wanted() -> None:
    left, body = sighting("door", -900, -800, "ann"), sighting("door", 0)
    log = log_of(left, body)
    house = household("ann", settings=without("presence"))
    assert weighed(body, with_phone(log, 5), house) == weighed(body, log_of(left, body), house)


def test_a_phone_that_has_gone_again_does_not_help() -> None:
    body = sighting("door", 0)
    log = with_phone(log_of(body), 2)
    log.report_phone("ann", PhoneReport(after_noon(5), is_home=False))
    assert PHONE not in weighed(body, log).reasons


def test_the_phone_of_somebody_who_does_not_belong_here_does_not_help() -> None:
    body = sighting("door", 0)
    assert weighed(body, with_phone(log_of(body), 5, "gus")) == weighed(body, log_of(body))


def test_a_phone_explains_one_arrival_only_and_that_is_the_first() -> None:
    first, second = sighting("door", 0, 2, clothes=RED), sighting("door", 20, clothes=OTHER)
    log = with_phone(log_of(first, second, by_continuity=False), 5)
    assert PHONE in weighed(first, log, at_s=30).reasons
    assert PHONE not in weighed(second, log, at_s=30).reasons


def test_two_phones_explain_two_arrivals() -> None:
    first, second, third = (sighting("door", begin_s) for begin_s in (0, 20, 40))
    log = with_phone(with_phone(log_of(first, second, third, by_continuity=False), 5), 6, "ben")
    house = household("ann", "ben")
    both = weighed(first, log, house, at_s=50)
    assert (both.who, both.reasons[0]) == (None, "the phone of ann and ben has come home")
    assert weighed(second, log, house, at_s=50).reasons[0] == "the phone of ben has come home"
    assert not any("phone" in reason for reason in weighed(third, log, house, at_s=50).reasons)


def test_a_phone_whose_owner_came_in_with_a_name_explains_nobody_else() -> None:
    ann, body = sighting("door", -20, -18, "ann"), sighting("door", 0)
    log = with_phone(log_of(ann, body, by_continuity=False), -25)
    assert PHONE not in weighed(body, log).reasons


@pytest.mark.parametrize(("before_s", "is_company"), [(20.0, True), (20.1, False)])
def test_company_is_who_comes_in_within_twenty_seconds(before_s: float, *, is_company: bool) -> None:
    ann, body = sighting("door", -before_s, -before_s + 1, "ann"), sighting("door", 0)
    context = weighed(body, log_of(ann, body, by_continuity=False), household("ann", "ben"))
    assert any("with ann" in reason for reason in context.reasons) is is_company


def test_company_counts_two_to_one_and_only_where_it_is_wanted() -> None:
    body, ann = sighting("door", 0, is_open=True), sighting("door", 10, who="ann")
    log = log_of(body, ann, by_continuity=False)
    alone = weighed(body, log, household("ann", settings=without("company")))
    assert weighed(body, log).log_odds - alone.log_odds == pytest.approx(math.log(2))


def test_who_comes_with_another_one_comes_at_the_others_hour() -> None:
    left, body, ben = sighting("door", -900, who="ann"), sighting("door", 0), sighting("door", 10, who="ben")
    log = log_of(left, body, ben, by_continuity=False)
    weak = without("appearance")
    at_no_hour = weighed(body, log, household("ann", settings=weak)).log_odds
    for days in range(1, 15):
        log.hours.learn("ann", after_noon(-7 * days * DAY_S))
    at_her_hour = weighed(body, log, household("ann", settings=weak)).log_odds
    assert at_her_hour - at_no_hour == pytest.approx(math.log(8))
    with_ben = household("ann", "ben", settings=weak)
    assert weighed(body, log, with_ben).log_odds == pytest.approx(math.log(8 * 3.5 + 2 * 3.5))


def test_company_is_no_help_inside_or_from_somebody_who_does_not_belong_here() -> None:
    body = sighting("door", 0)
    inside = log_of(sighting("hall", -5, -4, "ann"), body, by_continuity=False)
    assert not any("with ann" in reason for reason in weighed(body, inside).reasons)
    gone = log_of(sighting("door", -5, -4, "gus"), body, by_continuity=False)
    assert not any("with gus" in reason for reason in weighed(body, gone).reasons)


def test_a_face_counts_for_an_arrival_too() -> None:
    bare, seen = sighting("door", 0), sighting("door", 0, face=2.0)
    assert weighed(seen, log_of(seen)).log_odds - weighed(bare, log_of(bare)).log_odds == pytest.approx(2.0)


def test_a_phone_explains_somebody_who_comes_after_a_person_with_a_name() -> None:
    ann, body = sighting("door", -20, -18, "ann"), sighting("door", 0)
    log = with_phone(log_of(ann, body, by_continuity=False), -5, "ben")
    assert "the phone of ben has come home" in weighed(body, log, household("ann", "ben")).reasons


def test_a_body_that_is_seen_twice_at_the_door_is_one_arrival() -> None:
    first, again = sighting("door", 0, 2, clothes=RED), sighting("door", 6, 8, clothes=RED)
    other = sighting("door", 60, clothes=OTHER)
    log = with_phone(with_phone(log_of(first, again, other), 5), 6, "ben")
    assert log.root(again.visit) == first
    assert "the phone of ben has come home" in weighed(other, log, household("ann", "ben"), at_s=70).reasons
