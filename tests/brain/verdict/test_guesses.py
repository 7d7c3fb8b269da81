import pytest

from brain.verdict.guesses import judge_guesses
from nerves.messages import Group

GROUPS: dict[str, Group] = {"me": "family", "ann": "guest"}


def test_a_name_that_is_likely_in_three_pictures_is_a_name() -> None:
    sure = {"me": 0.9, "ann": 0.05}
    assert judge_guesses([sure] * 2, GROUPS).verdict == "identifying"
    judgement = judge_guesses([sure] * 3, GROUPS)
    assert (judgement.verdict, judgement.who) == ("family", "me")
    assert judgement.reasons == ("3 pictures looked at", "me 90%", "somebody else 5%")


@pytest.mark.parametrize("count", [3, 30])
def test_the_likeliest_name_is_not_enough(count: int) -> None:
    judgement = judge_guesses([{"me": 0.6, "ann": 0.1}] * count, GROUPS, last=True)
    assert (judgement.verdict, judgement.reasons[-1]) == ("unidentified", "a name needs 80%")


def test_a_label_for_strangers_is_a_stranger() -> None:
    assert judge_guesses([{"me": 0.2}] * 3, GROUPS).verdict == "stranger"
    assert judge_guesses([{}] * 3, GROUPS).verdict == "stranger"


def test_one_lucky_picture_names_nobody() -> None:
    assert judge_guesses([{"me": 0.1}] * 11 + [{"me": 1.0}], GROUPS).verdict == "stranger"


def test_a_guest_is_a_guest_until_the_pass_ends() -> None:
    sure = [{"ann": 0.95}] * 4
    assert judge_guesses(sure, GROUPS).verdict == "guest"
    assert judge_guesses(sure, GROUPS, expired=["ann"]).verdict == "stranger"


def test_a_name_that_is_not_in_the_gallery_is_family() -> None:
    assert judge_guesses([{"wife": 0.9}] * 3, GROUPS).verdict == "family"


def test_the_likeliest_is_named_also_where_some_pictures_do_not_name_them() -> None:
    guesses = [{"zoe": 0.9, "ann": 0.1}, {"zoe": 0.9}, {"zoe": 0.9}, {"zoe": 0.9}]
    judgement = judge_guesses(guesses, GROUPS)
    assert (judgement.verdict, judgement.who) == ("family", "zoe")
    assert judgement.reasons == ("4 pictures looked at", "zoe 90%", "somebody else 7%")


def test_eighty_percent_is_a_name_and_fifty_of_somebody_else_a_stranger() -> None:
    assert judge_guesses([{"me": 0.8}] * 4, GROUPS).who == "me"
    judgement = judge_guesses([{"me": 0.5}] * 4, GROUPS)
    assert (judgement.verdict, judgement.who) == ("stranger", None)
    assert judgement.reasons == ("4 pictures looked at", "me 50%", "somebody else 50%")


def test_one_picture_and_two_are_counted() -> None:
    assert judge_guesses([{"me": 0.9}], GROUPS).reasons[0] == "1 picture looked at"
    assert judge_guesses([{"me": 0.9}] * 2, GROUPS).reasons[0] == "2 pictures looked at"


def test_the_likeliest_is_named_wherever_their_name_stands_in_the_alphabet() -> None:
    assert judge_guesses([{"ann": 0.9, "zoe": 0.05}] * 3, GROUPS).who == "ann"
    assert judge_guesses([{"ann": 0.05, "zoe": 0.9}] * 3, GROUPS).who == "zoe"
