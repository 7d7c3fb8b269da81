"""What the context says of somebody without a face: inside, and after somebody who was named."""

import math
from dataclasses import replace
from uuid import uuid4

import pytest

from brain.context import numbers
from brain.context.house_log import HouseLog, PhoneReport
from brain.context.occupancy import Suspect
from brain.context.sighting import Sighting
from brain.context.terms import ContextOdds, Household
from brain.context.walks import clothes_log_odds
from brain.context.weigh import weigh
from brain.settings.context import ContextSettings
from brain.verdict.policy import ActiveMode
from brain.vision.appearance import Appearance
from tests.brain.context.sightings import NOON, OTHER, RED, after_noon, household, log_of, sighting

ANN = household("ann")
DAY = numbers.NOBODY_UNKNOWN_LOG_ODDS
NOBODY_UNKNOWN, NO_WAY = "nobody unknown has come in", "was not seen on the way to kitchen"


def weighed(
    visit: Sighting, log: HouseLog, house: Household = ANN, suspects: tuple[Suspect, ...] = (), at_s: float = 60
) -> ContextOdds:
    return weigh(visit, log, house, suspects, after_noon(at_s))


def without(*names: str) -> ContextSettings:
    return ContextSettings.model_validate(dict.fromkeys(names, False))


def test_a_body_a_moment_after_a_name_is_probably_that_person() -> None:
    ann, body = sighting("hall", 0, 2, "ann", clothes=RED), sighting("kitchen", 10, clothes=RED)
    context = weighed(body, log_of(ann, body))
    assert context.who == "ann"
    assert context.log_odds > math.log(200)
    assert context.reasons == (NOBODY_UNKNOWN, "ann was at hall 8 s before", "the same clothes")


def test_a_continuation_counts_fifty_to_one_at_most() -> None:
    ann, body = sighting("hall", 0, 2, "ann", clothes=RED), sighting("kitchen", 10, clothes=RED)
    log = log_of(ann, body)
    assert log.links[body.visit].log_odds > math.log(50)
    alone = weighed(body, log, household("ann", settings=without("appearance", "who_is_in")))
    assert alone.log_odds == pytest.approx(math.log(50))


def test_a_weak_continuation_counts_what_it_is_worth() -> None:
    ann, body = sighting("hall", 0, 2, "ann"), sighting("kitchen", 10)
    log = log_of(ann, body)
    alone = weighed(body, log, household("ann", settings=without("who_is_in")))
    assert alone.log_odds == pytest.approx(log.links[body.visit].log_odds)
    assert alone.log_odds < math.log(50)


def test_a_body_that_is_named_later_was_that_person_before() -> None:
    body, ann = sighting("hall", 0, 2, clothes=RED), sighting("kitchen", 10, 12, "ann", clothes=RED)
    was_in = sighting("kitchen", -900, -800, "ann")
    context = weighed(body, log_of(was_in, body, ann))
    assert (context.who, context.reasons[1]) == ("ann", "ann was at kitchen 12 s after")
    assert context.log_odds > math.log(200)


def test_the_same_body_as_a_stranger_is_never_calmed() -> None:
    stranger = sighting("hall", 0, 2, verdict="stranger", clothes=RED)
    body = sighting("kitchen", 10, clothes=RED, face=5.0)
    context = weighed(body, log_of(stranger, body))
    assert (context.log_odds, context.who, context.reasons) == (-math.inf, None, ("the same body as a stranger",))


def test_a_stranger_whom_a_human_named_is_no_stranger() -> None:
    stranger = sighting("hall", 0, 2, verdict="stranger", clothes=RED)
    body = sighting("kitchen", 10, clothes=RED)
    log = log_of(stranger, body)
    log.rename(stranger.visit, "ann", "family")
    assert weighed(body, log).who == "ann"


def test_a_suspect_inside_calms_nobody_else() -> None:
    ann, body = sighting("hall", 0, 2, "ann", clothes=RED), sighting("kitchen", 10, clothes=RED)
    log = log_of(ann, body)
    others = tuple(Suspect(uuid4(), after_noon(s), from_outside=True, is_stranger=False) for s in (-30, -90))
    context = weighed(body, log, suspects=others)
    since = f"{after_noon(-90).astimezone():%H:%M}"
    assert (context.log_odds, context.who) == (-math.inf, None)
    assert context.reasons == (f"somebody unknown is in the house since {since}",)


