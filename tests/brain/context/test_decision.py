from brain.context.decision import Decision
from brain.context.terms import ContextOdds
from tests.brain.context.sightings import NOON

CONTEXT = ContextOdds(3.0, "ann", ("the same clothes",))


def test_the_reasons_of_a_decision_are_those_of_the_context() -> None:
    assert Decision(alert=False, context=CONTEXT).reasons == ("the same clothes",)
    assert Decision(alert=True).reasons == ()


def test_a_decision_says_until_when_it_waits() -> None:
    waits = f"waits until {NOON.astimezone():%H:%M:%S}"
    assert Decision(alert=False, context=CONTEXT, until=NOON).reasons == ("the same clothes", waits)
    assert Decision(alert=False, until=NOON).reasons == (waits,)


def test_who_is_not_expected_now_has_that_reason_alone() -> None:
    decision = Decision(alert=True, context=CONTEXT, unexpected="outside the agreed hours")
    assert decision.reasons == ("outside the agreed hours",)
