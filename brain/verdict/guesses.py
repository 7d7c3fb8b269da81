"""Pure: the answers of a vision backend that knows people itself -> verdict.

Such a backend (a retrained network) gives probabilities of names, and no embeddings. It makes the same errors in
consecutive frames, so probabilities are averaged and never multiplied.
"""

from collections.abc import Collection, Mapping, Sequence

from brain.verdict.judge import Judgement
from brain.vision.backend import Guess
from nerves.messages import Group

__all__ = ["judge_guesses"]

# A softmax retrained on whole pictures accepts 35 to 45 % of strangers if the likeliest name always wins, and 8 to 12 %
# if the name must reach this probability (four people, 300 strangers).
MIN_NAME_PROBABILITY = 0.8
MIN_STRANGER_PROBABILITY = 0.5
MIN_PICTURES = 3


def judge_guesses(
    guesses: Sequence[Guess], groups: Mapping[str, Group], *, expired: Collection[str] = (), last: bool = False
) -> Judgement:
    """Return the verdict of all guesses together.

    Args:
        guesses: One for each frame that was analysed.
        groups: The group of each person; a name that is not in here is family.
        expired: Guests whose pass has ended; they do not count.
        last: Whether this is the deadline or the end of the visit, so that a verdict is needed.
    """
    names = {name for guess in guesses for name in guess}.difference(expired)
    chances = {name: sum(guess.get(name, 0.0) for guess in guesses) / len(guesses) for name in names}
    best = max(sorted(chances), key=lambda name: chances[name], default=None)
    other = 1.0 - sum(chances.values())
    reasons = _reasons(len(guesses), best, chances, other)
    if len(guesses) >= MIN_PICTURES and best is not None and chances[best] >= MIN_NAME_PROBABILITY:
        return Judgement(groups.get(best, "family"), best, reasons)
    if len(guesses) >= MIN_PICTURES and other >= MIN_STRANGER_PROBABILITY:
        return Judgement("stranger", None, reasons)
    return Judgement(
        "unidentified" if last else "identifying", None, (*reasons, f"a name needs {MIN_NAME_PROBABILITY:.0%}")
    )


def _reasons(count: int, best: str | None, chances: Mapping[str, float], other: float) -> tuple[str, ...]:
    said = (f"{best} {chances[best]:.0%}",) if best is not None else ()
    return (f"{count} picture{'s' * (count != 1)} looked at", *said, f"somebody else {max(other, 0.0):.0%}")
