"""What a face counts, in literal numbers."""

import numpy as np
import pytest
from pydantic import TypeAdapter

from brain.verdict.evidence import Evidence, FaceSample, add_answer, add_face, face_weight, ramp
from brain.vision.backend import CloudSimilarity

VECTOR = np.arange(128, dtype=np.float32)


def sample(weight: float, confidence: float) -> FaceSample:
    return FaceSample(VECTOR, weight, confidence)


@pytest.mark.parametrize(
    ("value", "share"), [(0, 0.0), (18, 0.0), (24, 0.2), (33, 0.5), (48, 1.0), (480, 1.0), (-48, 0.0)]
)
def test_what_lies_between_none_and_full_lies_in_between(value: float, share: float) -> None:
    assert ramp(value, 18, 48) == pytest.approx(share)


@pytest.mark.parametrize(
    ("width", "sharpness", "yaw", "weight"),
    [(48, 12, 0.6, 1.0), (33, 12, 0.0, 0.5), (48, 7.5, 0.0, 0.5), (48, 12, 0.9, 0.5), (33, 7.5, 0.9, 0.125)],
)
def test_width_sharpness_and_turn_count_together(width: float, sharpness: float, yaw: float, weight: float) -> None:
    assert face_weight(width, sharpness, yaw) == pytest.approx(weight)


@pytest.mark.parametrize(
    ("weight", "confidence", "usable", "samples"),
    [(0.5, 0.5, 1, 1), (0.1, 1.0, 0, 1), (0.5, 0.1, 0, 1), (1.0, 0.05, 0, 1), (0.1, 0.1, 0, 0), (0.1, 0.2, 0, 1)],
)
def test_a_face_is_kept_if_it_may_be_one_and_counted_if_it_is_usable(
    weight: float, confidence: float, usable: int, samples: int
) -> None:
    evidence = add_face(Evidence(), sample(weight, confidence))
    assert (evidence.faces, len(evidence.samples)) == (usable, samples)


def test_the_newest_24_answers_of_each_kind_are_kept() -> None:
    evidence = add_face(Evidence(), sample(1, 1))
    for number in range(30):
        evidence = add_answer(evidence, {"me": number / 100})
        evidence = add_answer(evidence, CloudSimilarity({"me": float(number)}))
    assert [guess["me"] for guess in evidence.guesses] == [number / 100 for number in range(6, 30)]
    assert [answer.similarities["me"] for answer in evidence.cloud_answers] == [
        float(number) for number in range(6, 30)
    ]
    assert evidence.faces == 1


def test_a_sample_is_read_from_json_and_from_itself() -> None:
    adapter = TypeAdapter(FaceSample)
    for again in (
        adapter.validate_json(adapter.dump_json(sample(0.5, 0.9))),
        adapter.validate_python({"vector": VECTOR, "weight": 0.5, "face_confidence": 0.9}),
    ):
        assert np.array_equal(again.vector, VECTOR)
        assert again.vector.dtype == np.float32
        assert (again.weight, again.face_confidence) == (0.5, 0.9)