def test_a_suspect_does_not_stand_in_its_own_way() -> None:
    ann, body = sighting("hall", 0, 2, "ann", clothes=RED), sighting("kitchen", 10, clothes=RED)
    own = Suspect(ann.visit, NOON, from_outside=False, is_stranger=False)
    assert weighed(body, log_of(ann, body), suspects=(own,)).log_odds > math.log(200)


def test_a_body_inside_while_ann_is_in_is_probably_of_the_house() -> None:
    ann, body = sighting("hall", -900, -800, "ann"), sighting("kitchen", 0)
    context = weighed(body, log_of(ann, body))
    assert context.log_odds == pytest.approx(DAY + math.log(0.4 / 0.9))
    assert context.reasons == (NOBODY_UNKNOWN, NO_WAY)
    assert context.who is None


def test_nobody_calms_in_a_house_in_which_nobody_is_in() -> None:
    left, body = sighting("door", -900, -800, "ann"), sighting("kitchen", 0, face=6.0)
    context = weighed(body, log_of(left, body))
    assert context.log_odds == -math.inf
    assert context.reasons[0] == "nobody who belongs here is in"
    assert weighed(body, log_of(left, body), household("ann", "ben")).log_odds > 0


def test_whoever_came_home_without_a_name_is_in_until_they_leave() -> None:
    left, comes = sighting("door", -900, -800, "ann"), sighting("door", -400, clothes=RED)
    goes_in, body = replace(sighting("hall", -392, clothes=RED), is_calm=True), sighting("kitchen", 0)
    log = log_of(left, comes, goes_in, body)
    assert weighed(body, log).log_odds == pytest.approx(DAY + math.log(0.4 / 0.9))
    log.update(replace(goes_in, is_calm=False))
    assert weighed(body, log).log_odds == -math.inf
    log.update(goes_in)
    log.update(sighting("door", -386, clothes=RED))
    assert weighed(body, log).log_odds == -math.inf


def test_whoever_was_in_before_the_last_one_left_is_not_in_any_more() -> None:
    comes, goes_in = sighting("door", -400, clothes=RED), replace(sighting("hall", -392, clothes=RED), is_calm=True)
    left, body = sighting("door", -300, who="ann"), sighting("kitchen", 0)
    assert weighed(body, log_of(comes, goes_in, left, body)).log_odds == -math.inf


def test_nobody_is_in_where_nobody_is_known() -> None:
    body = sighting("kitchen", 0)
    assert weighed(body, log_of(body), household()).log_odds == -math.inf


def test_who_is_in_says_nothing_where_it_is_not_wanted_or_no_place_is_an_entrance() -> None:
    left, body = sighting("door", -900, -800, "ann"), sighting("kitchen", 0)
    assert weighed(body, log_of(left, body), household("ann", settings=without("who_is_in"))) == ContextOdds()
    no_entrance = Household(ANN.people, ANN.family, frozenset(), ANN.settings)
    assert weighed(body, log_of(left, body), no_entrance) == ContextOdds()


def test_learnt_beginnings_change_the_odds_inside() -> None:
    ann, body = sighting("hall", -900, -800, "ann"), sighting("kitchen", 0)
    log = log_of(ann, body)
    before = weighed(body, log).log_odds
    for _ in range(20):
        log.travel.learn_arrival("kitchen", was_seen_before=False)
    assert weighed(body, log).log_odds > before + 0.6
    for _ in range(200):
        log.travel.learn_arrival("kitchen", was_seen_before=True)
    assert weighed(body, log).log_odds < before


def test_who_may_have_been_next_door_a_moment_before_came_from_there() -> None:
    ann, body = sighting("hall", -50, -43, "ann"), sighting("kitchen", 0)
    log = log_of(ann, body)
    perhaps = log.perhaps_before(body.visit)
    assert perhaps is not None
    context = weighed(body, log)
    assert context.log_odds == pytest.approx(DAY + math.log(0.4 / 0.9 + 0.6 * math.exp(perhaps[1])))
    nobody = log_of(sighting("hall", -900, -800, "ann"), body)
    assert weighed(body, nobody).log_odds == pytest.approx(DAY + math.log(0.4 / 0.9))
    for _ in range(200):
        log.travel.learn_arrival("kitchen", was_seen_before=True)
    assert "perhaps ann, at hall before" in weighed(body, log).reasons or weighed(body, log).log_odds < context.log_odds


