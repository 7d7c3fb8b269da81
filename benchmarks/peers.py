"""Pure: how others decide who a visit is, each rule in a few lines, on the same vectors as ours.

They are rules, not products: each peer ships another network, so its numbers were carried over to dlib's distances.
Every `Rule` takes the looks of a visit, in order, and the family; it answers a name, `SOMEBODY` of the family,
`STRANGER`, or None (nobody said who it is). A `Tunable` gives a rule for one value of its threshold.
"""

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import exp

import numpy as np

from brain.measure.visits import KnownPerson, decide
from brain.vision.backend import FaceEmbedding, Vector

Answer = str | None
STRANGER, SOMEBODY = "(stranger)", "(family)"


@dataclass(frozen=True, eq=False)
class Family:
    """The people who are enrolled, and the distances already computed."""

    known: tuple[KnownPerson, ...]
    _kept: dict[tuple[bytes, int], list[tuple[float, str]]] = field(default_factory=dict)

    def nearest(self, embedding: FaceEmbedding, top: int = 1) -> list[tuple[float, str]]:
        """Return (mean distance to the `top` nearest photos, name), the nearest person first."""
        key = embedding.vector.tobytes(), top
        if key not in self._kept:
            away = [np.sort(np.linalg.norm(one.vectors - embedding.vector, axis=1))[:top].mean() for one in self.known]
            pairs = zip(away, self.known, strict=True)
            self._kept[key] = sorted((float(distance), one.name) for distance, one in pairs)
        return self._kept[key]

    @cached_property
    def means(self) -> list[Vector]:
        """The mean of everybody's photos without the extreme 15 % of each number."""
        return [_trimmed(one.vectors) for one in self.known]


Rule = Callable[[Sequence[FaceEmbedding], Family], Answer]
Tunable = Callable[[float], Rule]


def ours(embeddings: Sequence[FaceEmbedding], family: Family) -> Answer:
    """Decide as `brain.judge` does."""
    outcome = decide(embeddings, family.known)
    return outcome.who or {"family": SOMEBODY, "guest": SOMEBODY, "stranger": STRANGER}.get(outcome.verdict)


# Frigate 0.18 (frigate/data_processing/real_time/face.py): confidence = sigmoid(20 (cosine - 0.5)) to the class mean,
# 0.8 is a vote, 0.9 on the weighted mean is a name. Carried over along a straight line through the means of two photos
# of one person and of two: cosines of FaceNet 0.75 and 0.10 (assumed), distances of dlib 0.43 and 0.80 (measured).
SLOPE = (0.80 - 0.43) / (0.75 - 0.10)
FRIGATE = {"middle": 0.43 + SLOPE * (0.75 - 0.50), "steep": 20 / SLOPE, "unknown": 0.8, "named": 0.9}
MOST_AREA = 4000.0


def frigate(
    embeddings: Sequence[FaceEmbedding], family: Family, *, named: float = FRIGATE["named"], needs: int = 1
) -> Answer:
    """Weighted vote of at most 12 faces, by area and confidence; what is unknown has no vote."""
    votes: dict[str, list[tuple[float, float]]] = {}
    for embedding in embeddings[:12]:
        away = [float(np.linalg.norm(mean - embedding.vector)) for mean in family.means]
        score = 1 / (1 + exp(FRIGATE["steep"] * (min(away) - FRIGATE["middle"])))
        if score > FRIGATE["unknown"]:
            worth = min(embedding.width**2, MOST_AREA) * (score - FRIGATE["unknown"]) * 10
            votes.setdefault(family.known[int(np.argmin(away))].name, []).append((worth, score))
    if not votes:
        return None
    best = max(votes, key=lambda name: sum(worth for worth, _ in votes[name]))
    counts = Counter(len(cast) for cast in votes.values())
    if len(votes[best]) < needs or counts[len(votes[best])] > 1:
        return None
    weights, scores = zip(*votes[best], strict=True)
    return best if np.average(scores, weights=weights) >= named else None


def _trimmed(vectors: Vector) -> Vector:
    cut = int(0.15 * len(vectors))
    return np.sort(vectors, axis=0)[cut : len(vectors) - cut].mean(axis=0).astype(np.float32)


# FaceID 0.16: its cosines 0.50 (default) and 0.45 (its author's advice) between buffalo_l's vectors are strict. Put
# where dlib is as strict: 0.5 and 1.4 of 10,000 pairs of two news people are within 0.46 and 0.48 (17 within 0.55).
FACEID_DEFAULT, FACEID_ADVICE = 0.46, 0.48


def faceid(embeddings: Sequence[FaceEmbedding], family: Family, *, within: float, top: int) -> Answer:
    """Best of at most 6 tries: the mean distance to the `top` nearest photos of a person."""
    tries = [family.nearest(embedding, top)[0] for embedding in embeddings[:6]]
    away, name = min(tries, default=(np.inf, ""))
    return name if away <= within else None


def any_frame(embeddings: Sequence[FaceEmbedding], family: Family, *, within: float) -> Answer:
    """The nearest photo of any frame."""
    away, name = min((family.nearest(embedding)[0] for embedding in embeddings), default=(np.inf, ""))
    return name if away <= within else None


