"""Compose visits from photos, and decide them as the brain would from the face embeddings alone."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from brain.measure.degrade import Degradation, camera, moment
from brain.measure.embeddings import PictureVariant
from brain.verdict.evidence import Evidence, FaceSample, KnownPerson, add_face, face_weight
from brain.verdict.judge import judge
from brain.vision.backend import FaceEmbedding
from nerves.messages import Verdict

__all__ = ["KnownPerson", "VisitOutcome", "compose", "decide"]

EMBEDDINGS_PER_VISIT = (6, 13)  # the upper bound is exclusive: 6 to 12


class VisitOutcome(NamedTuple):
    """The decision on a visit."""

    verdict: Verdict
    who: str | None
    embeddings_used: int
    """The number of embeddings after which this decision was made."""


def decide(embeddings: Sequence[FaceEmbedding], known: Sequence[KnownPerson]) -> VisitOutcome:
    """Return the verdict when the visit ends: a judgement after each embedding, then the last one."""
    evidence, held = Evidence(), VisitOutcome("identifying", None, 0)
    for number, embedding in enumerate(embeddings, start=1):
        evidence = add_face(
            evidence,
            FaceSample(
                embedding.vector,
                face_weight(embedding.width, embedding.sharpness, embedding.yaw),
                embedding.face_confidence,
            ),
        )
        held = _held(held, evidence, known, number)
    return _held(held, evidence, known, len(embeddings), last=True)


def _held(
    held: VisitOutcome, evidence: Evidence, known: Sequence[KnownPerson], number: int, *, last: bool = False
) -> VisitOutcome:
    """Return the outcome after one more embedding. `unidentified` never replaces a verdict that was given before."""
    said = judge(evidence, known, held=held.verdict, last=last)
    undecided = said.verdict == "identifying" or (said.verdict == "unidentified" and held.verdict != "identifying")
    if undecided or (said.verdict, said.who) == (held.verdict, held.who):
        return held
    return VisitOutcome(said.verdict, said.who, number)


def compose(photos: Sequence[Path], count: int, *, seed: int, room: bool) -> Iterator[tuple[PictureVariant, ...]]:
    """Yield visits of one person, each of 6 to 12 different photos if there are enough.

    If there are fewer, photos are used again with small changes, as if taken a moment later. With `room`, every picture
    is degraded as by a room camera. The same `seed` gives the same visits.
    """
    order = np.random.default_rng(_number(f"{seed} {photos[0].parent.name}/{photos[0].name}"))
    for _ in range(count):
        chosen = [photos[i] for i in order.permutation(len(photos))]
        embeddings = int(order.integers(*EMBEDDINGS_PER_VISIT))
        yield tuple(
            PictureVariant(chosen[i % len(chosen)], _how(chosen[i % len(chosen)], i // len(chosen), room=room))
            for i in range(embeddings)
        )


def _how(photo: Path, again: int, *, room: bool) -> Degradation | None:
    """Return how a photo is changed when it is used again; it is the same in every visit. With `room`, every use is."""
    rng = np.random.default_rng(_number(f"{photo.parent.name}/{photo.name} {again}"))
    if room:
        return camera(rng)
    return moment(rng) if again else None


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