def test_the_clothes_of_who_was_next_door_count_once() -> None:
    was_in = sighting("hall", -900, -800, "ann", clothes=RED)
    last, body = sighting("hall", -60, -43, "ann", clothes=RED), sighting("kitchen", 0, clothes=OTHER)
    log = log_of(was_in, last, body)
    perhaps = log.perhaps_before(body.visit)
    assert perhaps is not None
    clothes = clothes_log_odds(last, body)
    whole = math.exp(clothes) * 0.4 / 0.9 + 0.6 * math.exp(perhaps[1])
    assert weighed(body, log).log_odds == pytest.approx(DAY + math.log(whole), abs=0.2)


def test_a_face_in_the_next_room_counts_as_far_as_it_is_the_same_body() -> None:
    ann = sighting("hall", -900, -800, "ann")
    kitchen, hall = sighting("kitchen", 0, 2, clothes=RED, face=3.0), sighting("hall", 6, clothes=RED)
    log = log_of(ann, kitchen, hall)
    same = log.links[hall.visit].log_odds
    own, passed_on = weighed(kitchen, log).log_odds, weighed(hall, log).log_odds
    share = 1 / (1 + math.exp(-same))
    assert own - passed_on == pytest.approx(3.0 - math.log(share * math.exp(3.0) + 1 - share), abs=0.3)
    against = log_of(ann, replace(kitchen, face_log_odds=-5.0), hall)
    assert weighed(hall, against).log_odds < weighed(hall, log).log_odds - 4


@pytest.mark.parametrize(
    ("faces", "chroma", "mode", "against"),
    [(1, 1.0, "home", 10), (4, 1.0, "home", 20), (4, 1.0, "away", 20), (4, 0.0, "home", 2), (4, 1.0, "night", 2)],
)
def test_faces_count_against_somebody_by_their_number_and_little_in_the_dark(
    faces: int, chroma: float, mode: ActiveMode, against: float
) -> None:
    house = replace(ANN, mode=mode)
    ann, looks = sighting("hall", -900, -800, "ann"), Appearance(RED.vector, chroma)
    bare = sighting("kitchen", 0, clothes=looks)
    seen = replace(bare, face_log_odds=-9.0, faces=faces)
    log = log_of(ann, bare)
    without_face = weighed(bare, log, house).log_odds
    log.update(replace(seen, is_open=True))
    assert weighed(seen, log, house).log_odds == pytest.approx(without_face - math.log(against))


def test_at_the_door_a_coat_may_hide_the_clothes() -> None:
    was_in, hall = sighting("kitchen", -900, -800, "ann", clothes=RED), sighting("hall", 0, 12, clothes=RED)
    door, kitchen = sighting("door", 15, clothes=OTHER), sighting("kitchen", 15, clothes=OTHER)
    at_door, inside = (weighed(body, log_of(was_in, hall, body)) for body in (door, kitchen))
    assert at_door.log_odds > inside.log_odds + 1


@pytest.mark.parametrize("mode", ["night", "away"])
def test_by_night_and_while_nobody_is_in_a_house_is_closed(mode: ActiveMode) -> None:
    ann, body = sighting("hall", -900, -800, "ann"), sighting("kitchen", 0)
    log = log_of(ann, body)
    closed = replace(ANN, mode=mode)
    assert weighed(body, log, closed).log_odds - weighed(body, log).log_odds == pytest.approx(math.log(1000 / 350))


def test_phones_never_help_a_body_that_appears_inside() -> None:
    body = sighting("kitchen", 0)
    left = sighting("door", -900, -800, "ann")
    log = log_of(left, body)
    log.report_phone("ann", PhoneReport(after_noon(5), is_home=True))
    assert weighed(body, log).log_odds == -math.inf
    was_in = log_of(sighting("hall", -900, -800, "ann"), body)
    before = weighed(body, was_in)
    was_in.report_phone("ann", PhoneReport(after_noon(-5), is_home=True))
    assert weighed(body, was_in) == before