def majority(embeddings: Sequence[FaceEmbedding], family: Family, *, within: float) -> Answer:
    """The name that more than half of the frames give."""
    votes = Counter(name for embedding in embeddings for away, name in family.nearest(embedding)[:1] if away <= within)
    name, count = votes.most_common(1)[0] if votes else ("", 0)
    return name if 2 * count > len(embeddings) else None


FOR, AGAINST, TWO = 0.50, 0.60, 2


def plain_vote(embeddings: Sequence[FaceEmbedding], family: Family) -> Answer:
    """A face within 0.50 is a vote for, one beyond 0.60 against; it takes two faces and more votes than the others."""
    nearest = [family.nearest(embedding)[0] for embedding in embeddings]
    votes = Counter(name for away, name in nearest if away <= FOR)
    against = sum(away > AGAINST for away, _ in nearest)
    name, count = votes.most_common(1)[0] if votes else ("", 0)
    if count >= TWO and count > against:
        return name
    return STRANGER if against >= TWO else None


# Face widths in pixels between which a distance says about the same.
BANDS = (40, 52, 70)


@dataclass(frozen=True)
class LogLikelihood:
    """What one look says: the log-likelihood ratio of the mean of the two nearest distances, by the face's width."""

    bands: Mapping[int, tuple[float, float]]
    """In each band of width: the distance that says nothing, and what each unit below it says."""

    @classmethod
    def fitted(cls, embeddings: Iterable[tuple[FaceEmbedding, Family, str]]) -> "LogLikelihood":
        """Learn two bells of one width: family to themselves, and everybody to the nearest person they are not."""
        rows = []
        for embedding, family, who in embeddings:
            near = family.nearest(embedding, 2)
            rows += [(_band(embedding), away, True) for away, name in near if name == who]
            rows += [(_band(embedding), away, False) for away, name in near if name != who][:1]
        return cls(
            {
                band: _line([row[1:] for row in rows if row[0] == band] or [row[1:] for row in rows])
                for band in range(len(BANDS) + 1)
            }
        )

    def __call__(self, embedding: FaceEmbedding, away: float) -> float:
        """Return the ratio, at most e^12 either way."""
        nothing, slope = self.bands[_band(embedding)]
        return max(-12.0, min(12.0, slope * (nothing - away)))


def summed(embeddings: Sequence[FaceEmbedding], family: Family, *, ratio: LogLikelihood, needs: float) -> Answer:
    """The first name whose ratios add up to `needs`; a stranger once all add up to less than `-needs`."""
    sums = dict.fromkeys((one.name for one in family.known), 0.0)
    for embedding in embeddings:
        for away, name in family.nearest(embedding, 2):
            sums[name] += ratio(embedding, away)
        best = max(sums, key=lambda name: sums[name])
        if abs(sums[best]) >= needs:
            return best if sums[best] > 0 else STRANGER
    return None


def _band(embedding: FaceEmbedding) -> int:
    return bisect(BANDS, embedding.width)


def _line(pairs: Sequence[tuple[float, bool]]) -> tuple[float, float]:
    same, other = ([away for away, own in pairs if own is which] for which in (True, False))
    variance = (np.var(same) * len(same) + np.var(other) * len(other)) / len(pairs)
    middle = (np.mean(same) + np.mean(other)) / 2
    return float(middle), float((np.mean(other) - np.mean(same)) / variance)


FIXED: dict[str, Rule] = {
    "ours": ours,
    "Frigate's vote, default mapped": frigate,
    "FaceID, 0.50 of the top 3": partial(faceid, within=FACEID_DEFAULT, top=3),
    "FaceID, 0.45 of the top 1": partial(faceid, within=FACEID_ADVICE, top=1),
    # Its engine CompreFace says 0.5 where FaceNet tells people apart best, which dlib does at 0.60; 60 % is stricter.
    "Double Take, best single frame": partial(any_frame, within=0.58),
    "face_recognition, any <= 0.60": partial(any_frame, within=0.60),
    "plain vote of design's numbers": plain_vote,
}

DISTANCES = tuple(float(value) for value in np.arange(0.36, 0.63, 0.01).round(2))


def tunables(ratio: LogLikelihood) -> dict[str, tuple[Tunable, Sequence[float]]]:
    """Return the rules that have one threshold to tune, and what to try, strict to lax."""
    return {
        "Frigate's vote, tuned strict": (_frigate_within, DISTANCES),
        "any frame, tuned strict": (lambda within: partial(any_frame, within=within), DISTANCES),
        "majority, tuned strict": (lambda within: partial(majority, within=within), DISTANCES),
        "log-likelihood sum, tuned strict": (
            lambda needs: partial(summed, ratio=ratio, needs=needs),
            [float(value) for value in np.geomspace(60, 1, 40).round(1)],
        ),
    }


def _frigate_within(within: float) -> Rule:
    """Return Frigate's vote with the confidence that a distance to the class mean has."""
    return partial(frigate, named=1 / (1 + exp(FRIGATE["steep"] * (within - FRIGATE["middle"]))))
