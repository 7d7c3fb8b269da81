"""Which pictures pass, second by second."""

from senses.gate import FrameRateLimit, Gate


def passed(limit: FrameRateLimit, *times: float) -> list[float]:
    return [at for at in times if limit.due(at)]


def test_two_pictures_a_second_pass_a_tenth_of_a_period_early_at_most() -> None:
    assert passed(FrameRateLimit(lambda: 2), 0.0, 0.3, 0.44, 0.46, 0.94, 0.97, 1.2, 1.5) == [0.0, 0.46, 0.97, 1.5]


def test_a_picture_that_is_exactly_a_tenth_of_a_period_early_passes() -> None:
    assert passed(FrameRateLimit(lambda: 0.1), 0.0, 8.99, 9.0) == [0.0, 9.0]


def test_after_a_pause_the_period_begins_anew() -> None:
    assert passed(FrameRateLimit(lambda: 2), 0.0, 3.0, 3.4, 3.5, 3.9, 4.0) == [0.0, 3.0, 3.5, 4.0]


def test_a_picture_that_is_a_whole_period_late_begins_a_new_one() -> None:
    assert passed(FrameRateLimit(lambda: 2), 0.0, 1.0, 1.2, 1.5) == [0.0, 1.0, 1.5]


def test_the_first_picture_passes_whenever_it_comes() -> None:
    assert passed(FrameRateLimit(lambda: 2), 7.3, 7.7, 7.8) == [7.3, 7.8]
    assert Gate(sweep_s=10, linger_s=2).passes(500.0, moved=False)
    assert Gate(sweep_s=10, linger_s=0).passes(5.0, moved=False)


def test_a_gate_passes_what_moves_what_follows_it_and_a_sweep() -> None:
    gate = Gate(sweep_s=10, linger_s=2)
    still = [0.0, 1.0, 2.0, 9.0, 10.9, 11.0, 12.0]
    assert [at for at in still if gate.passes(at, moved=False)] == [0.0, 1.0, 11.0]
    assert gate.passes(13.0, moved=True)
    assert [at for at in (14.5, 15.0, 16.0, 24.4, 24.5) if gate.passes(at, moved=False)] == [14.5, 24.5]
    assert gate.passes(30.0, moved=True)