def test_clothes_tell_who_it_is_inside() -> None:
    ann = sighting("hall", -900, -800, "ann", clothes=RED)
    ben = sighting("hall", -700, -600, "ben", clothes=OTHER)
    like_ann, like_nobody = (
        sighting("kitchen", 0, clothes=RED),
        sighting("kitchen", 0, clothes=Appearance(-OTHER.vector, 1.0)),
    )
    house = household("ann", "ben")
    context = weighed(like_ann, log_of(ann, ben, like_ann), house)
    assert (context.who, context.reasons[1]) == ("ann", "dressed like ann")
    other = weighed(like_nobody, log_of(ann, ben, like_nobody), house)
    assert (other.who, other.reasons[1]) == (None, "dressed like nobody of the house")
    assert other.log_odds < math.log(200) < context.log_odds


def test_clothes_that_two_people_wear_name_neither() -> None:
    ann = sighting("hall", -900, -800, "ann", clothes=RED)
    ben = sighting("hall", -700, -600, "ben", clothes=RED)
    body = sighting("kitchen", 0, clothes=RED)
    context = weighed(body, log_of(ann, ben, body), household("ann", "ben"))
    assert (context.who, context.reasons[1]) == (None, "dressed like somebody of the house")


def test_the_clothes_of_somebody_who_is_out_do_not_count() -> None:
    left = sighting("door", -900, -800, "ann", clothes=RED)
    ben = sighting("hall", -700, -600, "ben", clothes=OTHER)
    body = sighting("kitchen", 0, clothes=RED)
    context = weighed(body, log_of(left, ben, body), household("ann", "ben"))
    assert (context.who, context.reasons[1]) == (None, "dressed like nobody of the house")


def test_the_clothes_of_somebody_who_was_not_seen_for_hours_count_less() -> None:
    body = sighting("kitchen", 0, clothes=RED)
    house = household("ann", "ben", settings=without("who_is_in"))
    lately = log_of(sighting("hall", -35900, -35890, "ann", clothes=RED), sighting("hall", -900, who="ben"), body)
    long_ago = log_of(sighting("hall", -36010, -36005, "ann", clothes=RED), sighting("hall", -900, who="ben"), body)
    in_now, unknown = weighed(body, lately, house).log_odds, weighed(body, long_ago, house).log_odds
    same = math.exp(in_now) * 2 - 1
    assert math.exp(unknown) == pytest.approx((0.2 * same + 1) / 1.2, rel=0.01)


def test_without_appearance_clothes_say_nothing() -> None:
    ann = sighting("hall", -900, -800, "ann", clothes=RED)
    red, other = sighting("kitchen", 0, clothes=RED), sighting("kitchen", 0, clothes=OTHER)
    house = household("ann", settings=without("appearance"))
    assert weighed(red, log_of(ann, red), house) == weighed(other, log_of(ann, other), house)


def test_the_last_four_looks_of_a_person_count() -> None:
    first = sighting("hall", -2000, who="ann", clothes=RED)
    later = [sighting("hall", -1800 + 200 * number, who="ann", clothes=OTHER) for number in range(4)]
    body = sighting("kitchen", 0, clothes=RED)
    assert weighed(body, log_of(first, *later[:3], body)).who == "ann"
    assert weighed(body, log_of(first, *later, body)).who is None


@pytest.mark.parametrize(
    ("face", "counts"),
    [
        (5.0, 5.0),
        (math.log(400) + 1, math.log(400)),
        (-2.0, -2.0),
        (-math.log(10) - 1, -math.log(10)),
    ],
)
def test_a_face_counts_within_its_limits(face: float, counts: float) -> None:
    bare, body = sighting("kitchen", 0), sighting("kitchen", 0, face=face)
    ann = sighting("hall", -900, -800, "ann")
    plain, seen = weighed(bare, log_of(ann, bare)), weighed(body, log_of(ann, body))
    assert seen.log_odds - plain.log_odds == pytest.approx(counts)
    assert ("the face looks like ann" if face > 0 else "the face") in seen.reasons


@pytest.mark.parametrize(("face", "is_told"), [(0.5, True), (0.49, False)])
def test_a_reason_that_decides_little_is_not_told(face: float, *, is_told: bool) -> None:
    body = sighting("kitchen", 0, face=face)
    assert ("the face looks like ann" in weighed(body, log_of(body)).reasons) is is_told


def test_the_strongest_reason_is_told_first() -> None:
    ann, body = sighting("hall", -900, -800, "ann"), sighting("kitchen", 0, face=-3.0)
    assert weighed(body, log_of(ann, body)).reasons == (NOBODY_UNKNOWN, "the face", NO_WAY)
