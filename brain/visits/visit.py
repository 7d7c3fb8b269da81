"""One visit while it lasts: what was seen of it, what is held of it, what was said of it."""

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from uuid6 import uuid7

from brain.album.strangers import Stranger, stranger_reason
from brain.people.records import LabelRecord
from brain.verdict.evidence import MIN_USABLE_WEIGHT, Evidence
from brain.verdict.judge import Judgement
from brain.vision.backend import Face, FaceEmbedding, Vector
from brain.vision.crop import Crop, best_crops, is_wanted, portrait
from brain.vision.picture import Picture
from brain.visits.observe import ObservedPerson
from brain.visits.tracking import Speed, Track, speed
from nerves.messages import Box, Phase, Verdict, Visit

__all__ = ["Candidate", "OpenVisit"]

# A person must be found this often, this surely altogether, to be a visit: one lucky pattern in one frame is nobody.
MIN_DETECTIONS, MIN_TOTAL_SCORE = 2, 1.2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A face that somebody else could be asked about."""

    at: datetime
    merit: float
    jpeg: bytes


@dataclass
class OpenVisit:
    """A visit that has not ended. The brain's loop changes it; `message` returns what is published of it."""

    place: str
    first: datetime
    last: datetime
    box: Box
    id: UUID = field(default_factory=uuid7)
    face: Box | None = None
    speed: Speed | None = None
    hits: int = 0
    score: float = 0.0
    seq: int = 0
    evidence: Evidence = field(default_factory=Evidence)
    verdict: Verdict = "identifying"
    who: str | None = None
    reasons: tuple[str, ...] = ()
    alerted: bool = False
    missing: datetime | None = None
    """Since when frames show nobody there."""
    compared_at: datetime | None = None
    """When the face was last compared."""
    best: float = 0.0
    """How good the picture is, in the same unit as `merit`."""
    picture: bytes | None = None
    crops: tuple[Crop, ...] = ()
    """The best faces, for the album."""
    asking: tuple[Candidate, ...] = ()
    """The faces for a second opinion, the best first."""
    asked: int = 0
    """How many faces were sent for a second opinion."""
    asked_at: datetime | None = None
    """When the last one of them was seen."""
    met: Stranger | None = None
    """Which known stranger it is; None if it is none."""
    label: LabelRecord | None = None
    """A human's label of this visit. No evidence overrules it."""
    before: Judgement | None = None
    """The judgement before the label."""
    not_a_person_reason: str | None = None
    """Why it is the same as something that a human has labelled as not a person; None if it may be a person."""
    is_not_a_person: bool = False
    """Whether the verdict rests on that reason."""
    overlaps: dict[UUID, float] = field(default_factory=dict)
    """For each labelled visit of not a person: the smallest overlap of its box and this one so far."""
    farthest: dict[UUID, float] = field(default_factory=dict)
    """For each labelled visit of not a person: the largest distance of a face of this visit."""

    @property
    def confirmed(self) -> bool:
        """Whether it is a visit at all."""
        return self.seq > 0 or (self.hits >= MIN_DETECTIONS and self.score >= MIN_TOTAL_SCORE)

    @property
    def decided(self) -> bool:
        """Whether a verdict was given."""
        return self.verdict != "identifying"

    @property
    def quiet(self) -> bool:
        """Whether it must not alert: a human has said that it is not a person."""
        return self.is_not_a_person if self.label is None else self.label.who is None

    @property
    def weighted_vectors(self) -> list[tuple[Vector, float]]:
        """The vectors of the usable faces, and how far each can be trusted, 0 to 1."""
        worth = [(sample.vector, sample.weight * sample.face_confidence) for sample in self.evidence.samples]
        return [(vector, counts) for vector, counts in worth if counts > MIN_USABLE_WEIGHT]

    def trail(self, at: datetime) -> Track:
        """Return where the person was last seen."""
        return Track(self.box, self.face, max((at - self.last).total_seconds(), 0.0), self.speed)

    def see(self, observation: ObservedPerson, at: datetime) -> None:
        """Update the visit with a frame that shows the person."""
        self.speed = speed(self.speed, self.box, observation.box, (at - self.last).total_seconds())
        self.box, self.last, self.missing = observation.box, at, None
        self.face = observation.face.box if observation.face else self.face
        self.hits += 1
        self.score += observation.score

    def miss(self, at: datetime) -> None:
        """Update the visit with a frame that does not show the person."""
        self.missing = self.missing or at

    def collect(self, picture: Picture, face: Face, embedding: FaceEmbedding, counts: float, at: datetime) -> None:
        """Store the face for the album if it is among the best."""
        worth = counts * embedding.face_confidence
        if worth > MIN_USABLE_WEIGHT and is_wanted(self.crops, at, embedding.vector, (worth, embedding.width)):
            new = Crop(at, portrait(picture, face), embedding.vector, worth, embedding.width)
            self.crops = best_crops(self.crops, new)

    def hold(self, judgement: Judgement) -> Phase | None:
        """Take a judgement; return the phase to publish, None if the judgement changes nothing."""
        if self.label or judgement.verdict == "identifying":
            return None
        reason = self.not_a_person_reason if judgement.verdict in ("stranger", "unidentified") else None
        if reason:
            judgement = Judgement("unidentified", None, (reason,))
        if self.is_not_a_person == bool(reason) and self.decided and self._is_no_news(judgement):
            return None
        self.is_not_a_person = bool(reason)
        return self._take(judgement)

    def apply_label(self, label: LabelRecord | None) -> Phase:
        """Apply a human's label, None if it was taken back; return the phase to publish."""
        if label is None:
            self.label, before, self.before = None, self.before, None
            held = before or Judgement("unidentified", None, ())
            return self._take(Judgement(held.verdict, held.who, (*held.reasons, "what you said was taken back")))
        self.before = self.before or Judgement(self.verdict, self.who, self.reasons)
        self.label = label
        if label.who is None:
            return self._take(Judgement("unidentified", None, ("you said it is not a person",)))
        return self._take(Judgement(label.group, label.who, ("you said so",)))

    def message(self, phase: Phase, at: datetime, *, frame: int | None = None, alert: bool = False) -> Visit:
        """Return the next message about this visit."""
        self.seq += 1
        self.alerted |= alert
        return Visit(
            place=self.place,
            at=at,
            visit=self.id,
            seq=self.seq,
            frame=frame,
            phase=phase,
            verdict=self.verdict,
            who=self.who,
            alert=alert,
            since=self.first,
            last=self.last,
            box=self.box,
            picture=self._encoded(),
            **({"reasons": self.reasons} | self._met(at)),
        )

    def _take(self, judgement: Judgement) -> Phase:
        phase: Phase = "corrected" if self.decided else "decided"
        self.verdict, self.who, self.reasons = judgement.verdict, judgement.who, judgement.reasons
        return phase

    def _is_no_news(self, judgement: Judgement) -> bool:
        same = (self.verdict, self.who) == (judgement.verdict, judgement.who)
        return same or judgement.verdict == "unidentified"

    def _met(self, at: datetime) -> dict[str, Any]:
        """Return what a message says of a stranger whom we know again."""
        if self.verdict != "stranger" or self.met is None:
            return {}
        reasons = (stranger_reason(self.met, at), *self.reasons)
        return {"stranger": self.met.name, "times": self.met.times, "first_met": self.met.first, "reasons": reasons}

    def _encoded(self) -> bytes | None:
        return b64encode(self.picture) if self.picture else None
