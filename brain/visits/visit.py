"""One open visit: what was seen of the person, the verdict so far, and the messages about it."""

import math
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from uuid6 import uuid7

from brain.album.strangers import Stranger, stranger_reason
from brain.context.decision import Decision
from brain.people.records import LabelRecord
from brain.verdict.clothes import mean_appearance
from brain.verdict.evidence import MIN_USABLE_WEIGHT, Evidence
from brain.verdict.judge import Judgement
from brain.vision.appearance import Appearance
from brain.vision.backend import Face, FaceEmbedding, Vector
from brain.vision.crop import Crop, best_crops, is_wanted, portrait
from brain.vision.picture import Picture
from brain.visits.observe import ObservedPerson
from brain.visits.tracking import Speed, Track, speed
from nerves.messages import Box, Incident, Phase, Verdict, Visit

__all__ = ["Candidate", "OpenVisit"]

# A person is confirmed as a visit after this many detections whose scores add up to at least this: a single false
# detection in one frame is not a visit.
MIN_DETECTIONS, MIN_TOTAL_SCORE = 2, 1.2
# Where a camera sends no second picture, one detection is enough if it is as clear as each of two must be on average:
# 165 of 165 pictures of people score more (pack `standard`; 161 with `built-in`, which finds nobody in the other 4).
# In 52 pictures of animals and empty rooms nobody is found.
MIN_ONLY_SCORE = MIN_TOTAL_SCORE / MIN_DETECTIONS
ONE_PICTURE_REASON = "seen on one picture: this camera sends only a few"
# Looks at the clothes: the newest ones, not closer in time than this, because closer pictures are nearly the same.
MAX_LOOKS, LOOK_PAUSE = 8, timedelta(seconds=0.5)
# Odds of the context are published from 3:1 on, and up to 1,000,000:1.
MIN_TOLD_ODDS, MAX_ODDS_LOG = 3.0, math.log(1_000_000)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A face that a second opinion may be asked about."""

    at: datetime
    merit: float
    jpeg: bytes


@dataclass
class OpenVisit:
    """A visit that has not ended. The brain updates it with each frame; `message` returns what is published."""

    place: str
    first: datetime
    last: datetime
    box: Box
    id: UUID = field(default_factory=uuid7)
    face: Box | None = None
    speed: Speed | None = None
    hits: int = 0
    score: float = 0.0
    clearest: float = 0.0
    """The score of the clearest detection, 0 to 1."""
    is_sparse: bool = False
    """Whether its camera sends a few pictures only, then nothing for a while."""
    one_is_enough: bool = False
    """Whether one clear detection makes it a visit, because no further picture came."""
    seq: int = 0
    evidence: Evidence = field(default_factory=Evidence)
    verdict: Verdict = "identifying"
    who: str | None = None
    reasons: tuple[str, ...] = ()
    alerted: bool = False
    missing: datetime | None = None
    """Since when frames do not show the person; None if the last frame shows them."""
    compared_at: datetime | None = None
    """When the face was last compared."""
    best: float = 0.0
    """The merit of `picture`: the higher, the better."""
    picture: bytes | None = None
    crops: tuple[Crop, ...] = ()
    """The best faces so far, for the album."""
    asking: tuple[Candidate, ...] = ()
    """The faces that a second opinion may be asked about, the best first."""
    asked: int = 0
    """How many faces were sent for a second opinion."""
    asked_at: datetime | None = None
    """When the last of these faces was seen."""
    met: Stranger | None = None
    """The stranger of an earlier visit who was recognised; None if nobody was."""
    label: LabelRecord | None = None
    """A human's label of this visit. No evidence overrules it."""
    before: Judgement | None = None
    """The judgement before the label."""
    not_a_person_reason: str | None = None
    """Why this is something that a human has labelled as not a person; None if it may be a person."""
    is_not_a_person: bool = False
    """Whether the verdict is based on `not_a_person_reason`."""
    looks: tuple[Appearance, ...] = ()
    """The newest looks at the clothes and the build."""
    appearance: Appearance | None = None
    """The mean of these looks; None if there is none."""
    looked_at: datetime | None = None
    """When the newest look was taken."""
    likely: str | None = None
    """The likeliest person, if the faces do not decide."""
    face_log_odds: float = 0.0
    """The natural logarithm of the odds of the faces for this person."""
    probably: str | None = None
    """Whom the context takes it for: a name, or `family`."""
    odds: int | None = None
    """The odds of the context for it."""
    context_reasons: tuple[str, ...] = ()
    is_expected: bool = False
    """Whether it is probably somebody of the house, by all but the faces."""
    expected_at: datetime | None = None
    """When the context was last asked for that."""
    is_calm: bool = False
    """Whether the context keeps it from alerting."""
    incident: Incident | None = None
    """The incident that it belongs to."""
    decided_at: datetime | None = None
    """When it was last decided whether it alerts."""
    judged_at: datetime | None = None
    """When it was last judged."""
    is_still: bool = False
    """Whether it ended because the camera sent nothing more while the person was there."""
    ended: datetime | None = None
    """When the visit ended; None while it is open."""
    overlaps: dict[UUID, float] = field(default_factory=dict)
    """By the id of each visit that is labelled as not a person: the smallest overlap of the two boxes so far."""
    farthest: dict[UUID, float] = field(default_factory=dict)
    """By the id of each visit that is labelled as not a person: the largest distance of a face of this visit to it."""

    @property
    def confirmed(self) -> bool:
        """Whether there are enough detections to call it a visit."""
        return self.seq > 0 or self.one_is_enough or (self.hits >= MIN_DETECTIONS and self.score >= MIN_TOTAL_SCORE)

    @property
    def decided(self) -> bool:
        """Whether there is a verdict."""
        return self.verdict != "identifying"

    @property
    def quiet(self) -> bool:
        """Whether it must not alert: a human said that it is not a person, or it matches something so labelled."""
        return self.is_not_a_person if self.label is None else self.label.who is None

    @property
    def weighted_vectors(self) -> list[tuple[Vector, float]]:
        """The vectors of the usable faces, each with its weight, 0 to 1."""
        worth = [(sample.vector, sample.weight * sample.face_confidence) for sample in self.evidence.samples]
        return [(vector, counts) for vector, counts in worth if counts > MIN_USABLE_WEIGHT]

    def trail(self, at: datetime) -> Track:
        """Return where the person was last seen, how long ago, and how they moved."""
        return Track(self.box, self.face, max((at - self.last).total_seconds(), 0.0), self.speed)

    def see(self, observation: ObservedPerson, at: datetime) -> None:
        """Update the visit with a frame that shows the person."""
        self.speed = speed(self.speed, self.box, observation.box, (at - self.last).total_seconds())
        self.box, self.last, self.missing = observation.box, at, None
        self.face = observation.face.box if observation.face else self.face
        self.hits += 1
        self.score += observation.score
        self.clearest = max(self.clearest, observation.score)

    def accept_sparse(self) -> bool:
        """Take it that the camera sent a few pictures and no more; return whether this is a visit all the same."""
        self.one_is_enough = self.clearest >= MIN_ONLY_SCORE
        return self.one_is_enough

    def is_look_due(self, at: datetime) -> bool:
        """Return whether another look at the clothes tells something new."""
        return self.looked_at is None or at - self.looked_at >= LOOK_PAUSE

    def look(self, appearance: Appearance | None, at: datetime) -> None:
        """Store a look at the clothes."""
        self.looked_at = at
        if appearance:
            self.looks = (*self.looks, appearance)[-MAX_LOOKS:]
            self.appearance = mean_appearance(self.looks)

    def take_context(self, decision: Decision) -> None:
        """Take what the context says of somebody whose face did not decide."""
        context = decision.context
        self.is_calm = decision.is_calm
        odds = 0.0 if context is None else math.exp(max(0.0, min(context.log_odds, MAX_ODDS_LOG)))
        is_likely = context is not None and odds >= MIN_TOLD_ODDS
        self.probably = (context.who or "family") if context and is_likely else None
        self.odds = round(odds) if is_likely else None
        self.context_reasons = decision.reasons

    def miss(self, at: datetime) -> None:
        """Update the visit with a frame that does not show the person."""
        self.missing = self.missing or at

    def collect(self, picture: Picture, face: Face, embedding: FaceEmbedding, counts: float, at: datetime) -> None:
        """Store a face for the album if it is among the best; `counts` is its weight as evidence, 0 to 1."""
        worth = counts * embedding.face_confidence
        if worth > MIN_USABLE_WEIGHT and is_wanted(self.crops, at, embedding.vector, (worth, embedding.width)):
            new = Crop(at, portrait(picture, face), embedding.vector, worth, embedding.width)
            self.crops = best_crops(self.crops, new)

    def hold(self, judgement: Judgement) -> Phase | None:
        """Take a judgement and return the phase to publish; None if the judgement changes nothing."""
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
        """Apply a human's label and return the phase to publish; None takes the label back."""
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
        """Return the next message about this visit; each call increases `seq` by one."""
        self.seq += 1
        self.alerted |= alert
        reasons = (*self.reasons, *self.context_reasons)
        if self.verdict == "known":  # why somebody known is not expected comes first: services cut the list
            reasons = (*self.context_reasons, *self.reasons)
        if self.one_is_enough and self.hits == 1 and not self.label:
            reasons = (*reasons, ONE_PICTURE_REASON)
        return Visit(
            place=self.place,
            at=at,
            visit=self.id,
            seq=self.seq,
            frame=frame,
            phase=phase,
            verdict=self.verdict,
            who=self.who,
            probably=self.probably,
            odds=self.odds,
            alert=alert,
            incident=self.incident,
            since=self.first,
            last=self.last,
            box=self.box,
            picture=self._encoded(),
            **({"reasons": reasons} | self._met(at, reasons)),
        )

    def _take(self, judgement: Judgement) -> Phase:
        phase: Phase = "corrected" if self.decided else "decided"
        self.verdict, self.who, self.reasons = judgement.verdict, judgement.who, judgement.reasons
        if self.verdict != "unidentified":
            self.probably, self.odds, self.context_reasons, self.is_calm = None, None, (), False
        return phase

    def _is_no_news(self, judgement: Judgement) -> bool:
        same = (self.verdict, self.who) == (judgement.verdict, judgement.who)
        return same or judgement.verdict == "unidentified"

    def _met(self, at: datetime, reasons: Sequence[str]) -> dict[str, Any]:
        """Return the fields of a message about a stranger who was here before; empty for anybody else."""
        if self.verdict != "stranger" or self.met is None:
            return {}
        told = (stranger_reason(self.met, at), *reasons)
        return {"stranger": self.met.name, "times": self.met.times, "first_met": self.met.first, "reasons": told}

    def _encoded(self) -> bytes | None:
        return b64encode(self.picture) if self.picture else None
